#include "lab/sweep/point_plan.h"

#include "lab/experiment/described_data.h"

namespace ohmic::lab {

const nn::Data& DataSets::of(const Experiment& e) {
  // Where a set is found is part of which it is.
  std::unique_ptr<nn::Data>& found = loaded_[to_toml(write_fields(e.data, false))];
  if (!found) found = std::make_unique<nn::Data>(load_data_of(e));
  return *found;
}

}  // namespace ohmic::lab
