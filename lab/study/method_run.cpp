#include "lab/study/method_run.h"

#include <cmath>

#include "lab/study/drift.h"
#include "lab/study/methods/device_perturbation.h"

namespace ohmic::lab {
namespace {

constexpr Index kSelectionReads =
    1 << 19;  // read draws of selection chips lie beyond the reported ones
constexpr Index kFirstCompensator = 512;  // layer numbers of compensators' own cells

/// Compensators that do not compute with exact digital weights: rounded to `bits`, or held by cells
/// of the chip's device (read back, one draw a chip).
void house_compensators(const CompensationOptions& o, const Experiment& e,
                        devices::ProgramContext context, const sim::ChipOptions& options,
                        Chip& chip) {
  if (o.home == CompensatorHome::digital) return;
  const devices::DeviceModel& device = *e.hardware.device;
  const sim::MappingRule rule(e.hardware.array.mapping, device.g_min(), device.g_max(),
                              device.levels());
  context.layer = kFirstCompensator;
  for (Index l = 0; l < chip.network.layers(); ++l) {
    if (!chip.network.structure(l).compensator) continue;
    for (const char* name : {"generator_weight", "weight"}) {
      Matrix<float>& w = *nn::find(chip.parameters[static_cast<std::size_t>(l)], name);
      const double scale = sim::weight_limit(w, 1.0);
      if (scale == 0) continue;
      Matrix<float> u(w.rows(), w.columns());
      for (Index i = 0; i < w.size(); ++i) u.data()[i] = static_cast<float>(w.data()[i] / scale);
      if (o.home == CompensatorHome::quantised) {
        const double steps = static_cast<double>((Index{1} << (o.bits - 1)) - 1);
        for (Index i = 0; i < w.size(); ++i)
          w.data()[i] = static_cast<float>(std::nearbyint(u.data()[i] * steps) / steps * scale);
        continue;
      }
      const sim::Array cells = sim::program_array(e.hardware.device, rule, u, context,
                                                  options.programming, options.seconds);
      for (Index r = 0; r < w.rows(); ++r)
        for (Index c = 0; c < w.columns(); ++c)
          w(r, c) = static_cast<float>(
              rule.weight({cells.conductance(0)(r, c),
                           cells.polarities() == 2 ? cells.conductance(1)(r, c) : 0.0}) *
              scale);
      ++context.layer;
    }
  }
}

}  // namespace

nn::ImageList evaluated_images(const Experiment& e, const nn::Data& data) {
  return e.evaluation.images ? data.test.first(e.evaluation.images) : data.test;
}

PreparedMethod prepare_method(const TrainingSetting& s, const MethodSet& set) {
  NetworkOrigin origin;
  const nn::TrainedNetwork base = train_base(s, set, origin);
  PreparedMethod method{
      .set = set,
      .options = s.options,
      .unfolded =
          set.compensation ? train_compensators(s, base, s.options.compensation, origin) : base,
      .trained = base,
      .origin = {},
      .scores = {}};
  method.origin = std::move(origin);
  method.trained = s.experiment.network.fold_batch_norm
                       ? nn::fold_batch_norm(method.unfolded.network, method.unfolded.parameters)
                       : method.unfolded;
  method.base_weights = base.network.parameter_count();
  method.base_macs = base.network.macs();
  if (set.write_verify)
    method.scores = weight_scores(s.options.write_verify, method.trained, s.data,
                                  static_cast<std::uint64_t>(s.experiment.training.seed));
  method.clean_accuracy = nn::evaluate(method.trained.network, method.trained.parameters,
                                       evaluated_images(s.experiment, s.data), s.data.normalisation)
                              .accuracy;
  return method;
}

std::shared_ptr<const ProgrammedLayers> ProgrammedChips::find(Index chip, Index programming) const {
  const std::lock_guard guard(mutex_);
  const auto found = kept_.find({chip, programming});
  return found == kept_.end() ? nullptr : found->second;
}

void ProgrammedChips::keep(Index chip, Index programming, const ProgrammedLayers& layers,
                           std::int64_t cells) {
  const std::lock_guard guard(mutex_);
  if (cells_ + cells > most_cells_) return;
  if (kept_.emplace(std::pair(chip, programming), std::make_shared<const ProgrammedLayers>(layers))
          .second)
    cells_ += cells;
}

std::shared_ptr<const CleanActivations> calibration_activations(const PreparedMethod& m,
                                                                const Experiment& e,
                                                                const nn::Data& data) {
  return std::make_shared<const CleanActivations>(m.trained.network, m.trained.parameters,
                                                  data.train.first(e.evaluation.calibration_images),
                                                  data.normalisation);
}

nn::Overhead digital_overhead(const PreparedMethod& m, const Chip& chip) {
  nn::Overhead sum = correction_overhead(chip.deployment);
  const nn::Overhead compensators = nn::compensator_overhead(m.trained.network);
  sum.weights += compensators.weights;
  sum.macs += compensators.macs;
  return sum;
}

MethodChips::MethodChips(const PreparedMethod& m, const Experiment& e, const nn::Data& data,
                         devices::Population population, const SharedWork& shared)
    : method_(m),
      experiment_(e),
      population_(population),
      stream_(static_cast<std::uint64_t>(e.run.seed)),
      range_images_(shared.calibration ? shared.calibration : calibration_activations(m, e, data)),
      plan_(make_plan(e, m.trained.network, m.trained.parameters, *range_images_)),
      programmed_(shared.programmed) {
  if (m.set.write_verify) verified_ = mark_verified(m.options.write_verify, m.scores, plan_);
  if (!m.set.ridge && !m.set.affine && !m.set.bn_reestimation) return;
  const CalibrationOptions& own = m.set.ridge    ? m.options.ridge
                                  : m.set.affine ? m.options.affine
                                                 : m.options.bn_reestimation;
  calibration_.emplace(m.trained.network, m.trained.parameters, data.train.first(own.images),
                       data.normalisation);
}

ReadContext MethodChips::reader(Index chip, Index programming, Index read) const {
  ReadContext context;
  context.stream = &stream_;
  context.chip = population_ == devices::Population::selection ? chip + kSelectionReads : chip;
  context.programming = programming;
  context.read = read;
  return context;
}

Chip MethodChips::make(Index index, Index programming, const sim::ChipOptions& options) const {
  const MethodSet& set = method_.set;
  ChipKind kind{.population = population_};
  if (set.copies) {
    kind.members = method_.options.copies.copies;
    kind.best = method_.options.copies.best > 0 ? method_.options.copies.best : kind.members;
  }
  Chip chip{method_.trained.network, method_.trained.parameters, {}};
  // Drawn cells are programmed fresh and drift; cells at their means are those of the time.
  const bool is_drawn = options.programming == sim::Programming::drawn;
  sim::ChipOptions fresh = options;
  if (is_drawn) fresh.seconds = 0;
  // Only what runs measure is kept, not the parts of an error budget.
  const bool may_keep =
      programmed_ && options.programming == sim::Programming::drawn && options.faults;
  const auto kept = may_keep ? programmed_->find(index, programming) : nullptr;
  kind.cells = kept.get();
  chip.programmed = program_layers(plan_, stream_, index, programming, fresh, range_images_.get(),
                                   kind, &chip.cells);
  if (may_keep && !kept) programmed_->keep(index, programming, chip.programmed, plan_.cells());
  if (experiment_.time.drift_compensation != DriftCompensation::none) {
    ProgrammedLayers young = chip.programmed;
    if (!is_drawn && options.seconds > 0) {
      fresh.seconds = 0;
      young = program_layers(plan_, stream_, index, programming, fresh, range_images_.get(), kind);
    }
    chip.fresh = output_magnitudes(deployment_of(young), *range_images_,
                                   reader(index, programming, kCalibrationRead));
  }
  let_drift(index, programming, options, chip);
  correct(index, programming, options, chip);
  return chip;
}

void MethodChips::let_drift(Index index, Index programming, const sim::ChipOptions& options,
                            Chip& chip) const {
  chip.parameters = method_.trained.parameters;
  chip.deployment = deployment_of(chip.programmed);
  if (options.seconds > 0)
    chip.deployment =
        drift_compensated(experiment_.time.drift_compensation, chip.fresh,
                          deployment_of(lab::after_drift(chip.programmed, options.seconds)),
                          *range_images_, reader(index, programming, kCalibrationRead));
  if (method_.set.compensation)
    house_compensators(
        method_.options.compensation, experiment_,
        {.stream = &stream_, .population = population_, .chip = index, .programming = programming},
        options, chip);
}

void MethodChips::correct(Index index, Index programming, const sim::ChipOptions& options,
                          Chip& chip) const {
  const MethodSet& set = method_.set;
  const ReadContext reading = reader(index, programming, kCalibrationRead);
  if (set.mean_correction) {
    // What drift does on average is undone already where it is compensated.
    sim::ChipOptions left = options;
    if (experiment_.time.drift_compensation != DriftCompensation::none) left.seconds = 0;
    add_mean_correction(plan_, left, chip);
  }
  if (set.bn_reestimation) reestimate_batch_norm(*calibration_, reading, chip);
  if (set.affine)
    calibrate(CalibrationKind::affine, method_.options.affine, *calibration_, reading, chip);
  if (set.ridge)
    calibrate(CalibrationKind::ridge, method_.options.ridge, *calibration_, reading, chip);
}

Chip MethodChips::after_drift(const Chip& chip, Index index, Index programming, double seconds,
                              const Chip* calibrated) const {
  Chip out = chip;
  const sim::ChipOptions options{.seconds = seconds};
  let_drift(index, programming, options, out);
  if (!calibrated) {
    correct(index, programming, options, out);
    return out;
  }
  out.deployment.after = calibrated->deployment.after;
  for (Index l = 0; method_.set.bn_reestimation && l < out.network.layers(); ++l)
    if (out.network.structure(l).batch_norm)
      out.parameters[static_cast<std::size_t>(l)] =
          calibrated->parameters[static_cast<std::size_t>(l)];
  return out;
}

}  // namespace ohmic::lab
