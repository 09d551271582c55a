#include "base/config.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <tuple>

// What the library takes for granted is checked before (toml_text.h) or fails as a parse error.
#define TOML_ASSERT(expression) static_cast<void>(0)
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include "base/shown_text.h"
#include "base/toml_text.h"
#include "base/whole_file.h"

namespace ohmic {
namespace {

constexpr int kDeepestNesting = 64;  // dotted keys could nest without end and recursion must not
constexpr std::size_t kWidestLine = 200;  // a longer source line helps nobody

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// Turns toml++'s tree into ours.
class Converter {
 public:
  Converter(std::string_view text, std::string name) : name_(std::move(name)) {
    lines_ = split_lines(text);
  }
  /// Everything comes from one place (--set).
  explicit Converter(Origin fixed) : fixed_(std::move(fixed)) {}

  Origin origin(const toml::source_position& at) const {
    if (fixed_) return *fixed_;
    Origin origin{.place = name_, .source_line = "", .column = 0};
    if (at.line < 1) return origin;
    origin.place += ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
    origin.column = static_cast<int>(at.column);
    if (at.line <= lines_.size() && lines_[at.line - 1].size() <= kWidestLine)
      origin.source_line = lines_[at.line - 1];
    return origin;
  }

  ConfigNode convert(const toml::node& node, Origin place, int depth = 0) const {
    if (depth > kDeepestNesting) fail_at(place, "tables and arrays are nested too deeply");
    ConfigNode result{.value = false, .origin = std::move(place)};
    if (const auto* table = node.as_table()) {
      result.value = convert_table(*table, depth);
    } else if (const auto* array = node.as_array()) {
      ConfigNode::Array elements;
      for (const toml::node& element : *array)
        elements.push_back(convert(element, origin(element.source().begin), depth + 1));
      result.value = std::move(elements);
    } else if (const auto* word = node.as_string()) {
      result.value = word->get();
    } else if (const auto* integer = node.as_integer()) {
      result.value = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
      result.value = number->get();
    } else if (const auto* flag = node.as_boolean()) {
      result.value = flag->get();
    } else {
      fail_at(result.origin, "a date or time, which no key takes (a word stands in quotes)");
    }
    return result;
  }

 private:
  ConfigNode::Table convert_table(const toml::table& table, int depth) const {
    // toml++ sorts by name; the file's order is kept in the positions.
    struct Child {
      toml::source_position at;
      const toml::key* key;
      const toml::node* node;
    };
    std::vector<Child> children;
    for (auto it = table.cbegin(); it != table.cend(); ++it)
      children.push_back({it->first.source().begin, &it->first, &it->second});
    std::stable_sort(children.begin(), children.end(), [](const Child& a, const Child& b) {
      return std::tie(a.at.line, a.at.column) < std::tie(b.at.line, b.at.column);
    });
    ConfigNode::Table result;
    for (const Child& child : children)
      result.emplace_back(std::string(child.key->str()),
                          convert(*child.node, origin(child.at), depth + 1));
    return result;
  }

  std::string name_;
  std::vector<std::string_view> lines_;
  std::optional<Origin> fixed_;
};

std::string no_toml(const toml::parse_error& error) {
  std::string reason(error.description());
  if (!reason.empty() && reason[0] >= 'A' && reason[0] <= 'Z')
    reason[0] = static_cast<char>(reason[0] - 'A' + 'a');
  return "is no TOML: " + reason;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

struct PathPart {
  std::string text;
  bool is_quoted = false;
};
using Path = std::span<const PathPart>;

/// Splits "override.first.adc.bits" at its dots, outside of double quotes. Returns what is wrong
/// with it, or "".
std::string split_path(std::string_view path, std::vector<PathPart>& parts) {
  parts.assign(1, {});
  bool quoted = false;
  for (char c : path) {
    if (c == '"') {
      quoted = !quoted;
      parts.back().is_quoted = true;
    } else if (c == '.' && !quoted) {
      parts.emplace_back();
    } else {
      parts.back().text += c;
    }
  }
  if (quoted) return "a quote in the key is not closed";
  if (parts.size() > static_cast<std::size_t>(kMostKeyParts))
    return "a key of more than " + std::to_string(kMostKeyParts) + " parts";
  for (const PathPart& part : parts)
    if (trimmed(part.text).empty()) return "the key has an empty part";
  return "";
}

std::string joined(Path parts) {
  std::string text;
  for (const PathPart& part : parts) text += (text.empty() ? "" : ".") + part.text;
  return text;
}

ConfigNode parse_value(std::string_view text, const Origin& origin) {
  if (text.empty()) fail_at(origin, "the value is missing (an empty word is \"\")");
  const std::string assignment = "v = " + std::string(text);
  try {
    check_toml_text(assignment, "");
  } catch (const ConfigError&) {
    for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(utf8_width(rest)))
      if (utf8_width(rest) == 0) fail_at(origin, "the value is no UTF-8");
    if (std::string_view("\"'[{").find(text[0]) != std::string_view::npos)
      fail_at(origin,
              "the value is no TOML: characters outside ASCII stand in quotes, and a key "
              "has at most " +
                  std::to_string(kMostKeyParts) + " parts");
    return {.value = std::string(text), .origin = origin};
  }
  try {
    const toml::table parsed = toml::parse(assignment);
    if (parsed.size() == 1) return Converter(origin).convert(*parsed.get("v"), origin);
  } catch (const toml::parse_error& error) {
    if (std::string_view("\"'[{").find(text[0]) != std::string_view::npos)
      fail_at(origin, "the value " + no_toml(error));
  }
  return {.value = std::string(text), .origin = origin};
}

/// How many parts can make one name: all but the key behind it, or all where the whole element is
/// meant. A quoted part is a name by itself.
std::size_t most_parts_of_name(Path path, bool whole_element) {
  const std::size_t limit = path.size() - (whole_element ? 0 : 1);
  std::size_t most = 1;
  if (!path[0].is_quoted)
    while (most < limit && !path[most].is_quoted) ++most;
  return most;
}

struct FoundElement {
  const ConfigNode* element = nullptr;
  std::size_t parts = 1;  ///< of the path that name it
};

/// The element of an array of tables that the path begins with: that of the longest `name`, else
/// of the index.
FoundElement element_of(const ConfigNode::Array& array, Path path, bool whole_element) {
  for (std::size_t parts = most_parts_of_name(path, whole_element); parts > 0; --parts) {
    const std::string wanted = joined(path.first(parts));
    for (const ConfigNode& element : array) {
      const ConfigNode* name = element.is_table() ? element.find("name") : nullptr;
      const std::string* word = name ? std::get_if<std::string>(&name->value) : nullptr;
      if (word && *word == wanted) return {&element, parts};
    }
  }
  const std::string& part = path[0].text;
  std::size_t index = 0;
  const char* end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data(), end, index);
  if (error != std::errc() || stop != end || index >= array.size()) return {};
  return {array[index].is_table() ? &array[index] : nullptr, 1};
}

std::vector<std::string> element_names(const ConfigNode::Array& array) {
  std::vector<std::string> names;
  for (const ConfigNode& element : array) {
    const ConfigNode* name = element.is_table() ? element.find("name") : nullptr;
    if (name && std::holds_alternative<std::string>(name->value))
      names.push_back(std::get<std::string>(name->value));
  }
  return names;
}

/// "no element of name or index 'frist' (did you mean 'first'?)"
std::string no_element(const ConfigNode::Array& array, Path path, bool whole_element) {
  const std::vector<std::string> names = element_names(array);
  const std::string what = " has no element of name or index '";
  for (std::size_t parts = most_parts_of_name(path, whole_element); parts > 0; --parts) {
    const std::string name = joined(path.first(parts)), near = nearest(name, names);
    if (!near.empty()) return what + name + "' (did you mean '" + near + "'?)";
  }
  return what + path[0].text + "'";
}

}  // namespace

const Origin& origin_of(const ConfigNode& table, std::string_view key) {
  const ConfigNode* node = table.find(key);
  return node ? node->origin : table.origin;
}

const ConfigNode* ConfigNode::find(std::string_view key) const& {
  for (const auto& [name, child] : table())
    if (name == key) return &child;
  return nullptr;
}

ConfigNode* ConfigNode::find(std::string_view key) & {
  return const_cast<ConfigNode*>(std::as_const(*this).find(key));
}

void ConfigNode::put(std::string key, ConfigNode child) {
  if (ConfigNode* old = find(key))
    *old = std::move(child);
  else
    table().emplace_back(std::move(key), std::move(child));
}

std::string_view ConfigNode::kind() const {
  constexpr std::string_view kKinds[] = {"a boolean", "an integer", "a float",
                                         "a string",  "an array",   "a table"};
  return kKinds[value.index()];
}

void fail_at(const Origin& origin, const std::string& message) {
  std::string text = origin.place.empty() ? message : origin.place + ": " + message;
  if (origin.column > 0 && !origin.source_line.empty()) {
    std::string caret;
    int column = 1;  // counts characters, not bytes
    for (char c : origin.source_line) {
      if ((static_cast<unsigned char>(c) & 0xc0) == 0x80) continue;
      if (column++ >= origin.column) break;
      caret += c == '\t' ? '\t' : ' ';
    }
    text += "\n  " + origin.source_line + "\n  " + caret + "^";
  }
  throw ConfigError(text);
}

ConfigNode parse_config(std::string_view text, const std::string& name) {
  if (text.find('\0') != text.npos) throw ConfigError(name + ": is a binary file, expected TOML");
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  check_toml_text(text, name);
  const Converter converter(text, name);
  ConfigNode root;
  try {
    const toml::table parsed = toml::parse(text, std::string_view(name));
    root = converter.convert(parsed, converter.origin({}));
  } catch (const toml::parse_error& error) {
    fail_at(converter.origin(error.source().begin), no_toml(error));
  }
  if (root.table().empty()) throw ConfigError(name + ": the config is empty");
  return root;
}

ConfigNode read_config(const std::filesystem::path& file) {
  constexpr std::uintmax_t kLargest = std::uintmax_t{16} << 20;  // far beyond what anybody writes
  return parse_config(read_whole_file(file, kLargest), file.string());
}

void apply_setting(ConfigNode& root, const std::string& assignment) {
  const Origin origin{.place = "--set " + assignment, .source_line = "", .column = 0};
  bool quoted = false;
  std::size_t equals = 0;
  for (; equals < assignment.size() && (quoted || assignment[equals] != '='); ++equals)
    quoted ^= assignment[equals] == '"';
  if (equals == assignment.size()) fail_at(origin, "expected KEY=VALUE");
  const std::string_view text = assignment;
  put_at(root, trimmed(text.substr(0, equals)),
         parse_value(trimmed(text.substr(equals + 1)), origin));
}

void put_at(ConfigNode& root, std::string_view key, ConfigNode value) {
  const Origin origin = value.origin;
  std::vector<PathPart> parts;
  if (const std::string wrong = split_path(key, parts); !wrong.empty()) fail_at(origin, wrong);
  ConfigNode* node = &root;
  std::string walked;
  for (Path path = parts; !path.empty();) {
    std::size_t taken = 1;
    ConfigNode* child = nullptr;
    if (node->is_array()) {
      const FoundElement found = element_of(node->array(), path, value.is_table());
      if (!found.element)
        fail_at(origin, walked + no_element(node->array(), path, value.is_table()));
      child = const_cast<ConfigNode*>(found.element);
      taken = found.parts;
    } else if (node->is_table()) {
      child = node->find(path[0].text);
      if (!child) {
        node->table().emplace_back(path[0].text,
                                   ConfigNode{.value = ConfigNode::Table{}, .origin = origin});
        child = &node->table().back().second;
      }
    } else {
      fail_at(origin, walked + " is " + std::string(node->kind()) + ", expected a table");
    }
    node = child;
    walked += (walked.empty() ? "" : ".") + joined(path.first(taken));
    path = path.subspan(taken);
  }
  *node = std::move(value);
}

const ConfigNode* find_at(const ConfigNode& root, std::string_view key) {
  std::vector<PathPart> parts;
  if (!split_path(key, parts).empty()) return nullptr;
  const ConfigNode* node = &root;
  for (Path path = parts; node && !path.empty();) {
    std::size_t taken = 1;
    if (node->is_array()) {
      const FoundElement found = element_of(node->array(), path, false);
      node = found.element;
      taken = found.parts;
    } else {
      node = node->is_table() ? node->find(path[0].text) : nullptr;
    }
    path = path.subspan(taken);
  }
  return node;
}

ConfigNode merged(const ConfigNode& base, const ConfigNode& over) {
  if (!base.is_table() || !over.is_table()) return over;
  ConfigNode result = base;
  for (const auto& [key, child] : over.table()) {
    const ConfigNode* old = base.find(key);
    result.put(key, old ? merged(*old, child) : child);
  }
  return result;
}

}  // namespace ohmic
