#pragma once

#include <condition_variable>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/console.h"

/// Files that say who works on a folder, for processes on one or on several hosts that share it.
/// What is not a regular file (a pipe, a folder) or cannot be read in the place of one is a
/// FileError.
namespace ohmic::lab {

/// Creates `file` with `contents`, at once and whole; false if it is there already. FileError if it
/// cannot be written.
bool create_exclusively(const std::filesystem::path& file, const std::string& contents);
/// Removes `file` if it still holds `contents`; false if somebody else changed or removed it first.
bool remove_exactly(const std::filesystem::path& file, const std::string& contents);

/// The process behind a lock.
struct LockOwner {
  std::string host, process, started;  ///< started: boot of the host and start of the process
  std::string job;                     ///< of the batch system; "" without one
  std::string since;                   ///< UTC
  std::string contents;                ///< of the lock file
  /// Whether this host can say if the process lives.
  bool is_here() const;
  /// "process 4711 on node3 (job 99), since 2026-01-01T00:00:00Z"
  std::string words() const;
};

/// Time between two signs of life, and how many may be missed.
inline constexpr double kBeatSeconds = 10;
inline constexpr int kMissedBeats = 3;

/// Who holds the lock `file`; none where it is free or its process is gone: on this host that is
/// known at once, of another host after three missed beats by the file system's own clock.
std::optional<LockOwner> living_owner(const std::filesystem::path& file);

/// Living owners of the locks FOLDER/locks/<name>.lock, that those hold who measure points, by
/// name.
std::vector<std::pair<std::string, LockOwner>> point_owners(const std::filesystem::path& folder);

/// A held lock: gives a sign of life (the file's time) until it is let go.
class FolderLock {
 public:
  /// Takes the lock; none where a living process has it. FileError if it cannot be written.
  static std::unique_ptr<FolderLock> take(const std::filesystem::path& file);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;
  /// What tells this holding of the lock from every other.
  const std::string& contents() const { return contents_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  FolderLock(std::filesystem::path file, std::string contents);
  std::filesystem::path file_;
  std::string contents_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ends_ = false;
  std::thread beats_;
};

/// Takes the lock `file`. Whether a process of another host lives shows within three beats: they
/// are waited for, which `console` tells. ConfigError "`place`: `what` is being run by ...;
/// `advice`" where a living process has it.
std::unique_ptr<FolderLock> take_lock(const std::filesystem::path& file,
                                      const std::filesystem::path& place, const std::string& what,
                                      const std::string& advice, const Console& console);

}  // namespace ohmic::lab
