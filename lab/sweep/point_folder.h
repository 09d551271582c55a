#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/results/folder_lock.h"
#include "lab/sweep/point_result.h"

/// The folder of a sweep: DIR/points/<digest>.h5 (done), .failed (its message) or .claim (somebody
/// works on it), and DIR/locks.
namespace ohmic::lab {

class PointFolder {
 public:
  explicit PointFolder(std::filesystem::path folder);
  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path file(const std::string& digest) const;
  std::filesystem::path lock_file(const std::string& name) const;
  /// Makes the folders. FileError.
  void make() const;

  /// Whether its file is there, and as it was written.
  bool is_done(const std::string& digest) const { return !!look(digest).result; }
  /// What its file holds, or what is wrong with it; neither where there is none. Nothing is put
  /// aside. FileError where a file cannot be read.
  struct Look {
    std::optional<PointResult> result = {};
    std::string damage = {};
  };
  Look look(const std::string& digest) const;
  /// The results of a point that is done; one whose file is damaged is put aside (its new name goes
  /// to `quarantined`) and counts as not done. FileError where a file cannot be read.
  std::optional<PointResult> result(const std::string& digest,
                                    std::vector<std::string>* quarantined = nullptr) const;
  /// Why a point failed; none where it did not.
  std::optional<std::string> failure(const std::string& digest) const;
  void mark_failed(const std::string& digest, const std::string& message) const;
  void forget_failure(const std::string& digest) const;

  /// Claims a point for the holder of `lock`; false where a living process has it. A claim whose
  /// lock is gone counts for nothing.
  bool claim(const std::string& digest, const FolderLock& lock) const;
  /// Whether a living process works on it.
  bool is_claimed(const std::string& digest) const;
  void release(const std::string& digest, const FolderLock& lock) const;

  /// Living owners of the folder's locks, by name.
  std::vector<std::pair<std::string, LockOwner>> owners() const;
  /// Removes locks whose processes are gone.
  void drop_dead_locks() const;
  /// Removes what else killed processes left: claims, temporary files. Only for callers that know
  /// that no other process works here.
  void sweep_up() const;

 private:
  std::filesystem::path folder_;
};

}  // namespace ohmic::lab
