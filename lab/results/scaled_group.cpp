#include "lab/results/scaled_group.h"

#include <numeric>

#include "base/error.h"
#include "lab/experiment/experiment.h"

namespace ohmic::lab {

std::pair<std::string, std::string> unit_and_meaning(const std::string& key) {
  for (const KeyManual& manual : key_manual())
    if (manual.key == key)
      return {manual.field.unit.empty() ? "1" : manual.field.unit, manual.field.meaning};
  return {"1", key};
}

void ScaledGroup::count(const std::string& name, Index size, const std::string& meaning,
                        std::int64_t first) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(size));
  std::iota(numbers.begin(), numbers.end(), first);
  axis(name, numbers, "1", meaning);
}

void ScaledGroup::finish_axis(const std::string& name, Index size, const std::string& unit,
                              const std::string& meaning) {
  file_.describe(path_ + "/" + name, unit, meaning);
  file_.make_scale(path_ + "/" + name, name);
  sizes_[name] = size;
}

std::vector<std::string> ScaledGroup::named(const std::vector<std::string>& axes) {
  if (!axes.empty()) return axes;
  if (!sizes_.contains("single")) count("single", 1, "axis of numbers that stand by themselves");
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

void ScaledGroup::finish(const std::string& name, const std::vector<std::string>& axes,
                         const std::string& unit, const std::string& meaning) {
  file_.describe(path_ + "/" + name, unit, meaning);
  int dimension = 0;
  for (const std::string& axis : axes)
    file_.attach_scale(path_ + "/" + name, dimension++, path_ + "/" + axis, axis);
}

}  // namespace ohmic::lab
