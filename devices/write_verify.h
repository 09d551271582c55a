#pragma once

#include <filesystem>

#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// How a cell gets its conductance: one programming, or a loop of pulses and reads.
struct ProgrammingLoop {
  bool verifies = false;
  enum class Pulse { redraw, step, response, jump_table } pulse = Pulse::redraw;
  std::string model = {};   ///< pulse response
  std::string file = {};    ///< jump table, as written in the config
  double tolerance = 1e-6;  ///< [S]
  std::int64_t pulse_limit = 100;
  double step = 1e-6;          ///< [S] mean change of one pulse
  double step_sigma = 0.5e-6;  ///< [S] deviation of one pulse
};
void fields(FieldVisitor& f, ProgrammingLoop& p);
extern const char* const kProgrammingLoopManual;

/// The plane in which a cell's pulses are counted: the first programming is pulse 1.
inline constexpr std::string_view kPulsePlane = "pulses";
/// The plane that holds 1 for cells whose loop ended beyond the tolerance, at the pulse limit.
inline constexpr std::string_view kGaveUpPlane = "gave_up";
/// The most pulses that draws have addresses for.
inline constexpr Index kMostPulses = 511;

/// `base` programmed in a loop: read, and while |g - target| > tolerance another pulse, at most
/// pulse_limit in all. mean(): what drift leaves of the target. sigma(): with "redraw" that of a
/// normal distribution truncated at the tolerance (exact for a Gaussian model away from its bounds,
/// and a pulse limit that no cell reaches), with other pulses that of a uniform one inside it (an
/// estimate). Throws ConfigError for an unknown pulse response, and what read_jump_table() throws;
/// `file` is where the jump table lies.
std::shared_ptr<const DeviceModel> with_write_verify(std::shared_ptr<const DeviceModel> base,
                                                     const ProgrammingLoop& params,
                                                     const std::filesystem::path& file = {});

}  // namespace ohmic::devices
