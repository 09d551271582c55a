#pragma once

#include <filesystem>
#include <memory>

#include "lab/results/folder_lock.h"
#include "lab/results/results.h"

namespace ohmic::lab {

/// Gives a damaged file another name beside it, FILE.damaged-<n>, which `console` tells. FileError
/// where that fails.
void put_aside(const std::filesystem::path& file, const Console& console);

/// Removes what processes that are gone left in a folder of finished results: their lock, temporary
/// files. Nothing where it cannot be written.
void forget_the_dead(const std::filesystem::path& folder);

/// The lock that `ohmic run`, `train` and `search` hold on their output folder; who measures points
/// holds others (point_owners()).
std::filesystem::path work_lock(const std::filesystem::path& folder);

/// An output folder while a command works in it: made if it is not there, held against other
/// processes, and without what killed ones left. ConfigError where a living process works there.
class WorkFolder {
 public:
  WorkFolder(const std::filesystem::path& folder, const Console& console);

 private:
  OutputFolder made_;
  std::unique_ptr<FolderLock> lock_;  // let go before the folder goes
};

}  // namespace ohmic::lab
