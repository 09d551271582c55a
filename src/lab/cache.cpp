#include "lab/cache.h"

#include <cstdlib>

#include "base/error.h"

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

}  // namespace ohmic::lab
