#include "io/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "base/host.h"

namespace ohmic {
namespace {

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// "<host>-<process namespace>-": who may judge whether a process lives.
std::string process_place() { return host_name() + "-" + process_space() + "-"; }

int open_again_if_interrupted(const char* path, int flags, mode_t mode = 0) {
  int descriptor;
  do descriptor = ::open(path, flags | O_CLOEXEC, mode);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

class NoSuchFile : public FileError {
 public:
  using FileError::FileError;
};

[[noreturn]] void fail_to_read(const std::filesystem::path& file, int error_number) {
  if (error_number == ENOENT) throw NoSuchFile(file.string() + ": no such file");
  if (error_number == EISDIR) throw FileError(file.string() + ": is a folder, expected a file");
  throw FileError(file.string() + ": cannot be read (" + std::strerror(error_number) + ")");
}

}  // namespace

std::filesystem::path temporary_name(const std::filesystem::path& file) {
  std::random_device random;
  std::string name = file.string() + ".tmp-" + process_place() + std::to_string(::getpid()) + "-";
  for (int digit = 0; digit < 8; ++digit) name += "0123456789abcdef"[random() % 16];
  return name;
}

namespace {

/// "<host>-<namespace>-<pid>-<random>" of a temporary file's name; "" for other names.
std::string maker_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const std::size_t mark = name.rfind(".tmp-");
  return mark == name.npos ? "" : name.substr(mark + 5);
}

}  // namespace

bool is_left_behind(const std::filesystem::path& file) {
  const std::string maker = maker_of(file), here = process_place();
  if (!maker.starts_with(here)) return false;
  const pid_t process = std::atoi(maker.c_str() + here.size());
  return process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
}

bool is_abandoned(const std::filesystem::path& file) {
  const std::string maker = maker_of(file);
  if (maker.empty()) return false;
  if (maker.starts_with(process_place())) return is_left_behind(file);
  struct stat status {};
  constexpr std::time_t kHour = 3600;
  return ::stat(file.c_str(), &status) == 0 && std::time(nullptr) - status.st_mtime > kHour;
}

void remove_leftovers(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored))
    if (is_left_behind(entry.path())) std::filesystem::remove(entry.path(), ignored);
}

WholeFile::WholeFile(std::filesystem::path file)
    : file_(std::move(file)), temporary_(temporary_name(file_)) {
  std::error_code ignored;
  if (file_.empty() || std::filesystem::is_directory(file_, ignored)) fail(EISDIR);
  descriptor_ = open_again_if_interrupted(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0666);
  if (descriptor_ < 0) fail(errno);
}

WholeFile::~WholeFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void WholeFile::write(const void* bytes, std::size_t count) {
  ensure(descriptor_ >= 0, "a file is written after it was committed");
  const char* next = static_cast<const char*>(bytes);
  while (count > 0) {
    // Linux writes at most 2^31 - 4096 bytes per call.
    const ssize_t written = ::write(descriptor_, next, std::min<std::size_t>(count, 1u << 30));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail(errno);
    next += written;
    count -= static_cast<std::size_t>(written);
  }
}

void WholeFile::commit() {
  ensure(descriptor_ >= 0, "a file is committed twice");
  if (::fsync(descriptor_) != 0) fail(errno);
  // A network file system may report a full disk only here.
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), file_.c_str()) != 0) {
    const int error_number = errno;
    ::unlink(temporary_.c_str());
    fail(error_number);
  }
  const int folder = open_again_if_interrupted(folder_of(file_).c_str(), O_RDONLY | O_DIRECTORY);
  if (folder < 0) return;  // a folder that may be written but not read: the rename stands
  const int synced = ::fsync(folder);
  const int error_number = errno;
  ::close(folder);
  if (synced != 0 && error_number != EINVAL) fail(error_number);  // EINVAL: cannot sync folders
}

void WholeFile::fail(int error_number) const {
  throw FileError(file_.string() + ": cannot be written (" + std::strerror(error_number) + ")");
}

void write_whole_file(const std::filesystem::path& file, const std::string& contents) {
  WholeFile out(file);
  out.write(contents.data(), contents.size());
  out.commit();
}

namespace {

/// A regular file, open for reading; closed at the end.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& file) {
    // Without O_NONBLOCK a pipe would wait here for somebody who writes.
    descriptor_ = open_again_if_interrupted(file.c_str(), O_RDONLY | O_NONBLOCK);
    if (descriptor_ < 0) fail_to_read(file, errno);
    struct stat status {};
    const int failed = ::fstat(descriptor_, &status) != 0 ? errno : 0;
    if (!failed && S_ISREG(status.st_mode)) {
      size_ = static_cast<std::uintmax_t>(status.st_size);
      return;
    }
    ::close(descriptor_);
    if (failed) fail_to_read(file, failed);
    if (S_ISDIR(status.st_mode)) fail_to_read(file, EISDIR);
    throw FileError(file.string() + ": is not a regular file (a pipe or a device)");
  }
  ~OpenFile() { ::close(descriptor_); }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }
  std::uintmax_t size() const { return size_; }

 private:
  int descriptor_ = -1;
  std::uintmax_t size_ = 0;
};

}  // namespace

void check_readable(const std::filesystem::path& file) { const OpenFile exists(file); }

std::string read_whole_file(const std::filesystem::path& file, std::uintmax_t limit) {
  const OpenFile in(file);
  const auto check = [&](std::uintmax_t size) {
    if (size > limit)
      throw FileError(file.string() + ": has " + std::to_string(size >> 20) + " MiB, and at most " +
                      std::to_string(limit >> 20) + " MiB are read of such a file");
  };
  check(in.size());
  return within_memory(file, [&] {
    std::string contents;
    contents.reserve(static_cast<std::size_t>(in.size()));
    std::string buffer(1u << 16, '\0');
    for (;;) {
      const ssize_t count = ::read(in.descriptor(), buffer.data(), buffer.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail_to_read(file, errno);
      if (count == 0) return contents;
      contents.append(buffer, 0, static_cast<std::size_t>(count));
      check(contents.size());
    }
  });
}

std::optional<std::string> read_if_there(const std::filesystem::path& file, std::uintmax_t limit) {
  try {
    return read_whole_file(file, limit);
  } catch (const NoSuchFile&) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(file, ignored))
      throw FileError(file.string() + ": is a link to a file that is not there");
    return std::nullopt;
  }
}

}  // namespace ohmic
