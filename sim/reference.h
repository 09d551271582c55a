#pragma once

#include "sim/crossbar.h"

namespace ohmic::sim {

/// The reference for Crossbar::apply: slow and plain, in double, cell by cell. Each cell is read
/// with its own addressed normal, so the noise has the same distribution as the fast path's and
/// other draws; without read noise both agree to rounding. Returns samples x (outputs x positions).
/// Draws: cell_read addresses, column = 2 x output + polarity.
Matrix<double> reference_product(const Crossbar& crossbar, const PatchView& x,
                                 const ReadContext& context);

}  // namespace ohmic::sim
