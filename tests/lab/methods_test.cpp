#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/statistics.h"
#include "devices/gaussian.h"
#include "devices/lognormal.h"
#include "lab/bench.h"
#include "lab/methods/batch_norm_reestimation.h"
#include "lab/methods/catalogue.h"
#include "lab/methods/channel_regression.h"
#include "lab/methods/compensation.h"
#include "lab/methods/mean_correction.h"
#include "lab/methods/penalty.h"
#include "lab/methods/write_verify.h"
#include "lab/study/device_perturbation.h"
#include "lab/study/placement.h"
#include "sim/scaled.h"

using namespace ohmic;
using namespace ohmic::lab;
using ohmic::testing::Bench;

namespace {

/// Mean squared error of layer k's output on the chip against the clean one.
double error_of(const Bench& bench, const Chip& chip, std::size_t k) {
  const CleanActivations clean = bench.clean();
  double sum = 0;
  for (Index block = 0; block < clean.blocks(); ++block) {
    nn::Workspace<float> workspace(chip.network, nn::Kept::outputs);
    const auto image = clean.image(block);
    std::copy_n(image.data(), image.size(), workspace.input().data());
    nn::forward(chip.network, chip.parameters, workspace, {.samples = clean.samples(block)},
                chip.deployment, {});
    const Index l = chip.network.mac_layers()[k];
    const Matrix<float> exact = clean.outputs(l)[static_cast<std::size_t>(block)];
    const ConstView<float> noisy = workspace.output(l);
    for (Index f = 0; f < exact.rows(); ++f)
      for (Index s = 0; s < clean.samples(block); ++s)
        sum += (exact(f, s) - noisy(f, s)) * (exact(f, s) - noisy(f, s));
  }
  return sum;
}

}  // namespace

TEST_CASE("a method's name is its parts, in any order") {
  const MethodTables tables;
  const MethodSet set = tables.parse("ridge+correctnet");
  REQUIRE(set.parts.size() == 3);
  CHECK(set.parts[0].kind == "penalty");
  CHECK(set.parts[1].kind == "compensation");
  CHECK(set.parts[2].kind == "ridge");
  CHECK(!set.find("injection"));
  CHECK(set.any(&Method::corrects));
  CHECK(set.in_base_training().size() == 1);
  CHECK(set.in_trainings().size() == 2);
  CHECK_THROWS_WITH_AS(tables.parse("injektion"),
                       "method \"injektion\": there is no method 'injektion' (did you mean "
                       "'injection'?)",
                       ConfigError);
  CHECK_THROWS_WITH_AS(tables.parse("correctnet+penalty"),
                       "method \"correctnet+penalty\" has 'penalty' twice", ConfigError);
  CHECK_THROWS_WITH_AS(tables.parse("affine+ridge"),
                       "method \"affine+ridge\": affine and ridge exclude each other", ConfigError);
  for (const std::string& name : method_names()) CHECK(tables.parse(name).name == name);
}

TEST_CASE("options of methods are read, and a wrong method, key or value is refused by place") {
  const auto read = [](const std::string& toml) { return MethodTables(parse_config(toml, "m")); };
  const MethodTables tables =
      read("[penalty]\nbeta = 0.01\n[correctnet]\noverhead_limit = 0.05\n[ridge]\nimages = 64\n");
  CHECK(options_of<PenaltyOptions>(tables, "penalty").penalty.beta == 0.01);
  CHECK(options_of<CompensationOptions>(tables, "compensation").overhead_limit == 0.05);
  CHECK(tables.parse("ridge").parts[0].calibration_images == 64);
  CHECK_THROWS_WITH_AS(read("[injektion]\nsigma = 1"),
                       doctest::Contains("unknown method methods.injektion (did you mean "
                                         "'injection'?"),
                       ConfigError);
  CHECK_THROWS_WITH_AS(read("[injection]\nsigma = 9"),
                       doctest::Contains("m:2:1: methods.injection.sigma = 9 is out of range"),
                       ConfigError);
  CHECK_THROWS_WITH_AS(
      read("[compensation]\nlayers = [\"conv1\"]\nratios = []"),
      doctest::Contains("names 1 layers, methods.compensation.ratios has 0 numbers"), ConfigError);
  CHECK_THROWS_WITH_AS(read("[copies]\nbest = 3\n"),
                       doctest::Contains("m:2:1: methods.copies.best = 3 is more than"),
                       ConfigError);
}

TEST_CASE("a variant is a method of its own name, options and table") {
  const auto read = [](const std::string& toml) { return MethodTables(parse_config(toml, "m")); };
  const MethodTables tables = read(
      "[write_verify]\nfraction = 0.5\n[wv1]\nkind = \"write_verify\"\nfraction = "
      "0.01\n[cn2]\nkind = "
      "\"correctnet\"\nepochs = 3\n");
  const MethodSet set = tables.parse("wv1+cn2");
  REQUIRE(set.parts.size() == 3);
  CHECK(set.find("write_verify")->name == "wv1");
  CHECK(set.find("compensation")->name == "cn2");
  const ConfigNode by_name = tables_by_name(set.parts), by_kind = tables_by_kind(set.parts);
  CHECK(std::get<double>(by_name.find("wv1")->find("fraction")->value) == 0.01);
  CHECK(std::get<std::string>(by_name.find("cn2")->find("kind")->value) == "correctnet");
  CHECK(std::get<std::int64_t>(by_kind.find("compensation")->find("epochs")->value) == 3);
  CHECK(!by_kind.find("compensation")->find("kind"));
  // What is written reads back as the same methods.
  const MethodSet again = MethodTables(by_name).parse("wv1+cn2");
  CHECK(to_toml(tables_by_name(again.parts)) == to_toml(by_name));
  const ConfigNode plain = tables_by_name(tables.parse("write_verify").parts);
  CHECK(std::get<double>(plain.find("write_verify")->find("fraction")->value) == 0.5);
  CHECK_THROWS_WITH_AS(tables.parse("wv1+write_verify"),
                       "method \"wv1+write_verify\" has 'write_verify' twice", ConfigError);
  CHECK_THROWS_WITH_AS(tables.parse("wv2"), doctest::Contains("did you mean 'wv1'?"), ConfigError);
  CHECK_THROWS_WITH_AS(
      read("[wv1]\nkind = \"write_verfy\""),
      doctest::Contains("m:2:1: methods.wv1.kind = \"write_verfy\" is not a method "
                        "(did you mean 'write_verify'?)"),
      ConfigError);
  CHECK_THROWS_WITH_AS(read("[wv1]\nkind = \"ridge\"\nfraction = 1.0"),
                       doctest::Contains("m:3:1: unknown key methods.wv1.fraction"), ConfigError);
  CHECK_THROWS_WITH_AS(read("[ridge]\nkind = \"affine\""),
                       doctest::Contains("unknown key methods.ridge.kind"), ConfigError);
  CHECK_THROWS_WITH_AS(read("[\"a+b\"]\nkind = \"ridge\""), doctest::Contains("holds no '+'"),
                       ConfigError);
}

namespace {

/// One linear layer, "fc", without bias.
nn::Network linear_network(Index outputs, Index inputs) {
  return nn::Network(
      nn::spec_from_toml(fmt::format("[[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = "
                                     "\"linear\"\nname = \"fc\"\noutputs = {}\nbias = false\n",
                                     outputs),
                         "test"),
      {1, 1, inputs});
}

/// What training sees of `w` under a config.
struct Seen {
  Matrix<float> w_tilde, slope;
};
Seen seen(const std::string& toml, const Matrix<float>& w, TrainingDraw draw = {}) {
  const DevicePerturbation perturbation(make_experiment(parse_config(toml, "test")),
                                        linear_network(w.rows(), w.columns()));
  Seen out{Matrix<float>(w.rows(), w.columns()), Matrix<float>(w.rows(), w.columns())};
  perturbation.draw(RandomStream(5), Purpose::training_noise, draw, w, out.w_tilde, out.slope);
  return out;
}

}  // namespace

TEST_CASE("training for a device sees the levels, scales, tiles and overrides that are deployed") {
  // An ideal device of 5 levels: what training sees is the quantised weight, in closed form.
  Matrix<float> w(3, 8);
  for (Index i = 0; i < w.size(); ++i)
    w.data()[i] = static_cast<float>(std::sin(1.7 * static_cast<double>(i + 1)) *
                                     static_cast<double>(i % 5 + 1));
  const std::string device = "[device]\nmodel = \"ideal\"\nlevels = 5\n";
  const auto expect = [&](const std::string& array, auto limit_of) {
    CAPTURE(array);
    const Seen found = seen(device + array, w);
    for (Index o = 0; o < w.rows(); ++o)
      for (Index c = 0; c < w.columns(); ++c) {
        const double limit = limit_of(o, c);
        const double u = std::clamp(w(o, c) / limit, -1.0, 1.0);
        CHECK(found.w_tilde(o, c) ==
              doctest::Approx(std::nearbyint(4 * u) / 4 * limit).epsilon(1e-5));
        CHECK(found.slope(o, c) == 1.0f);
      }
  };
  const auto largest = [&](Index first_row, Index rows, Index first, Index columns) {
    double most = 0;
    for (Index o = first_row; o < first_row + rows; ++o)
      for (Index c = first; c < first + columns; ++c)
        most = std::max(most, std::fabs(static_cast<double>(w(o, c))));
    return most;
  };
  expect("", [&](Index, Index) { return largest(0, 3, 0, 8); });
  expect("[array]\nscale = \"column\"\n", [&](Index o, Index) { return largest(o, 1, 0, 8); });
  expect("[array]\nscale = \"tile\"\nrows = 4\n",
         [&](Index, Index c) { return largest(0, 3, c / 4 * 4, 4); });
  expect("[array]\nscale = \"tile\"\nrow_partition = [6, 2]\n",
         [&](Index, Index c) { return c < 6 ? largest(0, 3, 0, 6) : largest(0, 3, 6, 2); });
  std::vector<double> all;
  for (Index i = 0; i < w.size(); ++i) all.push_back(std::fabs(w.data()[i]));
  expect("[array]\nscale_percentile = 0.8\n", [&](Index, Index) { return quantile(all, 0.8); });
  expect("[[override]]\nlayers = [\"fc\"]\narray.scale = \"column\"\n",
         [&](Index o, Index) { return largest(o, 1, 0, 8); });
  const Seen digital = seen(device + "[[override]]\nlayers = [\"fc\"]\nanalog = false\n", w);
  CHECK(digital.w_tilde == w);
}

TEST_CASE("training for a device meets broken cells, and moves no weight that they hold") {
  const Matrix<float> w(40, 50, 0.5f);
  const Seen found = seen("[faults]\nstuck_at_g_min = 0.2\n[device]\nmodel = \"lognormal\"\n", w);
  int still = 0;
  for (Index i = 0; i < w.size(); ++i) {
    const bool is_held = found.slope.data()[i] == 0;
    still += is_held;
    if (!is_held)
      CHECK(found.slope.data()[i] == doctest::Approx(found.w_tilde.data()[i] / 0.5f).epsilon(1e-3));
  }
  // Either device of a pair is stuck: 36 % of 2,000 weights within 5 sigma.
  CHECK(std::fabs(still / 2000.0 - 0.36) < 5 * std::sqrt(0.36 * 0.64 / 2000));
  // Another micro-batch, another chip.
  CHECK(seen("[faults]\nstuck_at_g_min = 0.2\n", w, {.micro_batch = 1}).slope !=
        seen("[faults]\nstuck_at_g_min = 0.2\n", w, {.micro_batch = 0}).slope);
}

TEST_CASE("training for a device leaves room for a row of biases") {
  // One row tile of 8 inputs and the bias: tiles of 5 and 4 rows. Levels show the scale of each.
  Matrix<float> w(2, 8);
  for (Index i = 0; i < w.size(); ++i) w.data()[i] = static_cast<float>(i % 8 + 1);
  const std::string toml =
      "[device]\nmodel = \"ideal\"\n[array]\nbias = \"row\"\nscale = \"tile\"\nrows = 5\n"
      "scale_percentile = 0.51\n";
  const DevicePerturbation perturbation(
      make_experiment(parse_config(toml, "test")),
      nn::Network(nn::spec_from_toml("[[layers]]\ntype = \"flatten\"\n[[layers]]\ntype = "
                                     "\"linear\"\nname = \"fc\"\noutputs = 2\n",
                                     "test"),
                  {1, 1, 8}));
  Matrix<float> w_tilde(2, 8), slope(2, 8);
  perturbation.draw(RandomStream(5), Purpose::training_noise, {}, w, w_tilde, slope);
  // Quantiles .51 of {1 .. 5, twice} and of {6, 7, 8 and a bias of 0, twice}, linear between.
  CHECK(w_tilde(0, 4) == doctest::Approx(3.0).epsilon(1e-5));
  CHECK(w_tilde(0, 7) == doctest::Approx(6.57).epsilon(1e-5));
}

TEST_CASE("both groups of a training step meet devices of their own") {
  const Matrix<float> w(4, 4, 0.5f);
  const std::string device = "[device]\nmodel = \"lognormal\"\nsigma = 0.0\nsigma_device = 0.5\n";
  CHECK(seen(device, w, {.micro_batch = 0}).w_tilde != seen(device, w, {.micro_batch = 1}).w_tilde);
}

TEST_CASE(
    "the perturbation made from a device and its mapping has the moments of a chip's weights") {
  // 2e4 draws of one weight: mean and deviation within 5 standard errors (kurtosis below 9).
  constexpr int kDraws = 20000;
  const Matrix<float> w = [] {
    Matrix<float> m(1, 3);
    m(0, 0) = 0.8f, m(0, 1) = -0.4f, m(0, 2) = 1.0f;
    return m;
  }();
  devices::LognormalParams on_weight, on_device;
  on_device.on_device = true;
  const RandomStream stream(5);
  for (const auto& device : {devices::make_lognormal(on_weight), devices::make_lognormal(on_device),
                             devices::make_gaussian({.sigma = 0.1})}) {
    Experiment experiment;
    experiment.hardware_tables.put("device", device->parameters());
    const DevicePerturbation perturbation(experiment, linear_network(1, 3));
    const sim::MappingRule rule(sim::Mapping::differential, device->g_min(), device->g_max(), {});
    Moments training[3], chips[3];
    Matrix<float> w_tilde(1, 3), slope(1, 3);
    for (int i = 0; i < kDraws; ++i) {
      perturbation.draw(stream, Purpose::training_noise, {.step = static_cast<std::uint64_t>(i)}, w,
                        w_tilde, slope);
      const sim::Array chip = sim::program_array(device, rule, w, {.stream = &stream, .chip = i},
                                                 sim::Programming::drawn, 0);
      for (Index c = 0; c < 3; ++c) {
        training[c].add(w_tilde(0, c));
        chips[c].add(rule.weight({chip.conductance(0)(0, c), chip.conductance(1)(0, c)}));
        if (device->weights())
          CHECK(slope(0, c) == doctest::Approx(w_tilde(0, c) / w(0, c)).epsilon(1e-4));
        else
          CHECK(slope(0, c) == 1.0f);
      }
    }
    for (int c = 0; c < 3; ++c) {
      const double sd = chips[c].deviation();
      CHECK(std::fabs(training[c].mean() - chips[c].mean()) < 5 * sd * std::sqrt(2.0 / kDraws));
      CHECK(std::fabs(training[c].deviation() / sd - 1) < 5 * std::sqrt(2 * 8.0 / (4 * kDraws)));
    }
  }
}

TEST_CASE("calibration of a chip brings every layer nearer to the clean one, ridge nearest") {
  const Bench bench;
  const HardwarePlan plan = bench.plan();
  const RandomStream stream(1);
  const sim::ChipOptions ideal{.read_noise = false, .converters = false};
  const CleanActivations clean = bench.clean();
  const auto chip_of = [&] {
    return Chip{bench.trained.network, bench.trained.parameters,
                deployment_of(program_layers(plan, stream, 3, 0, ideal))};
  };
  const Chip plain = chip_of();
  Chip affine = chip_of(), ridge = chip_of();
  calibrate(Regression::affine, {.images = 256}, clean, {}, affine);
  calibrate(Regression::ridge, {.images = 256}, clean, {}, ridge);
  for (const std::size_t k : {0u, 1u})
    CHECK(error_of(bench, affine, k) < error_of(bench, plain, k));
  CHECK(error_of(bench, ridge, 0) < error_of(bench, affine, 0));
  CHECK(ridge.deployment.after[1]->is_affine());
  CHECK(correction_overhead(affine.deployment).weights == 2 * (4 + 3));
  CHECK(correction_overhead(ridge.deployment).weights == 4 * (1 + 4) + 4 + 2 * 3);
}

TEST_CASE("the mean correction divides by exp(sigma^2 / 2) and leaves a digital bias alone") {
  const Bench bench;
  const HardwarePlan plan = bench.plan();
  Chip chip{bench.trained.network, bench.trained.parameters, {}};
  chip.deployment.macs.resize(2);  // ideal products: the correction acts alone
  add_mean_correction(plan, {}, chip);
  const float y = 2.0f, bias = (*nn::find(chip.parameters[0], "bias"))(0, 1);
  AlignedVector<float> out(4 * 16 * 64, y);
  chip.deployment.after[0]->apply(nullptr, out.data());
  CHECK(out[16 * 64] == doctest::Approx((y - bias) / std::exp(0.125) + bias).epsilon(1e-5));
}

TEST_CASE("the mean correction is that of the cells as they are programmed") {
  // What multiplies an output behind an ideal product of weights, without its bias.
  const auto factor = [](const HardwarePlan& plan, const sim::ChipOptions& options) {
    const Bench bench;
    Chip chip{bench.trained.network, bench.trained.parameters, {}};
    nn::find(chip.parameters[0], "bias")->fill(0.0f);
    chip.deployment.macs.resize(2);
    add_mean_correction(plan, options, chip);
    AlignedVector<float> out(4 * 16 * 64, 1.0f);
    chip.deployment.after[0]->apply(nullptr, out.data());
    return static_cast<double>(out[0]);
  };
  const Bench bench;
  const HardwarePlan plan = bench.plan();
  CHECK(factor(plan, {.programming = sim::Programming::at_target}) ==
        doctest::Approx(1).epsilon(1e-6));
  CHECK(factor(plan, {.programming = sim::Programming::at_mean}) ==
        doctest::Approx(std::exp(-0.125)).epsilon(1e-5));
  // All weights verified: what is left is the residual's mean, exp(.3^2 / 2).
  HardwarePlan verified = bench.plan();
  const WriteVerifyOptions all{.fraction = 1.0, .score = "magnitude", .residual_sigma = 0.3};
  mark_verified(all, weight_scores(all, bench.trained, bench.data, 1), verified);
  CHECK(factor(verified, {}) == doctest::Approx(std::exp(-0.045)).epsilon(1e-5));
}

TEST_CASE("the mean correction weighs every weight with the scale of its tile") {
  // Cells of few levels: the slope of the quantised weights against the weights themselves.
  const Bench bench("model = \"ideal\"\nlevels = 3");
  Experiment e = bench.experiment;
  ConfigNode root;
  root.put("device", parse_config("model = \"ideal\"\nlevels = 3", "d"));
  root.put("array", parse_config("scale = \"column\"", "a"));
  e = make_experiment(root);
  const HardwarePlan plan =
      make_plan(e, bench.trained.network, bench.trained.parameters, bench.data);
  Chip chip{bench.trained.network, bench.trained.parameters, {}};
  nn::find(chip.parameters[0], "bias")->fill(0.0f);
  chip.deployment.macs.resize(2);
  add_mean_correction(plan, {}, chip);
  AlignedVector<float> out(4 * 16 * 64, 1.0f);
  chip.deployment.after[0]->apply(nullptr, out.data());
  const Matrix<float>& w = *nn::find(bench.trained.parameters[0], "weight");
  double both = 0, square = 0;
  for (Index o = 0; o < w.rows(); ++o) {
    double limit = 0;
    for (Index c = 0; c < w.columns(); ++c) limit = std::max(limit, std::fabs(double{w(o, c)}));
    for (Index c = 0; c < w.columns(); ++c) {
      both += w(o, c) * std::nearbyint(2 * w(o, c) / limit) / 2 * limit;
      square += double{w(o, c)} * w(o, c);
    }
  }
  CHECK(static_cast<double>(out[0]) == doctest::Approx(square / both).epsilon(1e-3));
}

TEST_CASE("the mean shift of a chip with verified weights is that of what verification leaves") {
  const Bench bench;
  HardwarePlan plan = bench.plan();
  const WriteVerifyOptions all{.fraction = 1.0, .score = "magnitude", .residual_sigma = 0.3};
  mark_verified(all, weight_scores(all, bench.trained, bench.data, 1), plan);
  const RandomStream stream(1);
  const sim::LayerPlan& layer = *plan.layers[0];
  const auto cells = sim::program_tiles(
      layer, {.stream = &stream}, {.programming = sim::Programming::at_mean, .faults = false});
  // On the weight: u e^(.045) above the conductance of weight 0.
  for (Index r = 0; r < layer.mapped.rows(); ++r)
    for (Index c = 0; c < layer.mapped.columns(); ++c)
      CHECK(layer.rule.weight({cells[0].conductance(0)(r, c), cells[0].conductance(1)(r, c)}) ==
            doctest::Approx(layer.mapped(r, c) * std::exp(0.045)).epsilon(1e-4));
}

TEST_CASE("write-verify marks the given fraction of weights, those of the highest scores") {
  const Bench bench;
  for (const std::string score : {"fisher", "magnitude", "random"}) {
    WriteVerifyOptions o;
    o.score = score;
    o.fraction = 0.1;
    o.images = 64;
    HardwarePlan plan = bench.plan();
    const auto scores = weight_scores(o, bench.trained, bench.data, 1);
    mark_verified(o, scores, plan);
    std::int64_t marked = 0, all = 0;
    double least_marked = 1e300, most_left = 0;
    for (std::size_t k = 0; k < scores.size(); ++k)
      for (Index i = 0; i < scores[k].size(); ++i) {
        ++all;
        const bool is_marked = plan.layers[k]->verified.data()[i];
        marked += is_marked;
        (is_marked ? least_marked : most_left) = is_marked
                                                     ? std::fmin(least_marked, scores[k].data()[i])
                                                     : std::fmax(most_left, scores[k].data()[i]);
      }
    CHECK(marked == std::llround(0.1 * static_cast<double>(all)));
    CHECK(least_marked >= most_left);
  }
}

TEST_CASE("batch-norm re-estimation on a network without batch-norm says so") {
  const Bench bench;
  const Method method = MethodTables().parse("bn_reestimation").parts.front();
  CHECK_THROWS_WITH_AS(method.check({bench.trained.network, true, ""}),
                       doctest::Contains("the network has no digital batch-norm"), ConfigError);
}

TEST_CASE("a method says what its chips cost") {
  const auto cost_of = [](const std::string& name, const std::string& toml) {
    Bench bench;
    if (!toml.empty()) bench.experiment.methods = MethodTables(parse_config(toml, "m"));
    const PreparedMethod prepared{.set = bench.experiment.methods.parse(name),
                                  .unfolded = bench.trained,
                                  .trained = bench.trained,
                                  .origin = {},
                                  .marks = {}};
    PreparedMethod method = prepared;
    for (const Method& part : method.set.parts)
      if (part.plan) method.marks.push_back(part.plan(bench.trained, bench.data, 1));
    const MethodChips chips(method, bench.experiment, bench.data);
    return chips.cost(chips.make(0, 0, chips.as_configured()));
  };
  // conv1 is 4 x 9 and has 4 biases, fc1 3 x 64 and 3.
  const MethodCost plain = cost_of("plain", "");
  CHECK(plain.digital.weights == 0);
  CHECK(plain.copies == 1);
  const MethodCost several = cost_of("wv+copies+affine",
                                     "[wv]\nkind = \"write_verify\"\nfraction = 0.5\nscore = "
                                     "\"random\"\n[copies]\ncopies = 3\n[affine]\nimages = 64\n");
  CHECK(several.verified == (4 * 9 + 3 * 64) / 2);
  // Tolerance a and probability p of a draw within it: with u = a / sigma small, the residual is
  // nearly uniform, a = .05 sqrt(3) and p = .138; solved by another program: 1 / p - 1 = 6.25776
  // for each of two cells.
  // Three copies have them all.
  CHECK(several.pulses == doctest::Approx(3 * 2 * 114 * 6.25776).epsilon(1e-5));
  const auto pulses = [&](const std::string& residual) {
    return cost_of("write_verify",
                   "[write_verify]\nfraction = 0.5\nscore = \"random\"\nresidual_sigma = " +
                       residual + "\n")
               .pulses /
           (2 * 114);
  };
  // Uniform: p = 2 a phi(0) with a = sqrt(3) residual / sigma. Both branches meet.
  CHECK(pulses("1e-5") ==
        doctest::Approx(0.5 / (2e-5 * std::sqrt(3.0) * 0.39894228)).epsilon(1e-3));
  CHECK(pulses("0.000501") == doctest::Approx(pulses("0.000499")).epsilon(0.01));
  CHECK(pulses("0.5") == 0);
  CHECK(pulse_words(pulses("0.0")) == "no end");
  CHECK(several.copies == 3);
  CHECK(several.calibration_images == 64);
  CHECK(several.digital.weights == 2 * (4 + 3));
  CHECK(several.digital.macs == 4 * 16 + 3);
}

TEST_CASE("batch-norm re-estimation finds the statistics of the chip's own products") {
  // A chip whose products come out half as large again: mean and variance of the products follow,
  // the exact digital bias does not.
  const Bench bench;
  nn::NetworkSpec spec = bench.trained.network.spec();
  nn::LayerSpec norm;
  norm.type = "batch_norm";
  norm.name = "bn";
  spec.insert(spec.begin() + 1, norm);
  for (nn::LayerSpec& layer : spec) layer.inputs.clear();
  const nn::Network network(spec, {1, 6, 6});
  const nn::ParameterSet<float> parameters = nn::initial_parameters(network, 1);
  const CleanActivations clean(network, parameters, bench.data.train, bench.data.normalisation);
  const auto plan = make_plan(bench.experiment, network, parameters, bench.data);
  Chip chip{network, parameters, {}};
  chip.deployment.macs.resize(2);
  chip.deployment.macs[0] = std::make_shared<sim::Scaled>(
      std::make_shared<sim::Crossbar>(*plan.layers[0], devices::ProgramContext{},
                                      sim::ChipOptions{.programming = sim::Programming::at_target,
                                                       .read_noise = false,
                                                       .converters = false,
                                                       .faults = false}),
      std::vector<float>(4, 1.5f));
  reestimate_batch_norm(clean, {}, chip);
  const LayerActivations outputs = clean.outputs(0);
  for (Index c = 0; c < 4; ++c) {
    Moments y;
    for (Index block = 0; block < clean.blocks(); ++block)
      for (Index f = c * 16; f < (c + 1) * 16; ++f)
        for (Index s = 0; s < clean.samples(block); ++s)
          y.add(outputs[static_cast<std::size_t>(block)](f, s));
    const double bias = (*nn::find(parameters[0], "bias"))(0, c);
    CHECK((*nn::find(chip.parameters[1], "running_mean"))(0, c) ==
          doctest::Approx(1.5 * (y.mean() - bias) + bias).epsilon(1e-4));
    CHECK((*nn::find(chip.parameters[1], "running_variance"))(0, c) ==
          doctest::Approx(2.25 * y.variance()).epsilon(1e-4));
  }
}

TEST_CASE("a slice of a shared set computes what the masked set does") {
  const Bench bench;
  const nn::Network large =
      nn::with_compensators(bench.trained.network, {{"conv1", 2.0}}, {"relu", false});
  const nn::Network small =
      nn::with_compensators(bench.trained.network, {{"conv1", 0.5}}, {"relu", false});
  nn::TrainedNetwork shared{
      large, nn::transplanted(bench.trained.network, bench.trained.parameters, large, 3)};
  auto& own = shared.parameters[1];
  for (auto& p : own)
    for (Index i = 0; i < p.value.size(); ++i)
      p.value.data()[i] = 0.1f * std::sin(static_cast<float>(i));
  const auto sliced = sliced_parameters(shared, small);
  auto masked = shared.parameters;
  for (Index o = 0; o < 4; ++o)
    for (Index c = 4 + 2; c < masked[1][2].value.columns(); ++c) masked[1][2].value(o, c) = 0;
  nn::Workspace<float> a(large, nn::Kept::outputs), b(small, nn::Kept::outputs);
  for (Index i = 0; i < a.input().size(); ++i)
    a.input().data()[i] = b.input().data()[i] = std::sin(static_cast<float>(i));
  nn::forward(large, masked, a, {});
  nn::forward(small, sliced, b, {});
  const ConstView<float> ya = a.output(large.layers() - 1), yb = b.output(small.layers() - 1);
  for (Index f = 0; f < ya.rows(); ++f)
    for (Index s = 0; s < kLanes; ++s) CHECK(ya(f, s) == yb(f, s));
}
