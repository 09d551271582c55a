#include <doctest/doctest.h>

#include <set>

#include "base/error.h"
#include "cli/workbench.h"
#include "io/h5.h"
#include "io/whole_file.h"
#include "lab/results/schema.h"

/// The schema of results against the files and the documentation.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

void gather(const h5::Reader& file, const std::string& path, std::vector<std::string>& found) {
  std::vector<std::string> children;
  try {
    children = file.children(path);
  } catch (const FileError&) {
    found.push_back(path);
    return;
  }
  for (const std::string& child : children)
    gather(file, (path == "/" ? "" : path) + "/" + child, found);
}

/// `files` hold what the schema of `kind` lists, nothing else, and all of it between them; units,
/// meanings and axes are the schema's.
void check_files(const Workbench& bench, const std::string& kind,
                 const std::vector<std::string>& files) {
  CAPTURE(kind);
  std::set<std::string> seen;
  for (const std::string& name : files) {
    std::vector<std::string> found;
    const h5::Reader file(bench.path(name));
    gather(file, "/", found);
    for (const char* attribute : {"schema_version", "rng_version", "ohmic_version", "command",
                                  "seed", "config", "identity", "seal"})
      CHECK(file.has_attribute("/", attribute));
    CHECK(file.has_attribute("/", "axes") == (kind == "sweep"));
    for (const std::string& path : found) {
      if (path.starts_with("/provenance/")) continue;
      CAPTURE(name);
      CAPTURE(path);
      const lab::DataSetEntry* entry = lab::find_entry(kind, path);
      REQUIRE(entry != nullptr);
      seen.insert(entry->path);
      if (entry->unit == "the key's") continue;
      CHECK(file.string_attribute(path, "units") == entry->unit);
      CHECK(file.string_attribute(path, "long_name") == entry->meaning);
    }
  }
  for (const lab::FileSchema& one : lab::schema())
    if (one.name == kind)
      for (const lab::DataSetEntry& entry : one.entries) {
        CAPTURE(entry.path);
        CHECK(seen.contains(entry.path));
      }
}

void require_done(const Said& said) {
  CAPTURE(said.log);
  REQUIRE(said.status == 0);
}

}  // namespace

TEST_CASE("the schema lists what the files of every command hold") {
  const Workbench bench("format");
  bench.write("tiny.toml", kTinyConfig);
  bench.write("verified.toml",
              kTinyConfig +
                  "[faults]\nstuck_at_g_max = 0.02\n[time]\nat_s = 10\nretention_s = [1, "
                  "100]\n");
  require_done(bench.ohmic({"run", "~/verified.toml", "-o", "~/run", "--dump-chip", "1", "--set",
                            "programmings_per_chip=2", "--set", "reads_per_programming=2", "--set",
                            "device={model=\"pcm_like\",programming=\"write_verify\"}"}));
  check_files(bench, "run", {"run/results.h5"});
  check_files(bench, "chip", {"run/chip_1.h5"});
  require_done(bench.ohmic({"train", "~/tiny.toml", "-o", "~/train"}));
  check_files(bench, "train", {"train/results.h5"});

  std::string compare =
      kTinyCompare + "selection_chips = 2\nselection_images = 20\nsigmas = [0.2]\n";
  compare.replace(compare.find("set = \"set\""), 11, "set = \"set\"\nvalidation = 40");
  bench.write("compare.toml", compare);
  const std::string verified = "device.programming=write_verify";
  require_done(bench.ohmic({"compare", "~/compare.toml", "-o", "~/compare", "--set", verified}));
  check_files(bench, "compare", {"compare/results.h5"});
  bench.write("search.toml", compare +
                                 "[search]\nlayers = [\"conv1\"]\nratios = [0, 1]\nepochs = "
                                 "1\nchips = 2\nimages = 20\nevaluations = 2\n");
  require_done(bench.ohmic({"search", "~/search.toml", "-o", "~/search"}));
  check_files(bench, "search", {"search/results.h5"});

  bench.write("sweep.toml", kTinyConfig +
                                "[sweep]\nmeasure = [\"error_budget\", \"layers\"]\naxes "
                                "= [ { key = \"adc.bits\", values = [4, 8] } ]\n");
  bench.write("sample.toml",
              kTinyConfig +
                  "[sweep]\nsample = { kind = \"random\", points = 2 }\naxes = [ { key = "
                  "\"device.sigma\", from = 0, to = 1 } ]\n");
  for (const char* name : {"sweep", "sample"})
    require_done(bench.ohmic({"sweep", std::string("~/") + name + ".toml", "-o",
                              std::string("~/") + name, "--set", verified}));
  check_files(bench, "sweep", {"sweep/results.h5", "sample/results.h5"});

  bench.write_matrix("w.npy", 3, 20, 1);
  bench.write_matrix("x.npy", 5, 20, 2);
  require_done(bench.ohmic({"mvm", "~/tiny.toml", "--weights", "~/w.npy", "--inputs", "~/x.npy",
                            "-o", "~/y.h5", "--dump", "~/d.h5", "--set",
                            "device={model=\"pcm_like\"}", "--set", verified}));
  check_files(bench, "mvm", {"y.h5", "d.h5"});
}

TEST_CASE("docs/results_format.md ends in what `ohmic info results` prints") {
  const Workbench bench("format-page");
  const std::string page = read_whole_file(OHMIC_SOURCE_DIR "/docs/results_format.md");
  const Said said = bench.ohmic({"info", "results"});
  CHECK(said.status == 0);
  CHECK(said.out.size() > 5000);
  CHECK(page.ends_with(said.out));
}

TEST_CASE("every data set of results stands once in the schema, with unit and meaning") {
  for (const lab::FileSchema& file : lab::schema()) {
    std::set<std::string> paths;
    for (const lab::DataSetEntry& entry : file.entries) {
      CAPTURE(file.name);
      CAPTURE(entry.path);
      CHECK(paths.insert(entry.path).second);
      CHECK(!entry.unit.empty());
      CHECK(entry.meaning.size() > 3);
      CHECK(lab::find_entry(file.name, entry.path) == &entry);
      // What it lies along stands in its group, or is an axis of the config.
      const std::string group = entry.path.substr(0, entry.path.rfind('/') + 1);
      for (const std::string& axis : entry.axes)
        CHECK((axis == lab::kConfigAxes || group.ends_with("/state/") ||
               lab::find_entry(file.name, group + axis) != nullptr));
    }
  }
  CHECK(lab::find_entry("run", "/chips/acuracy") == nullptr);
  CHECK(lab::find_entry("sweep", "/error_budget_all")->path == "/error_budget_<line>");
  CHECK(lab::find_entry("sweep", "/adc.bits")->path == "/<key>");
}
