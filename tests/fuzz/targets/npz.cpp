#include <zlib.h>

#include <algorithm>

#include "fuzz/array.h"
#include "io/zip_file.h"

namespace ohmic::fuzz {
namespace {

/// Whether the archive's directory has an entry of this name with the checksum of these contents.
bool is_vouched_for(std::string_view archive, const std::string& name,
                    const std::string& contents) {
  const uLong sum = crc32_z(0, reinterpret_cast<const Bytef*>(contents.data()), contents.size());
  std::string entry;
  for (int shift = 0; shift < 32; shift += 8) entry += static_cast<char>(sum >> shift & 0xff);
  constexpr std::size_t kChecksum = 16, kName = 46;  // bytes behind the entry's start
  for (std::size_t at = 0; (at = archive.find("PK\1\2", at)) != archive.npos; ++at) {
    std::string stated(archive.substr(std::min(at + kName, archive.size()), name.size()));
    std::replace(stated.begin(), stated.end(), '\0', ' ');  // so does libzip
    if (archive.substr(at + kChecksum, 4) == entry && stated == name) return true;
  }
  return false;
}

const Target kNpz("npz", [](std::string_view input) {
  constexpr std::uint64_t kLimit = 1 << 24;
  const std::filesystem::path file = file_of(input, "input.npz");
  const auto files = accepted_twice(file, [&] { return read_zip(file, kLimit); });
  std::uint64_t total = 0;
  if (files)
    for (const auto& [name, contents] : *files) {
      expect(contents.empty() || is_vouched_for(input, name, contents),
             "an entry without its checksum is read");
      total += contents.size();
    }
  expect(total <= kLimit, "an archive unpacks to more than the limit");
  const auto arrays = accepted_twice(file, [&] { return contents(read_npz(file, kLimit)); });
  expect(!arrays || arrays->size() == files->size(), "an archive's arrays are not its files");
});

}  // namespace
}  // namespace ohmic::fuzz
