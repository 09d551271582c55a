#include <sys/stat.h>
#include <zlib.h>

#include <limits>

#include "cli/refused.h"
#include "io/h5.h"

/// Damaged and hostile arrays, archives, read-outs and fault maps (tests/golden/cases/damaged).
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Said;
using testing::Workbench;

std::string damaged(const std::string& file) { return OHMIC_GOLDEN "/cases/damaged/" + file; }

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

/// 64 - 12 - 10: the network of the golden read-outs, on images of its size.
void write_chip_config(const Workbench& bench) {
  std::string config = testing::kTinyConfig;
  const std::size_t layers = config.find("[[network.layers]]"),
                    training = config.find("[training]");
  config.replace(layers, training - layers,
                 "[network]\n[[network.layers]]\ntype = \"flatten\"\n[[network.layers]]\ntype = "
                 "\"linear\"\nname = \"fc1\"\noutputs = 12\n[[network.layers]]\ntype = \"relu\"\n"
                 "[[network.layers]]\ntype = \"linear\"\nname = \"fc2\"\noutputs = 3\n");
  bench.write("chip.toml", config);
}

Said run(const Workbench& bench, const std::vector<std::string>& settings) {
  std::vector<std::string> words{"run", "~/chip.toml", "-o", "~/out", "--force"};
  for (const std::string& setting : settings) words.insert(words.end(), {"--set", setting});
  return bench.ohmic(words);
}

Said with_chip(const Workbench& bench, const std::string& file) {
  return run(bench, {"device={model=\"real_chip\",g_min_uS=0,g_max_uS=25,file=\"" + file + "\"}"});
}

TEST_CASE("a read-out without reads, or without a plane of its device, is a file error by name") {
  const Workbench bench("read-outs");
  write_chip_config(bench);
  const Said reads = with_chip(bench, damaged("chip-zero-reads.h5")),
             plane = with_chip(bench, damaged("chip-no-plane.h5"));
  CHECK(reads.status == lab::kFiles);
  CHECK(says(reads.message(),
             "chip-zero-reads.h5: /layers/fc1/programmed is 0 x 2 x 12 x 64: "
             "holds no reads"));
  CHECK(plane.status == lab::kFiles);
  CHECK(says(plane.message(), "chip-no-plane.h5: /layers/fc1/state/drift_z is missing"));
}

TEST_CASE("planes of a read-out that hold what no cell can are file errors by name") {
  const Workbench bench("planes");
  write_chip_config(bench);
  struct Planes {
    std::vector<float> programmed = std::vector<float>(2 * 12 * 64, 10e-6f),
                       drift = std::vector<float>(2 * 12 * 64, 0.5f), read = drift,
                       broken = std::vector<float>(2 * 12 * 64, -1.0f);
    std::string device = "model = \"pcm_like\"\n";
  };
  const auto chip = [&](auto change) {
    Planes planes;
    change(planes);
    {
      h5::Writer out(bench.path("chip.h5"));
      const std::vector<Index> shape{2, 12, 64}, last{2, 3, 12};
      const std::string group = "/layers/fc1";
      out.write(group + "/programmed", shape, planes.programmed.data());
      out.write(group + "/state/drift_z", shape, planes.drift.data());
      out.write(group + "/state/read_z", shape, planes.read.data());
      out.write(group + "/state/broken", shape, planes.broken.data());
      const std::vector<float> rest(2 * 3 * 12, 10e-6f), zero(2 * 3 * 12, 0.0f);
      out.write("/layers/fc2/programmed", last, rest.data());
      out.write("/layers/fc2/state/drift_z", last, zero.data());
      out.write("/layers/fc2/state/read_z", last, zero.data());
      out.attribute("/", "device", planes.device);
      out.commit();
    }
    return with_chip(bench, bench.path("chip.h5"));
  };
  const auto refused = [&](auto change, const std::string& words) {
    const Said said = chip(change);
    CHECK(said.status == lab::kFiles);
    CAPTURE(said.message());
    CHECK(says(said.message(), "~/chip.h5: " + words));
  };
  CHECK(chip([](Planes&) {}).status == lab::kDone);
  const float inf = std::numeric_limits<float>::infinity();
  refused([](Planes& p) { p.programmed[70] = -1e-6f; },
          "/layers/fc1/programmed[0, 1, 6] = -1e-06 is not a conductance (1 such cells)");
  refused([&](Planes& p) { p.programmed[0] = inf; }, "/layers/fc1/programmed[0, 0, 0] = inf");
  refused([&](Planes& p) { p.drift[0] = -inf; }, "/layers/fc1/state/drift_z[0, 0, 0] = -inf");
  refused([](Planes& p) { p.drift[800] = 1e30f; }, "/layers/fc1/state/drift_z[1, 0, 32] = 1e+30");
  refused([](Planes& p) { p.read[0] = std::numeric_limits<float>::quiet_NaN(); },
          "/layers/fc1/state/read_z[0, 0, 0] = nan");
  refused([](Planes& p) { p.broken[0] = -2; }, "/layers/fc1/state/broken[0, 0, 0] = -2");
  refused([](Planes& p) { p.broken[0] = 1e6f; }, "/layers/fc1/state/broken[0, 0, 0] = 1000000");
  refused([](Planes& p) { p.device = "model = \"pcm\""; }, "attribute 'device': ");
  refused([](Planes& p) { p.device = "model = "; }, "attribute 'device': ");
}

TEST_CASE("a fault map with cells stuck at stuck_uS needs that key") {
  const Workbench bench("fault-3");
  write_chip_config(bench);
  std::vector<std::int64_t> fc1(2 * 12 * 64), fc2(2 * 3 * 12);
  fc2[37] = 3;
  {
    h5::Writer out(bench.path("map.h5"));
    out.write("/fc1", {2, 12, 64}, fc1.data());
    out.write("/fc2", {2, 3, 12}, fc2.data());
    out.commit();
  }
  const auto with = [&](std::vector<std::string> more) {
    more.push_back("faults.map=" + bench.path("map.h5"));
    return run(bench, more);
  };
  for (const char* method : {"method=plain", "method=injection"}) {
    const Said said = with({method, "methods.injection.variation=device"});
    CHECK(said.status == lab::kUsage);
    CHECK(says(said.message(),
               "~/map.h5: /fc2[1, 0, 1] = 3 is a cell stuck at faults.stuck_uS, "
               "which is not given"));
  }
  CHECK(with({"faults.stuck_uS=50"}).status == lab::kDone);
  const Said golden =
      run(bench, {"faults.map=" + damaged("faults-3.h5"), "network.layers.3.outputs=10"});
  CHECK(golden.status == lab::kUsage);
}

TEST_CASE("an array of thousands of axes is refused at once") {
  const Workbench bench("axes");
  bench.write("x.csv", "1\n");
  const Said said = bench.ohmic({"mvm", "--weights", damaged("npy-fortran-2000dims.npy"),
                                 "--inputs", "~/x.csv", "-o", "~/y.npy"});
  CHECK(said.status == lab::kUsage);
  CHECK(says(said.message(),
             "npy-fortran-2000dims.npy: has 2001 dimensions, more than numpy's "
             "arrays can have (64)"));
}

TEST_CASE(
    "anything that is not a regular file is refused by name by every reader, and none waits") {
  const Workbench bench("pipes");
  bench.write("x.csv", "1\n");
  const auto pipe = [&](const std::string& name) {
    REQUIRE(::mkfifo(bench.path(name).c_str(), 0600) == 0);
    return "~/" + name;
  };
  const std::string why = ": is not a regular file (a pipe or a device)";
  for (const std::string name : {"p.csv", "p.npy", "p.h5"}) {
    const std::string place = pipe(name);
    check_refused(bench,
                  {"mvm", "--weights", place + (name == "p.h5" ? ":/w" : ""), "--inputs", "~/x.csv",
                   "-o", "~/y.npy"},
                  lab::kFiles, "--weights: " + place + why);
  }
  check_refused(bench, {"info", "--fit", "~/p.csv"}, lab::kFiles, "~/p.csv" + why);
  check_refused(bench, {"run", pipe("p.toml"), "-o", "~/o"}, lab::kFiles, "~/p.toml" + why);
  check_refused(bench, {"run", "/dev/zero", "-o", "~/o"}, lab::kFiles, "/dev/zero" + why);
  check_refused(bench, {"report", "~/p.h5"}, lab::kFiles, "~/p.h5" + why);
  const auto set = [&](const std::string& setting, const std::string& file) {
    check_refused(bench, {"run", "~/tiny.toml", "-o", "~/o", "--set", setting + bench.path(file)},
                  lab::kFiles, "~/" + file + why);
  };
  set("network.weights=", (pipe("p.npz"), "p.npz"));
  set("network.weights=", (pipe("p.safetensors"), "p.safetensors"));
  set("network.weights=", "p.h5");
  set("network.file=", "p.h5");
  set("faults.map=", "p.h5");
  check_refused(bench,
                {"mvm", "--weights", "~/x.csv", "--inputs", "~/x.csv", "-o", "~/y.npy", "--set",
                 "adc.output_table=" + bench.path("p.csv")},
                lab::kFiles, "~/p.csv" + why);
  const auto device = [&](const std::string& model, const std::string& file) {
    check_refused(bench,
                  {"run", "~/tiny.toml", "-o", "~/o", "--set",
                   "device={model=\"" + model + "\",file=\"" + bench.path(file) + "\"}"},
                  lab::kFiles, "~/" + file + why);
  };
  device("measured", "p.csv");
  device("real_chip", "p.h5");
  std::filesystem::remove(bench.path("set/train-labels-idx1-ubyte"));
  pipe("set/train-labels-idx1-ubyte");
  check_refused(bench, {"run", "~/tiny.toml", "-o", "~/o"}, lab::kFiles,
                "~/set/train-labels-idx1-ubyte" + why);
}

/// A number as a zip archive has it.
std::string little_endian(std::uint64_t value, int width) {
  std::string bytes;
  for (int i = 0; i < width; ++i, value >>= 8) bytes += static_cast<char>(value & 255);
  return bytes;
}

/// An archive whose entries are all the same deflated stream of `size` zeros, each with a stream of
/// its own or all with one.
std::string zip_of_zeros(int entries, std::size_t size, bool share) {
  const std::string zeros(size, '\0');
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, size), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(zeros.data()));
  stream.avail_in = static_cast<uInt>(size);
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  const auto sum = crc32_z(0, reinterpret_cast<const Bytef*>(zeros.data()), size);
  const std::string about = little_endian(8, 2) + little_endian(0, 4) + little_endian(sum, 4) +
                            little_endian(packed.size(), 4) + little_endian(size, 4);
  std::string bytes, directory;
  for (int i = 0; i < entries; ++i) {
    const std::string name = "a" + std::to_string(i) + ".npy";
    const std::size_t at = share ? 0 : bytes.size();
    if (!share || i == 0)
      bytes += little_endian(0x04034b50, 4) + little_endian(20, 2) + little_endian(0, 2) + about +
               little_endian(name.size(), 2) + little_endian(0, 2) + name + packed;
    directory += little_endian(0x02014b50, 4) + little_endian(20, 2) + little_endian(20, 2) +
                 little_endian(0, 2) + about + little_endian(name.size(), 2) + little_endian(0, 2) +
                 little_endian(0, 2) + little_endian(0, 2) + little_endian(0, 2) +
                 little_endian(0, 4) + little_endian(at, 4) + name;
  }
  const std::size_t start = bytes.size();
  return bytes + directory + little_endian(0x06054b50, 4) + little_endian(0, 4) +
         little_endian(static_cast<std::uint64_t>(entries), 2) +
         little_endian(static_cast<std::uint64_t>(entries), 2) +
         little_endian(directory.size(), 4) + little_endian(start, 4) + little_endian(0, 2);
}

TEST_CASE("archives that unpack to far more than the network takes, or share bytes, are refused") {
  const Workbench bench("zips");
  const auto refuse = [&](const std::string& archive, const std::string& message) {
    bench.write("w.npz", archive);
    check_refused(
        bench,
        {"run", "~/tiny.toml", "-o", "~/o", "--set", "network.weights=" + bench.path("w.npz")},
        lab::kFiles, "~/w.npz: " + message);
  };
  refuse(zip_of_zeros(3, 1 << 20, true), "is a damaged zip archive (files share their bytes)");
  refuse(zip_of_zeros(9, 1 << 23, false),
         "unpacks to more than 64 MiB, the most that is read of it");
  refuse(zip_of_zeros(1, 1000, false), "'a0.npy': is not a .npy file");
}

TEST_CASE("gzipped images are unpacked no further than their header claims and their size allows") {
  const Workbench bench("gzip");
  const auto refuse = [&](const std::string& contents, const std::string& message) {
    const std::string file = bench.path("set/train-images-idx3-ubyte");
    std::filesystem::remove(file);
    gzFile out = gzopen((file + ".gz").c_str(), "wb9");
    REQUIRE(gzwrite(out, contents.data(), static_cast<unsigned>(contents.size())) > 0);
    gzclose(out);
    check_refused(bench, {"run", "~/tiny.toml", "-o", "~/o"}, lab::kFiles,
                  "~/set/train-images-idx3-ubyte.gz" + message);
  };
  refuse(testing::idx({10, 8, 8}, std::string(1 << 26, '\0')),
         ": is longer than its header says, expected 640 for 10 images");
  refuse(testing::idx({1000000, 64, 64}, std::string(64000, '\0')),
         ": is truncated: its header claims 4096000000 bytes of images, more than a file of this "
         "size can hold");
  refuse(testing::idx({3000000, 64, 64}, ""),
         ": claims 12288000000 bytes of images; at most 4294967296 are read");
}

}  // namespace
}  // namespace ohmic
