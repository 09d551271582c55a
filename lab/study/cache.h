#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace ohmic::lab {

/// Where trained networks are kept: $OHMIC_CACHE, else $XDG_CACHE_HOME/ohmic, else ~/.cache/ohmic.
/// FileError where the environment names no place.
std::filesystem::path cache_folder();

/// Why a file of `bytes` cannot be kept in `folder`, which is made if it is not there; "" where it
/// can.
std::string why_unwritable(const std::filesystem::path& folder, std::int64_t bytes);

}  // namespace ohmic::lab
