#include "fuzz/target.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

/// The HDF5 library loses memory where a file is damaged; the leak sanitiser asks for this by name.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5\n"; }  // NOLINT

namespace ohmic::fuzz {
namespace {

std::vector<const Target*>& registry() {
  static std::vector<const Target*> targets;
  return targets;
}

class Folder {
 public:
  Folder()
      : path(std::filesystem::temp_directory_path() /
             ("ohmic-fuzz-" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(path);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::filesystem::path path;
};

}  // namespace

Target::Target(std::string own_name, Judge own_judge)
    : name(std::move(own_name)), judge(own_judge) {
  registry().push_back(this);
}

const std::vector<const Target*>& Target::all() { return registry(); }

std::filesystem::path file_of(std::string_view bytes, const std::string& name) {
  static const Folder folder;
  std::filesystem::path file = folder.path / name;
  ::unlink(file.c_str());
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::string edited(std::string bytes, std::string_view input) {
  // What an edit is made of, most of all for places beyond 64 KiB: byte 0 says what, three say
  // where, one by how much.
  constexpr std::size_t kEdit = 5;
  for (; input.size() >= kEdit && !bytes.empty(); input.remove_prefix(kEdit)) {
    const auto byte = [&](std::size_t i) -> std::size_t {
      return static_cast<unsigned char>(input[i]);
    };
    const std::size_t where = byte(1) | byte(2) << 8 | byte(3) << 16, at = where % bytes.size();
    const char value = input[4];
    switch (byte(0) % 6) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << byte(4) % 8));
        break;
      case 1:
        bytes[at] = value;
        break;
      case 2:
        bytes.resize(at);
        break;
      case 3:
        bytes.append(byte(4) % 64, static_cast<char>(where));
        break;
      case 4:
        std::swap(bytes[at], bytes[byte(4) % bytes.size()]);
        break;
      default:
        std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at),
                    std::min<std::size_t>(8, bytes.size() - at), value);
    }
  }
  return bytes;
}

}  // namespace ohmic::fuzz
