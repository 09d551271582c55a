#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

/// How the weight w of a training device answers one programming pulse: the published models and
/// parameter sets of resistive processing units, as programming physics.
namespace ohmic::devices {

/// The step of one pulse in direction d (+ up, - down), before its noise:
///   constant     dw_d
///   linear       dw_d (1 - gamma_up w / w_max) up, dw_d (1 - gamma_down w / w_min) down
///   soft_bounds  linear with gamma = 1
///   exponential  dw_d max(1 - A_d exp(d gamma_d z), 0), z = 2 a w / (w_max - w_min) + b
///   power        dw_d o^gamma_up up, dw_d (1 - o)^gamma_down down, o = (w_max - w) / (w_max -
///   w_min) piecewise    dw_d times a line through nodes at equal distances from w_min to w_max
/// dw_up = dw_min (1 + min(up_down, 0)), dw_down = dw_min (1 - max(up_down, 0)). w stays within
/// w_min .. w_max. Source: IBM aihwkit's device models (Rasch et al., AICAS 2021,
/// arXiv:2104.02184).
enum class PulseLaw { constant, linear, soft_bounds, exponential, power, piecewise };

struct PulseModel {
  std::string_view name;
  std::string_view source;
  PulseLaw law = PulseLaw::constant;
  double dw_min = 0.001, up_down = 0;
  double w_min = -1, w_max = 1;
  double gamma_up = 0, gamma_down = 0;
  double a = 0, b = 0, a_up = 0, a_down = 0;           ///< of the exponential law
  std::vector<double> nodes_up = {}, nodes_down = {};  ///< of the piecewise law
  double step_sigma = 0;          ///< of one pulse, in units of dw_min (cycle to cycle)
  bool noise_scales = true;       ///< with the step; false: with dw_d alone
  double step_sigma_device = 0;   ///< of dw_min from device to device, relative
  double bound_sigma_device = 0;  ///< of w_max and w_min from device to device, relative
};

/// Every published set.
const std::vector<PulseModel>& pulse_models();
/// ConfigError naming those that there are.
const PulseModel& pulse_model(std::string_view name);

/// The mean signed step of one pulse at w.
double mean_step(const PulseModel& model, double w, bool up);
/// w after one pulse whose cycle-to-cycle noise is the standard normal z; `device` is a factor on
/// dw_min (1 for the mean device).
double after_pulse(const PulseModel& model, double w, bool up, double z = 0, double device = 1);

}  // namespace ohmic::devices
