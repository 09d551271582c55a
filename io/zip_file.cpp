#include "io/zip_file.h"

#include <zip.h>

#include <memory>

#include "base/error.h"
#include "io/whole_file.h"

namespace ohmic {
namespace {

constexpr std::uint64_t kLargestRatio = 1032;  // of deflate, www.zlib.net/zlib_tech.html

using Archive = std::unique_ptr<zip_t, decltype(&zip_discard)>;
using Stream = std::unique_ptr<zip_file_t, decltype(&zip_fclose)>;

/// An archive whose bytes are borrowed: anything that is not a regular file was refused where it
/// was read.
class Reader {
 public:
  Reader(std::string name, std::string_view bytes)
      : name_(std::move(name)), size_(bytes.size()), archive_(nullptr, zip_discard) {
    if (bytes.empty()) fail("is truncated or no zip archive");  // to libzip a new one
    zip_error_t error;
    zip_error_init(&error);
    zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
    if (source) archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
    if (archive_) return;
    zip_source_free(source);
    const bool has_no_end = zip_error_code_zip(&error) == ZIP_ER_NOZIP;
    const std::string words = zip_error_strerror(&error);
    zip_error_fini(&error);
    fail(has_no_end ? "is truncated or no zip archive"
                    : "is a damaged zip archive (" + words + ")");
  }

  /// The entries that are not folders. FileError where they cannot be read, or all are more than
  /// `limit`; nothing is unpacked for it. (Entries that share a stream make a small file unpack to
  /// terabytes: Fifield, USENIX WOOT 2019.)
  std::vector<zip_stat_t> files(std::uint64_t limit) const {
    std::vector<zip_stat_t> result;
    std::uint64_t total = 0, packed = 0;
    for (zip_int64_t i = 0; i < zip_get_num_entries(archive_.get(), 0); ++i) {
      zip_stat_t entry;
      if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_RAW, &entry) != 0)
        fail("is a damaged zip archive (its directory)");
      const std::string_view name = entry.name;
      if (name.ends_with('/')) continue;
      if (entry.comp_method != ZIP_CM_STORE && entry.comp_method != ZIP_CM_DEFLATE)
        fail_at(entry, "is packed by method " + std::to_string(entry.comp_method) +
                           ", expected stored or deflated");
      if (entry.size > limit - total)
        fail("unpacks to more than " + std::to_string(limit >> 20) +
             " MiB, the most that is read of it");
      if (entry.comp_size > size_ - packed)
        fail("is a damaged zip archive (files share their bytes)");
      if (entry.size / kLargestRatio > entry.comp_size)
        fail_at(entry, "is damaged (its stated size)");
      total += entry.size;
      packed += entry.comp_size;
      result.push_back(entry);
    }
    return result;
  }

  std::string contents(const zip_stat_t& entry) const {
    const Stream stream(zip_fopen_index(archive_.get(), entry.index, 0), zip_fclose);
    if (!stream)
      fail_at(entry, std::string("cannot be read (") + zip_strerror(archive_.get()) + ")");
    std::string bytes(entry.size, '\0');
    std::uint64_t filled = 0;
    char more;
    zip_int64_t count = 1;
    // The end of the stream is where the checksum is compared.
    for (; filled < bytes.size() && count > 0; filled += static_cast<std::uint64_t>(count))
      count = zip_fread(stream.get(), bytes.data() + filled, bytes.size() - filled);
    if (count >= 0) count = zip_fread(stream.get(), &more, 1);
    if (count != 0 || filled != bytes.size())
      fail_at(entry, count < 0 ? std::string("is damaged (") + zip_file_strerror(stream.get()) + ")"
                               : "is damaged (its stated size)");
    return bytes;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FileError(name_ + ": " + what); }
  [[noreturn]] void fail_at(const zip_stat_t& entry, const std::string& what) const {
    fail("'" + std::string(entry.name) + "' " + what);
  }

  std::string name_;
  std::uint64_t size_;
  Archive archive_;
};

}  // namespace

std::vector<std::pair<std::string, std::string>> read_zip(const std::filesystem::path& file,
                                                          std::uint64_t limit) {
  const std::string bytes = read_whole_file(file);
  const Reader archive(file.string(), bytes);
  std::vector<std::pair<std::string, std::string>> files;
  for (const zip_stat_t& entry : archive.files(limit))
    files.emplace_back(entry.name, archive.contents(entry));
  return files;
}

}  // namespace ohmic
