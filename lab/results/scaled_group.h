#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "io/h5.h"

namespace ohmic::lab {

/// Unit and meaning of a config key, as `ohmic info KEY` has them; "1" and the key where it is
/// none.
std::pair<std::string, std::string> unit_and_meaning(const std::string& key);

/// One group of a results file: data sets over named axes. Every axis is a data set of the group,
/// an HDF5 dimension scale, so that xarray opens the group by itself.
class ScaledGroup {
 public:
  /// `path` without a "/" at its end ("" is the root); borrows `file`.
  ScaledGroup(h5::Writer& file, std::string path) : file_(file), path_(std::move(path)) {}
  /// Axes, each made once, before what lies along it.
  template <class T>
  void axis(const std::string& name, const std::vector<T>& values, const std::string& unit,
            const std::string& meaning) {
    file_.write(path_ + "/" + name, values);
    finish_axis(name, static_cast<Index>(values.size()), unit, meaning);
  }
  /// 0 .. size - 1 (or from `first`).
  void count(const std::string& name, Index size, const std::string& meaning,
             std::int64_t first = 0);
  /// A data set over axes, row-major; its shape is theirs. Numbers by themselves (no axes) have
  /// shape 1, along the axis `single`. "GROUP/NAME" lies in a group below, over the axes of this
  /// one.
  template <class T>
  void write(const std::string& name, const std::vector<std::string>& axes,
             const std::vector<T>& values, const std::string& unit, const std::string& meaning) {
    const std::vector<std::string> all = named(axes);
    const std::vector<Index> shape = shape_of(all, static_cast<Index>(values.size()));
    if constexpr (std::is_same_v<T, std::string>)
      file_.write(path_ + "/" + name, shape, values);
    else
      file_.write(path_ + "/" + name, shape, values.data());
    finish(name, all, unit, meaning);
  }

 private:
  void finish_axis(const std::string& name, Index size, const std::string& unit,
                   const std::string& meaning);
  std::vector<std::string> named(const std::vector<std::string>& axes);
  std::vector<Index> shape_of(const std::vector<std::string>& axes, Index count) const;
  void finish(const std::string& name, const std::vector<std::string>& axes,
              const std::string& unit, const std::string& meaning);
  h5::Writer& file_;
  std::string path_;
  std::map<std::string, Index> sizes_;
};

}  // namespace ohmic::lab
