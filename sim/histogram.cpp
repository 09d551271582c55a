#include "sim/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ohmic::sim {
namespace {

constexpr int kDropped = 13;  // of the 23 bits of mantissa
constexpr std::size_t kBuckets = std::size_t{1} << (31 - kDropped);

std::uint32_t bucket_of(float magnitude) {
  return std::bit_cast<std::uint32_t>(magnitude) >> kDropped;
}
double edge(std::size_t bucket) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bucket << kDropped));
}

}  // namespace

Histogram::Histogram() : buckets_(kBuckets, 0) {}

void Histogram::add(const float* values, Index n) {
  for (Index i = 0; i < n; ++i) {
    const float magnitude = std::fabs(values[i]);
    ++buckets_[bucket_of(magnitude)];
    max_ = std::max(max_, magnitude);
  }
  count_ += n;
}

void Histogram::merge(const Histogram& other) {
  for (std::size_t b = 0; b < kBuckets; ++b) buckets_[b] += other.buckets_[b];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

double Histogram::quantile(double p) const {
  if (count_ == 0) return 0.0;
  const auto wanted = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(count_)));
  std::int64_t seen = 0;
  for (std::size_t b = 0; b < kBuckets; ++b) {
    seen += buckets_[b];
    if (seen >= wanted) return std::min(edge(b + 1), max());
  }
  return max();
}

double Histogram::least_error_limit(double steps) const {
  struct Occupied {
    double x, count;
  };
  std::vector<Occupied> occupied;  // few of the buckets are, and each candidate walks over them
  for (std::size_t b = 0; b < kBuckets; ++b)
    if (buckets_[b] > 0)
      occupied.push_back(
          {std::min(0.5 * (edge(b) + edge(b + 1)), max()), static_cast<double>(buckets_[b])});
  constexpr int kCandidates = 200;
  double limit = max(), least = std::numeric_limits<double>::infinity();
  for (int k = 1; k <= kCandidates; ++k) {
    const double candidate = max() * k / kCandidates, step = candidate / steps;
    double sum = 0;
    for (const Occupied& o : occupied) {
      const double error = o.x - std::min(std::nearbyint(o.x / step) * step, candidate);
      sum += o.count * error * error;
    }
    if (sum < least) {
      least = sum;
      limit = candidate;
    }
  }
  return limit;
}

}  // namespace ohmic::sim
