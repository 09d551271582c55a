#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/parallel.h"
#include "base/statistics.h"
#include "io/array_file.h"
#include "io/h5.h"

/// How often intervals cover the truth: the tables of docs/statistics.md. CHIPS.csv is
/// bench/golden_chips.csv, the accuracies of 400 chips. No benchmark but a measurement.
namespace ohmic {
namespace {

constexpr int kRepeats = 4000, kReplicates = 1000, kUntilReplicates = 400;
constexpr double kPi = 3.141592653589793;

/// Numbers of one repeat; no two repeats and no two uses share any.
class Draws {
 public:
  Draws(std::uint64_t use, int repeat) : use_(use), repeat_(static_cast<std::uint64_t>(repeat)) {}
  std::vector<double> uniforms(std::size_t n) {
    std::vector<double> u(n);
    RandomStream(1000 + use_)
        .uniforms(bootstrap_address({.statistic = part_++, .replicate = repeat_}), 0, u);
    return u;
  }
  std::vector<double> normals(std::size_t n) {
    std::vector<double> u = uniforms(n);
    const std::vector<double> v = uniforms(n);
    for (std::size_t i = 0; i < n; ++i)
      u[i] = std::sqrt(-2 * std::log(u[i])) * std::cos(2 * kPi * v[i]);
    return u;
  }

 private:
  std::uint64_t use_, repeat_, part_ = 0;
};

/// A distribution of chips' accuracies.
struct Case {
  std::string name;
  double mean = 0;
  std::function<std::vector<double>(Draws&, std::size_t)> draw;
};

std::vector<Case> cases(const std::vector<double>& golden) {
  std::vector<Case> all;
  all.push_back({"400 chips of the golden network, sigma 0.5", mean_of(golden),
                 [&golden](Draws& draws, std::size_t n) {
                   std::vector<double> u = draws.uniforms(n);
                   for (double& x : u)
                     x = golden[static_cast<std::size_t>(x * static_cast<double>(golden.size()))];
                   return u;
                 }});
  all.push_back({"exponential losses, 90 % less 10 points on average (skewness -2)", 0.8,
                 [](Draws& draws, std::size_t n) {
                   std::vector<double> u = draws.uniforms(n);
                   for (double& x : u) x = 0.9 + 0.1 * std::log(x);
                   return u;
                 }});
  all.push_back(
      {"most chips near 100 %: u^(1/6) (skewness -1.6)", 6.0 / 7, [](Draws& draws, std::size_t n) {
         std::vector<double> u = draws.uniforms(n);
         for (double& x : u) x = std::pow(x, 1.0 / 6);
         return u;
       }});
  all.push_back({"log-normal losses, sigma 0.8 (skewness -3.7)", 0.9 - 0.08 * std::exp(0.32),
                 [](Draws& draws, std::size_t n) {
                   std::vector<double> z = draws.normals(n);
                   for (double& x : z) x = 0.9 - 0.08 * std::exp(0.8 * x);
                   return z;
                 }});
  return all;
}

/// How often an interval lay above the truth, and below.
struct Misses {
  int above = 0, below = 0;
  void add(const Interval& i, double truth) {
    above += i.low > truth;
    below += i.high < truth;
  }
  void add(const Misses& other) {
    above += other.above;
    below += other.below;
  }
  std::string words() const {
    const auto of = [](int n) { return 100.0 * n / kRepeats; };
    return fmt::format("{:.1f} ({:.1f}, {:.1f})", 100 - of(above + below), of(above), of(below));
  }
};

/// Percentile bootstrap, for comparison.
Interval percentile(const std::vector<double>& values, const RandomStream& stream) {
  std::vector<double> means, u(values.size());
  for (int replicate = 0; replicate < kReplicates; ++replicate) {
    stream.uniforms(
        bootstrap_address({.statistic = 1, .replicate = static_cast<std::uint64_t>(replicate)}), 0,
        u);
    double sum = 0;
    for (const double x : u)
      sum += values[static_cast<std::size_t>(x * static_cast<double>(values.size()))];
    means.push_back(sum / static_cast<double>(values.size()));
  }
  return {quantile(means, 0.025), quantile(means, 0.975)};
}

/// Runs `one` for every repeat, on all threads, and adds up what it missed.
template <class One>
Misses repeated(const One& one) {
  std::vector<Misses> all(kRepeats);
  for_each_block(kRepeats, [&](Index repeat) {
    one(static_cast<int>(repeat), all[static_cast<std::size_t>(repeat)]);
  });
  Misses sum;
  for (const Misses& m : all) sum.add(m);
  return sum;
}

void print_means(const std::vector<Case>& all) {
  fmt::print(
      "| chips are drawn from | chips | mean_interval | percentile bootstrap |\n"
      "|---|---|---|---|\n");
  for (std::size_t c = 0; c < all.size(); ++c)
    for (const std::size_t n : {3, 5, 10, 25, 100}) {
      const auto coverage = [&](const auto& interval) {
        return repeated([&](int repeat, Misses& misses) {
          Draws draws(100 * c + n, repeat);
          const std::vector<double> values = all[c].draw(draws, n);
          misses.add(interval(values, RandomStream(static_cast<std::uint64_t>(repeat))),
                     all[c].mean);
        });
      };
      const Misses own = coverage([](const auto& values, const RandomStream& stream) {
        return mean_interval(values, stream, 0, 0.95, kReplicates);
      });
      fmt::print("| {} | {} | {} | {} |\n", all[c].name, n, own.words(),
                 coverage(percentile).words());
    }
}

void print_until(const std::vector<Case>& all, std::size_t least) {
  constexpr std::size_t kMost = 400;
  fmt::print(
      "\n| chips are drawn from | half-width asked for (points) | least_chips | chips on average "
      "| covers % |\n|---|---|---|---|---|\n");
  for (std::size_t c = 0; c < all.size(); ++c)
    for (const double points : {2.0, 4.0}) {
      std::vector<double> used(kRepeats);
      const Misses misses = repeated([&](int repeat, Misses& own) {
        Draws draws(1000 + 100 * c + static_cast<std::uint64_t>(points), repeat);
        const std::vector<double> values = all[c].draw(draws, kMost);
        const RandomStream stream(static_cast<std::uint64_t>(repeat));
        for (std::size_t n = least; n <= kMost; ++n) {
          const std::span<const double> so_far = std::span(values).first(n);
          if (n < kMost && !is_mean_known(so_far, points / 100, stream, 0, kUntilReplicates))
            continue;
          used[static_cast<std::size_t>(repeat)] = static_cast<double>(n);
          return own.add(mean_interval(so_far, stream, 1, 0.95, kUntilReplicates), all[c].mean);
        }
      });
      fmt::print("| {} | {} | {} | {:.0f} | {} |\n", all[c].name, points, least, mean_of(used),
                 misses.words());
    }
}

/// What a comparison measured of one method at its first point: deviations of trainings, of chips
/// in common, and what is left, value by value.
struct Components {
  double training = 0, chip = 0;
  std::vector<double> residuals;
};

Components components_of(const std::vector<double>& values, std::size_t trainings) {
  const std::size_t chips = values.size() / trainings;
  const auto k = static_cast<double>(trainings), n = static_cast<double>(chips);
  std::vector<double> of_training(trainings), of_chip(chips);
  const double mean = mean_of(values);
  for (std::size_t i = 0; i < values.size(); ++i) {
    of_training[i / chips] += values[i] / n;
    of_chip[i % chips] += values[i] / k;
  }
  Components out;
  double square = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    out.residuals.push_back(values[i] - of_training[i / chips] - of_chip[i % chips] + mean);
    square += out.residuals.back() * out.residuals.back();
  }
  const double left = square / ((k - 1) * (n - 1));
  // Residuals are smaller than what they are left of.
  for (double& r : out.residuals) r *= std::sqrt(k * n / ((k - 1) * (n - 1)));
  Moments trained, made;
  for (const double t : of_training) trained.add(t);
  for (const double c : of_chip) made.add(c);
  out.training = std::sqrt(std::max(trained.variance() - left / n, 0.0));
  out.chip = std::sqrt(std::max(made.variance() - left / k, 0.0));
  return out;
}

/// How often both intervals of a comparison cover the mean over all trainings and chips, were the
/// measured components the truth.
void print_trainings(const std::string& file) {
  const h5::Reader in(file);
  const std::vector<std::string> methods = in.strings("/method");
  for (std::size_t m = 0; m < methods.size(); ++m) {
    const h5::Array<double> all = in.doubles("/methods/" + methods[m] + "/accuracy");
    const auto trainings = static_cast<std::size_t>(all.shape.front()),
               chips = static_cast<std::size_t>(all.shape.back());
    if (trainings < 2) throw FileError(file + ": has one training, whose spread is unknown");
    const std::size_t of_training = all.values.size() / trainings;
    std::vector<double> values;  // at the last hardware and the first point
    const std::size_t hardware = static_cast<std::size_t>(all.shape[1]);
    const std::size_t at = of_training / hardware * (hardware - 1);
    for (std::size_t t = 0; t < trainings; ++t)
      for (std::size_t c = 0; c < chips; ++c)
        values.push_back(all.values[t * of_training + at + c]);
    const Components parts = components_of(values, trainings);
    const auto coverage = [&](bool is_new) {
      return repeated([&](int repeat, Misses& misses) {
        Draws draws(5000 + m, repeat);
        const std::vector<double> t = draws.normals(trainings), c = draws.normals(chips),
                                  e = draws.uniforms(values.size());
        std::vector<double> drawn, chip_means(chips);
        for (std::size_t i = 0; i < values.size(); ++i) {
          const auto left = static_cast<std::size_t>(e[i] * static_cast<double>(values.size()));
          drawn.push_back(parts.training * t[i / chips] + parts.chip * c[i % chips] +
                          parts.residuals[left]);
          chip_means[i % chips] += drawn.back() / static_cast<double>(trainings);
        }
        const RandomStream stream(static_cast<std::uint64_t>(repeat));
        Interval interval = mean_interval(chip_means, stream, 0, 0.95, kReplicates);
        if (is_new) {  // as training_intervals() of lab/results/comparison.h
          const Interval own = new_group_interval(drawn, static_cast<std::int64_t>(trainings),
                                                  static_cast<std::int64_t>(chips));
          interval = {std::min(interval.low, own.low), std::max(interval.high, own.high)};
        }
        misses.add(interval, 0);
      });
    };
    fmt::print("| {} | {} | {:.2f} | {:.2f} | {} | {} |\n",
               std::filesystem::path(file).parent_path().filename().string(), methods[m],
               100 * parts.training, 100 * parts.chip, coverage(true).words(),
               coverage(false).words());
  }
}

}  // namespace
}  // namespace ohmic

int main(int argc, char** argv) {
  using namespace ohmic;
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 2) {
    fmt::print(stderr,
               "statistics_coverage means CHIPS.csv\n"
               "statistics_coverage until CHIPS.csv LEAST_CHIPS\n"
               "statistics_coverage trainings RESULTS.h5 ...\n");
    return 2;
  }
  if (words[0] == "trainings") {
    fmt::print(
        "| comparison | method | sd of trainings (points) | sd of chips in common | for a new "
        "training | for these trainings |\n|---|---|---|---|---|---|\n");
    for (std::size_t i = 1; i < words.size(); ++i) print_trainings(words[i]);
    return 0;
  }
  const Matrix<float> file = read_matrix(words[1], "chips");
  const std::vector<double> golden(file.data(), file.data() + file.size());
  const std::vector<Case> all = cases(golden);
  if (words[0] == "until" && words.size() == 3)
    print_until(all, static_cast<std::size_t>(std::stoi(words[2])));
  else
    print_means(all);
  return 0;
}
