#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

namespace ohmic::fuzz {

/// What a gzip file unpacks to, member by member, checksums and lengths compared; the bytes
/// themselves where they are no gzip file; none where it is damaged or cut.
inline std::optional<std::string> gunzipped(std::string_view bytes) {
  constexpr std::string_view kMagic = "\x1f\x8b";
  if (!bytes.starts_with(kMagic)) return std::string(bytes);
  std::string out;
  while (bytes.starts_with(kMagic)) {  // other bytes behind a member are no part of the contents
    z_stream stream{};
    inflateInit2(&stream, MAX_WBITS + 16);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    int status = Z_OK;
    while (status == Z_OK) {
      char piece[4096];
      stream.next_out = reinterpret_cast<Bytef*>(piece);
      stream.avail_out = sizeof piece;
      status = inflate(&stream, Z_NO_FLUSH);
      out.append(piece, sizeof piece - stream.avail_out);
    }
    bytes.remove_prefix(bytes.size() - stream.avail_in);
    inflateEnd(&stream);
    if (status != Z_STREAM_END) return std::nullopt;
  }
  return out;
}

}  // namespace ohmic::fuzz
