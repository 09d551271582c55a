#pragma once

#include <bit>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/h5.h"

/// Whether two results files hold the same bits outside /provenance.
namespace ohmic::testing {

/// One attribute or data set as text that is equal where the bits are.
inline std::string attribute_bits(const h5::Reader& file, const std::string& path,
                                  const std::string& name) {
  try {
    return file.string_attribute(path, name);
  } catch (const FileError&) {
  }
  try {
    return "integer " + std::to_string(file.integer_attribute(path, name));
  } catch (const FileError&) {
  }
  return "double " +
         std::to_string(std::bit_cast<std::uint64_t>(file.double_attribute(path, name)));
}

inline std::string data_set_bits(const h5::Reader& file, const std::string& path) {
  std::string text;
  try {
    for (const std::string& word : file.strings(path)) text += word + "\n";
    return text;
  } catch (const FileError&) {
  }
  const h5::Array<double> array = file.doubles(path);
  for (const Index size : array.shape) text += std::to_string(size) + " ";
  for (const double value : array.values)
    text += "\n" + std::to_string(std::bit_cast<std::uint64_t>(value));
  return text;
}

/// Every object of the file as (path or path@attribute, bits), /provenance left out.
inline void gather_contents(const h5::Reader& file, const std::string& path,
                            std::vector<std::pair<std::string, std::string>>& contents) {
  // The reference list of a dimension scale is HDF5's own bookkeeping, not a result.
  for (const std::string& name : file.attributes(path))
    if (name != "REFERENCE_LIST" && name != "DIMENSION_LIST")
      contents.emplace_back(path + "@" + name, attribute_bits(file, path, name));
  std::vector<std::string> children;
  try {
    children = file.children(path);
  } catch (const FileError&) {
    contents.emplace_back(path, data_set_bits(file, path));
    return;
  }
  for (const std::string& child : children) {
    const std::string below = (path == "/" ? "" : path) + "/" + child;
    if (below != "/provenance") gather_contents(file, below, contents);
  }
}

/// "" where both files hold the same data sets and attributes, bit by bit; else the first that
/// differs.
inline std::string first_difference(const std::string& a, const std::string& b) {
  std::vector<std::pair<std::string, std::string>> one, other;
  gather_contents(h5::Reader(a), "/", one);
  gather_contents(h5::Reader(b), "/", other);
  if (one.size() < 5) return a + " is all but empty";
  for (std::size_t i = 0; i < std::min(one.size(), other.size()); ++i) {
    if (one[i].first != other[i].first) return one[i].first + " against " + other[i].first;
    if (one[i].second != other[i].second) return one[i].first;
  }
  return one.size() == other.size() ? "" : "another number of objects";
}

}  // namespace ohmic::testing
