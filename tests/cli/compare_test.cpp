#include <doctest/doctest.h>

#include "cli/refused.h"
#include "cli/same_results.h"
#include "io/h5.h"
#include "io/whole_file.h"
#include "lab/experiment/axis.h"
#include "lab/report/compare_report.h"

using namespace ohmic;
using namespace ohmic::testing;

TEST_CASE("ranges, lists and names make the values of an axis") {
  const auto axes = [](const std::string& text) {
    const ConfigNode root = parse_config("axes = " + text, "t");
    return lab::read_axes(*root.find("axes"), "sweep.axes");
  };
  const auto list =
      axes(R"([{ key = "a", values = [1, 2.5] }, { key = "b", from = 4, to = 10, step = 2 },
    { key = "c", from = 1, to = 100, count = 3, scale = "log" },
    { key = "device", names = ["x", "y"], values = [{ model = "ideal" }, { model = "lognormal", sigma = 0.2 }] },
    { zip = [{ key = "d", values = [1, 2] }, { key = "e", values = ["p", "q"] }] }])");
  REQUIRE(list.size() == 5);
  CHECK(list[0].keys[0].numbers() == std::vector<double>{1, 2.5});
  CHECK(list[1].keys[0].numbers() == std::vector<double>{4, 6, 8, 10});
  CHECK(list[2].keys[0].numbers()[1] == doctest::Approx(10));
  CHECK(list[3].keys[0].names == std::vector<std::string>{"x", "y"});
  CHECK(lab::grid_size(list) == 2 * 4 * 3 * 2 * 2);
  CHECK(lab::point_words(list, 1) == "a 1, b 4, c 1, device x, d 2, e q");
  CHECK(lab::point_words(list, 95) == "a 2.5, b 10, c 100, device y, d 2, e q");
  // Ranges have the digits that a user means.
  const auto decimal = axes(R"([{ key = "a", from = 0.1, to = 0.7, step = 0.1 }])");
  CHECK(decimal[0].keys[0].numbers() == std::vector<double>{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7});
  CHECK(decimal[0].keys[0].names[2] == "0.3");
  // A table replaces the table at its key: nothing of the old device stays.
  ConfigNode root =
      parse_config("[device]\nmodel = \"gaussian\"\nsigma = 0.1\nsigma_of = \"g\"", "t");
  lab::apply_point({list[3]}, 1, root);
  CHECK(inline_toml(*root.find("device")) == R"({ model = "lognormal", sigma = 0.2 })");
  // What another axis changes within it stays, in whichever order the axes are.
  const auto inner = axes(R"([{ key = "device.sigma", values = [0.5] },
    { key = "device", names = ["x"], values = [{ model = "lognormal", sigma = 0.2 }] }])");
  lab::apply_point(inner, 0, root);
  CHECK(inline_toml(*root.find("device")) == R"({ model = "lognormal", sigma = 0.5 })");
}

TEST_CASE("a comparison over axes has one number per seed, point and chip, and resumes") {
  const Workbench bench("compare");
  bench.write("c.toml", kTinyCompare + R"(axes = [{ key = "device.sigma", values = [0.1, 0.4] },
  { key = "adc.bits", values = [4, 8] }])" +
                            "\nselection_chips = 2\nselection_images = 40\n");
  const std::vector<std::string> command{"compare", "~/c.toml",           "-o",     "~/out",
                                         "--set",   "data.validation=60", "--quiet"};
  const Said first = bench.ohmic(command);
  CAPTURE(first.log);
  REQUIRE(first.status == 0);
  CHECK(first.out.find("### sigma 0.1, adc.bits 4\n| method | ") != std::string::npos);
  {
    const h5::Reader in(bench.path("out/results.h5"));
    CHECK(in.doubles("/axes/device.sigma").values == std::vector<double>{0.1, 0.4});
    CHECK(in.doubles("/axes/adc.bits").values == std::vector<double>{4, 8});
    for (const std::string method : {"plain", "correctnet", "affine"}) {
      const auto accuracy = in.doubles("/methods/" + method + "/accuracy");
      CHECK(accuracy.shape == std::vector<Index>{2, 1, 2, 2, 3});
      CHECK(in.doubles("/methods/" + method + "/selection_accuracy").shape ==
            std::vector<Index>{2, 1, 2, 2});
      CHECK(in.has_attribute("/methods/" + method + "/accuracy", "DIMENSION_LIST"));
    }
    for (const std::string scale : {"training_seed", "hardware", "adc.bits", "chip"}) {
      CAPTURE(scale);
      CHECK(in.has_attribute("/methods/plain/" + scale, "REFERENCE_LIST"));  // of something
    }
    CHECK(in.doubles("/methods/plain/overhead_weights").values[0] == 0);
    CHECK(in.doubles("/methods/correctnet/overhead_weights").values[0] > 0);
  }
  CHECK(bench.has("out/accuracy_config.svg"));
  CHECK(bench.ohmic(command).out.find("is done already") != std::string::npos);
  std::vector<std::string> other = command;
  other.insert(other.end(), {"--set", "chips=2"});
  check_refused(bench, other, 2,
                "~/out/config.toml is that of another comparison; choose another folder with -o, "
                "or replace it with --force");
  // Without its results file, and without some points, the comparison ends with the same numbers.
  std::filesystem::rename(bench.path("out/results.h5"), bench.path("first.h5"));
  int removed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bench.path("out/points")))
    if (removed < 5) removed += std::filesystem::remove(entry.path());
  REQUIRE(removed == 5);
  check_refused(
      bench, other, 2,
      "~/out/config.toml is that of another comparison; choose another folder with -o, or "
      "replace it with --force");
  REQUIRE(bench.ohmic(command).status == 0);
  CHECK(first_difference(bench.path("first.h5"), bench.path("out/results.h5")) == "");
}

TEST_CASE("what is wrong with an axis is told with its place") {
  const Workbench bench("axes");
  const auto refuse = [&](const std::string& axes, const std::string& message) {
    bench.write("c.toml", kTinyCompare + "axes = " + axes + "\n");
    check_refused(bench, {"compare", "~/c.toml", "-o", "~/out"}, 2, message);
  };
  refuse("[{ values = [1] }]", "~/c.toml:48:9: compare.axes[0] has no key");
  refuse("[{ key = \"device.sigma\" }]",
         "~/c.toml:48:9: compare.axes[0] has no values; say values = [...] or from and to");
  refuse("[{ key = \"device.sigma\", values = [] }]",
         "~/c.toml:48:9: compare.axes[0] has no values");
  refuse("[{ key = \"device.sigma\", values = [0.1, 0.1] }]",
         "~/c.toml:48:9: compare.axes[0] has the value 0.1 twice");
  refuse("[{ key = \"device.sigma\", values = [1, 1.0] }]",
         "~/c.toml:48:9: compare.axes[0] has the value 1.0 twice");
  refuse("[{ key = \"adc.bits\", values = [6] }, { key = \"device.sgima\", values = [0.1] }]",
         "~/c.toml:48:79: compare.axes[1]: unknown key device.sgima (did you mean 'sigma'?)");
  refuse("[{ key = \"device\", names = [\"a\"], values = [{ model = \"lognormal\", sgima = 1 }] }]",
         "~/c.toml:48:75: compare.axes[0]: unknown key device.sgima (did you mean 'sigma'?)");
  refuse("[{ key = \"device\", names = [\"a\", \"b\"], values = [{ model = \"ideal\" }] }]",
         "~/c.toml:48:9: compare.axes[0] has 1 values and 2 names");
  refuse("[{ key = \"device.sigma\", from = 0, to = 1 }]",
         "~/c.toml:48:9: compare.axes[0] needs a step or a count");
  refuse("[{ key = \"device.sigma\", from = 0, to = 1, step = 1e-9 }]",
         "~/c.toml:48:9: compare.axes[0] has more than 10000 values");
  refuse("[{ key = \"device.sigma\", from = 0, to = 1, count = 3, scale = \"log\" }]",
         "~/c.toml:48:9: compare.axes[0]: a log scale needs from and to above 0");
  refuse("[{ key = \"device.sigma\", values = [0.1], from = 0, to = 1, step = 1 }]",
         "~/c.toml:48:9: compare.axes[0] has both values and a range; leave one out");
  refuse("[0.5]", "~/c.toml:48:9: compare.axes[0] is a float, expected { key = ... }");
  refuse("[{ key = \"training.epochs\", values = [1, 2] }]",
         "~/c.toml:48:46: compare.axes[0]: a comparison trains once for all points, so its axes "
         "vary the hardware (device, faults, array, dac, adc, time, override), not "
         "training.epochs");
  refuse(
      "[{ key = \"device.g_min_uS\", values = [1, 1000] }]",
      "~/c.toml:48:49: compare.axes[0]: device.g_min_uS = 1000 is not below device.g_max_uS = 40");
  refuse("[{ key = \"device.sigma\", values = [0.1] }, { key = \"device.sigma\", values = [0.2] }]",
         "~/c.toml:48:51: compare.axes[1]: device.sigma is an axis already");
  refuse("[{ key = \"device.sigma\", values = [7.5] }]",
         "~/c.toml:48:43: compare.axes[0]: device.sigma = 7.5 is out of range (0 .. 3)");
  refuse("[{ zip = [{ key = \"a\", values = [1, 2] }, { key = \"b\", values = [1] }] }]",
         "~/c.toml:48:11: compare.axes[0].zip: b has 1 values, a has 2");
  refuse(
      "[{ key = \"device.sigma\", values = [0.1] }]\nsigmas = [0.2]",
      "~/c.toml:48:1: compare.axes has device.sigma, and compare.sigmas is the short form of the "
      "same axis; leave one out");
}

TEST_CASE("plots of a comparison follow its first axis of numbers, smallest value first") {
  const Workbench bench("compare_plot");
  bench.write("c.toml", kTinyCompare);
  const lab::Experiment e = lab::read_experiment(bench.path("c.toml"), {});
  const ConfigNode root = parse_config(R"(axes = [{ key = "array.mapping", values = ["x", "y"] },
    { key = "device.sigma", values = [0.5, 0.3, 0.7] }, { key = "adc.bits", values = [4, 8] }])",
                                       "t");
  lab::Comparison c;
  c.axes = lab::read_axes(*root.find("axes"), "compare.axes");
  c.seeds = {1};
  c.hardware = {"config"};
  c.chips = 1;
  for (int m = 0; m < 10; ++m) {
    lab::ComparedMethod method{.name = "method" + std::to_string(m),
                               .clean_accuracy = {1},
                               .accuracy = {},
                               .selection_accuracy = {},
                               .cells_within_tolerance = {},
                               .cells_gave_up = {},
                               .pulses = std::vector<double>(c.points()),
                               .cost = {}};
    for (std::size_t point = 0; point < c.points(); ++point)
      method.accuracy.push_back(0.01 * static_cast<double>(point));
    c.methods.push_back(method);
  }
  lab::write_comparison(bench.path(""), c, e, {}, {});
  const std::string svg = read_whole_file(bench.path("accuracy_config.svg"));
  CHECK(svg.find("Accuracy against sigma of the variation, array.mapping x, adc.bits 4 (config "
                 "hardware)") != std::string::npos);
  // Points 2, 0 and 4 of the grid: 0.3, 0.5 and 0.7 at the first mapping and 4 bits.
  std::size_t at = 0;
  for (const std::string dot : {"method0: 0.3, 2.00", "method0: 0.5, 0.00", "method0: 0.7, 4.00"}) {
    CAPTURE(dot);
    const std::size_t found = svg.find(dot);
    CHECK(found != std::string::npos);
    CHECK(found > at);
    at = found;
  }
  // The ninth method has the first colour again, but not its dots.
  CHECK(svg.find(R"(fill="white" stroke="#0072B2")") < svg.find("method8: 0.3"));
  CHECK(svg.find(R"(fill="white" stroke="#0072B2")") > svg.find("method7: 0.7"));
}
