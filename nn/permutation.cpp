#include "nn/permutation.h"

#include <boost/random/uniform_int_distribution.hpp>
#include <numeric>

namespace ohmic::nn {

std::vector<Index> permutation(Index n, const RandomStream& stream, const Address& row) {
  std::vector<Index> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), Index{0});
  AddressedGenerator generator(stream, row);
  for (std::uint32_t last = static_cast<std::uint32_t>(n); last > 1; --last) {
    const std::uint32_t chosen =
        boost::random::uniform_int_distribution<std::uint32_t>(0, last - 1)(generator);
    std::swap(order[chosen], order[last - 1]);
  }
  return order;
}

}  // namespace ohmic::nn
