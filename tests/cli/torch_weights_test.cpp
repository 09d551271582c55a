#include <bit>
#include <cstring>

#include "base/console.h"
#include "cli/refused.h"
#include "io/h5.h"
#include "nn/checkpoint.h"

/// Networks with the names of PyTorch's modules, and their weights in PyTorch's files.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Said;
using testing::Workbench;

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

/// The network of golden/cases/dotted_names.toml on the tiny set: three classes.
void write_dotted(const Workbench& bench, const std::string& more = "") {
  std::string text = read_whole_file(OHMIC_GOLDEN "/cases/dotted_names.toml");
  const auto put = [&text](const std::string& from, const std::string& to) {
    REQUIRE(text.find(from) != text.npos);
    text.replace(text.find(from), from.size(), to);
  };
  put("\"fashion-mnist\"", "\"set\"");
  put("train_images = 3000\n", "");
  put("outputs = 10", "outputs = 3");
  put("images = 300", "images = 100");
  bench.write("d.toml", text + more);
}

struct Tensor {
  std::string name, shape;
  std::vector<float> values;
};

/// What PyTorch would have saved of it: numbers that half precision holds exactly.
std::vector<Tensor> state_dict() {
  const auto ramp = [](std::size_t count) {
    std::vector<float> values(count);
    for (std::size_t i = 0; i < count; ++i)
      values[i] = static_cast<float>(static_cast<int>(i * 7 % 31) - 15) / 64;
    return values;
  };
  return {{"features.0.weight", "[8,1,3,3]", ramp(72)},
          {"features.1.weight", "[8]", std::vector<float>(8, 1.0f)},
          {"features.1.bias", "[8]", std::vector<float>(8, 0.25f)},
          {"features.1.running_mean", "[8]", ramp(8)},
          {"features.1.running_var", "[8]", std::vector<float>(8, 0.5f)},
          {"classifier.weight", "[3,32]", ramp(96)},
          {"classifier.bias", "[3]", ramp(3)}};
}

template <class T>
std::string bytes_of(T value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

/// binary16 of a number that it holds exactly and that is not subnormal.
std::uint16_t to_half(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (value == 0) return 0;
  return static_cast<std::uint16_t>((bits >> 16 & 0x8000) | ((((bits >> 23) & 255) - 112) << 10) |
                                    (bits >> 13 & 1023));
}

std::string number(const std::string& type, float value) {
  if (type == "F64") return bytes_of(static_cast<double>(value));
  if (type == "F16") return bytes_of(to_half(value));
  if (type == "BF16")
    return bytes_of(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16));
  return bytes_of(value);
}

std::string safetensors(const std::string& type, const std::string& prefix = "",
                        const std::string& more = "") {
  std::string header = R"({"__metadata__": {"format":"pt"})", numbers;
  for (const Tensor& tensor : state_dict()) {
    const std::size_t begin = numbers.size();
    for (const float value : tensor.values) numbers += number(type, value);
    header += ", \"" + prefix + tensor.name + R"(": {"dtype":")" + type + R"(","shape":)" +
              tensor.shape + R"(,"data_offsets":[)" + std::to_string(begin) + "," +
              std::to_string(numbers.size()) + "]}";
  }
  header += ", \"" + prefix + R"(features.1.num_batches_tracked": {"dtype":"I64","shape":[],)" +
            R"("data_offsets":[)" + std::to_string(numbers.size()) + "," +
            std::to_string(numbers.size() + 8) + "]}" + more + "}";
  numbers += bytes_of(std::int64_t{5});
  return bytes_of(static_cast<std::uint64_t>(header.size())) + header + numbers;
}

TEST_CASE("layers may be named as PyTorch names modules, everywhere") {
  const Workbench bench("dotted");
  write_dotted(bench, "[[override]]\nname = \"first\"\nlayers = [\"features.0\"]\nadc.bits = 10\n");
  const Said said = bench.ohmic({"run", "~/d.toml", "-o", "~/out", "--dump-chip", "0"});
  CAPTURE(said.log);
  REQUIRE(said.status == lab::kDone);
  CHECK(h5::Reader(bench.path("out/chip_0.h5")).has("/layers/features.0/programmed"));
  REQUIRE(bench.ohmic({"report", "~/out"}).status == lab::kDone);
  // --set reaches layers by name (in quotes) and overrides by theirs.
  CHECK(says(bench
                 .ohmic({"run", "~/d.toml", "-o", "~/o", "--dry-run", "--set",
                         "network.layers.\"features.0\".filters=5"})
                 .out,
             "features.0         5 x 9"));
  CHECK(bench
            .ohmic(
                {"run", "~/d.toml", "-o", "~/o", "--dry-run", "--set", "override.first.adc.bits=6"})
            .status == lab::kDone);
  REQUIRE(bench.ohmic({"train", "~/d.toml", "-o", "~/trained"}).status == lab::kDone);
  write_dotted(bench, "[network]\nfile = \"trained/network.h5\"\n");
  for (const char* bad : {".0", "features.", "features..0", ".."})
    CHECK(bench
              .ohmic({"run", "~/d.toml", "-o", "~/o", "--set",
                      std::string("network.layers.0.name=\"") + bad + "\""})
              .status == lab::kUsage);
}

TEST_CASE("a network is passed on in half precision, with its recipe") {
  const Workbench bench("passed_on");
  write_dotted(bench);
  const std::string file = bench.path("small.h5");
  REQUIRE(bench.ohmic({"train", "~/d.toml", "-o", "~/trained", "--weights", file}).status ==
          lab::kDone);
  const std::string first = read_whole_file(file);
  const h5::Reader reader(file);
  CHECK(reader.floats("/features.0.weight").shape == std::vector<Index>{8, 1, 3, 3});
  const std::string accuracy = per_cent(reader.double_attribute("/", "test_accuracy")) + " %";
  CHECK(says(reader.string_attribute("/", "command"), "train"));
  CHECK(says(reader.string_attribute("/", "config"), "features.0"));
  // What is there stays; of a training that is done, nothing is trained.
  check_refused(bench, {"train", "~/d.toml", "-o", "~/trained", "--weights", file}, lab::kUsage,
                "--weights ~/small.h5: exists; choose another name, or remove it");
  const std::string other = bench.path("trained/other.h5");
  const Said again = bench.ohmic({"train", "~/d.toml", "-o", "~/trained", "--weights", other});
  CHECK(again.status == lab::kDone);
  CHECK(says(again.out, "weights   " + accuracy + " in half precision"));
  const nn::Network network = nn::load_checkpoint(bench.path("trained/network.h5")).network;
  CHECK(nn::load_weights(other, network) == nn::load_weights(file, network));
  const Said run =
      bench.ohmic({"run", "~/d.toml", "-o", "~/out", "--set", "network.weights=" + file});
  CHECK(run.status == lab::kDone);
  CHECK(says(run.out, "float network " + accuracy));
  // Told before a training.
  check_refused(bench, {"train", "~/d.toml", "-o", "~/new", "--weights", "w.npz"}, lab::kUsage,
                "--weights w.npz: weights are written as .h5");
  check_refused(
      bench,
      {"train", "~/d.toml", "-o", "~/trained", "--weights", bench.path("trained/network.h5")},
      lab::kUsage, "--weights and -o are one file, ...");
}

TEST_CASE("weights of PyTorch are read from .safetensors in every precision") {
  const Workbench bench("safetensors");
  write_dotted(bench);
  const auto loss = [&](const std::string& file) {
    const Said said = bench.ohmic({"run", "~/d.toml", "-o", "~/out", "--force", "--set",
                                   "network.weights=" + bench.path(file)});
    CAPTURE(said.log);
    REQUIRE(said.status == lab::kDone);
    return std::pair(h5::Reader(bench.path("out/results.h5")).doubles("/chips/loss_all").values,
                     said.log);
  };
  bench.write("w.safetensors", safetensors("F32"));
  const auto expected = loss("w.safetensors").first;
  for (const char* type : {"F64", "F16", "BF16"}) {
    CAPTURE(type);
    bench.write("w.safetensors", safetensors(type));
    CHECK(loss("w.safetensors").first == expected);
  }
  bench.write("w.safetensors", safetensors("F32", "module."));
  const auto stripped = loss("w.safetensors");
  CHECK(stripped.first == expected);
  CHECK(says(stripped.second, "note: ~/w.safetensors: the names begin with 'module.'"));
  {
    h5::Writer out(bench.path("w.h5"));
    for (const Tensor& tensor : state_dict()) {
      std::vector<Index> shape;
      for (const char c : tensor.shape)
        if (c == '[' || c == ',')
          shape.push_back(0);
        else if (c != ']')
          shape.back() = 10 * shape.back() + (c - '0');
      std::string path = "/module." + tensor.name;
      if (tensor.name.starts_with("features"))
        for (char& c : path)
          if (c == '.') c = '/';
      out.write(path, shape, tensor.values.data());
    }
    out.commit();
  }
  CHECK(loss("w.h5").first == expected);
}

TEST_CASE("a damaged .safetensors file is a file error by name") {
  const Workbench bench("bad-safetensors");
  write_dotted(bench);
  const auto refuse = [&](const std::string& contents, const std::string& message) {
    bench.write("w.safetensors", contents);
    check_refused(
        bench,
        {"run", "~/d.toml", "-o", "~/o", "--set", "network.weights=" + bench.path("w.safetensors")},
        lab::kFiles, "~/w.safetensors: " + message);
  };
  const std::string whole = safetensors("F32");
  refuse("hello", "is truncated or no .safetensors file");
  refuse(bytes_of(std::uint64_t{1} << 62) + "{}", "is truncated or no .safetensors file");
  refuse(whole.substr(0, whole.size() - 1),
         "'features.1.num_batches_tracked' lies outside the file (truncated?)");
  refuse(whole + "x", "has 1 bytes after its numbers");
  refuse(safetensors("F32", "", R"(, "e": {"dtype":"F32","shape":[2],"data_offsets":[0,8]})"),
         "'features.0.weight' shares its bytes with another array");
  refuse(safetensors("F32", "",
                     R"(, "e": {"dtype":"F32","shape":[2],"data_offsets":[1000000000000,1]})"),
         "'e' lies outside the file (truncated?)");
  refuse(safetensors("F32", "", R"(, "e": {"dtype":"C64","shape":[],"data_offsets":[0,8]})"),
         "'e' holds numbers of type 'C64', expected F16, BF16, F32, F64 or integers");
  refuse(
      safetensors("F32", "",
                  R"(, "e": {"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]})"),
      "'e' has 8 bytes, which its shape does not fill");
  refuse(bytes_of(std::uint64_t{4}) + "{\"a\"", "has a damaged header (at its byte 4)");
  const std::string twice =
      R"({"e":{"shape":[2],"shape":[2],"dtype":"F32","data_offsets":[0,16]}})";
  refuse(bytes_of(static_cast<std::uint64_t>(twice.size())) + twice + std::string(16, '\0'),
         "has a damaged header (at its byte 26)");
  refuse(bytes_of(std::uint64_t{2}) + "{}", "has no features.0.weight (it holds )");
}

TEST_CASE("half-precision arrays of numpy are matrices and weights") {
  const Workbench bench("half");
  const std::vector<float> values{1.5f, -0.25f, 0.0f, 1024.0f, -6.103515625e-05f, 65504.0f};
  std::string numbers;
  for (const float value : values) numbers += bytes_of(to_half(value));
  const std::string header = "{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3), }";
  bench.write("h.npy", std::string("\x93NUMPY\1\0", 8) + static_cast<char>(header.size()) + '\0' +
                           header + numbers);
  const h5::Array<float> read = read_npy(bench.path("h.npy"));
  CHECK(read.shape == std::vector<Index>{2, 3});
  CHECK(read.values == values);
  CHECK(
      bench.ohmic({"mvm", "--weights", "~/h.npy", "--inputs", "~/h.npy", "-o", "~/y.npy"}).status ==
      lab::kDone);
}

}  // namespace
}  // namespace ohmic
