#include "lab/sweep/point_plan.h"

#include "io/digest.h"
#include "lab/experiment/identity.h"

namespace ohmic::lab {

void name_shared_work(PointPlan& plan, const PointWork& work) {
  const Experiment& trained = work.training();
  const MethodSet methods = trained.methods.parse(trained.run.method);
  plan.training = digest(training_words(trained, methods.in_trainings()));
  plan.network = digest(methods.name + "\n" + training_words(trained, methods.parts));
  // Products that are kept read as they were made.
  plan.cells = digest(cells_words(work.measured) + (work.ideal_hardware ? "ideal" : ""));
}

std::string digest_lines(const std::vector<PointPlan>& plans) {
  std::string lines;
  for (const PointPlan& plan : plans) lines += plan.digest + "\n";
  return lines;
}

const nn::Data& DataSets::of(const Experiment& e) {
  // Where a set is found is part of which it is.
  const std::string words = to_toml(write_fields(e.data, false));
  std::unique_ptr<nn::Data>& found = loaded_[words];
  if (found) return *found;
  found = std::make_unique<nn::Data>(read_data(e, needs_));
  if (found->digest.empty()) found->digest = found->training_digest = "unread: " + words;
  return *found;
}

void DataSets::keep() const {
  if (needs_.images && needs_.use_cache)
    for (const auto& [words, data] : loaded_) keep_digests(*data);
}

}  // namespace ohmic::lab
