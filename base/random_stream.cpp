#include "base/random_stream.h"

#include <cassert>

#include "base/kernels.h"

namespace ohmic {
namespace {

std::array<std::uint32_t, 2> key_of(std::uint64_t seed) {
  return {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
}

/// The block's four words at a row of draws.
std::array<std::uint32_t, 4> block_words(const Address& row, std::uint64_t block,
                                         std::uint64_t seed) {
  Address at = row;
  at.counter[0] += static_cast<std::uint32_t>(block);
  return philox(at.counter, key_of(seed));
}

[[maybe_unused]] bool fits(const Address& row, std::uint64_t first, std::size_t n) {
  const auto purpose = static_cast<Purpose>(row.counter[3] >> 26);
  return first + n <= address_elements(purpose);
}

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c,
                                    std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0],
                        p1 = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9u;
    k[1] += 0xBB67AE85u;
  }
  return c;
}

void RandomStream::normals(const Address& row, std::uint64_t first, std::span<float> out) const {
  assert(fits(row, first, out.size()));
  kernels().normals(row.counter.data(), key_of(seed_).data(), first, out.size(), out.data());
}

void RandomStream::words(const Address& row, std::uint64_t first,
                         std::span<std::uint32_t> out) const {
  assert(fits(row, first, out.size()));
  std::array<std::uint32_t, 4> block{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t element = first + i;
    if (i == 0 || (element & 3) == 0) block = block_words(row, element >> 2, seed_);
    out[i] = block[element & 3];
  }
}

void RandomStream::uniforms(const Address& row, std::uint64_t first, std::span<double> out) const {
  assert(fits(row, first, out.size()));
  std::array<std::uint32_t, 4> block{};
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t element = first + i;
    if (i == 0 || (element & 3) == 0) block = block_words(row, element >> 2, seed_);
    out[i] = (block[element & 3] + 0.5) * 0x1p-32;
  }
}

void RandomStream::sample_normals(const Address& row, std::uint64_t block, float* out) const {
  assert(fits(row, block * 4, 4));
  Address at = row;
  at.counter[0] += static_cast<std::uint32_t>(block);
  kernels().lane_normals(at.counter.data(), kLumpedSampleWord, key_of(seed_).data(), out);
}

std::uint32_t AddressedGenerator::operator()() {
  if ((next_ & 3) == 0) block_ = block_words(row_, next_ >> 2, stream_.seed());
  return block_[next_++ & 3];
}

}  // namespace ohmic
