#include "devices/cell_reads.h"

#include "base/address.h"

namespace ohmic::devices {
namespace {

std::uint64_t u(Index i) { return static_cast<std::uint64_t>(i); }

// The second device of a pair has the upper half of the columns.
constexpr Index kHalf = 1 << 15;

}  // namespace

void CellRead::uniforms(Index row, std::span<double> out) const {
  const Address at = cell_read_address({.chip = u(chip),
                                        .programming = u(programming),
                                        .read = u(read),
                                        .layer = u(layer),
                                        .row = u(first_row + row),
                                        .sample = u(sample),
                                        .patch = u(position),
                                        .slice = u(slice),
                                        .replica = u(replica)},
                                       Purpose::cell_state);
  stream->uniforms(at, u(first_column + polarity * kHalf), out);
}

}  // namespace ohmic::devices
