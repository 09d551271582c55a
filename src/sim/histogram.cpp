#include "sim/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

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

double Histogram::quantisation_error(double limit, double step) const {
  double sum = 0;
  for (std::size_t b = 0; b < kBuckets; ++b) {
    if (buckets_[b] == 0) continue;
    const double x = std::min(0.5 * (edge(b) + edge(b + 1)), max());
    const double error = x - std::min(std::nearbyint(x / step) * step, limit);
    sum += static_cast<double>(buckets_[b]) * error * error;
  }
  return count_ == 0 ? 0.0 : sum / static_cast<double>(count_);
}

}  // namespace ohmic::sim
