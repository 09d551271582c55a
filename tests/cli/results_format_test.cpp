#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "base/error.h"
#include "cli/workbench.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// docs/results_format.md against the files: every data set is documented, and what is documented
/// is there.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

/// Paths in the tables of the page, by heading.
std::map<std::string, std::vector<std::string>> documented() {
  std::map<std::string, std::vector<std::string>> all;
  std::istringstream page(read_whole_file(OHMIC_SOURCE_DIR "/docs/results_format.md"));
  std::string heading;
  for (std::string line; std::getline(page, line);) {
    if (line.starts_with("## ")) heading = line.substr(3);
    if (!line.starts_with("| `")) continue;
    const std::string cell = line.substr(1, line.find('|', 1) - 1);
    static const std::regex quoted("`([^`]+)`");
    std::string group;
    for (std::sregex_iterator word(cell.begin(), cell.end(), quoted), end; word != end; ++word) {
      std::string path = (*word)[1];
      std::vector<std::string> names{path};
      if (const std::size_t brace = path.find('{'); brace != path.npos) {
        names.clear();
        std::istringstream list(path.substr(brace + 1, path.find('}') - brace - 1));
        for (std::string name; std::getline(list, name, ',');)
          names.push_back(path.substr(0, brace) + name.substr(name.find_first_not_of(' ')));
      }
      for (const std::string& name : names) {
        const std::string full = name.starts_with('/') ? name : group + name;
        group = full.substr(0, full.rfind('/') + 1);
        all[heading].push_back(full);
      }
    }
  }
  return all;
}

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

/// `keys`: what "/<key>" may be in a sweep's file.
std::regex pattern_of(std::string path, const std::string& keys) {
  static const std::regex name("<[^>]*>"), dot("\\.");
  if (path == "/<key>" && !keys.empty()) path = "/(" + keys + ")";
  return std::regex(std::regex_replace(std::regex_replace(path, dot, "\\."), name, "[^/]+"));
}

/// `files` hold what the headings document, nothing else, and all of it between them.
void check_files(const Workbench& bench, const std::vector<std::string>& headings,
                 const std::vector<std::string>& files) {
  const auto page = documented();
  std::vector<std::string> paths;
  for (const std::string& heading : headings) {
    CAPTURE(heading);
    REQUIRE(page.contains(heading));
    paths.insert(paths.end(), page.at(heading).begin(), page.at(heading).end());
  }
  std::set<std::string> seen;
  for (const std::string& name : files) {
    std::vector<std::string> found;
    const h5::Reader file(bench.path(name));
    gather(file, "/", found);
    for (const char* attribute : {"schema_version", "rng_version", "ohmic_version", "command",
                                  "seed", "config", "identity", "seal"})
      CHECK(file.has_attribute("/", attribute));
    std::string keys;
    if (file.has_attribute("/", "axis_keys")) {
      keys = file.string_attribute("/", "axis_keys");
      std::replace(keys.begin(), keys.end(), '\n', '|');
      CHECK(file.has_attribute("/", "axes"));
    }
    for (const std::string& path : found) {
      if (path.starts_with("/provenance/")) continue;
      CAPTURE(name);
      CAPTURE(path);
      bool is_known = false;
      for (const std::string& one : paths)
        if (std::regex_match(path, pattern_of(one, keys))) {
          is_known = true;
          seen.insert(one);
        }
      CHECK(is_known);
    }
  }
  for (const std::string& path : paths) {
    CAPTURE(path);
    CHECK(seen.contains(path));
  }
}

void require_done(const Said& said) {
  CAPTURE(said.log);
  REQUIRE(said.status == 0);
}

}  // namespace

TEST_CASE("docs/results_format.md lists what the files of every command hold") {
  const Workbench bench("format");
  bench.write("tiny.toml", kTinyConfig);
  bench.write("verified.toml",
              kTinyConfig +
                  "[faults]\nstuck_at_g_max = 0.02\n[time]\nat_s = 10\nretention_s = [1, "
                  "100]\n");
  require_done(bench.ohmic({"run", "~/verified.toml", "-o", "~/run", "--dump-chip", "1", "--set",
                            "programmings_per_chip=2", "--set", "reads_per_programming=2", "--set",
                            "device={model=\"pcm_like\",programming=\"write_verify\"}"}));
  check_files(bench, {"ohmic run", "The course of a training: /training"}, {"run/results.h5"});
  check_files(bench, {"ohmic run --dump-chip N"}, {"run/chip_1.h5"});
  require_done(bench.ohmic({"train", "~/tiny.toml", "-o", "~/train"}));
  check_files(bench, {"ohmic train", "The course of a training: /training"}, {"train/results.h5"});

  std::string compare =
      kTinyCompare + "selection_chips = 2\nselection_images = 20\nsigmas = [0.2]\n";
  compare.replace(compare.find("set = \"set\""), 11, "set = \"set\"\nvalidation = 40");
  bench.write("compare.toml", compare);
  require_done(bench.ohmic({"compare", "~/compare.toml", "-o", "~/compare"}));
  check_files(bench, {"ohmic compare"}, {"compare/results.h5"});
  bench.write("search.toml", compare +
                                 "[search]\nlayers = [\"conv1\"]\nratios = [0, 1]\nepochs = "
                                 "1\nchips = 2\nimages = 20\nevaluations = 2\n");
  require_done(bench.ohmic({"search", "~/search.toml", "-o", "~/search"}));
  check_files(bench, {"ohmic search"}, {"search/results.h5"});

  bench.write("sweep.toml", kTinyConfig +
                                "[sweep]\nmeasure = [\"error_budget\", \"layers\"]\naxes "
                                "= [ { key = \"adc.bits\", values = [4, 8] } ]\n");
  bench.write("sample.toml",
              kTinyConfig +
                  "[sweep]\nsample = { kind = \"random\", points = 2 }\naxes = [ { key = "
                  "\"device.sigma\", from = 0, to = 1 } ]\n");
  for (const char* name : {"sweep", "sample"})
    require_done(
        bench.ohmic({"sweep", std::string("~/") + name + ".toml", "-o", std::string("~/") + name}));
  check_files(bench, {"ohmic sweep"}, {"sweep/results.h5", "sample/results.h5"});

  bench.write_matrix("w.npy", 3, 20, 1);
  bench.write_matrix("x.npy", 5, 20, 2);
  require_done(
      bench.ohmic({"mvm", "~/tiny.toml", "--weights", "~/w.npy", "--inputs", "~/x.npy", "-o",
                   "~/y.h5", "--dump", "~/d.h5", "--set", "device={model=\"pcm_like\"}"}));
  check_files(bench, {"ohmic mvm"}, {"y.h5", "d.h5"});
}
