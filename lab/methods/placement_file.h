#pragma once

#include <filesystem>
#include <vector>

#include "nn/compensated.h"

namespace ohmic::lab {

/// Reads /placement of a search's results. FileError.
std::vector<nn::Placement> read_placement(const std::filesystem::path& file);

}  // namespace ohmic::lab
