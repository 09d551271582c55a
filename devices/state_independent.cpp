#include "devices/state_independent.h"

namespace ohmic::devices {

const char* const kStateIndependentManual =
    R"(Phase-change memory whose errors do not depend on its state (the model StateIndependentNoiseModel of IBM aihwkit), g_max = 25 uS:

    programming  p = max(T + sigma_uS z, 0), .2 uS
    drift        d = p ((t + 20 s) / 20 s)^-nu,  nu = |N(drift_mean, drift_sigma)|, .1 and .05
    read         g = max(d (1 + read_scale / 25 sqrt(ln((t + 20 s + 250 ns) / 500 ns)) z'), 0), frozen at a time

Range: 0 .. 25 uS. A definition rather than a measurement: for asking what state dependence costs.)";

PcmLaw state_independent_law(const StateIndependentParams& p) {
  const double sigma = p.sigma / units::kMicrosiemens;
  return {.g_max = 25,
          .t0 = 20,
          .t_read = 250e-9,
          .sigma = [sigma](double) { return sigma; },
          .exponent =
              [p](double) {
                return PcmLaw::Exponent{p.drift_mean, p.drift_sigma};
              },
          .read_fraction = [p](double, double) { return p.read_scale / 25; }};
}

void fields(FieldVisitor& f, StateIndependentParams& p) {
  f.field({.key = "sigma_uS",
           .meaning = "deviation of one programming",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .high = 1e6},
          p.sigma);
  f.field({.key = "drift_mean", .meaning = "mean drift exponent", .low = 0, .high = 10},
          p.drift_mean);
  f.field({.key = "drift_sigma", .meaning = "its deviation between devices", .low = 0, .high = 10},
          p.drift_sigma);
  f.field(
      {.key = "read_scale", .meaning = "factor of the frozen read noise", .low = 0, .high = 100},
      p.read_scale);
  fields(f, p.preset);
}

void check_device(const StateIndependentParams& p, const ConfigNode& table,
                  const std::string& path) {
  check_preset(p.preset, {0, 25 * units::kMicrosiemens}, "state_independent", table, path);
}

std::shared_ptr<const DeviceModel> make_state_independent(const StateIndependentParams& params) {
  return std::make_shared<PcmCell>(params.preset, state_independent_law(params),
                                   with_model("state_independent", write_fields(params)));
}

}  // namespace ohmic::devices
