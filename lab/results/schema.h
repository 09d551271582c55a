#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What results files hold, in one table: their writers, reports, the Python module and
/// docs/results_format.md follow it.
namespace ohmic::lab {

/// One data set. In a path and in axes <NAME> stands for any word.
struct DataSetEntry {
  std::string path;               ///< "/chips/accuracy"
  std::vector<std::string> axes;  ///< data sets of its group that it lies along, outermost first;
                                  ///< its own name: it is an axis; none: one number, along `single`
  std::string unit;               ///< attribute `units`; "1" for a pure number
  std::string meaning;            ///< attribute `long_name`
  std::string when = "";          ///< in which files it is; "": in all

  std::string name() const { return path.substr(path.rfind('/') + 1); }
  bool is_axis() const { return axes.size() == 1 && axes[0] == name(); }
};

/// The data sets of one kind of file.
struct FileSchema {
  std::string name;   ///< "run", "chip", "mvm", ...
  std::string title;  ///< "ohmic run"
  std::vector<DataSetEntry> entries;
};

/// Stands in axes for those of the config: the axes of a sweep or comparison.
inline constexpr std::string_view kConfigAxes = "axis...";

const std::vector<FileSchema>& schema();

/// The entry of `path` in files of that name; null where there is none.
const DataSetEntry* find_entry(std::string_view file, std::string_view path);

/// The tables of docs/results_format.md.
std::string schema_markdown();

}  // namespace ohmic::lab
