#include "sim/converters.h"

#include <algorithm>
#include <cmath>

namespace ohmic::sim {

Quantiser::Quantiser(double low, double high, Index levels)
    : low_(low), high_(high), levels_(levels) {
  ensure(low < high && levels >= 2, "a quantiser needs low < high and two levels");
  step_ = (high - low) / static_cast<double>(levels - 1);
  const double lowest = low / step_;
  shift_ = lowest - std::floor(lowest);
  if (shift_ < 1e-9 || shift_ > 1 - 1e-9) shift_ = 0;  // zero is a level
}

double Quantiser::operator()(double x) const {
  if (is_ideal()) return x;
  const double steps = static_cast<double>(levels_ - 1), span = high_ - low_;
  return std::nearbyint((std::clamp(x, low_, high_) - low_) * steps / span) * span / steps + low_;
}

template <class T>
CodeRange<T> Quantiser::codes(double unit) const {
  const double lowest = std::nearbyint(low_ / step_ - shift_);
  return {static_cast<T>(unit / step_), static_cast<T>(lowest),
          static_cast<T>(lowest + static_cast<double>(levels_ - 1)), static_cast<T>(shift_)};
}
template CodeRange<float> Quantiser::codes(double) const;
template CodeRange<double> Quantiser::codes(double) const;

void fields(FieldVisitor& f, DacParams& p) {
  f.field({.key = "bits",
           .meaning = "resolution of the DAC",
           .unit = "bits",
           .low = 1,
           .high = 16,
           .word = "ideal"},
          p.bits);
  f.field(
      {.key = "range",
       .meaning = "full scale: the largest |x| of calibration, a percentile of it, or dac.limit"},
      p.range, {"max", "percentile", "fixed"});
  f.field({.key = "percentile",
           .meaning = "fraction of |x| inside the range",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .low_open = true,
           .idle = p.range == DacRange::percentile ? "" : "range is not \"percentile\""},
          p.percentile);
  f.field({.key = "limit",
           .meaning = "full scale where range is \"fixed\"",
           .unit = "input units",
           .low = 1e-9,
           .high = 1e9,
           .idle = p.range == DacRange::fixed ? "" : "range is not \"fixed\""},
          p.limit);
  f.field({.key = "sign",
           .meaning = "auto: unsigned where calibration sees no negative input; says whether ADCs "
                      "of single devices need negative codes, with an ideal DAC too"},
          p.sign, {"auto", "signed", "unsigned"});
  f.field({.key = "zero",
           .meaning = "signed: zero is a level (2^b - 1 levels; false: 2^b)",
           .idle = !p.bits                          ? "bits are \"ideal\""
                   : p.sign == DacSign::is_unsigned ? "sign is \"unsigned\""
                                                    : ""},
          p.zero);
}

void fields(FieldVisitor& f, AdcParams& p) {
  const std::string_view ideal = p.bits ? "" : "bits are \"ideal\"";
  const bool is_seen = p.range == AdcRange::percentile || p.range == AdcRange::least_squares;
  const std::string_view unseen = !p.bits   ? ideal
                                  : is_seen ? ""
                                            : "range does not depend on calibration";
  const std::string_view unfixed = !p.bits                      ? ideal
                                   : p.range == AdcRange::fixed ? ""
                                                                : "range is not \"fixed\"";
  f.field({.key = "bits",
           .meaning = "resolution of the ADC",
           .unit = "bits",
           .low = 1,
           .high = 16,
           .word = "ideal"},
          p.bits);
  f.field({.key = "range",
           .meaning = "full scale: a percentile of |I| in calibration, the array's largest "
                      "current, low/high, or least error",
           .idle = ideal},
          p.range, {"percentile", "full_scale", "fixed", "least_squares"});
  f.field({.key = "percentile",
           .meaning = "fraction of |I| inside the range",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .low_open = true,
           .idle = !p.bits                           ? ideal
                   : p.range == AdcRange::percentile ? ""
                                                     : "range is not \"percentile\""},
          p.percentile);
  f.field({.key = "low_uA",
           .meaning = "lowest current where range is \"fixed\"",
           .unit = "uA",
           .scale = units::kMicroamperes,
           .idle = unfixed},
          p.low);
  f.field({.key = "high_uA",
           .meaning = "highest current where range is \"fixed\"",
           .unit = "uA",
           .scale = units::kMicroamperes,
           .idle = unfixed},
          p.high);
  f.field({.key = "per_tile",
           .meaning = "calibrate every tile on its own instead of pooling a layer's",
           .idle = unseen},
          p.per_tile);
  std::string recalibrate = p.recalibrate_per_chip ? "per_chip" : "never";
  f.field({.key = "recalibrate",
           .meaning = "calibrate once in ideal cells, or on every chip's own",
           .one_of = {"never", "per_chip"},
           .idle = unseen},
          recalibrate);
  p.recalibrate_per_chip = recalibrate == "per_chip";
  f.field({.key = "zero",
           .meaning = "signed: zero is a level (2^b - 1 levels; false: 2^b)",
           .idle = ideal},
          p.zero);
  f.field(
      {.key = "lookup_table",
       .meaning = "CSV of code, mean, std from silicon or SPICE: what conversions give instead of "
                  "their ideal code; takes the place of device and converter models",
       .is_file = true},
      p.lookup_table);
}

namespace {

[[noreturn]] void fail_key(const ConfigNode& table, std::string_view key,
                           const std::string& message) {
  fail_at(origin_of(table, key), message);
}

}  // namespace

void check_dac(const DacParams& p, const ConfigNode& table, const std::string& path) {
  if (p.range == DacRange::fixed && !table.find("limit"))
    fail_key(table, "range", path + ".range = \"fixed\" needs " + path + ".limit");
  if (p.bits && *p.bits == 1 && p.zero && p.sign != DacSign::is_unsigned)
    fail_key(table, "bits",
             path + ".bits = 1 leaves a signed DAC with zero as its only level; set " + path +
                 ".zero = false or " + path + ".sign = \"unsigned\"");
}

void check_adc(const AdcParams& p, const ConfigNode& table, const std::string& path) {
  for (const char* key : {"low_uA", "high_uA"})
    if (p.bits && p.range == AdcRange::fixed && !table.find(key))
      fail_key(table, "range",
               path + ".range = \"fixed\" needs " + path + ".low_uA and " + path + ".high_uA");
  if (p.range == AdcRange::fixed && !(p.low < p.high))
    fail_key(table, "low_uA",
             path + ".low_uA = " + shortest(in_user_units(p.low, units::kMicroamperes)) +
                 " is not below " + path +
                 ".high_uA = " + shortest(in_user_units(p.high, units::kMicroamperes)));
  if (p.bits && *p.bits == 1 && p.zero && (p.range != AdcRange::fixed || p.low == -p.high))
    fail_key(table, "bits",
             path + ".bits = 1 leaves a signed ADC with zero as its only level; set " + path +
                 ".zero = false");
}

Quantiser make_quantiser(const std::optional<std::int64_t>& bits, bool is_signed, bool zero,
                         double limit) {
  if (!bits) return {};
  const Index levels = Index{1} << *bits;
  if (!is_signed) return {0.0, limit, levels};
  return {-limit, limit, zero ? levels - 1 : levels};
}

Dac calibrated_dac(const DacParams& p, const Histogram& seen, bool negative) {
  double limit = p.range == DacRange::fixed        ? p.limit
                 : p.range == DacRange::percentile ? seen.quantile(p.percentile)
                                                   : seen.max();
  if (!(limit > 0)) limit = 1.0;
  const bool is_signed = p.sign == DacSign::is_signed || (p.sign == DacSign::automatic && negative);
  return {make_quantiser(p.bits, is_signed, p.zero, limit), limit, is_signed};
}

Quantiser calibrated_adc(const AdcParams& p, const Histogram& seen, bool is_signed,
                         double full_scale) {
  if (!p.bits) return {};
  const Index levels = (Index{1} << *p.bits) - (is_signed && p.zero ? 1 : 0);
  if (p.range == AdcRange::fixed)
    return {p.low, p.high, (Index{1} << *p.bits) - (p.zero && p.low == -p.high ? 1 : 0)};
  double limit = p.range == AdcRange::full_scale ? full_scale : seen.quantile(p.percentile);
  if (p.range == AdcRange::least_squares)
    limit = seen.least_error_limit(static_cast<double>(levels - 1) / (is_signed ? 2.0 : 1.0));
  if (!(limit > 0)) limit = full_scale;
  return make_quantiser(p.bits, is_signed, p.zero, limit);
}

}  // namespace ohmic::sim
