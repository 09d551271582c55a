#include "lab/sweep/point_plan.h"

#include "io/digest.h"
#include "lab/experiment/described_data.h"
#include "lab/experiment/identity.h"

namespace ohmic::lab {

void name_shared_work(PointPlan& plan, const PointWork& work) {
  const Experiment& trained = work.training();
  const std::string& method = trained.run.method;
  plan.training = digest(training_words(trained, trained_parts(parse_method(method))));
  plan.network = digest(method + "\n" + training_words(trained, {method}));
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
  std::unique_ptr<nn::Data>& found = loaded_[to_toml(write_fields(e.data, false))];
  if (!found) found = std::make_unique<nn::Data>(load_data_of(e));
  return *found;
}

}  // namespace ohmic::lab
