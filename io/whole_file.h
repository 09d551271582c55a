#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>

#include "base/error.h"

/// Files that are there whole or not at all.
namespace ohmic {

/// A name beside `file` that no other process, host or container uses:
/// FILE.tmp-<host>-<namespace>-<pid>-<random>.
std::filesystem::path temporary_name(const std::filesystem::path& file);
/// Whether `file` has such a name and was made by a process of this host that is gone.
bool is_left_behind(const std::filesystem::path& file);
/// Whether `file` has such a name, and the process that made it is gone: known at once of this
/// host's, of others after an hour.
bool is_abandoned(const std::filesystem::path& file);

/// Removes the temporary files in `folder` (not those below it) that killed processes of this host
/// left.
void remove_leftovers(const std::filesystem::path& folder);

/// A file being written: the bytes go to a temporary file beside it; commit() syncs file and folder
/// and renames. Without commit() nothing remains. Throws FileError naming the file and the reason
/// (unwritable, disk full).
class WholeFile {
 public:
  explicit WholeFile(std::filesystem::path file);
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  void write(const void* bytes, std::size_t count);
  void commit();

 private:
  [[noreturn]] void fail(int error_number) const;
  std::filesystem::path file_, temporary_;
  int descriptor_ = -1;
};

/// Whole-file write: temporary name, fsync of file and folder, rename. FileError if any of it
/// fails.
void write_whole_file(const std::filesystem::path& file, const std::string& contents);
/// FileError if the file is missing, unreadable or no regular file: folders, pipes (which would
/// wait for a writer) and devices (/dev/zero never ends).
void check_readable(const std::filesystem::path& file);
/// A file's bytes; FileError if it is missing, unreadable, no regular file or larger than `limit`
/// bytes.
std::string read_whole_file(const std::filesystem::path& file,
                            std::uintmax_t limit = std::uintmax_t{1} << 33);
/// The same; none where there is no such file. A link to nothing is a FileError.
std::optional<std::string> read_if_there(const std::filesystem::path& file,
                                         std::uintmax_t limit = std::uintmax_t{1} << 33);

/// What `read()` gives; FileError naming `file` where memory does not suffice for it.
template <class Read>
auto within_memory(const std::filesystem::path& file, Read read) -> decltype(read()) {
  try {
    return read();
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  throw FileError(file.string() + ": does not fit into memory");
}

}  // namespace ohmic
