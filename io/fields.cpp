#include "io/fields.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ohmic {
namespace {

constexpr std::size_t kLongestValue = 60;  // of a value quoted in a message

std::string value_text(const ConfigNode& node) {
  const std::string text = inline_toml(node);
  return text.size() <= kLongestValue ? text : text.substr(0, kLongestValue) + "...";
}

std::string or_word(const Field& note) {
  return note.word.empty() ? "" : " or \"" + std::string(note.word) + "\"";
}

std::string interval_in_words(const Field& note) {
  const bool has_low = std::isfinite(note.low), has_high = std::isfinite(note.high);
  // Bounds of large integers are written out.
  const auto written = [](double bound) {
    const bool is_large_integer =
        std::fabs(bound) >= 1e15 && std::fabs(bound) < 1e20 && bound == std::nearbyint(bound);
    return is_large_integer ? fmt::format("{:.0f}", bound) : shortest(bound);
  };
  const std::string low = written(note.low), high = written(note.high);
  if (has_low && has_high && !note.low_open && !note.high_open) return low + " .. " + high;
  std::string text;
  if (has_low) text = note.low_open ? "above " + low : low + " or more";
  if (has_low && has_high) text += ", ";
  if (has_high)
    text += note.high_open ? "below " + high : (has_low ? "at most " + high : high + " or less");
  return text;
}

std::string listed(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::string_view word : words) (text += text.empty() ? "" : ", ") += word;
  return text;
}

template <class T>
ConfigNode::Array as_array(const std::vector<T>& values) {
  ConfigNode::Array array(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) array[i].value = values[i];
  return array;
}

}  // namespace

double in_user_units(double si, double scale) {
  if (scale == 1.0 || !std::isfinite(si)) return si;
  const double exact = si / scale;
  for (int digits = 1; digits <= 17; ++digits) {
    const std::string text = fmt::format("{:.{}e}", exact, digits - 1);
    double decimal = 0;
    std::from_chars(text.data(), text.data() + text.size(), decimal);
    if (decimal * scale == si) return decimal;
  }
  for (double neighbour : {std::nextafter(exact, -HUGE_VAL), std::nextafter(exact, HUGE_VAL)})
    if (neighbour * scale == si) return neighbour;
  return exact;
}

std::string range_in_words(const Field& note) {
  if (!note.one_of.empty()) return "one of " + listed(note.one_of);
  std::string text = interval_in_words(note);
  if (!note.word.empty())
    text += (text.empty() ? "any number, or \"" : ", or \"") + std::string(note.word) + "\"";
  return text;
}

FieldReader::FieldReader(const ConfigNode& table, std::string path)
    : table_(table), path_(std::move(path)) {
  if (!table.is_table())
    fail_at(table.origin, (path_.empty() ? "the config" : path_) + " = " + value_text(table) +
                              " is " + std::string(table.kind()) + ", expected a table");
}

std::string FieldReader::name(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

const ConfigNode* FieldReader::find(const Field& note) {
  known_.emplace_back(note.key);
  return table_.find(note.key);
}

void FieldReader::allow(std::string_view key) { known_.emplace_back(key); }

void FieldReader::wrong(const std::string& name, const ConfigNode& node,
                        const std::string& expected, bool wants_integer) const {
  ConfigError::Parts parts = error_parts(node.origin,
                                         name + " = " + value_text(node) + " is " +
                                             std::string(node.kind()) + ", expected " + expected,
                                         name);
  parts.wants_integer = wants_integer;
  throw ConfigError(parts);
}

void FieldReader::check_range(const Field& note, const std::string& name, const ConfigNode& node,
                              double value) const {
  if (!std::isfinite(value))
    fail_at(node.origin,
            name + " = " + value_text(node) + " is not finite, expected a number" + or_word(note),
            name);
  const bool high_enough = note.low_open ? value > note.low : value >= note.low;
  const bool low_enough = note.high_open ? value < note.high : value <= note.high;
  if (!high_enough || !low_enough)
    fail_at(node.origin,
            name + " = " + value_text(node) + " is out of range (" + range_in_words(note) + ")",
            name);
}

bool FieldReader::is_word(const Field& note, const ConfigNode& node) const {
  const auto* word = std::get_if<std::string>(&node.value);
  return word && !note.word.empty() && *word == note.word;
}

std::int64_t FieldReader::integer(const Field& note, const std::string& name,
                                  const ConfigNode& node) const {
  const auto* value = std::get_if<std::int64_t>(&node.value);
  if (!value)
    wrong(name, node, "an integer" + or_word(note), std::holds_alternative<double>(node.value));
  check_range(note, name, node, static_cast<double>(*value));
  return *value;
}

double FieldReader::number(const Field& note, const std::string& name,
                           const ConfigNode& node) const {
  double value = 0;
  if (const auto* number = std::get_if<double>(&node.value))
    value = *number;
  else if (const auto* integer = std::get_if<std::int64_t>(&node.value))
    value = static_cast<double>(*integer);
  else
    wrong(name, node, "a number" + or_word(note));
  check_range(note, name, node, value);
  return value * note.scale;
}

std::string FieldReader::string(const Field& note, const std::string& name,
                                const ConfigNode& node) const {
  const auto* word = std::get_if<std::string>(&node.value);
  if (!word)
    wrong(name, node, note.one_of.empty() ? "a string" : "a string, one of " + listed(note.one_of));
  if (note.one_of.empty()) return *word;
  const std::string meant = note.choice_of ? note.choice_of(*word) : *word;
  for (std::string_view choice : note.one_of)
    if (choice == meant) return meant;
  const std::string near = nearest(*word, {note.one_of.begin(), note.one_of.end()});
  fail_at(node.origin,
          name + " = " + value_text(node) + " is not one of " + listed(note.one_of) +
              (near.empty() ? "" : " (did you mean '" + near + "'?)"),
          name);
}

template <class T, class ReadOne>
void FieldReader::list(const Field& note, std::vector<T>& values, const char* expected,
                       ReadOne read_one) {
  const ConfigNode* node = find(note);
  if (!node) return;
  if (!node->is_array()) wrong(name(note.key), *node, expected);
  values.clear();
  for (const ConfigNode& element : node->array())
    values.push_back(read_one(name(note.key) + "[" + std::to_string(values.size()) + "]", element));
}

void FieldReader::field(const Field& note, bool& value) {
  const ConfigNode* node = find(note);
  if (!node) return;
  const bool* flag = std::get_if<bool>(&node->value);
  if (!flag) wrong(name(note.key), *node, "true or false");
  value = *flag;
}

void FieldReader::field(const Field& note, std::int64_t& value) {
  if (const ConfigNode* node = find(note)) value = integer(note, name(note.key), *node);
}

void FieldReader::field(const Field& note, double& value) {
  if (const ConfigNode* node = find(note)) value = number(note, name(note.key), *node);
}

void FieldReader::field(const Field& note, std::string& value) {
  if (const ConfigNode* node = find(note)) value = string(note, name(note.key), *node);
}

void FieldReader::field(const Field& note, std::optional<std::int64_t>& value) {
  const ConfigNode* node = find(note);
  if (!node) return;
  value.reset();
  if (!is_word(note, *node)) value = integer(note, name(note.key), *node);
}

void FieldReader::field(const Field& note, std::optional<double>& value) {
  const ConfigNode* node = find(note);
  if (!node) return;
  value.reset();
  if (!is_word(note, *node)) value = number(note, name(note.key), *node);
}

void FieldReader::field(const Field& note, std::vector<std::int64_t>& values) {
  list(note, values, "an array of integers",
       [&](const std::string& name, const ConfigNode& node) { return integer(note, name, node); });
}

void FieldReader::field(const Field& note, std::vector<double>& values) {
  list(note, values, "an array of numbers",
       [&](const std::string& name, const ConfigNode& node) { return number(note, name, node); });
}

void FieldReader::field(const Field& note, std::vector<std::string>& values) {
  list(note, values, "an array of strings",
       [&](const std::string& name, const ConfigNode& node) { return string(note, name, node); });
}

void FieldReader::field(const Field& note, WordOrIntegers& value) {
  const ConfigNode* node = find(note);
  if (!node) return;
  known_.pop_back();  // the overloads below note the key themselves
  if (node->is_array())
    field(note, value.list);
  else
    field(note, value.word);
}

void FieldReader::finish() const {
  for (const auto& [key, child] : table_.table()) {
    bool is_known = false;
    for (const std::string& word : known_) is_known |= word == key;
    if (is_known) continue;
    const std::string near = nearest(key, known_);
    fail_at(child.origin,
            "unknown key " + name(key) + (near.empty() ? "" : " (did you mean '" + near + "'?)"),
            name(key));
  }
}

void KeyNoteFinder::look(const Field& note, double user_value) {
  const ConfigNode* node = table_.find(note.key);
  if (!node) return;
  const std::string key =
      path_.empty() ? std::string(note.key) : path_ + "." + std::string(note.key);
  const auto add = [&](std::string text, std::vector<std::string> read_by = {}) {
    notes.push_back({node->origin, key, std::move(text), std::move(read_by)});
  };
  if (!note.idle.empty()) add("has no effect: " + std::string(note.idle));
  if (user_value > note.doubtful)
    add("= " + inline_toml(*node) + " is " + shortest(100 * user_value) + " % of " +
        std::string(note.fraction_of));
  if (!note.read_by.empty() && !note.refuses) add("", {note.read_by.begin(), note.read_by.end()});
}

template <class T>
void FieldWriter::put(const Field& note, T value) {
  if (results_only_ && (!note.affects_results || !note.idle.empty())) return;
  table.put(std::string(note.key), ConfigNode{.value = std::move(value), .origin = {}});
}

void FieldWriter::field(const Field& note, bool& value) { put(note, value); }
void FieldWriter::field(const Field& note, std::int64_t& value) { put(note, value); }
void FieldWriter::field(const Field& note, double& value) {
  put(note, in_user_units(value, note.scale));
}
void FieldWriter::field(const Field& note, std::string& value) { put(note, value); }
void FieldWriter::field(const Field& note, std::optional<std::int64_t>& value) {
  if (value)
    put(note, *value);
  else if (!note.word.empty())
    put(note, std::string(note.word));
}
void FieldWriter::field(const Field& note, std::optional<double>& value) {
  if (value)
    put(note, in_user_units(*value, note.scale));
  else if (!note.word.empty())
    put(note, std::string(note.word));
}
void FieldWriter::field(const Field& note, std::vector<std::int64_t>& values) {
  put(note, as_array(values));
}
void FieldWriter::field(const Field& note, std::vector<double>& values) {
  std::vector<double> written(values);
  for (double& value : written) value = in_user_units(value, note.scale);
  put(note, as_array(written));
}
void FieldWriter::field(const Field& note, std::vector<std::string>& values) {
  put(note, as_array(values));
}

void FieldWriter::field(const Field& note, WordOrIntegers& value) {
  if (value.list.empty())
    put(note, value.word);
  else
    put(note, as_array(value.list));
}

/// A default is written as the writer would write it.
template <class T>
void FieldDescriber::describe(const Field& note, T& value) {
  FieldWriter writer(false);
  writer.field(note, value);
  const ConfigNode* written = writer.table.find(note.key);
  manual.push_back({.key = std::string(note.key),
                    .meaning = std::string(note.meaning),
                    .unit = std::string(note.unit),
                    .default_value = written ? inline_toml(*written) : "none",
                    .range = range_in_words(note),
                    .affects_results = note.affects_results,
                    .is_file = note.is_file,
                    .when_read = note.when_read,
                    .came_later = note.came_later,
                    .read_by = {note.read_by.begin(), note.read_by.end()}});
}

void FieldDescriber::field(const Field& note, bool& value) { describe(note, value); }
void FieldDescriber::field(const Field& note, std::int64_t& value) { describe(note, value); }
void FieldDescriber::field(const Field& note, double& value) { describe(note, value); }
void FieldDescriber::field(const Field& note, std::string& value) { describe(note, value); }
void FieldDescriber::field(const Field& note, std::optional<std::int64_t>& v) { describe(note, v); }
void FieldDescriber::field(const Field& note, std::optional<double>& v) { describe(note, v); }
void FieldDescriber::field(const Field& note, std::vector<std::int64_t>& v) { describe(note, v); }
void FieldDescriber::field(const Field& note, std::vector<double>& v) { describe(note, v); }
void FieldDescriber::field(const Field& note, std::vector<std::string>& v) { describe(note, v); }
void FieldDescriber::field(const Field& note, WordOrIntegers& v) { describe(note, v); }

}  // namespace ohmic
