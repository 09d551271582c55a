#pragma once

#include <limits>
#include <vector>

namespace ohmic::devices {

/// The distribution that a sample of measurements stands for: what is drawn from it has the
/// sample's mean and its standard deviation (with n - 1), and nothing lies far beyond what was
/// measured.
///
/// Order statistic k of n has probability (k - 1/2)/n (Hazen 1914); between them the quantile
/// function is linear, outside it is flat, so the tails beyond the smallest and largest sample are
/// cut. Lines between samples and the divisor n both make the spread too small (by 3 % at n = 20),
/// so the order statistics are stretched about the mean until the deviation is the sample's.
class Empirical {
 public:
  /// `samples` in any order, at least two. Values stay at or above `least`; where stretching meets
  /// it, mean and deviation are kept by the other values, and if that cannot be, the deviation is.
  explicit Empirical(std::vector<double> samples,
                     double least = -std::numeric_limits<double>::infinity());
  /// The value at probability u in [0, 1].
  double quantile(double u) const;
  /// The values at probabilities (k - 1/2)/n, ascending: the quantile function is linear between.
  const std::vector<double>& knots() const { return knots_; }

 private:
  std::vector<double> knots_;
};

}  // namespace ohmic::devices
