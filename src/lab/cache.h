#pragma once

#include <filesystem>

namespace ohmic::lab {

/// Where trained networks are kept: $OHMIC_CACHE, else $XDG_CACHE_HOME/ohmic, else ~/.cache/ohmic.
std::filesystem::path cache_folder();

}  // namespace ohmic::lab
