#pragma once

#include <functional>

#include "devices/preset.h"

namespace ohmic::devices {

/// The laws of a phase-change cell that aihwkit's models share; r = target / g_max of the fit, all
/// conductances in uS at the published scale.
///   programmed  p = max(T + sigma(r) z, 0)
///   drifted     d = p ((t + t0) / t0)^-nu,  nu = |N(exponent mean(r), exponent sigma(r))|
///   read        g = max(d (1 + Q sqrt(ln((t + t0 + t_read) / (2 t_read))) z'), 0)
/// z, nu and z' are drawn once per device: the last is accumulated 1/f noise, frozen at a time.
struct PcmLaw {
  double g_max = 25;       ///< [uS] of the fit
  double t0 = 20;          ///< [s]
  double t_read = 250e-9;  ///< [s]
  std::function<double(double r)> sigma;
  struct Exponent {
    double mean = 0, sigma = 0;
  };
  std::function<Exponent(double r)> exponent;
  /// Q of a cell programmed to q = p / g_max with target r.
  std::function<double(double r, double q)> read_fraction;
  std::vector<double> kinks = {};  ///< values of q at which that is not smooth

  double read_factor(double seconds) const;  ///< the square root
  double drift_logarithm(double seconds) const;
};

/// Which stages of the chain count.
struct PcmStages {
  bool programming = true, drift = true, read = true;
};
struct MeanAndSigma {
  double mean = 0, sigma = 0;
};
/// Exact moments [uS] of the chain after `seconds` from target [uS] (one-dimensional quadrature
/// over the programming error, the rest in closed form).
MeanAndSigma pcm_moments(const PcmLaw& law, double target, double seconds, PcmStages stages = {});

/// A cell that follows such laws. `name` is that of the model; `parameters` its table.
class PcmCell final : public PresetCell {
 public:
  PcmCell(const PresetParams& preset, PcmLaw law, ConfigNode parameters);

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override;
  void conductance(const Cells& cells, double seconds, View<float> out) const override;
  TimeRange time_range() const override { return {.changes = true}; }
  double mean(double g, double seconds) const override;
  double sigma(double g, double seconds) const override;
  ConfigNode parameters() const override { return parameters_; }

 private:
  PcmLaw law_;
  ConfigNode parameters_;
};

}  // namespace ohmic::devices
