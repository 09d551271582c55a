#include "io/fields.h"

#include <doctest/doctest.h>

#include <cmath>

#include "base/units.h"
#include "messages.h"

using namespace ohmic;
using testing::first_line_of;

namespace {

enum class Range { full_scale, percentile };

struct Example {
  std::optional<std::int64_t> bits = 8;
  std::optional<double> limit;
  double sigma = 0.5, g_max = 40 * units::kMicrosiemens;
  std::int64_t levels = 2, threads = 0;
  std::string model = "ideal", path = "";
  bool clip = false;
  Range range = Range::percentile;
  std::vector<std::int64_t> seeds{1, 2};
  std::vector<double> times{1.5e-6};
  std::vector<std::string> layers{"conv1"};
};

void fields(FieldVisitor& f, Example& p) {
  f.field({.key = "bits", .meaning = "resolution", .low = 1, .high = 16, .word = "ideal"}, p.bits);
  f.field({.key = "limit", .meaning = "a limit", .low = 0, .low_open = true}, p.limit);
  f.field({.key = "sigma", .meaning = "spread", .low = 0, .high = 5, .high_open = true}, p.sigma);
  f.field({.key = "g_max_uS",
           .meaning = "largest conductance",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .low_open = true},
          p.g_max);
  f.field({.key = "levels", .meaning = "levels", .low = 2}, p.levels);
  f.field({.key = "threads", .meaning = "threads", .affects_results = false}, p.threads);
  f.field({.key = "model", .meaning = "device", .one_of = {"ideal", "lognormal", "gaussian"}},
          p.model);
  f.field({.key = "path", .meaning = "a path"}, p.path);
  f.field({.key = "clip", .meaning = "clips"}, p.clip);
  f.field({.key = "range", .meaning = "range"}, p.range, {"full_scale", "percentile"});
  f.field({.key = "seeds", .meaning = "seeds", .low = 0}, p.seeds);
  f.field({.key = "times_us", .meaning = "times", .unit = "us", .scale = units::kMicroseconds},
          p.times);
  f.field({.key = "layers", .meaning = "layers"}, p.layers);
}

Example read(const std::string& text) {
  Example example;
  read_fields(parse_config(text, "run.toml"), "device", example, {"sub"});
  return example;
}

std::string error(const std::string& text) {
  return first_line_of<ConfigError>([&] { read(text); });
}

}  // namespace

TEST_CASE("keys of a table become members in SI, and absent keys keep their defaults") {
  const Example e = read(
      "bits = \"ideal\"\nsigma = 1\ng_max_uS = 30\nmodel = \"lognormal\"\nrange = \"full_scale\"\n"
      "seeds = [3]\ntimes_us = [1, 2.5]\nlayers = []\nclip = true\nlimit = 2\n[sub]\nx = 1\n");
  CHECK(!e.bits.has_value());
  CHECK(e.limit == 2.0);
  CHECK(e.sigma == 1.0);
  CHECK(e.g_max == 30 * units::kMicrosiemens);
  CHECK(e.levels == 2);
  CHECK(e.model == "lognormal");
  CHECK(e.range == Range::full_scale);
  CHECK(e.seeds == std::vector<std::int64_t>{3});
  CHECK(e.times == std::vector<double>{1e-6, 2.5 * 1e-6});
  CHECK(e.layers.empty());
  CHECK(e.clip);
}

TEST_CASE("a value out of range names key, value and range at its place") {
  CHECK(error("a.b = 1\nbits = 20").starts_with("run.toml:2:1: device.bits = 20 is out of range"));
  CHECK(error("bits = 20") ==
        "run.toml:1:1: device.bits = 20 is out of range (1 .. 16, or \"ideal\")");
  CHECK(error("sigma = 5.0") ==
        "run.toml:1:1: device.sigma = 5.0 is out of range (0 or more, below 5)");
  CHECK(error("g_max_uS = 0") == "run.toml:1:1: device.g_max_uS = 0 is out of range (above 0)");
  CHECK(error("levels = 1") == "run.toml:1:1: device.levels = 1 is out of range (2 or more)");
  CHECK(error("seeds = [1, -2]") ==
        "run.toml:1:13: device.seeds[1] = -2 is out of range (0 or more)");
  CHECK(error("sigma = nan") ==
        "run.toml:1:1: device.sigma = nan is not finite, expected a number");
  CHECK(error("limit = inf") ==
        "run.toml:1:1: device.limit = inf is not finite, expected a number");
}

TEST_CASE("a value of another type names what was found and what was expected") {
  CHECK(error("sigma = \"x\"") ==
        "run.toml:1:1: device.sigma = \"x\" is a string, expected a number");
  CHECK(error("levels = 3.0") ==
        "run.toml:1:1: device.levels = 3.0 is a float, expected an integer");
  CHECK(error("bits = \"idel\"") ==
        "run.toml:1:1: device.bits = \"idel\" is a string, expected an integer or \"ideal\"");
  CHECK(error("clip = 1") == "run.toml:1:1: device.clip = 1 is an integer, expected true or false");
  CHECK(error("path = 1") == "run.toml:1:1: device.path = 1 is an integer, expected a string");
  CHECK(error("seeds = 1") ==
        "run.toml:1:1: device.seeds = 1 is an integer, expected an array of integers");
  CHECK(error("times_us = [true]") ==
        "run.toml:1:13: device.times_us[0] = true is a boolean, expected a number");
  CHECK(first_line_of<ConfigError>([] {
          const ConfigNode root = parse_config("device = 3", "run.toml");
          FieldReader(*root.find("device"), "device");
        }) == "run.toml:1:1: device = 3 is an integer, expected a table");
}

TEST_CASE("a word that is not a choice lists the choices and suggests the nearest") {
  CHECK(error("model = \"lognrmal\"") ==
        "run.toml:1:1: device.model = \"lognrmal\" is not one of ideal, lognormal, gaussian "
        "(did you mean 'lognormal'?)");
  CHECK(error("range = \"wide\"") ==
        "run.toml:1:1: device.range = \"wide\" is not one of full_scale, percentile");
}

TEST_CASE("an unknown key is an error that suggests the nearest known one") {
  CHECK(error("levles = 3") == "run.toml:1:1: unknown key device.levles (did you mean 'levels'?)");
  CHECK(error("g_max = 3") == "run.toml:1:1: unknown key device.g_max (did you mean 'g_max_uS'?)");
  CHECK(error("sbu.x = 3") == "run.toml:1:1: unknown key device.sbu (did you mean 'sub'?)");
  CHECK(error("colour = 3") == "run.toml:1:1: unknown key device.colour");
}

TEST_CASE("what a struct writes reads back to the same bits") {
  Example e;
  e.bits.reset();
  e.sigma = 0.1;
  // 40e-6 and 40 * 1e-6 differ in the last bit, and neither is a short decimal of microsiemens
  // times 1e-6.
  for (double g : {40e-6, 40 * 1e-6, 0.1e-6, 1.0 / 3e6, 123.456e-6, 7e-6}) {
    e.g_max = g;
    const ConfigNode table = write_fields(e, false);
    Example again;
    read_fields(parse_config(to_toml(table), "again"), "", again);
    CHECK(std::fabs(again.g_max - g) <= std::nextafter(g, 1.0) - g);
    CHECK(to_toml(write_fields(again, false)) == to_toml(table));
  }
}

TEST_CASE("written numbers are the shortest that a user could have written") {
  Example e;
  for (double microsiemens : {0.1, 0.3, 1.0, 7.0, 40.0, 123.456, 0.07, 3e3}) {
    e.g_max = microsiemens * units::kMicrosiemens;
    const ConfigNode table = write_fields(e);
    CHECK(std::get<double>(table.find("g_max_uS")->value) == microsiemens);
  }
}

TEST_CASE("keys that do not affect results are left out where only those are asked for") {
  const ConfigNode results = write_fields(Example{}, true), all = write_fields(Example{}, false);
  CHECK(results.find("threads") == nullptr);
  CHECK(all.find("threads") != nullptr);
  CHECK(results.find("limit") == nullptr);
  CHECK(to_toml(write_fields(Example{})) ==
        "bits = 8\nsigma = 0.5\ng_max_uS = 40.0\nlevels = 2\nmodel = \"ideal\"\npath = \"\"\n"
        "clip = false\nrange = \"percentile\"\nseeds = [1, 2]\ntimes_us = [1.5]\n"
        "layers = [\"conv1\"]\n");
}

TEST_CASE("the manual of a struct lists every key with unit, default and range") {
  const auto manual = describe_fields(Example{});
  REQUIRE(manual.size() == 13);
  CHECK(manual[0].key == "bits");
  CHECK(manual[0].default_value == "8");
  CHECK(manual[0].range == "1 .. 16, or \"ideal\"");
  CHECK(manual[1].default_value == "none");
  CHECK(manual[1].range == "above 0");
  CHECK(manual[3].unit == "uS");
  CHECK(manual[3].default_value == "40.0");
  CHECK(manual[6].range == "one of ideal, lognormal, gaussian");
  CHECK(manual[7].range == "");
  CHECK(manual[9].range == "one of full_scale, percentile");
}
