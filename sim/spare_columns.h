#pragma once

#include <vector>

#include "sim/layer_plan.h"

/// Which cells of a tile are broken, and which of its outputs move to spare columns.
namespace ohmic::sim {

/// The faults of the tile at `place`: drawn, or cut out of the user's map. `context` says where the
/// tile's element (0, 0) lies, `u` are its weights. Spare columns replace the outputs whose faults
/// cost most, where that helps; `rows` are then the weight rows that the outputs' devices have.
BrokenCells broken_cells(const LayerPlan& plan, devices::ProgramContext context,
                         const TilePlace& place, ConstView<float> u, std::vector<Index>& rows);

}  // namespace ohmic::sim
