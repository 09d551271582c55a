#include <doctest/doctest.h>

#include <filesystem>
#include <set>

#include "base/config.h"
#include "base/whole_file.h"
#include "devices/catalogue.h"

using namespace ohmic;
using namespace ohmic::devices;

namespace {

const std::filesystem::path kPresets = std::filesystem::path(OHMIC_SOURCE_DIR) / "data/presets";

std::string parameters_of(const ConfigNode& table) {
  return to_toml(make_device(table, "device")->parameters());
}

}  // namespace

TEST_CASE("every published device has a preset that names its source and is the model's default") {
  std::set<std::string> found;
  for (const auto& file : std::filesystem::directory_iterator(kPresets)) {
    const std::string name = file.path().stem().string();
    CAPTURE(name);
    REQUIRE(file.path().extension() == ".toml");
    const std::string text = read_whole_file(file.path());
    CHECK(text.starts_with("# "));
    CHECK(text.find("\n# Source: ") < text.find("\n[device]"));
    const ConfigNode config = read_config(file.path());
    REQUIRE(config.table().size() == 1);
    const ConfigNode* device = config.find("device");
    REQUIRE(device);
    const ConfigNode* model = device->find("model");
    REQUIRE(model);
    const std::string parameters = parameters_of(*device);
    // A variant ("wan2022_crosssim") differs from its model's defaults; the model's own preset does
    // not, so that a default changed by mistake is seen here.
    ConfigNode alone;
    alone.put("model", *model);
    const std::string of_model = std::get<std::string>(model->value);
    CHECK((parameters == parameters_of(alone)) == (name == of_model));
    if (name != of_model) CHECK(name.starts_with(of_model + "_"));
    found.insert(name);
  }
  const std::set<std::string_view> generic{"ideal", "gaussian", "uniform"};  // definitions
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
