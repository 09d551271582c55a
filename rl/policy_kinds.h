#pragma once

#include <memory>
#include <span>
#include <vector>

#include "rl/policy.h"

/// What policy.cpp and the policies share; nobody else includes it.
namespace ohmic::rl {

/// Where first parameters are drawn.
class FirstParameters {
 public:
  FirstParameters(const RandomStream& stream, std::uint64_t repeat)
      : stream_(stream), repeat_(repeat) {}
  /// Parameters number first .. first + out.size() - 1 of the policy, uniform in +-bound.
  void draw(double bound, std::size_t first, std::span<double> out) const;

 private:
  RandomStream stream_;
  std::uint64_t repeat_;
};

/// Parts of the one row of parameters, in the order in which they were added.
class ParameterLayout {
 public:
  /// The offset of a new part of `count` numbers.
  std::size_t add(std::size_t count) {
    const std::size_t offset = size_;
    size_ += count;
    return offset;
  }
  std::size_t size() const { return size_; }

 private:
  std::size_t size_ = 0;
};

/// A linear map from the hidden values to one decision's logits: weights (option-major), biases.
struct OutputHead {
  std::size_t weights = 0, biases = 0;  ///< offsets into the parameters
  OutputHead(ParameterLayout& layout, int options, int hidden);
  void forward(const std::vector<double>& parameters, std::span<const double> hidden,
               std::span<double> logits) const;
  /// Adds to the gradient, and to d_hidden.
  void backward(const std::vector<double>& parameters, std::span<const double> hidden,
                std::span<const double> d_logits, std::span<double> gradient,
                std::span<double> d_hidden) const;
};

double tanh_of(double x);     ///< from our own exp
double sigmoid_of(double x);  ///< from our own exp

std::unique_ptr<Policy> make_tabular_policy(std::vector<int> choices);
std::unique_ptr<Policy> make_mlp_policy(std::vector<int> choices, int hidden,
                                        const FirstParameters& first);
std::unique_ptr<Policy> make_lstm_policy(std::vector<int> choices, int hidden,
                                         const FirstParameters& first);

}  // namespace ohmic::rl
