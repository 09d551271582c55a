#include "base/digest.h"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid.hpp>
#include <boost/uuid/uuid_generators.hpp>

namespace ohmic {

std::string digest(std::string_view bytes) {
  // The name space of names that are no names of anything else ("OID", RFC 4122, appendix C).
  static constexpr std::uint8_t kNameSpace[16] = {0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1,
                                                  0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  boost::uuids::uuid name_space{};
  std::copy(std::begin(kNameSpace), std::end(kNameSpace), name_space.begin());
  boost::uuids::name_generator_sha1 generator(name_space);
  const boost::uuids::uuid id = generator(bytes.data(), bytes.size());
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : id) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace ohmic
