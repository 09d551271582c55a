#include "lab/results/scaled_group.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "lab/experiment/experiment.h"

namespace ohmic::lab {
namespace {

/// Unit and meaning of a config key, as `ohmic info KEY` has them; "1" and the key where it is
/// none.
std::pair<std::string, std::string> unit_and_meaning(const std::string& key) {
  for (const KeyManual& manual : key_manual())
    if (manual.key == key)
      return {manual.field.unit.empty() ? "1" : manual.field.unit, manual.field.meaning};
  return {"1", key};
}

}  // namespace

const DataSetEntry& ScaledGroup::entry(const std::string& name) const {
  const DataSetEntry* found = find_entry(kind_, at(name));
  ensure(found != nullptr, "a data set stands in no schema");
  return *found;
}

void ScaledGroup::count(const std::string& name, Index size, std::int64_t first) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(size));
  std::iota(numbers.begin(), numbers.end(), first);
  axis(name, numbers);
}

void ScaledGroup::key(const AxisKey& key, const std::string& beside) {
  const auto is_integer = [](const ConfigNode& value) {
    return std::holds_alternative<std::int64_t>(value.value);
  };
  if (!key.is_numeric()) {
    file_.write(at(key.key), key.names);
  } else if (std::all_of(key.values.begin(), key.values.end(), is_integer)) {
    std::vector<std::int64_t> integers;
    for (const ConfigNode& value : key.values)
      integers.push_back(std::get<std::int64_t>(value.value));
    file_.write(at(key.key), integers);
  } else {
    file_.write(at(key.key), key.numbers());
  }
  const auto [unit, meaning] = unit_and_meaning(key.key);
  file_.describe(at(key.key), unit, meaning);
  if (!beside.empty()) return file_.attach_scale(at(key.key), 0, at(beside), beside);
  file_.make_scale(at(key.key), key.key);
  sizes_[key.key] = static_cast<Index>(key.names.size());
}

void ScaledGroup::finish_axis(const std::string& name, Index size) {
  const DataSetEntry& own = entry(name);
  file_.describe(at(name), own.unit, own.meaning);
  file_.make_scale(at(name), name);
  sizes_[name] = size;
}

std::vector<std::string> ScaledGroup::axes_of(const std::string& name) {
  std::vector<std::string> axes;
  for (const std::string& axis : entry(name).axes)
    if (axis == kConfigAxes)
      axes.insert(axes.end(), config_axes_.begin(), config_axes_.end());
    else
      axes.push_back(axis);
  if (!axes.empty() || !entry(name).axes.empty()) return axes;
  if (!sizes_.contains("single")) count("single", 1);
  return {"single"};
}

std::vector<Index> ScaledGroup::shape_of(const std::vector<std::string>& axes, Index count) const {
  std::vector<Index> shape;
  Index all = 1;
  for (const std::string& axis : axes) {
    const auto size = sizes_.find(axis);
    ensure(size != sizes_.end(), "a data set lies along an axis that was not written");
    shape.push_back(size->second);
    all *= size->second;
  }
  ensure(all == count, "a data set has another number of values than its axes");
  return shape;
}

void ScaledGroup::finish(const std::string& name, const std::vector<std::string>& axes) {
  const DataSetEntry& own = entry(name);
  file_.describe(at(name), own.unit, own.meaning);
  int dimension = 0;
  for (const std::string& axis : axes) file_.attach_scale(at(name), dimension++, at(axis), axis);
}

}  // namespace ohmic::lab
