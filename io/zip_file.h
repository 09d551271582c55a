#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace ohmic {

/// The files inside a zip archive (stored or deflated, 64-bit sizes too), names and bytes, in the
/// archive's order. Folders are left out. FileError for what is truncated, encrypted or damaged
/// (checksums are compared), and before anything is unpacked where the files together are larger
/// than `limit` bytes, or take more bytes of the archive than it has.
std::vector<std::pair<std::string, std::string>> read_zip(const std::filesystem::path& file,
                                                          std::uint64_t limit);

}  // namespace ohmic
