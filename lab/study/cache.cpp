#include "lab/study/cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "base/error.h"
#include "io/whole_file.h"

namespace ohmic::lab {

std::filesystem::path cache_folder() {
  const auto variable = [](const char* name) -> std::filesystem::path {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (const auto own = variable("OHMIC_CACHE"); !own.empty()) return own;
  if (const auto xdg = variable("XDG_CACHE_HOME"); !xdg.empty()) return xdg / "ohmic";
  if (const auto home = variable("HOME"); !home.empty()) return home / ".cache" / "ohmic";
  throw FileError(
      "no place for the cache of trained networks: set OHMIC_CACHE to a folder, or say --no-cache");
}

std::string why_unwritable(const std::filesystem::path& folder, std::int64_t bytes) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) return "cannot be made: " + failed.message();
  const std::filesystem::path probe = temporary_name(folder / "probe");
  const int descriptor = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return std::string("cannot be written: ") + std::strerror(errno);
  const int error_number = ::posix_fallocate(descriptor, 0, std::max<std::int64_t>(bytes, 1));
  ::close(descriptor);
  ::unlink(probe.c_str());
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return is_full ? std::string("cannot be written: ") + std::strerror(error_number) : "";
}

}  // namespace ohmic::lab
