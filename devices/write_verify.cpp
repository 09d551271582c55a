#include "devices/write_verify.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "base/elementary.h"
#include "base/units.h"
#include "devices/decorated_model.h"
#include "devices/jump_table.h"
#include "devices/pulse_response.h"

namespace ohmic::devices {

const char* const kProgrammingLoopManual =
    R"(Programming with verification: after the model's own programming (pulse 1) every cell is read, and as long as its
conductance is more than verify_tolerance_uS from the target it gets another pulse, verify_pulse_limit in all. What a pulse does:

verify_pulse = "redraw": the cell is programmed anew, with a new draw of the model's cycle-to-cycle part. With a Gaussian spread s the number of
pulses is geometric, P(n) = p (1-p)^(n-1), p = erf(tolerance / (s sqrt 2)), and the result is the normal distribution truncated at +-tolerance.
verify_pulse = "step": the conductance moves towards the target by verify_step_uS on average, with deviation verify_step_sigma_uS.

verify_pulse = "response": a training device answers it (verify_model, `ohmic info --pulses`), the mean device's weights w_min .. w_max
standing for g_min .. g_max. Every cell has its own steps, bounds and slopes, drawn once per chip from the model's device-to-device part.
verify_pulse = "jump_table": a measured step (verify_file: CSV of level_uS, direction set or reset, step_uS, one pulse per row), drawn from the empirical
distribution at the cell's conductance.

Pulses are counted per cell (plane `pulses`). A cell that is stuck or on a dead line answers no pulse: it passes the first read where what
it conducts lies within the tolerance, and takes every pulse in vain otherwise (plane `gave_up`). Source: a definition; the loop of most programming papers, e.g. Wan et al., Nature 608 (2022) 504.)";

void fields(FieldVisitor& f, ProgrammingLoop& p) {
  std::string how = p.verifies ? "write_verify" : "one_shot";
  f.field({.key = "programming",
           .meaning = "one programming per cell, or pulses until a read lies within the tolerance",
           .one_of = {"one_shot", "write_verify"}},
          how);
  p.verifies = how == "write_verify";
  const std::string_view one_shot = p.verifies ? "" : "programming is not \"write_verify\"";
  const auto of_pulse = [&](ProgrammingLoop::Pulse pulse, std::string_view other) {
    return !p.verifies ? one_shot : p.pulse == pulse ? std::string_view() : other;
  };
  f.field({.key = "verify_pulse", .meaning = "what a further pulse does", .idle = one_shot},
          p.pulse, {"redraw", "step", "response", "jump_table"});
  f.field({.key = "verify_model",
           .meaning = "training device of verify_pulse = \"response\"",
           .idle = of_pulse(ProgrammingLoop::Pulse::response, "verify_pulse is not \"response\"")},
          p.model);
  f.field(
      {.key = "verify_file",
       .meaning = "measured steps of verify_pulse = \"jump_table\"",
       .is_file = true,
       .idle = of_pulse(ProgrammingLoop::Pulse::jump_table, "verify_pulse is not \"jump_table\"")},
      p.file);
  const std::string_view no_step =
      of_pulse(ProgrammingLoop::Pulse::step, "verify_pulse is not \"step\"");
  f.field({.key = "verify_tolerance_uS",
           .meaning = "distance from the target that is accepted",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .high = 1e6,
           .low_open = true,
           .idle = one_shot},
          p.tolerance);
  f.field({.key = "verify_pulse_limit",
           .meaning = "most pulses per cell, the first programming included",
           .low = 1,
           .high = kMostPulses,
           .idle = one_shot},
          p.pulse_limit);
  f.field({.key = "verify_step_uS",
           .meaning = "mean change of conductance by one pulse (verify_pulse = \"step\")",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .high = 1e6,
           .low_open = true,
           .idle = no_step},
          p.step);
  f.field({.key = "verify_step_sigma_uS",
           .meaning = "deviation of that change",
           .unit = "uS",
           .scale = units::kMicrosiemens,
           .low = 0,
           .high = 1e6,
           .idle = no_step},
          p.step_sigma);
}

namespace {

class Verified final : public DecoratedModel {
 public:
  Verified(std::shared_ptr<const DeviceModel> base, const ProgrammingLoop& params,
           const std::filesystem::path& file)
      : DecoratedModel(std::move(base)), params_(params) {
    if (params.pulse == ProgrammingLoop::Pulse::response) response_ = &pulse_model(params.model);
    if (params.pulse == ProgrammingLoop::Pulse::jump_table) jumps_ = read_jump_table(file);
  }

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    base().program(context, target, out);
    Matrix<float>& pulses = out.plane_of(kPulsePlane);
    pulses.fill(1.0f);
    out.plane_of(kGaveUpPlane).fill(0.0f);
    Matrix<float> now(target.rows(), target.columns());
    std::unordered_map<Index, PulseModel> responses;
    for (Index pulse = 1;; ++pulse) {
      base().conductance(out, 0, now);
      if (pulse == 1) end_broken(context.broken, target, out);
      const std::vector<Index> pending = beyond_tolerance(context.broken, target, now);
      if (pulse >= params_.pulse_limit)
        for (const Index i : pending) out.plane_of(kGaveUpPlane).data()[i] = 1.0f;
      if (pending.empty() || pulse >= params_.pulse_limit) return;
      // What passes once is left alone, so later pulses go to cells of the first ones.
      if (response_ && pulse == 1) responses = responses_of(context, target.columns(), pending);
      if (params_.pulse == ProgrammingLoop::Pulse::redraw)
        redraw(context, pulse, target, pending, out);
      else
        step(context, pulse, target, now, pending, responses, out);
      for (const Index i : pending) out.plane_of(kPulsePlane).data()[i] += 1.0f;
    }
  }
  double mean(double g, double seconds) const override {
    return g + base().mean(g, seconds) - base().mean(g, 0);
  }
  double sigma(double g, double seconds) const override {
    const auto square = [](double x) { return x * x; };
    const double s = base().sigma(g, 0);
    double left = std::min(s, params_.tolerance / std::sqrt(3.0));
    if (params_.pulse == ProgrammingLoop::Pulse::redraw && s > 0) {
      const double a = params_.tolerance / s;
      const double inside = 2 * elementary::normal_cdf(a) - 1;
      left = s * std::sqrt(1 - 2 * a * elementary::normal_pdf(a) / inside);
    }
    return std::sqrt(square(left) + std::max(square(base().sigma(g, seconds)) - square(s), 0.0));
  }
  ConfigNode parameters() const override {
    return merged(base().parameters(), write_fields(params_));
  }

 private:
  bool is_beyond(float g, float target) const {
    return std::fabs(static_cast<double>(g) - target) > params_.tolerance;
  }
  /// Cells that work and need another pulse.
  std::vector<Index> beyond_tolerance(ConstView<float> broken, ConstView<float> target,
                                      const Matrix<float>& now) const {
    std::vector<Index> pending;
    for (Index r = 0; r < now.rows(); ++r)
      for (Index c = 0; c < now.columns(); ++c)
        if (is_beyond(now(r, c), target(r, c)) && (broken.empty() || std::isnan(broken(r, c))))
          pending.push_back(r * now.columns() + c);
    return pending;
  }
  /// What no pulse changes passes the first read or takes all pulses in vain.
  void end_broken(ConstView<float> broken, ConstView<float> target, Cells& out) const {
    for (Index r = 0; r < broken.rows(); ++r)
      for (Index c = 0; c < broken.columns(); ++c) {
        if (std::isnan(broken(r, c)) || !is_beyond(broken(r, c), target(r, c))) continue;
        out.plane_of(kPulsePlane)(r, c) = static_cast<float>(params_.pulse_limit);
        out.plane_of(kGaveUpPlane)(r, c) = 1.0f;
      }
  }
  void redraw(const ProgramContext& context, Index pulse, ConstView<float> target,
              const std::vector<Index>& pending, Cells& out) const {
    ProgramContext again = context;
    again.attempt = pulse;
    Cells fresh;
    base().program(again, target, fresh);
    for (const Index i : pending) out.programmed.data()[i] = fresh.programmed.data()[i];
    for (const NamedPlane& plane : fresh.state)
      for (const Index i : pending) out.plane_of(plane.name).data()[i] = plane.values.data()[i];
  }
  void step(const ProgramContext& context, Index pulse, ConstView<float> target,
            const Matrix<float>& now, const std::vector<Index>& pending,
            const std::unordered_map<Index, PulseModel>& responses, Cells& out) const {
    std::vector<float> z(static_cast<std::size_t>(target.columns()));
    std::vector<double> u(z.size());
    Index row = -1;
    for (const Index i : pending) {
      const Index r = i / target.columns(), c = i % target.columns();
      if (r != row && params_.pulse == ProgrammingLoop::Pulse::jump_table)
        context.uniforms(Purpose::pulse, r, u, pulse);
      else if (r != row)
        context.normals(Purpose::pulse, r, z, pulse);
      row = r;
      const auto column = static_cast<std::size_t>(c);
      float& g = out.programmed.data()[i];
      const bool up = now(r, c) < target(r, c);
      const double changed =
          response_ ? after(responses.at(i), g, up, z[column]) : after(g, up, z[column], u[column]);
      g = static_cast<float>(std::max(changed, 0.0));
    }
  }
  /// The training devices that stand in `cells` (places in an array of `columns` columns).
  std::unordered_map<Index, PulseModel> responses_of(const ProgramContext& context, Index columns,
                                                     const std::vector<Index>& cells) const {
    // The model's own device-to-device parts use the numbers below 16.
    constexpr Index kFirst = 16, kParts = 6;
    std::unordered_map<Index, PulseModel> devices;
    std::vector<float> z[kParts];
    Index row = -1;
    for (const Index i : cells) {
      const auto c = static_cast<std::size_t>(i % columns);
      for (Index part = 0; i / columns != row && part < kParts; ++part) {
        z[part].resize(static_cast<std::size_t>(columns));
        context.normals(Purpose::device, i / columns, z[part], kFirst + part);
      }
      row = i / columns;
      devices.emplace(i, of_device(*response_, {.step = z[0][c],
                                                .up_down = z[1][c],
                                                .w_max = z[2][c],
                                                .w_min = z[3][c],
                                                .gamma_up = z[4][c],
                                                .gamma_down = z[5][c]}));
    }
    return devices;
  }
  /// The conductance after one pulse up or down to a training device.
  double after(const PulseModel& device, double g, bool up, double z) const {
    const double range = g_max() - g_min(), span = response_->w_max - response_->w_min;
    const double w = response_->w_min + span * (g - g_min()) / range;
    return g_min() + range * (after_pulse(device, w, up, z) - response_->w_min) / span;
  }
  /// The conductance after one pulse of a kind that is the same for all cells.
  double after(double g, bool up, double z, double u) const {
    if (params_.pulse == ProgrammingLoop::Pulse::jump_table) return g + jumps_.step(g, up, u);
    return g + (up ? 1.0 : -1.0) * (params_.step + params_.step_sigma * z);
  }

  ProgrammingLoop params_;
  const PulseModel* response_ = nullptr;
  JumpTable jumps_;
};

}  // namespace

std::shared_ptr<const DeviceModel> with_write_verify(std::shared_ptr<const DeviceModel> base,
                                                     const ProgrammingLoop& params,
                                                     const std::filesystem::path& file) {
  return std::make_shared<Verified>(std::move(base), params, file);
}

}  // namespace ohmic::devices
