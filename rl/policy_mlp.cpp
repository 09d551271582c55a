#include <cmath>

#include "rl/policy_parts.h"

/// One hidden layer, shared by the decisions:
///   h_t = tanh(p_t + sum over s < t of E_s[a_s]),   logits_t = W_t h_t + b_t.
/// The sum is the product of a matrix with the one-hot code of position and decisions so far, of
/// which only the rows that are hit are ever touched.
namespace ohmic::rl {
namespace {

class MlpPolicy final : public Policy {
 public:
  MlpPolicy(std::vector<int> choices_of, int hidden, const FirstParameters& first)
      : Policy(std::move(choices_of)) {
    ParameterLayout layout;
    for (int options : choices()) {
      positions_.push_back(layout.add(hidden));
      embeddings_.push_back(layout.add(options, hidden));
    }
    const Eigen::Index drawn = layout.size();
    for (int options : choices()) heads_.emplace_back(layout, options, hidden);
    parameters_ = Vector::Zero(layout.size());  // the heads: a uniform distribution
    // At most as many rows are summed as there are decisions: tanh stays in its middle.
    parameters_.head(drawn) =
        first.draw(1 / std::sqrt(static_cast<double>(choices().size())), drawn);
  }

 protected:
  Vector forward(const Action& action, Walk& walk) const override {
    const std::size_t t = walk.state.size();
    Vector sum = positions_[t].in(parameters_);
    for (std::size_t s = 0; s < t; ++s)
      sum += embeddings_[s].in(parameters_).row(action[s]).transpose();
    const Vector h = sum.unaryExpr(&tanh_of);
    walk.state.push_back(h);
    return heads_[t].forward(parameters_, h);
  }

  Vector backward(const Action& action, const Walk& walk,
                  const std::vector<Vector>& d_logits) const override {
    Vector gradient = Vector::Zero(parameters_.size());
    for (std::size_t t = 0; t < d_logits.size(); ++t) {
      const Vector h = walk.state[t];
      const Vector d_h = heads_[t].backward(parameters_, h, d_logits[t], gradient);
      const Vector d_sum = d_h.array() * (1 - h.array().square());
      positions_[t].in(gradient) += d_sum;
      for (std::size_t s = 0; s < t; ++s)
        embeddings_[s].in(gradient).row(action[s]) += d_sum.transpose();
    }
    return gradient;
  }

 private:
  std::vector<VectorPart> positions_;   // p
  std::vector<MatrixPart> embeddings_;  // E: a row per option
  std::vector<OutputHead> heads_;       // W, b
};

}  // namespace

std::unique_ptr<Policy> make_mlp_policy(std::vector<int> choices, int hidden,
                                        const FirstParameters& first) {
  return std::make_unique<MlpPolicy>(std::move(choices), hidden, first);
}

}  // namespace ohmic::rl
