#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "base/error.h"
#include "devices/catalogue.h"
#include "io/whole_file.h"
#include "lab/experiment/experiment.h"
#include "repeats.h"
#include "sim/calibration.h"
#include "sim/reference.h"

/// Every device x mapping x subtraction x bias x converter x layer kind is run against
/// sim/reference.h, and docs/support_matrix.md is the summary. OHMIC_REGENERATE=1 writes the page
/// anew.
namespace ohmic {
namespace {

struct Choice {
  const char* name;        ///< in the full table
  const char* config;      ///< TOML
  const char* group = "";  ///< of a mapping: its column in the summary
};
const Choice kMappings[] = {
    {"differential, analog subtraction", "mapping = \"differential\"\nsubtraction = \"analog\"\n",
     "differential"},
    {"differential, digital subtraction", "mapping = \"differential\"\nsubtraction = \"digital\"\n",
     "differential"},
    {"two-sided, analog subtraction",
     "mapping = \"differential_two_sided\"\nsubtraction = \"analog\"\n", "two-sided"},
    {"two-sided, digital subtraction",
     "mapping = \"differential_two_sided\"\nsubtraction = \"digital\"\n", "two-sided"},
    {"offset, analog subtraction", "mapping = \"offset\"\nsubtraction = \"analog\"\n", "offset"},
    {"offset, digital subtraction", "mapping = \"offset\"\nsubtraction = \"digital\"\n", "offset"},
};
const Choice kBiases[] = {{"digital bias", "bias = \"digital\"\n"},
                          {"bias row", "bias = \"row\"\n"}};
const Choice kConverters[] = {
    {"ideal", "[dac]\nbits = \"ideal\"\n[adc]\nbits = \"ideal\"\n"},
    {"percentile", "[dac]\nbits = 8\n[adc]\nbits = 8\nrange = \"percentile\"\n"},
    {"full_scale", "[dac]\nbits = 8\n[adc]\nbits = 8\nrange = \"full_scale\"\n"},
    {"fixed", "[dac]\nbits = 8\n[adc]\nbits = 8\nrange = \"fixed\"\nlow_uA = -15\nhigh_uA = 15\n"},
    {"least_squares", "[dac]\nbits = 8\n[adc]\nbits = 8\nrange = \"least_squares\"\n"},
    {"no zero level", "[dac]\nbits = 8\nzero = false\n[adc]\nbits = 8\nzero = false\n"},
};
enum class Kind { linear, convolution };

/// Numbers in (-1, 1), or (0, 1) as after a ReLU.
std::vector<float> numbers(Index count, std::uint64_t which, bool positive) {
  std::vector<double> uniform(static_cast<std::size_t>(count));
  RandomStream(which).uniforms(split_address(), 0, uniform);
  std::vector<float> out;
  for (const double x : uniform) out.push_back(static_cast<float>(positive ? x : 2 * x - 1));
  return out;
}

/// One layer with its inputs: 66 vectors (two lane blocks), or images under a 3x3 kernel with
/// padding and stride.
struct LayerCase {
  explicit LayerCase(Kind kind) {
    if (kind == Kind::linear) {
      outputs = 6;
      data = numbers(66 * 20, 1, false);
      x = {.data = data.data(),
           .samples = 66,
           .channels = 20,
           .sample_stride = 20,
           .channel_stride = 1};
    } else {
      outputs = 5;
      data = numbers(7 * 2 * 25, 2, true);
      x = {.data = data.data(),
           .samples = 7,
           .channels = 2,
           .height = 5,
           .width = 5,
           .kernel = 3,
           .stride = 2,
           .padding = 1,
           .sample_stride = 50,
           .channel_stride = 25,
           .row_stride = 5,
           .column_stride = 1};
    }
    weights = numbers(outputs * x.inputs(), 3, false);
    bias = numbers(outputs, 4, false);
  }
  Index outputs = 0;
  std::vector<float> data, weights, bias;
  PatchView x;
};

Matrix<double> applied(const sim::Crossbar& crossbar, const PatchView& x,
                       const ReadContext& context) {
  const Index positions = x.positions(), width = crossbar.outputs() * positions;
  std::vector<float> y(static_cast<std::size_t>(x.samples * width), std::nanf(""));
  crossbar.apply(x, context, {y.data(), width, positions, 1});
  return Matrix<double>(ConstView<float>(y.data(), x.samples, width));
}

/// What the difference of the fast path and the reference may be, summed over row tiles: rounding,
/// and one ADC code.
struct Tolerance {
  double rounding = 0, code = 0;
};

/// Rounding: n + 8 operations on n terms of at most the largest code times the largest conductance
/// and the centre, 2^-24 each, in output units.
Tolerance tolerance_of(const sim::Crossbar& crossbar) {
  std::vector<Tolerance> of_row_tiles;
  for (const sim::Tile& tile : crossbar.tiles()) {
    const sim::Array& array = tile.array();
    double largest = 0, scale = 0;
    for (std::size_t p = 0; p < array.polarities(); ++p)
      for (Index o = 0; o < tile.place().columns.size(); ++o)
        for (Index r = 0; r < tile.place().rows.size(); ++r)
          largest = std::max(largest, static_cast<double>(array.conductance(p)(o, r)));
    for (const double s : tile.scale()) scale = std::max(scale, s);
    const auto& rule = tile.setting().rule;
    const auto rows = static_cast<double>(tile.place().rows.size());
    const double codes = crossbar.dac().limit / crossbar.dac().quantiser.step();
    const double unit = scale * tile.setting().input_step / rule.unit();
    const double rounding =
        0x1p-24 * (rows + 8) * rows * codes * (2 * largest + 2 * rule.centre()) * unit;
    const auto conversions = static_cast<double>(tile.conversions() / tile.place().columns.size());
    const double code = tile.adc().is_ideal()
                            ? 0
                            : conversions * tile.adc().step() / tile.setting().lsb_voltage * unit;
    of_row_tiles.resize(
        std::max(of_row_tiles.size(), static_cast<std::size_t>(tile.place().row_tile) + 1));
    Tolerance& t = of_row_tiles[static_cast<std::size_t>(tile.place().row_tile)];
    t = {std::max(t.rounding, rounding), std::max(t.code, code)};
  }
  Tolerance sum;
  for (const Tolerance& t : of_row_tiles) sum = {sum.rounding + t.rounding, sum.code + t.code};
  return sum;
}

/// Both paths on one chip. Ties of the converters may fall on either side: in one result of a
/// hundred at most.
void check_against_reference(const sim::LayerPlan& plan, const LayerCase& layer,
                             const RandomStream& stream) {
  ReadContext context;
  context.stream = &stream;
  context.chip = 2;
  const devices::ProgramContext program{.stream = &stream, .chip = 2};
  const sim::Crossbar quiet(plan, program, {.read_noise = false});
  CHECK(quiet.adds_bias() == (plan.hardware.array.bias == sim::BiasPlace::row));
  const Matrix<double> y = applied(quiet, layer.x, context);
  const Matrix<double> expected = sim::reference_product(quiet, layer.x, context);
  const Tolerance tolerance = tolerance_of(quiet);
  Index ties = 0;
  double worst = 0;
  bool is_finite = true, is_zero = true;
  for (Index i = 0; i < y.size(); ++i) {
    const double difference = std::fabs(y.data()[i] - expected.data()[i]);
    is_finite = is_finite && std::isfinite(y.data()[i]);
    is_zero = is_zero && y.data()[i] == 0;
    ties += difference > tolerance.rounding;
    worst = std::max(worst, difference);
  }
  CHECK(is_finite);
  CHECK_FALSE(is_zero);
  CHECK(worst <= tolerance.rounding + tolerance.code);
  CHECK(ties * 100 <= y.size());
  if (tolerance.code == 0) CHECK(ties == 0);

  const sim::Crossbar noisy(plan, program, {});
  const Matrix<double> read = applied(noisy, layer.x, context);
  bool differs = false;
  for (Index i = 0; i < read.size(); ++i) {
    is_finite = is_finite && std::isfinite(read.data()[i]);
    differs = differs || read.data()[i] != y.data()[i];
  }
  CHECK(is_finite);
  CHECK(differs == (plan.hardware.device->cell_reads() != nullptr ||
                    plan.hardware.device->uniform_read_sigma().value_or(1.0) > 0));
}

/// A device model, or a way to use it: its name in the full table and its keys.
struct DeviceCase {
  std::string model, name, config;
  bool has_read_noise = false;
};

/// Every model of the catalogue with its defaults, with 16 levels, and with the other choices of
/// the keys that choose (variation_on, sigma_of).
std::vector<DeviceCase> device_cases() {
  std::vector<DeviceCase> cases;
  for (const devices::CatalogueEntry& entry : devices::catalogue()) {
    if (entry.needs_file) continue;
    const std::string model = fmt::format("model = \"{}\"\n", entry.name);
    const std::string name(entry.name);
    DeviceCase plain{name, name, model, false};
    std::vector<DeviceCase> variants;
    for (const FieldManual& key : entry.keys()) {
      plain.has_read_noise = plain.has_read_noise || key.key == "read_noise";
      if (key.key == "levels")
        variants.push_back({name, name + ", 16 levels", model + "levels = 16\n"});
      if (key.key == "variation_on")
        variants.push_back({name, name + " on devices", model + "variation_on = \"device\"\n"});
      if (key.key == "sigma_of")
        for (const char* of : {"g", "inverse"})
          variants.push_back({name, fmt::format("{}, sigma of {}", name, of),
                              model + fmt::format("sigma_of = \"{}\"\n", of)});
    }
    if (entry.name == "gaussian") {
      variants.push_back({name, "gaussian, telegraph noise", model + "telegraph_share = 0.5\n"});
      variants.push_back({name, "gaussian, correlated, verified",
                          model + "sigma_die = 0.1\nsigma_correlated = 0.1\nprogramming = "
                                  "\"write_verify\"\nverify_tolerance_uS = 2.0\n"});
    }
    cases.push_back(plain);
    for (DeviceCase& variant : variants) {
      variant.has_read_noise = plain.has_read_noise;
      cases.push_back(variant);
    }
  }
  return cases;
}

/// Whether the next combination is compared with the reference: all are, unless few repeats are
/// asked for (tests/repeats.h).
bool is_compared() {
  static int combination = 0;
  constexpr int kEvery = 5;
  return testing::repeats(kEvery) >= kEvery || combination++ % kEvery == 0;
}

/// "yes", or the message of a refusal.
std::string verdict(const DeviceCase& device, const Choice& mapping, const Choice& bias,
                    const Choice& converter, Kind kind) {
  CAPTURE(device.name);
  CAPTURE(mapping.name);
  CAPTURE(bias.name);
  CAPTURE(converter.name);
  CAPTURE(static_cast<int>(kind));
  const LayerCase layer(kind);
  std::vector<std::string> noises{""};  // one number for all cells, and one per cell
  if (device.has_read_noise)
    for (const char* of : {"g_max", "g"})
      noises.push_back(fmt::format("read_noise = 0.05\nread_noise_of = \"{}\"\n", of));
  try {
    for (const std::string& noise : noises) {
      const lab::Experiment e = lab::make_experiment(parse_config(
          fmt::format("[device]\n{}{}[array]\nrows = 8\ncolumns = 8\n{}{}{}", device.config, noise,
                      mapping.config, bias.config, converter.config),
          "support_matrix"));
      const std::vector<PatchView> inputs{layer.x};
      sim::LayerPlan plan = sim::plan_layer("layer", 1, e.hardware,
                                            {layer.weights.data(), layer.outputs, layer.x.inputs()},
                                            layer.bias, sim::calibrate_dac(e.hardware.dac, inputs));
      plan.adc = sim::calibrate_adc(plan, inputs);
      if (is_compared()) check_against_reference(plan, layer, RandomStream(7));
    }
  } catch (const ConfigError& refusal) {
    return refusal.what();
  } catch (const ShapeError& refusal) {
    return refusal.what();
  }
  return "yes";
}

/// How the combinations of one model and one mapping ended.
struct Tally {
  int accepted = 0, all = 0;
  void add(const std::string& said) { ++all, accepted += said == "yes"; }
  std::string words() const {
    return accepted == all ? fmt::format("all {}", all) : fmt::format("{} of {}", accepted, all);
  }
};

/// What all combinations said: every verdict for the file in the build folder, and the summary that
/// the documentation shows.
struct SupportMatrix {
  std::string full;
  std::vector<std::string> models;                              ///< in the catalogue's order
  std::map<std::string, std::vector<std::string>> variants;     ///< of each model
  std::map<std::string, std::map<std::string, Tally>> tallies;  ///< by model and mapping
  std::map<std::string, std::vector<std::string>> refused;      ///< by message: who was
};

void add_table(Kind kind, SupportMatrix& matrix) {
  std::string text = "| device | mapping |", line = "|---|---|";
  for (const Choice& bias : kBiases)
    for (const Choice& converter : kConverters) {
      text += fmt::format(" {}, {} |", bias.name, converter.name);
      line += "---|";
    }
  text += "\n" + line + "\n";
  for (const DeviceCase& device : device_cases())
    for (const Choice& mapping : kMappings) {
      text += fmt::format("| {} | {} |", device.name, mapping.name);
      for (const Choice& bias : kBiases)
        for (const Choice& converter : kConverters) {
          const std::string said = verdict(device, mapping, bias, converter, kind);
          text += " " + said + " |";
          matrix.tallies[device.model][mapping.group].add(said);
          if (said != "yes")
            matrix.refused[said].push_back(fmt::format("{}, {}, {}, {}", device.name, mapping.name,
                                                       bias.name, converter.name));
        }
      text += "\n";
    }
  matrix.full += text;
}

SupportMatrix measured_matrix() {
  SupportMatrix matrix;
  for (const DeviceCase& device : device_cases()) {
    if (matrix.models.empty() || matrix.models.back() != device.model)
      matrix.models.push_back(device.model);
    if (device.name != device.model)
      matrix.variants[device.model].push_back(device.name.substr(device.model.size()));
  }
  matrix.full = "# Every combination\n\n## Linear layers\n";
  add_table(Kind::linear, matrix);
  matrix.full += "\n## Convolutions (3x3, padding 1, stride 2)\n";
  add_table(Kind::convolution, matrix);
  return matrix;
}

/// docs/support_matrix.md.
std::string summary(const SupportMatrix& matrix) {
  std::string text = R"(# What works with what
Every device model is tested with every mapping, subtraction, bias, converter range and layer type. Each combination is
compared with the slow, plain `sim/reference`: both must agree to float rounding (ties of the converters aside), all results must be
finite, and read noise must act where the device has it.

The table counts the combinations that pass. For each device, variant and mapping these are: linear layer and convolution (3x3,
padding 1, stride 2); analog and digital subtraction (the same for the offset mapping, which has one column per weight);
`array.bias` digital and row; and ideal converters, or an 8-bit DAC and ADC with `adc.range` percentile, full_scale, fixed,
least_squares, or without a zero level.

| device | variants | differential | two-sided | offset |
|---|---|---|---|---|
)";
  for (const std::string& model : matrix.models) {
    text += fmt::format("| {} | ", model);
    const auto found = matrix.variants.find(model);
    if (found != matrix.variants.end())
      for (std::size_t v = 0; v < found->second.size(); ++v)
        text += (v > 0 ? "; " : "") + found->second[v].substr(found->second[v][0] == ',' ? 2 : 1);
    for (const char* mapping : {"differential", "two-sided", "offset"})
      text += " | " + matrix.tallies.at(model).at(mapping).words();
    text += " |\n";
  }
  text += matrix.refused.empty() ? "\nNo combination is refused.\n" : "\nRefused:\n";
  for (const auto& [message, cases] : matrix.refused)
    text += fmt::format("- `{}` ({}, first: {})\n", message, cases.size(), cases.front());
  return text + R"(
`tests/cli/support_matrix_test.cpp` fails where this page differs from what it measures, and writes the result of every combination to
`tests/support_matrix.md` in the build folder. After a change:
`OHMIC_REGENERATE=1 build/tests/test_cli -tc="every combination*"`.
)";
}

TEST_CASE(
    "every combination of device, mapping, bias, converter and layer agrees with the reference or "
    "is refused") {
  const SupportMatrix matrix = measured_matrix();
  write_whole_file(OHMIC_SUPPORT_MATRIX, matrix.full);
  const std::string text = summary(matrix);
  const std::string file = OHMIC_SOURCE_DIR "/docs/support_matrix.md";
  const char* regenerate = std::getenv("OHMIC_REGENERATE");
  if (regenerate && std::string(regenerate) == "1") write_whole_file(file, text);
  const std::string committed = std::filesystem::exists(file) ? read_whole_file(file) : "";
  const bool is_current = committed == text;
  CHECK_MESSAGE(is_current,
                "docs/support_matrix.md differs from what the combinations do now (all of "
                "them: " OHMIC_SUPPORT_MATRIX
                "); look at the change, then write it with "
                "OHMIC_REGENERATE=1 build/tests/test_cli -tc=\"every combination*\"");
}

}  // namespace
}  // namespace ohmic
