#include "rl/policy_parts.h"

/// Independent logits per decision: as many parameters as options. It cannot say that one choice
/// depends on another, and learns fastest where none does.
namespace ohmic::rl {
namespace {

class TabularPolicy final : public Policy {
 public:
  explicit TabularPolicy(std::vector<int> choices_of) : Policy(std::move(choices_of)) {
    ParameterLayout layout;
    for (int options : choices()) logits_.push_back(layout.add(options));
    parameters_ = Vector::Zero(layout.size());
  }

 protected:
  Vector forward(const Action&, Walk& walk) const override {
    return logits_[walk.log_probabilities.size()].in(parameters_);
  }
  Vector backward(const Action&, const Walk&, const std::vector<Vector>& d_logits) const override {
    Vector gradient = Vector::Zero(parameters_.size());
    for (std::size_t t = 0; t < d_logits.size(); ++t) logits_[t].in(gradient) = d_logits[t];
    return gradient;
  }

 private:
  std::vector<VectorPart> logits_;
};

}  // namespace

std::unique_ptr<Policy> make_tabular_policy(std::vector<int> choices) {
  return std::make_unique<TabularPolicy>(std::move(choices));
}

}  // namespace ohmic::rl
