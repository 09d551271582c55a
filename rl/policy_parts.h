#pragma once

#include <memory>
#include <vector>

#include "rl/policy.h"

/// What policies are made of; only they include it.
namespace ohmic::rl {

/// Where first parameters are drawn.
class FirstParameters {
 public:
  FirstParameters(const RandomStream& stream, std::uint64_t repeat)
      : stream_(stream), repeat_(repeat) {}
  /// The first `count` parameters of the policy, uniform in +-bound.
  Vector draw(double bound, Eigen::Index count) const;

 private:
  RandomStream stream_;
  std::uint64_t repeat_;
};

/// A vector that is part of all parameters, or of their gradient.
struct VectorPart {
  Eigen::Index first = 0, size = 0;
  auto in(const Vector& all) const { return all.segment(first, size); }
  auto in(Vector& all) const { return all.segment(first, size); }
};

/// A matrix, row after row.
struct MatrixPart {
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Index first = 0, rows = 0, columns = 0;
  Eigen::Map<const RowMajor> in(const Vector& all) const {
    return {all.data() + first, rows, columns};
  }
  Eigen::Map<RowMajor> in(Vector& all) const { return {all.data() + first, rows, columns}; }
};

/// Hands out parts, one after the other.
class ParameterLayout {
 public:
  VectorPart add(Eigen::Index size) { return {take(size), size}; }
  MatrixPart add(Eigen::Index rows, Eigen::Index columns) {
    return {take(rows * columns), rows, columns};
  }
  Eigen::Index size() const { return size_; }

 private:
  Eigen::Index take(Eigen::Index count) {
    const Eigen::Index first = size_;
    size_ += count;
    return first;
  }
  Eigen::Index size_ = 0;
};

/// One decision's logits of the hidden values: W h + b.
struct OutputHead {
  MatrixPart weights;
  VectorPart biases;
  OutputHead(ParameterLayout& layout, int options, int hidden);
  Vector forward(const Vector& parameters, const Vector& hidden) const;
  /// Adds to the gradient; returns the derivative by the hidden values.
  Vector backward(const Vector& parameters, const Vector& hidden, const Vector& d_logits,
                  Vector& gradient) const;
};

double tanh_of(double x);     ///< from our own exp
double sigmoid_of(double x);  ///< from our own exp

std::unique_ptr<Policy> make_tabular_policy(std::vector<int> choices);
std::unique_ptr<Policy> make_mlp_policy(std::vector<int> choices, int hidden,
                                        const FirstParameters& first);
std::unique_ptr<Policy> make_lstm_policy(std::vector<int> choices, int hidden,
                                         const FirstParameters& first);

}  // namespace ohmic::rl
