#include "sim/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace ohmic::sim {
namespace {

constexpr int kExponents = 256, kMantissa = 10;  // of a float; bits of 23
constexpr std::size_t kOctave = std::size_t{1} << kMantissa;
constexpr int kDropped = 23 - kMantissa;

double edge(std::size_t bucket) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bucket << kDropped));
}

}  // namespace

void Histogram::add(const float* values, Index n) {
  octaves_.resize(kExponents);
  for (Index i = 0; i < n; ++i) {
    const float magnitude = std::fabs(values[i]);
    const std::size_t bucket = std::bit_cast<std::uint32_t>(magnitude) >> kDropped;
    std::vector<std::int64_t>& octave = octaves_[bucket / kOctave];
    if (octave.empty()) octave.resize(kOctave);
    ++octave[bucket % kOctave];
    max_ = std::max(max_, magnitude);
  }
  count_ += n;
}

void Histogram::merge(const Histogram& other) {
  octaves_.resize(std::max(octaves_.size(), other.octaves_.size()));
  for (std::size_t e = 0; e < other.octaves_.size(); ++e) {
    const std::vector<std::int64_t>& from = other.octaves_[e];
    octaves_[e].resize(std::max(octaves_[e].size(), from.size()));
    for (std::size_t m = 0; m < from.size(); ++m) octaves_[e][m] += from[m];
  }
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

template <class Of>
void Histogram::for_each_bucket(Of of) const {
  for (std::size_t e = 0; e < octaves_.size(); ++e)
    for (std::size_t m = 0; m < octaves_[e].size(); ++m)
      if (octaves_[e][m] > 0 && !of(e * kOctave + m, octaves_[e][m])) return;
}

double Histogram::quantile(double p) const {
  const auto wanted = static_cast<std::int64_t>(std::ceil(p * static_cast<double>(count_)));
  std::int64_t seen = 0;
  double found = max();
  for_each_bucket([&](std::size_t bucket, std::int64_t count) {
    seen += count;
    if (seen < wanted) return true;
    found = std::min(edge(bucket + 1), max());
    return false;
  });
  return found;
}

double Histogram::least_error_limit(double steps) const {
  struct Occupied {
    double x, count;
  };
  std::vector<Occupied> occupied;  // few of the buckets are, and each candidate walks over them
  for_each_bucket([&](std::size_t bucket, std::int64_t count) {
    occupied.push_back(
        {std::min(0.5 * (edge(bucket) + edge(bucket + 1)), max()), static_cast<double>(count)});
    return true;
  });
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
