#pragma once

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cli/program.h"
#include "folder.h"
#include "io/array_file.h"

/// What the command-line tests share: a folder with a tiny data set, and the whole program
/// in-process.
namespace ohmic::testing {

/// What one run of the program said, with the workbench's folder written as "~".
struct Said {
  int status = 0;
  std::string out, log;
  /// The first line of the log, without the program's name: an error's message.
  std::string message() const {
    const std::string line = log.substr(0, log.find('\n'));
    return line.starts_with("ohmic: ") ? line.substr(7) : line;
  }
};

/// Text that raises SIGINT once `words` were said: Ctrl-C at a known moment.
class InterruptingText final : public std::stringbuf {
 public:
  explicit InterruptingText(std::string words) : words_(std::move(words)) {}

 protected:
  std::streamsize xsputn(const char* text, std::streamsize count) override {
    const std::streamsize written = std::stringbuf::xsputn(text, count);
    if (!words_.empty() && str().find(words_) != std::string::npos) {
      words_.clear();
      std::raise(SIGINT);
    }
    return written;
  }

 private:
  std::string words_;
};

/// Big-endian header and bytes of an IDX file.
inline std::string idx(const std::vector<unsigned>& shape, const std::string& bytes) {
  std::string text{'\0', '\0', '\x08', static_cast<char>(shape.size())};
  for (const unsigned size : shape)
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>((size >> shift) & 255u);
  return text + bytes;
}

/// 8x8 images of three classes: a bright row, column or corner on noise, so that a network learns
/// them quickly.
struct TinyImages {
  std::string pixels, labels;
  unsigned count, side;
  TinyImages(unsigned images, std::uint32_t seed, unsigned of_side = 8)
      : count(images), side(of_side) {
    const auto noise = [&seed] {
      seed = seed * 1664525u + 1013904223u;
      return seed >> 24;
    };
    for (unsigned i = 0; i < images; ++i) {
      const unsigned label = noise() % 3, where = noise() % side;
      labels += static_cast<char>(label);
      for (unsigned row = 0; row < side; ++row)
        for (unsigned column = 0; column < side; ++column) {
          const bool bright = label == 0   ? row == where
                              : label == 1 ? column == where
                                           : row < 3 && column < 3;
          pixels += static_cast<char>(std::min(255u, noise() / 2 + (bright ? 120u : 0u)));
        }
    }
  }
};

/// A small network on the tiny set, with everything that a run can do switched on.
inline const std::string kTinyConfig = R"(seed = 3
chips = 3
[data]
set = "set"
[[network.layers]]
type = "conv"
name = "conv1"
filters = 4
kernel = 3
padding = 1
[[network.layers]]
type = "relu"
[[network.layers]]
type = "max_pool"
kernel = 2
[[network.layers]]
type = "flatten"
[[network.layers]]
type = "linear"
name = "fc1"
outputs = 3
[training]
epochs = 2
batch = 128
learning_rate = 0.01
[device]
model = "lognormal"
sigma = 0.3
read_noise = 0.02
read_noise_of = "g_max"
[array]
rows = 40
columns = 16
[evaluation]
budget_images = 70
error_images = 50
calibration_images = 80
)";

/// Three methods on it, two trainings each.
inline const std::string kTinyCompare = kTinyConfig + R"(
[methods.compensation]
layers = ["conv1"]
ratios = [1.0]
epochs = 1
overhead_limit = 1.0
overhead_limit_macs = 100.0
[compare]
methods = ["plain", "correctnet", "affine"]
training_seeds = [1, 2]
)";

/// A folder with the tiny set in "set", the config in "tiny.toml", and a cache of its own in
/// "cache".
class Workbench {
 public:
  explicit Workbench(const std::string& name)
      : folder_(name),
        cache_("OHMIC_CACHE", folder_ / "cache"),
        data_("OHMIC_DATA", folder_ / "nowhere") {
    std::filesystem::create_directories(folder_ / "set");
    write_set("set", TinyImages(320, 1), TinyImages(100, 2));
    folder_.write("tiny.toml", kTinyConfig);
  }

  std::string path(const std::string& file) const { return (folder_ / file).string(); }
  std::string write(const std::string& file, const std::string& contents) const {
    return folder_.write(file, contents).string();
  }
  void write_set(const std::string& folder, const TinyImages& train, const TinyImages& test) const {
    std::filesystem::create_directories(folder_ / folder);
    write(folder + "/train-images-idx3-ubyte",
          idx({train.count, train.side, train.side}, train.pixels));
    write(folder + "/train-labels-idx1-ubyte", idx({train.count}, train.labels));
    write(folder + "/t10k-images-idx3-ubyte", idx({test.count, test.side, test.side}, test.pixels));
    write(folder + "/t10k-labels-idx1-ubyte", idx({test.count}, test.labels));
  }
  /// A matrix of rows x columns numbers between -1 and 1 as .npy.
  std::string write_matrix(const std::string& file, Index rows, Index columns,
                           std::uint32_t seed) const {
    std::vector<float> values(static_cast<std::size_t>(rows * columns));
    for (float& value : values) {
      seed = seed * 1664525u + 1013904223u;
      value = static_cast<float>(static_cast<double>(seed >> 8) / 0x1p23 - 1.0);
    }
    write_npy(folder_ / file, {rows, columns}, values.data());
    return path(file);
  }

  /// Runs the program. A word that begins with "~/" is a file of the workbench. SIGINT comes once
  /// `interrupt_at` was said.
  Said ohmic(std::vector<std::string> words, const std::string& interrupt_at = "") const {
    for (std::string& word : words)
      if (const std::size_t at = word.find("~/"); at != word.npos)
        word.replace(at, 1, folder_.path().string());
    InterruptingText out_text(interrupt_at), log_text(interrupt_at);
    std::ostream out(&out_text), log(&log_text);
    Said said;
    said.status = lab::program(words, out, log);
    said.out = shortened(out_text.str());
    said.log = shortened(log_text.str());
    return said;
  }

  /// Every file and folder, sorted: to see that a run left nothing.
  std::vector<std::string> listing() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_.path()))
      names.push_back(shortened(entry.path().string()));
    std::sort(names.begin(), names.end());
    return names;
  }
  bool has(const std::string& file) const { return std::filesystem::exists(folder_ / file); }

 private:
  /// An environment variable that is set back at the end.
  class Variable {
   public:
    Variable(const char* name, const std::filesystem::path& value) : name_(name) {
      if (const char* old = std::getenv(name)) old_ = old;
      setenv(name, value.c_str(), 1);
    }
    ~Variable() { old_ ? setenv(name_, old_->c_str(), 1) : unsetenv(name_); }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;

   private:
    const char* name_;
    std::optional<std::string> old_;
  };

  std::string shortened(std::string text) const {
    const std::string place = folder_.path().string();
    for (std::size_t at; (at = text.find(place)) != text.npos;) text.replace(at, place.size(), "~");
    return text;
  }

  Folder folder_;
  Variable cache_, data_;
};

}  // namespace ohmic::testing
