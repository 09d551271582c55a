#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/matrix.h"
#include "base/parallel.h"

/// The numbers of a network, apart from its structure: perturbed weights may stand in for the
/// trained ones.
namespace ohmic::nn {

/// A matrix with the name that PyTorch gives it: "weight" (outputs x fan-in), "bias" (1 x outputs),
/// and of batch-norm "weight", "bias", "running_mean", "running_variance" (1 x channels).
template <class T>
struct Parameter {
  std::string name;
  Matrix<T> value;
  bool operator==(const Parameter&) const = default;
};
template <class T>
using LayerParameters = std::vector<Parameter<T>>;
/// One entry per layer of the network; layers without parameters have an empty list.
template <class T>
using ParameterSet = std::vector<LayerParameters<T>>;

/// The parameter of that name, or null.
template <class T>
const Matrix<T>* find(const LayerParameters<T>& layer, std::string_view name) {
  for (const Parameter<T>& p : layer)
    if (p.name == name) return &p.value;
  return nullptr;
}
template <class T>
Matrix<T>* find(LayerParameters<T>& layer, std::string_view name) {
  return const_cast<Matrix<T>*>(find(std::as_const(layer), name));
}

/// The same numbers in another precision.
template <class To, class From>
ParameterSet<To> converted(const ParameterSet<From>& from) {
  ParameterSet<To> to(from.size());
  for (std::size_t l = 0; l < from.size(); ++l)
    for (const Parameter<From>& p : from[l]) to[l].push_back({p.name, Matrix<To>(p.value.view())});
  return to;
}

/// Calls body(matrix, other matrices of the same place...) for every parameter of sets of equal
/// structure.
template <class Body, class Set, class... Sets>
void for_each_parameter(Body&& body, Set& set, Sets&... sets) {
  for (std::size_t l = 0; l < set.size(); ++l)
    for (std::size_t p = 0; p < set[l].size(); ++p) body(set[l][p].value, sets[l][p].value...);
}

template <class T>
void set_zero(ParameterSet<T>& set) {
  for_each_parameter(
      [](Matrix<T>& m) {
        for_each_part(m.size(), 1, [&](Index first, Index last) {
          std::fill(m.data() + first, m.data() + last, T(0));
        });
      },
      set);
}

}  // namespace ohmic::nn
