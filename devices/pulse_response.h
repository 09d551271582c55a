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
///   power        dw_d o^gamma_up up, dw_d (1 - o)^gamma_down down
///   piecewise    dw_d times a line through nodes at equal distances from w_min to w_max
/// o = (w_max - w) / (w_max - w_min).
/// dw_up = dw_min |gain + min(up_down, 0) + imbalance|, dw_down = dw_min |gain - max(up_down, 0) -
/// imbalance|, with gain 1 and imbalance 0 for the mean device. w stays within
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
  double step_sigma = 0;            ///< of one pulse, in units of dw_min (cycle to cycle)
  bool noise_scales = true;         ///< with the step; false: with dw_d alone
  double step_sigma_device = 0;     ///< of dw_min from device to device, relative
  bool step_is_log_normal = false;  ///< then exp(sigma z) instead of 1 + sigma z
  double up_down_sigma_device = 0;  ///< of up_down, in units of dw_min
  double w_max_sigma_device = 0, w_min_sigma_device = 0;  ///< relative
  double gamma_sigma_device = 0;                          ///< of the linear law's slopes
  double gain = 1, imbalance = 0;  ///< of one device (of_device); 1 and 0 of the mean one
};

/// The standard normals that one device is made with.
struct PulseDeviceNormals {
  double step = 0, up_down = 0, w_max = 0, w_min = 0, gamma_up = 0, gamma_down = 0;
};
/// One device of a set: its own steps, bounds and slopes, its spread from device to device spent.
/// Steps keep their direction and bounds their side of 0 (magnitudes are taken). The linear law's
/// slope is relative to the mean device's bounds, the other laws' shapes to the device's own.
PulseModel of_device(const PulseModel& model, const PulseDeviceNormals& z);

/// Every published set.
const std::vector<PulseModel>& pulse_models();
/// ConfigError naming those that there are.
const PulseModel& pulse_model(std::string_view name);

/// The mean signed step of one pulse at w.
double mean_step(const PulseModel& model, double w, bool up);
/// w after one pulse whose cycle-to-cycle noise is the standard normal z.
double after_pulse(const PulseModel& model, double w, bool up, double z = 0);

}  // namespace ohmic::devices
