#include <algorithm>
#include <cmath>

#include "rl/policy_kinds.h"

/// A long short-term memory (Hochreiter, Schmidhuber 1997; with the forget gate of Gers 2000), one
/// step a decision, fed with the option that was chosen before (nothing at the first):
///   [i f o] = sigmoid(E[a_(t-1)] + U h_(t-1) + b),  g = tanh(...),
///   c_t = f c_(t-1) + i g,  h_t = o tanh(c_t),  logits_t = W_t h_t + b_t.
/// Gates lie one after the other, i f o g; the forget gate's bias starts at 1 (Jozefowicz 2015).
namespace ohmic::rl {
namespace {

class LstmPolicy final : public Policy {
 public:
  LstmPolicy(std::vector<int> choices_of, int hidden, const FirstParameters& first)
      : Policy(std::move(choices_of)), hidden_(static_cast<std::size_t>(hidden)) {
    ParameterLayout layout;
    const int most = *std::max_element(choices().begin(), choices().end());
    embeddings_ = layout.add(static_cast<std::size_t>(most) * 4 * hidden_);
    recurrent_ = layout.add(4 * hidden_ * hidden_);
    biases_ = layout.add(4 * hidden_);
    const std::size_t drawn = layout.size();
    for (int options : choices()) heads_.emplace_back(layout, options, hidden);
    parameters_.assign(layout.size(), 0.0);  // the heads: a uniform distribution
    first.draw(1 / std::sqrt(static_cast<double>(hidden)), 0, std::span(parameters_).first(drawn));
    for (std::size_t j = 0; j < hidden_; ++j) parameters_[biases_ + kForget * hidden_ + j] = 1;
  }

 protected:
  // A row of state: gates i f o g, cell, tanh(cell), hidden.
  void forward(const Action& action, Walk& walk, std::span<double> logits) const override {
    const std::size_t t = walk.state.size();
    std::vector<double> row(7 * hidden_);
    for (std::size_t r = 0; r < 4 * hidden_; ++r) {
      double sum = parameters_[biases_ + r];
      if (t > 0) {
        sum += parameters_[embedding(action[t - 1]) + r];
        const double* u = parameters_.data() + recurrent_ + r * hidden_;
        const double* h = walk.state[t - 1].data() + kHidden * hidden_;
        for (std::size_t j = 0; j < hidden_; ++j) sum += u[j] * h[j];
      }
      row[r] = r < kCandidate * hidden_ ? sigmoid_of(sum) : tanh_of(sum);
    }
    for (std::size_t j = 0; j < hidden_; ++j) {
      const double before = t > 0 ? walk.state[t - 1][kCell * hidden_ + j] : 0.0;
      const double cell = row[kForget * hidden_ + j] * before +
                          row[kInput * hidden_ + j] * row[kCandidate * hidden_ + j];
      row[kCell * hidden_ + j] = cell;
      row[kTanhCell * hidden_ + j] = tanh_of(cell);
      row[kHidden * hidden_ + j] = row[kOutput * hidden_ + j] * row[kTanhCell * hidden_ + j];
    }
    heads_[t].forward(parameters_, std::span(row).subspan(kHidden * hidden_), logits);
    walk.state.push_back(std::move(row));
  }

  void backward(const Action& action, const Walk& walk, const Rows& d_logits,
                std::span<double> gradient) const override {
    std::vector<double> d_hidden(hidden_), d_cell(hidden_), d_gates(4 * hidden_);
    for (std::size_t t = d_logits.size(); t-- > 0;) {
      const std::vector<double>& row = walk.state[t];
      heads_[t].backward(parameters_, std::span(row).subspan(kHidden * hidden_), d_logits[t],
                         gradient, d_hidden);
      for (std::size_t j = 0; j < hidden_; ++j) {
        const double i = row[kInput * hidden_ + j], f = row[kForget * hidden_ + j],
                     o = row[kOutput * hidden_ + j], g = row[kCandidate * hidden_ + j],
                     tanh_cell = row[kTanhCell * hidden_ + j],
                     before = t > 0 ? walk.state[t - 1][kCell * hidden_ + j] : 0.0;
        d_cell[j] += d_hidden[j] * o * (1 - tanh_cell * tanh_cell);
        d_gates[kInput * hidden_ + j] = d_cell[j] * g * i * (1 - i);
        d_gates[kForget * hidden_ + j] = d_cell[j] * before * f * (1 - f);
        d_gates[kOutput * hidden_ + j] = d_hidden[j] * tanh_cell * o * (1 - o);
        d_gates[kCandidate * hidden_ + j] = d_cell[j] * i * (1 - g * g);
        d_cell[j] *= f;
      }
      std::fill(d_hidden.begin(), d_hidden.end(), 0.0);
      for (std::size_t r = 0; r < 4 * hidden_; ++r) {
        gradient[biases_ + r] += d_gates[r];
        if (t == 0) continue;
        gradient[embedding(action[t - 1]) + r] += d_gates[r];
        const double* u = parameters_.data() + recurrent_ + r * hidden_;
        double* d_u = gradient.data() + recurrent_ + r * hidden_;
        const double* h = walk.state[t - 1].data() + kHidden * hidden_;
        for (std::size_t j = 0; j < hidden_; ++j) {
          d_u[j] += d_gates[r] * h[j];
          d_hidden[j] += d_gates[r] * u[j];
        }
      }
    }
  }

 private:
  enum : std::size_t { kInput, kForget, kOutput, kCandidate, kCell, kTanhCell, kHidden };
  std::size_t embedding(int option) const {
    return embeddings_ + static_cast<std::size_t>(option) * 4 * hidden_;
  }
  std::size_t hidden_, embeddings_ = 0, recurrent_ = 0, biases_ = 0;
  std::vector<OutputHead> heads_;
};

}  // namespace

std::unique_ptr<Policy> make_lstm_policy(std::vector<int> choices, int hidden,
                                         const FirstParameters& first) {
  return std::make_unique<LstmPolicy>(std::move(choices), hidden, first);
}

}  // namespace ohmic::rl
