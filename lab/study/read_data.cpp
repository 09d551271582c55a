#include "lab/study/read_data.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <sstream>

#include "io/digest.h"
#include "io/whole_file.h"
#include "lab/study/cache.h"

namespace ohmic::lab {
namespace {

using std::filesystem::path;

/// Where the cache keeps the digests of a set: its name is of the files, their sizes and times, and
/// of [data]. FileError where there is no cache.
path digest_file(const nn::Data& data) {
  std::string words = to_toml(write_fields(data.params, false));
  for (const path& file : data.files) {
    struct stat found = {};
    if (::stat(file.c_str(), &found) != 0) throw FileError(file.string() + ": is gone");
    words += fmt::format("{}\n{} {} {}.{:09}\n", std::filesystem::absolute(file).string(),
                         found.st_ino, found.st_size, found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
  }
  return cache_folder() / "data" / (digest(words) + ".txt");
}

std::string sealed(const nn::Data& data) {
  const std::string digests = data.digest + " " + data.training_digest;
  return digests + " " + digest(digests) + "\n";
}

/// Takes the digests of an outline from the cache; a damaged file there is none.
void recall_digests(nn::Data& data) try {
  const std::string found = read_if_there(digest_file(data)).value_or("");
  nn::Data kept;
  std::istringstream(found) >> kept.digest >> kept.training_digest;
  if (sealed(kept) != found) return;
  data.digest = kept.digest;
  data.training_digest = kept.training_digest;
} catch (const FileError&) {
}

}  // namespace

nn::Data read_data(const Experiment& e, const DataNeeds& needs) try {
  if (!needs.images) {
    nn::Data outline = nn::outline_data(e.data, e.folder);
    if (needs.use_cache) recall_digests(outline);
    if (!needs.digests || !outline.digest.empty()) return outline;
  }
  return nn::load_data(e.data, e.folder);
} catch (const ConfigError& error) {
  fail_key(e, error.parts().key, error.parts().message);
}

void keep_digests(const nn::Data& data) try {
  const path file = digest_file(data);
  if (read_if_there(file) == sealed(data)) return;
  std::filesystem::create_directories(file.parent_path());
  remove_leftovers(file.parent_path());
  write_whole_file(file, sealed(data));
} catch (const FileError&) {
} catch (const std::filesystem::filesystem_error&) {
}

}  // namespace ohmic::lab
