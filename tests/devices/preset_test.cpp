#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "devices/catalogue.h"
#include "io/config.h"

using namespace ohmic;
using namespace ohmic::devices;

namespace {

const std::filesystem::path kPresets = std::filesystem::path(OHMIC_SOURCE_DIR) / "data/presets";

}  // namespace

TEST_CASE("presets are of the devices that they are called after, and only variants differ") {
  std::set<std::string> found;
  for (const auto& file : std::filesystem::directory_iterator(kPresets)) {
    const std::string name = file.path().stem().string();
    CAPTURE(name);
    const ConfigNode config = read_config(file.path());
    const ConfigNode* table = config.find("device");
    REQUIRE(table);
    const ConfigNode* word = table->find("model");
    REQUIRE(word);
    const std::string model = std::get<std::string>(word->value);
    ConfigNode alone;
    alone.put("model", *word);
    const bool is_default = to_toml(make_device(*table, "device")->parameters()) ==
                            to_toml(make_device(alone, "device")->parameters());
    CHECK(is_default == (name == model));  // "wan2022_crosssim" is a variant of wan2022
    CHECK(name.starts_with(model));
    found.insert(name);
  }
  const std::set<std::string_view> generic{"ideal", "lognormal", "gaussian", "uniform"};
  for (const CatalogueEntry& entry : catalogue())
    if (!entry.needs_file && !generic.contains(entry.name))
      CHECK_MESSAGE(found.contains(std::string(entry.name)), "no preset of ", entry.name);
}

TEST_CASE("a range beyond the published one is refused, with the range and the ways around it") {
  const auto device = [](const std::string& text) {
    return make_device(parse_config(text, "test"), "device");
  };
  CHECK_THROWS_WITH_AS(
      device("model = \"cmo_hfox\"\ng_min_uS = 5"),
      doctest::Contains("test:2:1: device.g_min_uS = 5 leaves the range 9 .. 88.199997 uS of "
                        "cmo_hfox; device.rescale = true stretches its formulas, "
                        "device.outside_range = \"allow\" carries them on"),
      ConfigError);
  CHECK_THROWS_WITH_AS(device("model = \"sonos\"\ng_max_uS = 17"),
                       doctest::Contains("device.g_max_uS = 17 leaves the range 0 .. 16 uS"),
                       ConfigError);
  CHECK(device("model = \"wan2022\"\ng_min_uS = 5\ng_max_uS = 30")->g_max() ==
        doctest::Approx(30e-6));
  // Carried on: the published formula at the same conductance. Stretched: s sigma(G / s).
  const auto published = device("model = \"pcm_like\"");
  const auto carried = device("model = \"pcm_like\"\ng_max_uS = 50\noutside_range = \"allow\"");
  const auto stretched = device("model = \"pcm_like\"\ng_max_uS = 50\nrescale = true");
  for (const double t : {0.0, 86400.0})
    for (const double g : {0.0, 5e-6, 20e-6}) {
      CHECK(carried->mean(g, t) == published->mean(g, t));
      CHECK(carried->sigma(g, t) == published->sigma(g, t));
      CHECK(stretched->mean(2 * g, t) == doctest::Approx(2 * published->mean(g, t)).epsilon(1e-12));
      CHECK(stretched->sigma(2 * g, t) ==
            doctest::Approx(2 * published->sigma(g, t)).epsilon(1e-12));
    }
}
