#include "lab/experiment/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/elementary.h"
#include "io/fields.h"
#include "lab/experiment/former_names.h"

namespace ohmic::lab {
namespace {

constexpr std::int64_t kMostValues = 10000;

/// A range of numbers as a user writes it.
struct RangeFields {
  std::string key;
  std::vector<std::string> names;
  std::optional<double> from, to, step;
  std::optional<std::int64_t> count;
  std::string scale = "linear";
};
void fields(FieldVisitor& f, RangeFields& p) {
  f.field({.key = "key", .meaning = "the config key that changes"}, p.key);
  f.field({.key = "names", .meaning = "names of the values"}, p.names);
  f.field({.key = "from", .meaning = "first value"}, p.from);
  f.field({.key = "to", .meaning = "last value"}, p.to);
  f.field({.key = "step", .meaning = "distance between values", .low = 0, .low_open = true},
          p.step);
  f.field({.key = "count", .meaning = "number of values", .low = 2, .high = kMostValues}, p.count);
  f.field({.key = "scale", .meaning = "spacing of a count", .one_of = {"linear", "log"}}, p.scale);
}

bool is_number(const ConfigNode& node) {
  return std::holds_alternative<double>(node.value) ||
         std::holds_alternative<std::int64_t>(node.value);
}

double as_double(const ConfigNode& node) {
  const double* real = std::get_if<double>(&node.value);
  return real ? *real : static_cast<double>(std::get<std::int64_t>(node.value));
}

bool is_whole(double x) { return x == std::floor(x) && std::fabs(x) < 1e15; }

/// Every value under this node is told at its place in the file and its place among the axes.
ConfigNode placed(ConfigNode node, const std::string& where) {
  node.origin.axis = where;
  if (node.is_table())
    for (auto& [key, child] : node.table()) child = placed(std::move(child), where);
  else if (node.is_array())
    for (ConfigNode& child : node.array()) child = placed(std::move(child), where);
  return node;
}

/// The twelve digits that a user means: 0.3, not 0.1 + 0.1 + 0.1.
double twelve_digits(double x) { return std::stod(fmt::format("{:.12g}", x)); }

/// Equal where values are, an integer and the same real number among them.
std::string value_words(const ConfigNode& node) {
  return is_number(node) ? shortest(as_double(node)) : inline_toml(node);
}

/// A number as TOML would hold it: whole ones are integers, so that keys of integers take them.
ConfigNode number(double value, const Origin& origin) {
  if (is_whole(value)) return {static_cast<std::int64_t>(value), origin};
  return {value, origin};
}

std::vector<ConfigNode> range(const RangeFields& p, const Origin& origin,
                              const std::string& where) {
  if (!p.from || !p.to)
    fail_at(origin, where + " has no values; say values = [...] or from and to");
  std::vector<ConfigNode> out;
  if (p.step) {
    if (*p.to < *p.from) fail_at(origin, where + ".to is below its from");
    const double steps = std::floor((*p.to - *p.from) / *p.step + 1e-9);
    if (steps >= static_cast<double>(kMostValues))
      fail_at(origin, where + " has more than " + std::to_string(kMostValues) + " values");
    for (std::int64_t i = 0; i <= static_cast<std::int64_t>(steps); ++i)
      out.push_back(number(twelve_digits(*p.from + static_cast<double>(i) * *p.step), origin));
    return out;
  }
  if (!p.count) fail_at(origin, where + " needs a step or a count");
  if (p.scale == "log" && (*p.from <= 0 || *p.to <= 0))
    fail_at(origin, where + ": a log scale needs from and to above 0");
  for (std::int64_t i = 0; i < *p.count; ++i) {
    const double fraction = static_cast<double>(i) / static_cast<double>(*p.count - 1);
    const double value = Span{*p.from, *p.to, p.scale == "log"}.at(fraction);
    out.push_back(number(i == *p.count - 1 ? *p.to : value, origin));
  }
  return out;
}

AxisKey read_key(const ConfigNode& table, const std::string& where, bool may_be_span) {
  RangeFields p;
  read_fields(table, where, p, {"values"});
  if (p.key.empty()) fail_at(table.origin, where + " has no key");
  AxisKey out{.key = todays_key(p.key), .values = {}, .names = p.names};
  out.origin = table.origin;
  out.origin.axis = where;
  if (may_be_span && p.from && p.to && !p.step && !p.count && !table.find("values")) {
    if (*p.to <= *p.from) fail_at(table.origin, where + ".to is not above its from");
    if (p.scale == "log" && *p.from <= 0)
      fail_at(table.origin, where + ": a log scale needs from and to above 0");
    out.span = {*p.from, *p.to, p.scale == "log"};
    return out;
  }
  if (const ConfigNode* values = table.find("values")) {
    if (!values->is_array())
      fail_at(values->origin,
              where + ".values is " + std::string(values->kind()) + ", expected a list");
    if (p.from || p.to || p.step || p.count)
      fail_at(table.origin, where + " has both values and a range; leave one out");
    out.values = values->array();
  } else {
    out.values = range(p, table.origin, where);
  }
  if (out.values.empty()) fail_at(table.origin, where + " has no values");
  if (out.names.empty())
    for (const ConfigNode& value : out.values) {
      const std::string* word = std::get_if<std::string>(&value.value);
      out.names.push_back(word ? *word : inline_toml(value));
    }
  if (out.names.size() != out.values.size())
    fail_at(table.origin, where + " has " + std::to_string(out.values.size()) + " values and " +
                              std::to_string(out.names.size()) + " names");
  std::set<std::string> values, names;
  for (std::size_t i = 0; i < out.values.size(); ++i)
    if (!values.insert(value_words(out.values[i])).second || !names.insert(out.names[i]).second)
      fail_at(table.origin, where + " has the value " + out.names[i] + " twice");
  for (ConfigNode& value : out.values) value = placed(std::move(value), where);
  return out;
}

}  // namespace

double Span::at(double fraction) const {
  return twelve_digits(is_logarithmic ? from * elementary::pow(to / from, fraction)
                                      : from + fraction * (to - from));
}

bool AxisKey::is_numeric() const { return std::all_of(values.begin(), values.end(), is_number); }

std::vector<double> AxisKey::numbers() const {
  std::vector<double> out;
  for (const ConfigNode& v : values) out.push_back(as_double(v));
  return out;
}

std::vector<Axis> read_axes(const ConfigNode& list, const std::string& path, bool may_be_spans) {
  if (!list.is_array())
    fail_at(list.origin, path + " is " + std::string(list.kind()) + ", expected a list of axes");
  std::vector<Axis> axes;
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < list.array().size(); ++i) {
    const ConfigNode& table = list.array()[i];
    const std::string where = path + "[" + std::to_string(i) + "]";
    if (!table.is_table())
      fail_at(table.origin,
              where + " is " + std::string(table.kind()) + ", expected { key = ... }");
    Axis axis;
    if (const ConfigNode* zip = table.find("zip")) {
      if (!zip->is_array() || zip->array().empty() || table.table().size() > 1)
        fail_at(table.origin, where + ".zip is a list of axes and takes no other key");
      for (std::size_t k = 0; k < zip->array().size(); ++k) {
        axis.keys.push_back(
            read_key(zip->array()[k], where + ".zip[" + std::to_string(k) + "]", false));
        if (axis.keys.back().values.size() != axis.size())
          fail_at(zip->origin, where + ".zip: " + axis.keys.back().key + " has " +
                                   std::to_string(axis.keys.back().values.size()) + " values, " +
                                   axis.keys.front().key + " has " + std::to_string(axis.size()));
      }
    } else {
      axis.keys.push_back(read_key(table, where, may_be_spans));
    }
    for (const AxisKey& key : axis.keys) {
      if (std::find(seen.begin(), seen.end(), key.key) != seen.end())
        fail_at(table.origin, where + ": " + key.key + " is an axis already");
      seen.push_back(key.key);
    }
    axes.push_back(std::move(axis));
  }
  return axes;
}

Axis axis_of(const std::string& key, const std::vector<double>& values, const std::string& path) {
  AxisKey out{.key = key, .values = {}, .names = {}};
  for (const double v : values) {
    out.values.push_back({v, {.place = "", .source_line = "", .column = 0, .axis = path}});
    out.names.push_back(shortest(v));
  }
  return {{std::move(out)}};
}

std::size_t grid_size(const std::vector<Axis>& axes) {
  std::size_t size = 1;
  for (const Axis& axis : axes) size *= axis.size();
  return size;
}

std::vector<std::size_t> places_of(const std::vector<Axis>& axes, std::size_t point) {
  std::vector<std::size_t> places(axes.size());
  for (std::size_t a = axes.size(); a-- > 0;) {
    places[a] = point % axes[a].size();
    point /= axes[a].size();
  }
  return places;
}

std::vector<PointValue> values_at(const std::vector<Axis>& axes, std::size_t point) {
  const std::vector<std::size_t> places = places_of(axes, point);
  std::vector<PointValue> values;
  for (std::size_t a = 0; a < axes.size(); ++a)
    for (const AxisKey& key : axes[a].keys)
      values.push_back({&key, key.values[places[a]], key.names[places[a]]});
  return values;
}

void apply_values(const std::vector<PointValue>& values, ConfigNode& root) {
  std::vector<const PointValue*> order;
  for (const PointValue& value : values) order.push_back(&value);
  // Tables first: what other axes change within them must stay.
  const auto depth = [](const PointValue* value) {
    return std::count(value->key->key.begin(), value->key->key.end(), '.');
  };
  std::stable_sort(order.begin(), order.end(),
                   [&](const PointValue* a, const PointValue* b) { return depth(a) < depth(b); });
  for (const PointValue* value : order) put_at(root, value->key->key, value->value);
}

std::string point_words(const std::vector<PointValue>& values) {
  std::string words;
  for (const PointValue& value : values)
    words += (words.empty() ? "" : ", ") + value.key->key + " " + value.name;
  return words;
}

void apply_point(const std::vector<Axis>& axes, std::size_t point, ConfigNode& root) {
  apply_values(values_at(axes, point), root);
}

std::string point_words(const std::vector<Axis>& axes, std::size_t point) {
  return point_words(values_at(axes, point));
}

}  // namespace ohmic::lab
