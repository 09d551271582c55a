#include "devices/measured.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "devices/measured_units.h"

namespace ohmic::devices {

const char* const kMeasuredManual =
    R"(The user's own device. file = "samples.csv" (relative to the config), .npy or "file.h5:/path":

    target_uS, mean_uS, std_uS   normal conductances; mean and deviation linear between targets, clipped at 0
    target_uS, sample_uS         raw samples, one per row, 20 or more per target: a cell takes the quantile of one uniform number in the
                                 empirical distribution, linear between order statistics and between the two nearest targets. At each
                                 target draws have the samples' mean and standard deviation (n - 1); the order statistics are stretched
                                 for that (by 3 % at 20 samples). The tails beyond the smallest and largest of them are cut off: n
                                 samples say nothing of what happens to fewer than one cell in 2n. Where the bound at 0 leaves no way to keep both,
                                 the deviation is kept and the mean moves
    ..., time_s                  several times after programming: linear in ln t between them (in t up to the second if the first is 0);
                                 a cell keeps its number at all of them

Units are part of the column names: target_uS, target (uS) or target [uS]. Conductances in S, mS, uS, nS; as currents in A, mA, uA, nA, which
read_voltage_v divides; or as resistances in Ohm, kOhm, MOhm, r of which counts as 1/r. Times in s, min, h, day. Files without names, and names
without units, need file_unit. Further columns are not read, and named in a message. Spreadsheets' CSV is read as it is: a sep= line, `;` or tabs
with decimal commas, separators at a line's end. A comment is a line that begins with "# ". Read-outs below 0 are refused; negative = "clip" takes
them as 0. Targets must cover g_min_uS .. g_max_uS.
`ohmic info --fit samples.csv` shows what was understood. Source: the user's. Range of validity: that of the table.)";

void fields(FieldVisitor& f, MeasuredParams& p) {
  f.field({.key = "file",
           .meaning = "table of what was measured: .csv, .npy or file.h5:/path",
           .is_file = true},
          p.file);
  f.field({.key = "file_unit",
           .meaning = "unit of conductances in a file without column names",
           .one_of = conductance_unit_words(),
           .choice_of = plain_unit},
          p.file_unit);
  f.field({.key = "read_voltage_v",
           .meaning = "voltage of read-outs that are currents (A, mA, uA, nA)",
           .unit = "V",
           .low = 0,
           .high = 100,
           .low_open = true},
          p.read_voltage);
  std::string negative = p.clips_negative ? "clip" : "refuse";
  f.field({.key = "negative",
           .meaning = "read-outs below 0 (an offset of the meter): refused, or taken as 0",
           .one_of = {"refuse", "clip"}},
          negative);
  p.clips_negative = negative == "clip";
  fields(f, p.cell);
}

namespace {

constexpr const char* kPlane = "measured_draw";

class Measured final : public GenericCell {
 public:
  Measured(const MeasuredParams& p, MeasuredTable table)
      : GenericCell(p.cell), params_(p), table_(std::move(table)) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    out.target = Matrix<float>(target);
    out.programmed = Matrix<float>(target.rows(), target.columns());
    Matrix<float>& draw = out.plane_of(kPlane);
    std::vector<double> u(static_cast<std::size_t>(target.columns()));
    for (Index r = 0; r < target.rows(); ++r) {
      if (table_.has_samples) {
        context.uniforms(Purpose::cycle, r, u);
        for (Index c = 0; c < target.columns(); ++c)
          draw(r, c) = static_cast<float>(u[static_cast<std::size_t>(c)]);
      } else {
        context.normals(Purpose::cycle, r, {draw.row(r), u.size()});
      }
      for (Index c = 0; c < target.columns(); ++c)
        out.programmed(r, c) = at(target(r, c), draw(r, c), 0);
    }
  }
  void conductance(const Cells& cells, double seconds, View<float> out) const override {
    const ConstView<float> draw = cells.plane(kPlane);
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.columns(); ++c) {
        out(r, c) = cells.programmed(r, c);
        if (table_.times.size() == 1 || seconds <= table_.times.front().seconds) continue;
        const float first = at(cells.target(r, c), draw(r, c), 0);
        const float later = at(cells.target(r, c), draw(r, c), seconds);
        out(r, c) = out(r, c) == first ? later : std::max(out(r, c) + (later - first), 0.0f);
      }
  }
  TimeRange time_range() const override {
    if (table_.times.size() <= 1) return {};
    return {.changes = true, .latest = table_.times.back().seconds};
  }
  double mean(double g, double seconds) const override { return moments(g, seconds).first; }
  double sigma(double g, double seconds) const override { return moments(g, seconds).second; }
  ConfigNode parameters() const override { return with_model("measured", write_fields(params_)); }

 private:
  /// Where x lies among ascending knots: the knot below and the fraction of the way to the next.
  struct Between {
    std::size_t below;
    double fraction;
  };
  template <class Knots, class Value>
  static Between between(const Knots& knots, double x, Value value) {
    std::size_t above = 1,
                end = knots.size() - 1;  // the first from 1 on that is not below x, or the last
    while (above < end) {
      const std::size_t middle = above + (end - above) / 2;
      if (value(knots[middle]) < x)
        above = middle + 1;
      else
        end = middle;
    }
    const double low = value(knots[above - 1]), high = value(knots[above]);
    return {above - 1, std::clamp((x - low) / (high - low), 0.0, 1.0)};
  }
  Between target_place(double g) const {
    return between(table_.times.front().targets, g, [](const auto& t) { return t.target; });
  }
  /// The two times around `seconds`, and the weight of the second.
  Between time_place(double seconds) const {
    if (table_.times.size() == 1 || seconds <= table_.times.front().seconds) return {0, 0.0};
    return between(table_.times, seconds, [](const auto& t) { return t.seconds; });
  }
  template <class AtTime>
  double over_time(double seconds, AtTime at_time) const {
    Between t = time_place(seconds);
    if (t.fraction == 0) return at_time(table_.times[t.below]);
    const double first = table_.times[t.below].seconds, last = table_.times[t.below + 1].seconds;
    if (first > 0) t.fraction = elementary::log(seconds / first) / elementary::log(last / first);
    const double below = at_time(table_.times[t.below]);
    return below + t.fraction * (at_time(table_.times[t.below + 1]) - below);
  }

  float at(double target, double draw, double seconds) const {
    const Between t = target_place(target);
    const double g = over_time(seconds, [&](const MeasuredTable::AtTime& time) {
      const auto &low = time.targets[t.below], &high = time.targets[t.below + 1];
      const auto mixed = [&](double a, double b) { return a + t.fraction * (b - a); };
      if (table_.has_samples)
        return mixed(low.samples->quantile(draw), high.samples->quantile(draw));
      return mixed(low.mean, high.mean) + mixed(low.sigma, high.sigma) * draw;
    });
    return static_cast<float>(std::max(g, 0.0));
  }

  /// Mean and deviation. Of samples: the quantile function is linear between the merged knots of
  /// the (up to four) distributions that it mixes, so Simpson's rule on each piece is exact.
  std::pair<double, double> moments(double g, double seconds) const {
    if (!table_.has_samples) {
      const Between t = target_place(g);
      const auto mixed = [&](auto member) {
        return over_time(seconds, [&](const MeasuredTable::AtTime& time) {
          const double a = time.targets[t.below].*member, b = time.targets[t.below + 1].*member;
          return a + t.fraction * (b - a);
        });
      };
      const double m = mixed(&MeasuredTable::AtTarget::mean),
                   s = mixed(&MeasuredTable::AtTarget::sigma);
      return {rectified_mean(m, s), rectified_sigma(m, s)};
    }
    const Between t = target_place(g);
    std::vector<double> knots{0, 1};
    const std::size_t first_time = time_place(seconds).below;
    for (std::size_t time = first_time; time < std::min(first_time + 2, table_.times.size());
         ++time)
      for (const std::size_t side : {t.below, t.below + 1}) {
        const auto n =
            static_cast<double>(table_.times[time].targets[side].samples->knots().size());
        for (double k = 0.5; k < n; ++k) knots.push_back(k / n);
      }
    std::sort(knots.begin(), knots.end());
    double first = 0, second = 0;
    for (std::size_t i = 0; i + 1 < knots.size(); ++i) {
      const double width = knots[i + 1] - knots[i];
      if (width <= 0) continue;
      const double a = at(g, knots[i], seconds), b = at(g, knots[i + 1], seconds),
                   m = 0.5 * (a + b);
      first += width * m;
      second += width * (a * a + 4 * m * m + b * b) / 6;
    }
    return {first, std::sqrt(std::max(second - first * first, 0.0))};
  }

  MeasuredParams params_;
  MeasuredTable table_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_measured(const MeasuredParams& params,
                                                 const std::filesystem::path& file) {
  MeasuredTable table = read_measured_table(file, {.unit = params.file_unit,
                                                   .read_voltage = params.read_voltage,
                                                   .clips_negative = params.clips_negative});
  const auto& targets = table.times.front().targets;
  const double low = targets.front().target, high = targets.back().target;
  const auto words = [](double g) { return shortest(in_user_units(g, units::kMicrosiemens)); };
  const std::string range = "device.g_min_uS .. g_max_uS = " + words(params.cell.g_min) + " .. " +
                            words(params.cell.g_max);
  constexpr double kRounding = 1e-9;
  if (params.cell.g_min < low * (1 - kRounding) || params.cell.g_max > high * (1 + kRounding))
    throw ConfigError(file.string() + ": its targets " + words(low) + " .. " + words(high) +
                      " uS do not cover " + range +
                      (high < params.cell.g_max / 100 ? "; is the unit another one?" : ""));
  // Units of neighbouring prefixes differ by 1000; no measured range is so much wider than the one
  // that is used of it.
  constexpr double kOtherUnit = 500;
  double largest = high;
  for (const auto& time : table.times)
    for (const auto& at : time.targets)
      if (at.target <= params.cell.g_max * (1 + kRounding)) largest = std::max(largest, at.mean);
  if (largest > kOtherUnit * params.cell.g_max)
    throw ConfigError(file.string() + ": conductances up to " + words(largest) + " uS are " +
                      shortest(std::round(largest / params.cell.g_max)) + " times the largest of " +
                      range + " uS; the unit (S, mS, uS, nS) seems to be another one");
  return std::make_shared<Measured>(params, std::move(table));
}

}  // namespace ohmic::devices
