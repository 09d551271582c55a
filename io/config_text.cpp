#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "io/config.h"

/// Config trees as text, and words that are near to other words.
namespace ohmic {
namespace {

std::string quoted_word(std::string_view word) {
  std::string text = "\"";
  for (char c : word) {
    if (c == '"' || c == '\\')
      (text += '\\') += c;
    else if (c == '\n')
      text += "\\n";
    else if (c == '\t')
      text += "\\t";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      text += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    else
      text += c;
  }
  return text + '"';
}

std::string key_text(const std::string& key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  return bare ? key : quoted_word(key);
}

std::string float_text(double value) {
  std::string text = shortest(value);
  // "3" would read back as an integer.
  if (text.find_first_not_of("-0123456789") == text.npos) text += ".0";
  return text;
}

struct InlineText {
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t integer) const { return std::to_string(integer); }
  std::string operator()(double number) const { return float_text(number); }
  std::string operator()(const std::string& word) const { return quoted_word(word); }
  std::string operator()(const ConfigNode::Array& array) const {
    std::string text = "[";
    for (const ConfigNode& element : array)
      text += (text.size() > 1 ? ", " : "") + inline_toml(element);
    return text + "]";
  }
  std::string operator()(const ConfigNode::Table& table) const {
    std::string text = "{";
    for (const auto& [key, child] : table)
      text += (text.size() > 1 ? ", " : " ") + key_text(key) + " = " + inline_toml(child);
    return text + (table.empty() ? "}" : " }");
  }
};

bool is_array_of_tables(const ConfigNode& node) {
  return node.is_array() && !node.array().empty() &&
         std::all_of(node.array().begin(), node.array().end(),
                     [](const ConfigNode& element) { return element.is_table(); });
}

void write_table(std::string& out, const ConfigNode::Table& table, const std::string& path) {
  // TOML gives every key after a header to that header: plain values come first.
  for (const auto& [key, child] : table)
    if (!child.is_table() && !is_array_of_tables(child))
      out += key_text(key) + " = " + inline_toml(child) + "\n";
  for (const auto& [key, child] : table) {
    const std::string name = path.empty() ? key_text(key) : path + "." + key_text(key);
    const auto begin = [&](std::string_view header) {
      if (!out.empty()) out += "\n";
      (out += header) += "\n";
    };
    if (child.is_table()) {
      begin("[" + name + "]");
      write_table(out, child.table(), name);
    } else if (is_array_of_tables(child)) {
      for (const ConfigNode& element : child.array()) {
        begin("[[" + name + "]]");
        write_table(out, element.table(), name);
      }
    }
  }
}

std::string lower(std::string_view word) {
  std::string result(word);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

/// Edits from a to b: insertions, deletions, replacements and swaps of neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before.swap(above);
    above.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
  }
  return row.back();
}

/// One word is the other and a unit: "g_min" and "g_min_uS".
bool differ_by_suffix(std::string_view a, std::string_view b) {
  if (a.size() > b.size()) std::swap(a, b);
  return a.size() >= 2 && b.size() > a.size() && b.starts_with(a) && b[a.size()] == '_';
}

}  // namespace

std::string inline_toml(const ConfigNode& node) { return std::visit(InlineText{}, node.value); }

std::string to_toml(const ConfigNode& root) {
  std::string out;
  write_table(out, root.table(), "");
  return out;
}

std::string shortest(double value) {
  if (std::isnan(value)) return "nan";  // a sign says nothing
  return fmt::format("{}", value);
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kFar = 1000, kLongest = 64;
  if (word.size() > kLongest) return "";  // nobody meant that; comparing takes the square of it
  std::string best;
  std::size_t best_distance = kFar;
  for (const std::string& candidate : candidates) {
    const std::string a = lower(word), b = lower(candidate);
    std::size_t distance = edit_distance(a, b);
    // Three letters in ten may be wrong; a missing unit counts as the largest such slip.
    const std::size_t limit = std::max<std::size_t>(1, std::max(a.size(), b.size()) * 3 / 10);
    if (distance > limit) distance = differ_by_suffix(a, b) ? limit + 1 : kFar;
    if (b.size() == 1 && a != b) distance = kFar;  // any letter is one edit from any other
    if (distance < best_distance) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace ohmic
