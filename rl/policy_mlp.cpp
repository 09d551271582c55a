#include <cmath>

#include "rl/policy_kinds.h"

/// One hidden layer, shared by the decisions:
///   h_t = tanh(p_t + sum over s < t of E_s[a_s]),   logits_t = W_t h_t + b_t.
/// The sum is the product of a matrix with the one-hot code of position and decisions so far, of
/// which only the columns that are hit are ever touched.
namespace ohmic::rl {
namespace {

class MlpPolicy final : public Policy {
 public:
  MlpPolicy(std::vector<int> choices_of, int hidden, const FirstParameters& first)
      : Policy(std::move(choices_of)), hidden_(static_cast<std::size_t>(hidden)) {
    ParameterLayout layout;
    for (int options : choices()) {
      positions_.push_back(layout.add(hidden_));
      embeddings_.push_back(layout.add(static_cast<std::size_t>(options) * hidden_));
    }
    const std::size_t drawn = layout.size();
    for (int options : choices()) heads_.emplace_back(layout, options, hidden);
    parameters_.assign(layout.size(), 0.0);  // the heads: a uniform distribution
    // At most as many columns are summed as there are decisions: tanh stays in its middle.
    first.draw(1 / std::sqrt(static_cast<double>(choices().size())), 0,
               std::span(parameters_).first(drawn));
  }

 protected:
  void forward(const Action& action, Walk& walk, std::span<double> logits) const override {
    const std::size_t t = walk.state.size();
    std::vector<double> h(
        parameters_.begin() + static_cast<std::ptrdiff_t>(positions_[t]),
        parameters_.begin() + static_cast<std::ptrdiff_t>(positions_[t] + hidden_));
    for (std::size_t s = 0; s < t; ++s) {
      const double* column = parameters_.data() + embedding(s, action[s]);
      for (std::size_t j = 0; j < hidden_; ++j) h[j] += column[j];
    }
    for (double& value : h) value = tanh_of(value);
    heads_[t].forward(parameters_, h, logits);
    walk.state.push_back(std::move(h));
  }

  void backward(const Action& action, const Walk& walk, const Rows& d_logits,
                std::span<double> gradient) const override {
    std::vector<double> d_sum(hidden_);
    for (std::size_t t = 0; t < d_logits.size(); ++t) {
      const std::vector<double>& h = walk.state[t];
      d_sum.assign(hidden_, 0.0);
      heads_[t].backward(parameters_, h, d_logits[t], gradient, d_sum);
      for (std::size_t j = 0; j < hidden_; ++j) {
        d_sum[j] *= 1 - h[j] * h[j];
        gradient[positions_[t] + j] += d_sum[j];
      }
      for (std::size_t s = 0; s < t; ++s) {
        double* column = gradient.data() + embedding(s, action[s]);
        for (std::size_t j = 0; j < hidden_; ++j) column[j] += d_sum[j];
      }
    }
  }

 private:
  std::size_t embedding(std::size_t decision, int option) const {
    return embeddings_[decision] + static_cast<std::size_t>(option) * hidden_;
  }
  std::size_t hidden_;
  std::vector<std::size_t> positions_, embeddings_;
  std::vector<OutputHead> heads_;
};

}  // namespace

std::unique_ptr<Policy> make_mlp_policy(std::vector<int> choices, int hidden,
                                        const FirstParameters& first) {
  return std::make_unique<MlpPolicy>(std::move(choices), hidden, first);
}

}  // namespace ohmic::rl
