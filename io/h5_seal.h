#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

/// The seal of our HDF5 files: a digest of all bytes behind them, and an attribute that says so.
/// HDF5 does not mind what follows its own bytes.
namespace ohmic::h5 {

/// What stands behind `bytes` in a sealed file, given their digest.
std::string seal_text(const std::string& digest_of_bytes);
/// Root attribute of every sealed file. Its words stand in the file's bytes, so that a file whose
/// seal at the end is cut off or damaged still says that it had one.
inline constexpr const char* kSealAttribute = "seal";
inline constexpr const char* kSealWords =
    "ohmic seal: the XXH3 digest of all bytes before it stands behind the HDF5 file";

/// Files of these versions and later are always sealed.
inline constexpr std::int64_t kSealedSchema = 3;
inline constexpr std::int64_t kSealedCheckpoint = 2;

enum class Condition {
  sealed,   ///< its bytes are those that were written
  damaged,  ///< it was sealed and its bytes are others, or it is an HDF5 file cut short
  unsealed  ///< nothing says that it ever was sealed: a user's own, of Ohmic 0.1.0, or no HDF5 file
};

/// Looks at the bytes alone: damaged files can make the HDF5 library loop or crash, so they are
/// looked at before it opens them. FileError where the file cannot be read or is not a regular
/// file.
Condition condition_of(const std::filesystem::path& file);

}  // namespace ohmic::h5
