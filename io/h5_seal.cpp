#include "io/h5_seal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "io/digest.h"
#include "io/whole_file.h"

namespace ohmic::h5 {
namespace {

constexpr std::string_view kSealStart = "\nohmic seal ";
constexpr std::string_view kMark = "ohmic seal";  // in the seal and in the attribute
constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
constexpr std::size_t kSuperblock = 48;  // bytes until behind the end of the file that it names

/// A file that is read in pieces.
class Bytes {
 public:
  explicit Bytes(const std::filesystem::path& file) : file_(file) {
    // Without O_NONBLOCK a FIFO would wait for its writer.
    descriptor_ = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status {};
    if (descriptor_ < 0 || ::fstat(descriptor_, &status) != 0 || S_ISDIR(status.st_mode)) {
      close();
      check_readable(file);  // says why
      throw FileError(file.string() + ": cannot be read");
    }
    if (!S_ISREG(status.st_mode)) {
      close();
      throw FileError(file.string() + ": is not a regular file (a pipe or a device)");
    }
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
  ~Bytes() { close(); }
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  std::uint64_t size() const { return size_; }
  /// Up to `count` bytes from `offset`.
  std::string at(std::uint64_t offset, std::size_t count) const {
    std::string bytes(count, '\0');
    std::size_t got = 0;
    while (got < count) {
      const ssize_t n =
          ::pread(descriptor_, bytes.data() + got, count - got, static_cast<off_t>(offset + got));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0)
        throw FileError(file_.string() + ": cannot be read (" + std::strerror(errno) + ")");
      if (n == 0) break;
      got += static_cast<std::size_t>(n);
    }
    bytes.resize(got);
    return bytes;
  }

 private:
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  const std::filesystem::path& file_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

constexpr std::size_t kPiece = std::size_t{1} << 20;

bool holds_mark(const Bytes& file) {
  std::string window;
  for (std::uint64_t offset = 0; offset < file.size(); offset += kPiece) {
    window = window.substr(window.size() - std::min(window.size(), kMark.size() - 1)) +
             file.at(offset, kPiece);
    if (window.find(kMark) != window.npos) return true;
  }
  return false;
}

/// Without zeros behind the last byte: some media fill their blocks with them, and a seal ends in
/// none.
std::uint64_t size_without_padding(const Bytes& file) {
  constexpr std::uint64_t kBlock = 4096;
  for (std::uint64_t end = file.size(); end > 0;) {
    const std::uint64_t start = end - std::min(end, kBlock);
    const std::string block = file.at(start, static_cast<std::size_t>(end - start));
    if (const std::size_t last = block.find_last_not_of('\0'); last != block.npos)
      return start + last + 1;
    end = start;
  }
  return 0;
}

/// Whether the superblock at the file's start says that it ends later than it does (the bytes of
/// versions 0 to 3 are laid out in the HDF5 File Format Specification, II.A).
bool is_cut(const Bytes& file) {
  const std::string head = file.at(0, kSuperblock);
  if (head.empty() || !kSignature.starts_with(std::string_view(head).substr(0, kSignature.size())))
    return false;
  if (head.size() < kSuperblock) return true;
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(head[at]); };
  const bool is_early = byte(8) < 2;
  const std::size_t width = byte(is_early ? 13 : 9),
                    place = is_early ? (byte(8) == 0 ? 40 : 44) : 28;
  if (width != 8 || place + width > head.size()) return false;
  std::uint64_t end = 0;
  for (std::size_t i = width; i-- > 0;) end = end << 8 | byte(place + i);
  return end > file.size();
}

}  // namespace

std::string seal_text(const std::string& digest_of_bytes) {
  return std::string(kSealStart) + digest_of_bytes + "\n";
}

Condition condition_of(const std::filesystem::path& path) {
  const Bytes file(path);
  const std::size_t length = seal_text(digest({})).size();
  const std::uint64_t size = size_without_padding(file);
  if (size >= length) {
    const std::uint64_t end = size - length;
    const std::string seal = file.at(end, length);
    if (seal.starts_with(kSealStart)) {
      DigestStream digest;
      for (std::uint64_t offset = 0; offset < end; offset += kPiece)
        digest.add(file.at(offset, std::min<std::uint64_t>(kPiece, end - offset)));
      return seal == seal_text(digest.text()) ? Condition::sealed : Condition::damaged;
    }
  }
  return is_cut(file) || holds_mark(file) ? Condition::damaged : Condition::unsealed;
}

}  // namespace ohmic::h5
