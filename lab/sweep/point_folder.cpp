#include "lab/sweep/point_folder.h"

#include <algorithm>

#include "base/error.h"
#include "io/whole_file.h"

namespace ohmic::lab {
namespace {

namespace fs = std::filesystem;

/// A claim names its lock's file in the first line, its contents behind.
std::string claim_of(const FolderLock& lock) {
  return lock.file().filename().string() + "\n" + lock.contents();
}

}  // namespace

PointFolder::PointFolder(fs::path folder) : folder_(std::move(folder)) {}

fs::path PointFolder::file(const std::string& digest) const {
  return folder_ / "points" / (digest + ".h5");
}
fs::path PointFolder::lock_file(const std::string& name) const {
  return folder_ / "locks" / (name + ".lock");
}

void PointFolder::make() const {
  for (const char* name : {"points", "locks"}) {
    std::error_code failed;
    fs::create_directories(folder_ / name, failed);
    if (failed)
      throw FileError((folder_ / name).string() + ": cannot be made: " + failed.message());
  }
}

PointFolder::Look PointFolder::look(const std::string& digest) const {
  const fs::path from = file(digest);
  if (!fs::exists(from)) return {};
  try {
    return {.result = read_point(from, digest)};
  } catch (const DamagedPoint& error) {
    return {.damage = error.what()};
  }
}

std::optional<PointResult> PointFolder::result(const std::string& digest,
                                               std::vector<std::string>* quarantined) const {
  Look found = look(digest);
  if (found.damage.empty()) return std::move(found.result);
  const fs::path from = file(digest);
  fs::path aside = from;
  for (int n = 1; fs::exists(aside); ++n)
    aside = folder_ / "points" / (digest + ".damaged-" + std::to_string(n));
  std::error_code failed;
  fs::rename(from, aside, failed);
  if (failed) throw DamagedPoint(found.damage);
  if (quarantined) quarantined->push_back(aside.string());
  return std::nullopt;
}

std::optional<std::string> PointFolder::failure(const std::string& digest) const {
  return read_if_there(folder_ / "points" / (digest + ".failed"));
}
void PointFolder::mark_failed(const std::string& digest, const std::string& message) const {
  write_whole_file(folder_ / "points" / (digest + ".failed"), message + "\n");
}
void PointFolder::forget_failure(const std::string& digest) const {
  std::error_code ignored;
  fs::remove(folder_ / "points" / (digest + ".failed"), ignored);
}

bool PointFolder::is_claimed(const std::string& digest) const {
  const auto claim = read_if_there(folder_ / "points" / (digest + ".claim"));
  if (!claim) return false;
  const std::size_t line = std::min(claim->find('\n'), claim->size());
  const auto owner = living_owner(folder_ / "locks" / claim->substr(0, line));
  return owner && claim->substr(std::min(line + 1, claim->size())) == owner->contents;
}

bool PointFolder::claim(const std::string& digest, const FolderLock& lock) const {
  const fs::path file = folder_ / "points" / (digest + ".claim");
  constexpr int kTries = 10;
  for (int i = 0; i < kTries; ++i) {
    if (create_exclusively(file, claim_of(lock))) return true;
    const auto seen = read_if_there(file);
    if (!seen) continue;
    if (is_claimed(digest)) return false;
    remove_exactly(file, *seen);
  }
  return false;
}

void PointFolder::release(const std::string& digest, const FolderLock& lock) const {
  remove_exactly(folder_ / "points" / (digest + ".claim"), claim_of(lock));
}

std::vector<std::pair<std::string, LockOwner>> PointFolder::owners() const {
  return point_owners(folder_);
}

void PointFolder::drop_dead_locks() const {
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(folder_ / "locks", failed))
    if (entry.path().extension() == ".lock")
      if (const auto contents = read_if_there(entry.path());
          contents && !living_owner(entry.path()))
        remove_exactly(entry.path(), *contents);
}

void PointFolder::sweep_up() const {
  std::error_code failed;
  for (const fs::path& place : {folder_, folder_ / "points", folder_ / "locks"})
    for (const auto& entry : fs::directory_iterator(place, failed))
      if (is_abandoned(entry.path()) || entry.path().extension() == ".claim")
        fs::remove(entry.path(), failed);
}

}  // namespace ohmic::lab
