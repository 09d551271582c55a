#include <algorithm>
#include <cmath>

#include "rl/policy_parts.h"

/// A long short-term memory (Hochreiter, Schmidhuber 1997; with the forget gate of Gers 2000), one
/// step per decision, fed with the option that was chosen before (nothing at the first):
///   [i f o] = sigmoid(E[a_(t-1)] + U h_(t-1) + b),  g = tanh(...),
///   c_t = f c_(t-1) + i g,  h_t = o tanh(c_t),  logits_t = W_t h_t + b_t.
/// Gates lie one after the other, i f o g; the forget gate's bias starts at 1 (Jozefowicz 2015).
namespace ohmic::rl {
namespace {

using Array = Eigen::ArrayXd;

class LstmPolicy final : public Policy {
 public:
  LstmPolicy(std::vector<int> choices_of, int hidden, const FirstParameters& first)
      : Policy(std::move(choices_of)), hidden_(hidden) {
    ParameterLayout layout;
    const int most = *std::max_element(choices().begin(), choices().end());
    embeddings_ = layout.add(most, 4 * hidden_);
    recurrent_ = layout.add(4 * hidden_, hidden_);
    biases_ = layout.add(4 * hidden_);
    const Eigen::Index drawn = layout.size();
    for (int options : choices()) heads_.emplace_back(layout, options, hidden);
    parameters_ = Vector::Zero(layout.size());  // the heads: a uniform distribution
    parameters_.head(drawn) = first.draw(1 / std::sqrt(static_cast<double>(hidden)), drawn);
    biases_.in(parameters_).segment(kForget * hidden_, hidden_).setOnes();
  }

 protected:
  Vector forward(const Action& action, Walk& walk) const override {
    const std::size_t t = walk.state.size();
    Eigen::MatrixXd gates(hidden_, 4);
    Eigen::Map<Vector> sum(gates.data(), gates.size());
    sum = biases_.in(parameters_);
    Array cell_before = Array::Zero(hidden_);
    if (t > 0) {
      sum += embeddings_.in(parameters_).row(action[t - 1]).transpose();
      sum += recurrent_.in(parameters_)*walk.state[t - 1].col(kHidden);
      cell_before = walk.state[t - 1].col(kCell);
    }
    Eigen::MatrixXd state(hidden_, kColumns);
    state.leftCols(kCandidate) = gates.leftCols(kCandidate).unaryExpr(&sigmoid_of);
    state.col(kCandidate) = gates.col(kCandidate).unaryExpr(&tanh_of);
    const Array i = state.col(kInput), f = state.col(kForget), o = state.col(kOutput),
                g = state.col(kCandidate), c = f * cell_before + i * g;
    state.col(kCell) = c;
    state.col(kTanhCell) = c.unaryExpr(&tanh_of);
    state.col(kHidden) = o * state.col(kTanhCell).array();
    const Vector h = state.col(kHidden);
    walk.state.push_back(std::move(state));
    return heads_[t].forward(parameters_, h);
  }

  Vector backward(const Action& action, const Walk& walk,
                  const std::vector<Vector>& d_logits) const override {
    Vector gradient = Vector::Zero(parameters_.size());
    Array d_h = Array::Zero(hidden_), d_c = Array::Zero(hidden_);
    for (std::size_t t = d_logits.size(); t-- > 0;) {
      const Eigen::MatrixXd& state = walk.state[t];
      const Array i = state.col(kInput), f = state.col(kForget), o = state.col(kOutput),
                  g = state.col(kCandidate), tanh_c = state.col(kTanhCell);
      d_h += heads_[t].backward(parameters_, state.col(kHidden), d_logits[t], gradient).array();
      d_c += d_h * o * (1 - tanh_c.square());
      Array cell_before = Array::Zero(hidden_);
      if (t > 0) cell_before = walk.state[t - 1].col(kCell);
      Vector d_gates(4 * hidden_);  // before sigmoid and tanh
      d_gates << d_c * g * i * (1 - i), d_c * cell_before * f * (1 - f), d_h * tanh_c * o * (1 - o),
          d_c * i * (1 - g.square());
      biases_.in(gradient) += d_gates;
      if (t == 0) break;
      embeddings_.in(gradient).row(action[t - 1]) += d_gates.transpose();
      recurrent_.in(gradient) += d_gates * walk.state[t - 1].col(kHidden).transpose();
      d_h = recurrent_.in(parameters_).transpose() * d_gates;
      d_c *= f;
    }
    return gradient;
  }

 private:
  /// Columns of the state, hidden x 7.
  enum : Eigen::Index { kInput, kForget, kOutput, kCandidate, kCell, kTanhCell, kHidden, kColumns };
  Eigen::Index hidden_;
  MatrixPart embeddings_;  // E: a row per option
  MatrixPart recurrent_;   // U
  VectorPart biases_;      // b
  std::vector<OutputHead> heads_;
};

}  // namespace

std::unique_ptr<Policy> make_lstm_policy(std::vector<int> choices, int hidden,
                                         const FirstParameters& first) {
  return std::make_unique<LstmPolicy>(std::move(choices), hidden, first);
}

}  // namespace ohmic::rl
