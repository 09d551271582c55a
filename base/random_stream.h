#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/address.h"

/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC
/// 2011): a counter-based generator. A stream is a key and nothing else: const, copyable, without
/// locks.
namespace ohmic {

/// The four numbers that `counter` holds under `key`.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key);

class RandomStream {
 public:
  explicit RandomStream(std::uint64_t seed) : seed_(seed) {}
  std::uint64_t seed() const { return seed_; }

  /// Standard normal numbers: elements first, first + 1, ... of the row of draws at `row`. An
  /// element's value depends on its index alone, wherever a span starts. Box-Muller on 32-bit
  /// uniforms: |z| <= 6.77.
  void normals(const Address& row, std::uint64_t first, std::span<float> out) const;
  /// Uniform numbers in (0, 1): (word + 1/2) / 2^32, exact in double.
  void uniforms(const Address& row, std::uint64_t first, std::span<double> out) const;
  /// The raw 32-bit words.
  void words(const Address& row, std::uint64_t first, std::span<std::uint32_t> out) const;
  /// Lane `lane` of out row c is column 4 * block + c of the row of draws of sample (address.sample
  /// + lane), for a lumped-read address: `out` is 4 x 64, what one read of 64 samples needs for
  /// four columns.
  void sample_normals(const Address& row, std::uint64_t block, float* out) const;

 private:
  std::uint64_t seed_;
};

/// The words from `row` on, one after the other, for distributions that ask for a generator
/// (Boost.Random); satisfies std::uniform_random_bit_generator. Use it where a draw is not hot.
class AddressedGenerator {
 public:
  using result_type = std::uint32_t;
  AddressedGenerator(const RandomStream& stream, const Address& row) : stream_(stream), row_(row) {}
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return 0xffffffffu; }
  result_type operator()();

 private:
  RandomStream stream_;
  Address row_;
  std::uint64_t next_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

}  // namespace ohmic
