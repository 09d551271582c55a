#include "base/host.h"

#include <sys/stat.h>
#include <unistd.h>

namespace ohmic {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "unknown";
}

std::string process_space() {
  struct stat space {};
  return std::to_string(::stat("/proc/self/ns/pid", &space) == 0 ? space.st_ino : 0);
}

double machine_memory() {
  return static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
         static_cast<double>(::sysconf(_SC_PAGESIZE));
}

}  // namespace ohmic
