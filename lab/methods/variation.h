#pragma once

#include "io/fields.h"

/// The variation that a training prepares for, as several methods ask for it.
namespace ohmic::lab {

/// Log-normal variations beyond this are refused [natural log].
inline constexpr double kMostSigma = 3;

/// The key `sigma`; `idle`: why it has no effect, "" where it acts.
void sigma_field(FieldVisitor& f, std::string_view idle, double& sigma);

/// The key `variation`.
void variation_field(FieldVisitor& f, bool& from_device);
/// Why numbers of log-normal variation are idle.
std::string_view idle_with_device(bool from_device);

}  // namespace ohmic::lab
