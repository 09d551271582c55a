#include "lab/study/method_run.h"

#include "lab/study/drift.h"

namespace ohmic::lab {
namespace {

constexpr Index kSelectionReads =
    1 << 19;  // read draws of selection chips lie beyond the reported ones

}  // namespace

nn::ImageList evaluated_images(const Experiment& e, const nn::Data& data) {
  return e.evaluation.images ? data.test.first(e.evaluation.images) : data.test;
}

PreparedMethod prepare_method(const TrainingSetting& s, const MethodSet& set) {
  NetworkOrigin origin;
  nn::TrainedNetwork base = train_base(s, set, origin);
  PreparedMethod method{.set = set,
                        .unfolded = {},
                        .trained = {base.network, {}},
                        .origin = {},
                        .base_weights = base.network.parameter_count(),
                        .base_macs = base.network.macs(),
                        .marks = {}};
  const TrainingAid aid = training_aid(s);
  std::optional<nn::TrainedNetwork> further;
  for (const Method& part : set.parts)
    if (part.further) further = train_further(s, base, part.further(base, aid), origin);
  nn::TrainedNetwork found = further ? std::move(*further) : std::move(base);
  method.origin = std::move(origin);
  if (s.keeps_state) method.unfolded = found;
  method.trained = s.experiment.network.fold_batch_norm
                       ? nn::fold_batch_norm(found.network, found.parameters)
                       : std::move(found);
  for (const Method& part : set.parts)
    if (part.plan)
      method.marks.push_back(part.plan(method.trained, s.data,
                                       static_cast<std::uint64_t>(s.experiment.training.seed)));
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

MethodChips::MethodChips(const PreparedMethod& m, const Experiment& e, const nn::Data& data,
                         devices::Population population, const SharedWork& shared)
    : method_(m),
      experiment_(e),
      population_(population),
      stream_(static_cast<std::uint64_t>(e.run.seed)),
      range_images_(shared.calibration ? shared.calibration : calibration_activations(m, e, data)),
      plan_(make_plan(e, m.trained.network, m.trained.parameters, *range_images_)),
      programmed_(shared.programmed) {
  for (const PlanMark& mark : m.marks) mark(plan_);
  for (const Method& part : m.set.parts)
    if (part.calibration_images > 0)
      calibration_.try_emplace(part.calibration_images, m.trained.network, m.trained.parameters,
                               data.train.first(part.calibration_images), data.normalisation);
}

MethodCost MethodChips::cost(const Chip& chip) const {
  MethodCost cost{.digital = correction_overhead(chip.deployment)};
  for (const sim::CellCounts& layer : chip.cells)
    cost.pulses += static_cast<double>(layer.pulses() - layer.verified());
  for (const Method& part : method_.set.parts)
    if (part.cost) part.cost(plan_, chip, cost);
  return cost;
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
  ChipKind kind{.population = population_};
  for (const Method& part : method_.set.parts)
    if (part.arrange) part.arrange(kind);
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
  const CellAid aid{
      experiment_.hardware,
      {.stream = &stream_, .population = population_, .chip = index, .programming = programming},
      options};
  for (const Method& part : method_.set.parts)
    if (part.house) part.house(aid, chip);
}

void MethodChips::correct(Index index, Index programming, const sim::ChipOptions& options,
                          Chip& chip) const {
  CorrectionAid aid{plan_, options, nullptr, reader(index, programming, kCalibrationRead)};
  // What drift does on average is undone already where it is compensated.
  if (experiment_.time.drift_compensation != DriftCompensation::none) aid.options.seconds = 0;
  for (const Method& part : method_.set.parts) {
    if (!part.correct) continue;
    aid.clean = part.calibration_images > 0 ? &calibration_.at(part.calibration_images) : nullptr;
    part.correct(aid, chip);
  }
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
  for (const Method& part : method_.set.parts)
    if (part.recall) part.recall(*calibrated, out);
  return out;
}

}  // namespace ohmic::lab
