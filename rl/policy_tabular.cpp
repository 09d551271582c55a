#include <algorithm>

#include "rl/policy_kinds.h"

/// Independent logits a decision: as many parameters as options. It cannot say that one choice
/// depends on another, and learns fastest where none does.
namespace ohmic::rl {
namespace {

class TabularPolicy final : public Policy {
 public:
  explicit TabularPolicy(std::vector<int> choices_of) : Policy(std::move(choices_of)) {
    ParameterLayout layout;
    for (int options : choices()) offsets_.push_back(layout.add(static_cast<std::size_t>(options)));
    parameters_.assign(layout.size(), 0.0);
  }

 protected:
  void forward(const Action&, Walk& walk, std::span<double> logits) const override {
    const double* row = parameters_.data() + offsets_[walk.log_probabilities.size()];
    std::copy(row, row + logits.size(), logits.begin());
  }
  void backward(const Action&, const Walk&, const Rows& d_logits,
                std::span<double> gradient) const override {
    for (std::size_t t = 0; t < d_logits.size(); ++t)
      for (std::size_t k = 0; k < d_logits[t].size(); ++k)
        gradient[offsets_[t] + k] += d_logits[t][k];
  }

 private:
  std::vector<std::size_t> offsets_;
};

}  // namespace

std::unique_ptr<Policy> make_tabular_policy(std::vector<int> choices) {
  return std::make_unique<TabularPolicy>(std::move(choices));
}

}  // namespace ohmic::rl
