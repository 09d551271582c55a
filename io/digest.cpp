#include "io/digest.h"

#include <xxhash.h>

#include <new>

namespace ohmic {
namespace {

std::string words_of(XXH128_hash_t hash) {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, hash);
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const unsigned char byte : canonical.digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

}  // namespace

std::string digest(std::string_view bytes) {
  return words_of(XXH3_128bits(bytes.data(), bytes.size()));
}

struct DigestStream::State {
  XXH3_state_t* of = XXH3_createState();
  ~State() { XXH3_freeState(of); }
};

DigestStream::DigestStream() : state_(std::make_unique<State>()) {
  if (!state_->of) throw std::bad_alloc();
  XXH3_128bits_reset(state_->of);
}

DigestStream::~DigestStream() = default;

void DigestStream::add(std::string_view bytes) {
  XXH3_128bits_update(state_->of, bytes.data(), bytes.size());
}

std::string DigestStream::text() const { return words_of(XXH3_128bits_digest(state_->of)); }

}  // namespace ohmic
