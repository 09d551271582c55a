#include "lab/results/work_folder.h"

#include "base/error.h"
#include "io/whole_file.h"

namespace ohmic::lab {

namespace fs = std::filesystem;

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

void forget_the_dead(const fs::path& folder) {
  remove_leftovers(folder);
  try {
    if (const auto contents = read_if_there(work_lock(folder));
        contents && !living_owner(work_lock(folder)))
      remove_exactly(work_lock(folder), *contents);
  } catch (const FileError&) {  // the results are there all the same
  }
}

WorkFolder::WorkFolder(const fs::path& folder, const Console& console)
    : made_(folder),
      lock_(take_lock(work_lock(folder), folder, "another command in this folder",
                      "wait for it, or choose another folder with -o", console)) {
  // A sweep takes its own locks and then looks for this one, so that of two that start at once at
  // least one sees the other.
  if (const auto owners = point_owners(folder); !owners.empty())
    throw ConfigError(folder.string() + ": a sweep in this folder is being run by " +
                      owners.front().second.words() +
                      "; wait for it, or choose another folder with -o");
  remove_leftovers(folder);
}

}  // namespace ohmic::lab
