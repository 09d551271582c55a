#pragma once

#include <optional>
#include <string>

#include "base/kernels.h"
#include "base/matrix.h"
#include "base/units.h"
#include "io/fields.h"
#include "sim/histogram.h"

/// Digital-to-analog and analog-to-digital conversion.
namespace ohmic::sim {

/// A uniform converter with `levels` levels from `low` to `high`, both of them levels; ideal where
/// levels = 0. transfer: quant(x) = rint((clip(x) - low)(L - 1)/(high - low)) (high - low)/(L - 1)
/// + low, ties to even.
class Quantiser {
 public:
  Quantiser() = default;  ///< ideal: passes everything
  Quantiser(double low, double high, Index levels);

  bool is_ideal() const { return levels_ == 0; }
  double low() const { return low_; }
  double high() const { return high_; }
  Index levels() const { return levels_; }
  /// The size of one code step; 1 where ideal.
  double step() const { return step_; }
  /// The transfer function in double.
  double operator()(double x) const;
  /// The same for the kernels: codes of signals in units of `unit` (a signal x stands for x *
  /// unit). A code times step() is the converted signal. Zero, where it is a level, is code 0.
  template <class T>
  CodeRange<T> codes(double unit = 1.0) const;

 private:
  double low_ = 0, high_ = 0, step_ = 1, shift_ = 0;
  Index levels_ = 0;
};

enum class DacRange { max, percentile, fixed };
enum class DacSign { automatic, is_signed, is_unsigned };

struct DacParams {
  std::optional<std::int64_t> bits = 8;  ///< none = ideal
  DacRange range = DacRange::max;
  double percentile = 0.999;  ///< of |x|
  double limit = 1.0;         ///< input units, where range is fixed
  DacSign sign = DacSign::automatic;
  bool zero = true;  ///< signed converters: zero is a level (2^b - 1 levels)
};
void fields(FieldVisitor& f, DacParams& p);

enum class AdcRange { percentile, full_scale, fixed, least_squares };

struct AdcParams {
  std::optional<std::int64_t> bits = 8;  ///< none = ideal
  AdcRange range = AdcRange::percentile;
  double percentile = 0.999;  ///< of |I|
  double low = -10 * units::kMicroamperes,
         high = 10 * units::kMicroamperes;  ///< [A], where range is fixed
  bool per_tile = false;                    ///< calibrate every tile on its own
  bool recalibrate_per_chip = false;  ///< on the chip's own conductances instead of ideal ones
  bool zero = true;                   ///< signed converters: zero is a level (2^b - 1 levels)
  std::string lookup_table = {};  ///< file of measured codes; empty: device and ADC are modelled
};
void fields(FieldVisitor& f, AdcParams& p);

/// Throws ConfigError at the table where a setting makes no converter (low >= high, one bit with a
/// zero level).
void check_dac(const DacParams& p, const ConfigNode& table, const std::string& path);
void check_adc(const AdcParams& p, const ConfigNode& table, const std::string& path);

/// A signed converter over [-limit, limit] or an unsigned one over [0, limit].
Quantiser make_quantiser(const std::optional<std::int64_t>& bits, bool is_signed, bool zero,
                         double limit);

/// A DAC of one layer: `limit` [input units] is driven as the full read voltage, by an ideal one
/// too.
struct Dac {
  Quantiser quantiser;
  double limit = 1.0;
  bool is_signed = true;  ///< drives inputs below 0; of an ideal one too: its ADC needs to know
  /// Fraction of the read voltage that one code drives.
  double lsb_fraction() const { return quantiser.step() / limit; }
};

/// The DAC for activations seen in calibration: `seen` holds |x|, `negative` says whether any x was
/// below 0. An activation that is always 0 gets limit 1.
Dac calibrated_dac(const DacParams& p, const Histogram& seen, bool negative);
/// The ADC for |currents| [A] seen in calibration; full_scale is the largest current that the array
/// can give [A].
Quantiser calibrated_adc(const AdcParams& p, const Histogram& seen, bool is_signed,
                         double full_scale);

}  // namespace ohmic::sim
