#include "lab/results/comparison.h"

#include <algorithm>

namespace ohmic::lab {

bool ComparedMethod::is_verified() const {
  const auto any = [](const std::vector<std::int64_t>& counts) {
    return std::any_of(counts.begin(), counts.end(), [](std::int64_t n) { return n > 0; });
  };
  return any(cells_within_tolerance) || any(cells_gave_up);
}

TrainingIntervals training_intervals(const std::vector<double>& values, std::size_t trainings,
                                     const RandomStream& stream, std::uint64_t statistic) {
  const std::size_t chips = values.size() / trainings;
  std::vector<double> chip_means(chips);
  for (std::size_t i = 0; i < values.size(); ++i)
    chip_means[i % chips] += values[i] / static_cast<double>(trainings);
  TrainingIntervals out{mean_interval(chip_means, stream, statistic),
                        new_group_interval(values, static_cast<std::int64_t>(trainings),
                                           static_cast<std::int64_t>(chips))};
  // Means of a few trainings may agree by chance, but chips remain a sample for a new one.
  if (out.given.is_known() && out.new_training.is_known())
    out.new_training = {std::min(out.new_training.low, out.given.low),
                        std::max(out.new_training.high, out.given.high)};
  return out;
}

std::string Comparison::words(std::size_t point) const {
  if (axes.empty()) return "as configured";
  std::string words = point_words(axes, point);
  const std::string lognormal = "device.sigma ";
  if (words.starts_with(lognormal)) words.erase(0, std::string("device.").size());
  return words;
}

std::vector<double> Comparison::at(std::size_t m, std::size_t h, std::size_t s) const {
  std::vector<double> out;
  const auto n = static_cast<std::size_t>(chips);
  for (std::size_t seed = 0; seed < seeds.size(); ++seed) {
    const auto first = methods[m].accuracy.begin() +
                       static_cast<Index>(((seed * hardware.size() + h) * points() + s) * n);
    out.insert(out.end(), first, first + chips);
  }
  return out;
}

std::optional<std::size_t> Comparison::best(std::size_t h, std::size_t s) const {
  std::optional<std::size_t> found;
  double highest = -1;
  for (std::size_t m = 0; m < methods.size(); ++m) {
    if (methods[m].selection_accuracy.empty()) return std::nullopt;
    double sum = 0;
    for (std::size_t seed = 0; seed < seeds.size(); ++seed)
      sum += methods[m].selection_accuracy[(seed * hardware.size() + h) * points() + s];
    if (sum > highest) {
      highest = sum;
      found = m;
    }
  }
  return found;
}

}  // namespace ohmic::lab
