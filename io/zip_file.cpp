#include "io/zip_file.h"

#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string_view>

#include "base/error.h"
#include "io/whole_file.h"

/// Layouts and field names after PKWARE's APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12
/// (central directory), 4.3.14 to 4.3.16 (its end) and 4.5.3 (64-bit sizes).
namespace ohmic {
namespace {

constexpr std::uint32_t kLocalHeader = 0x04034b50, kCentralHeader = 0x02014b50;
constexpr std::uint32_t kEnd = 0x06054b50, kEnd64 = 0x06064b50, kEnd64Locator = 0x07064b50;
constexpr std::size_t kEndSize = 22, kLongestComment = 65535;
constexpr std::uint64_t kElsewhere32 = 0xffffffff;  // the 64-bit field holds the value
constexpr std::uint64_t kLargestRatio = 1032;       // of deflate, www.zlib.net/zlib_tech.html

class Archive {
 public:
  explicit Archive(const std::filesystem::path& file)
      : name_(file.string()), bytes_(read_whole_file(file)) {}

  [[noreturn]] void fail(const std::string& what) const { throw FileError(name_ + ": " + what); }

  std::string_view slice(std::uint64_t first, std::uint64_t count) const {
    if (first > bytes_.size() || count > bytes_.size() - first)
      fail("is truncated or no zip archive");
    return std::string_view(bytes_).substr(first, count);
  }
  /// A little-endian number of `width` bytes.
  std::uint64_t number(std::uint64_t at, int width) const {
    const std::string_view raw = slice(at, static_cast<std::uint64_t>(width));
    std::uint64_t value = 0;
    for (int i = width - 1; i >= 0; --i)
      value = value << 8 | static_cast<unsigned char>(raw[static_cast<std::size_t>(i)]);
    return value;
  }

  struct Directory {
    std::uint64_t entries, first;
  };
  Directory directory() const {
    for (std::size_t back = kEndSize; back <= std::min(bytes_.size(), kEndSize + kLongestComment);
         ++back) {
      const std::uint64_t end = bytes_.size() - back;
      if (number(end, 4) != kEnd) continue;
      if (end >= 20 && number(end - 20, 4) == kEnd64Locator) {
        const std::uint64_t end64 = number(end - 12, 8);
        if (number(end64, 4) != kEnd64) fail("is a damaged zip archive (its 64-bit directory)");
        return {number(end64 + 32, 8), number(end64 + 48, 8)};
      }
      return {number(end + 10, 2), number(end + 16, 4)};
    }
    fail("is truncated or no zip archive");
  }

 private:
  std::string name_, bytes_;
};

struct Entry {
  std::string name;
  std::uint64_t flags, method, checksum, packed_size, size, local_header;
};

/// The entry whose central header is at `at`, which moves past it.
Entry read_entry(const Archive& archive, std::uint64_t& at) {
  if (archive.number(at, 4) != kCentralHeader)
    archive.fail("is a damaged zip archive (its directory)");
  const std::uint64_t name_size = archive.number(at + 28, 2);
  const std::uint64_t extra_size = archive.number(at + 30, 2);
  Entry entry{.name = std::string(archive.slice(at + 46, name_size)),
              .flags = archive.number(at + 8, 2),
              .method = archive.number(at + 10, 2),
              .checksum = archive.number(at + 16, 4),
              .packed_size = archive.number(at + 20, 4),
              .size = archive.number(at + 24, 4),
              .local_header = archive.number(at + 42, 4)};
  const std::uint64_t extra_end = at + 46 + name_size + extra_size;
  for (std::uint64_t field = at + 46 + name_size; field + 4 <= extra_end;) {
    const std::uint64_t kind = archive.number(field, 2), size = archive.number(field + 2, 2);
    std::uint64_t value = field + 4;
    if (kind == 1)  // only those that did not fit, in this order
      for (std::uint64_t* number : {&entry.size, &entry.packed_size, &entry.local_header})
        if (*number == kElsewhere32) {
          *number = archive.number(value, 8);
          value += 8;
        }
    field += 4 + size;
  }
  at = extra_end + archive.number(at + 32, 2);
  return entry;
}

std::string inflated(const Archive& archive, const Entry& entry, std::string_view packed) {
  // A stated size that no stream of this length can reach would only ask for memory.
  constexpr std::uint64_t kLargest = std::numeric_limits<uInt>::max();
  if (packed.size() > kLargest || entry.size > kLargest)
    archive.fail("'" + entry.name + "' is deflated and larger than 4 GiB; save it uncompressed");
  if (entry.size / kLargestRatio > packed.size())
    archive.fail("'" + entry.name + "' is damaged (its stated size)");
  std::string contents(entry.size, '\0');
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) archive.fail("cannot be inflated (out of memory)");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(contents.data());
  stream.avail_out = static_cast<uInt>(contents.size());
  const int status = inflate(&stream, Z_FINISH);
  const bool complete = status == Z_STREAM_END && stream.total_out == entry.size;
  inflateEnd(&stream);
  if (!complete) archive.fail("'" + entry.name + "' is damaged (its deflated bytes)");
  return contents;
}

/// The entry's bytes as they lie in the archive.
std::string_view packed_bytes(const Archive& archive, const Entry& entry) {
  if (archive.number(entry.local_header, 4) != kLocalHeader)
    archive.fail("'" + entry.name + "' is damaged (its header)");
  // The local name and extra field may be longer than those of the directory.
  const std::uint64_t first = entry.local_header + 30 + archive.number(entry.local_header + 26, 2) +
                              archive.number(entry.local_header + 28, 2);
  return archive.slice(first, entry.packed_size);
}

std::string read_contents(const Archive& archive, const Entry& entry) {
  if (entry.flags & 1) archive.fail("'" + entry.name + "' is encrypted");
  const std::string_view packed = packed_bytes(archive, entry);
  std::string contents;
  if (entry.method == 0)
    contents = packed;
  else if (entry.method == 8)
    contents = inflated(archive, entry, packed);
  else
    archive.fail("'" + entry.name + "' is packed by method " + std::to_string(entry.method) +
                 ", expected stored or deflated");
  const auto* bytes = reinterpret_cast<const Bytef*>(contents.data());
  if (contents.size() != entry.size || crc32_z(0, bytes, contents.size()) != entry.checksum)
    archive.fail("'" + entry.name + "' is damaged (its checksum)");
  return contents;
}

/// FileError unless every entry has bytes of its own and all unpack to no more than `limit`.
/// (Entries that share a stream make a small file unpack to terabytes: Fifield, USENIX WOOT 2019.)
void check_sizes(const Archive& archive, const std::vector<Entry>& entries, std::uint64_t limit) {
  std::vector<std::string_view> streams;
  std::uint64_t total = 0;
  for (const Entry& entry : entries) {
    if (entry.packed_size > 0) streams.push_back(packed_bytes(archive, entry));
    if (entry.size > limit - total)
      archive.fail("unpacks to more than " + std::to_string(limit >> 20) +
                   " MiB, the most that is read of it");
    total += entry.size;
  }
  std::sort(streams.begin(), streams.end(),
            [](std::string_view a, std::string_view b) { return a.data() < b.data(); });
  for (std::size_t i = 1; i < streams.size(); ++i)
    if (streams[i - 1].data() + streams[i - 1].size() > streams[i].data())
      archive.fail("is a damaged zip archive (files share their bytes)");
}

}  // namespace

std::vector<std::pair<std::string, std::string>> read_zip(const std::filesystem::path& file,
                                                          std::uint64_t limit) {
  const Archive archive(file);
  const auto [count, first] = archive.directory();
  std::vector<Entry> entries;
  std::uint64_t at = first;
  for (std::uint64_t i = 0; i < count; ++i) {
    Entry entry = read_entry(archive, at);
    if (!entry.name.ends_with('/')) entries.push_back(std::move(entry));
  }
  check_sizes(archive, entries, limit);
  std::vector<std::pair<std::string, std::string>> files;
  for (const Entry& entry : entries) files.emplace_back(entry.name, read_contents(archive, entry));
  return files;
}

}  // namespace ohmic
