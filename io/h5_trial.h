#pragma once

#include <filesystem>
#include <string>

namespace ohmic::h5 {

/// Reads all of a file without a seal in a process of its own: a damaged one can make the HDF5
/// library crash or loop, and only a child shows it in time. "" where the child came to its end
/// (whatever it found missing), else what happened to it. Each state of a file is tried once.
std::string trial(const std::filesystem::path& file);

}  // namespace ohmic::h5
