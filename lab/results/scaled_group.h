#pragma once

#include <map>
#include <string>
#include <vector>

#include "io/h5.h"
#include "lab/experiment/axis.h"
#include "lab/results/schema.h"

namespace ohmic::lab {

/// One group of a results file, written as the schema says: units, meanings, and the axes of every
/// data set. Every axis is a data set of the group, an HDF5 dimension scale, so that xarray opens
/// the group by itself.
class ScaledGroup {
 public:
  /// `kind` names the schema of the file ("run"); `path` has no "/" at its end ("" is the root).
  /// `config_axes` stand for kConfigAxes. Borrows `file`.
  ScaledGroup(h5::Writer& file, std::string kind, std::string path,
              std::vector<std::string> config_axes = {})
      : file_(file),
        kind_(std::move(kind)),
        path_(std::move(path)),
        config_axes_(std::move(config_axes)) {}
  /// Axes, each made once, before what lies along it.
  template <class T>
  void axis(const std::string& name, const std::vector<T>& values) {
    file_.write(at(name), values);
    finish_axis(name, static_cast<Index>(values.size()));
  }
  /// 0 .. size - 1 (or from `first`).
  void count(const std::string& name, Index size, std::int64_t first = 0);
  /// The values of a config key, with the key's unit and meaning; `beside`: the axis that they lie
  /// along, where it is not their own.
  void key(const AxisKey& key, const std::string& beside = "");
  /// A data set, row-major; its shape is that of its axes. "GROUP/NAME" lies in a group below, over
  /// the axes of this one.
  template <class T>
  void write(const std::string& name, const std::vector<T>& values) {
    write_along(name, axes_of(name), values);
  }
  void write(const std::string& name, double value) { write(name, std::vector<double>{value}); }
  void write(const std::string& name, std::int64_t value) {
    write(name, std::vector<std::int64_t>{value});
  }
  /// The same over other axes than the schema's: files that leave one out.
  template <class T>
  void write_along(const std::string& name, const std::vector<std::string>& axes,
                   const std::vector<T>& values) {
    const std::vector<Index> shape = shape_of(axes, static_cast<Index>(values.size()));
    if constexpr (std::is_same_v<T, std::string>)
      file_.write(at(name), shape, values);
    else
      file_.write(at(name), shape, values.data());
    finish(name, axes);
  }

 private:
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  /// LogicError where the schema has no such data set.
  const DataSetEntry& entry(const std::string& name) const;
  std::vector<std::string> axes_of(const std::string& name);
  void finish_axis(const std::string& name, Index size);
  std::vector<Index> shape_of(const std::vector<std::string>& axes, Index count) const;
  void finish(const std::string& name, const std::vector<std::string>& axes);
  h5::Writer& file_;
  std::string kind_, path_;
  std::vector<std::string> config_axes_;
  std::map<std::string, Index> sizes_;
};

}  // namespace ohmic::lab
