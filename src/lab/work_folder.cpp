#include "lab/work_folder.h"

#include "base/error.h"
#include "base/whole_file.h"
#include "lab/sweep/point_folder.h"

namespace ohmic::lab {

namespace fs = std::filesystem;

void remove_leftovers(const fs::path& folder) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (is_left_behind(entry.path())) fs::remove(entry.path(), ignored);
}

void put_aside(const fs::path& file, const Console& console) {
  fs::path aside;
  int n = 0;
  do aside = file.string() + ".damaged-" + std::to_string(++n);
  while (fs::exists(aside));
  std::error_code failed;
  fs::rename(file, aside, failed);
  if (failed) throw FileError(aside.string() + ": cannot be made: " + failed.message());
  console.say("{} is damaged; it was put aside as {} and is made again\n", file.string(),
              aside.string());
}

fs::path work_lock(const fs::path& folder) { return folder / "ohmic.lock"; }

WorkFolder::WorkFolder(const fs::path& folder, const Console& console)
    : made_(folder),
      lock_(take_lock(work_lock(folder), folder, "another command in this folder",
                      "wait for it, or choose another folder with -o", console)) {
  // A sweep takes its own locks and then looks for this one, so that of two that start at once at
  // least one sees the other.
  if (const auto owners = PointFolder(folder).owners(); !owners.empty())
    throw ConfigError(folder.string() + ": a sweep in this folder is being run by " +
                      owners.front().second.words() +
                      "; wait for it, or choose another folder with -o");
  remove_leftovers(folder);
}

}  // namespace ohmic::lab
