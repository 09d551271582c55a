#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <regex>
#include <set>
#include <string>
#include <vector>

/// A strict reader of the pages and pictures that reports write.
namespace ohmic::testing {

/// Every match of the expression's first group.
inline std::vector<std::string> all_of(const std::string& text, const std::string& expression) {
  const std::regex regex(expression);
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it)
    found.push_back((*it)[1]);
  return found;
}

/// What is wrong with the nesting of elements, and attributes without quotes; "" if nothing.
inline std::string nesting_fault(const std::string& text) {
  static const std::set<std::string> kVoid{"meta", "link", "br", "!DOCTYPE"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = text.find('<', at)) != text.npos;) {
    const std::size_t end = text.find('>', at);
    if (end == text.npos) return "a tag without an end";
    const std::string tag = text.substr(at + 1, end - at - 1);
    const bool closes = tag.starts_with('/');
    const std::string name = tag.substr(closes, tag.find_first_of(" /\n", closes) - closes);
    at = end + 1;
    if (closes) {
      if (open.empty() || open.back() != tag.substr(1)) return "</" + tag.substr(1) + ">";
      open.pop_back();
    } else if (!tag.ends_with('/') && !kVoid.contains(name)) {
      open.push_back(name);
      if (name == "style" || name == "script") at = text.find("</" + name + ">", at);
    }
    if (std::count(tag.begin(), tag.end(), '"') % 2 != 0) return "<" + tag + ">";
  }
  return open.empty() ? "" : "<" + open.back() + "> stays open";
}

/// What every page must be: whole, at one with itself, and silent on the network.
inline void check_page(const std::string& page) {
  CHECK(nesting_fault(page) == "");
  const std::vector<std::string> ids = all_of(page, " id=\"([^\"]*)\"");
  const std::set<std::string> known(ids.begin(), ids.end());
  CHECK(known.size() == ids.size());
  for (const std::string& link : all_of(page, "href=\"#([^\"]*)\"")) CHECK(known.contains(link));
  for (const std::string& label : all_of(page, "aria-labelledby=\"([^\"]*)\""))
    CHECK(known.contains(label));
  CHECK(all_of(page, "((?:src|href)=\"[^#\"]*\")") == std::vector<std::string>{"href=\"data:,\""});
  for (const std::string& place : all_of(page, "((?:https?:)?//[a-z0-9.]+)"))
    CHECK(place == "http://www.w3.org");  // the namespace of SVG
  // Headings go down one level at a time.
  int level = 0;
  for (const std::string& heading : all_of(page, "<h([1-6])")) {
    CHECK(std::stoi(heading) <= level + 1);
    level = std::stoi(heading);
  }
  CHECK(all_of(page, "(<h1)").size() == 1);
}

/// The cells of all rows, of every table of a page one after the other.
inline std::vector<std::vector<std::string>> rows_of(const std::string& page) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& row : all_of(page, "<tr>(.*?)</tr>"))
    rows.push_back(all_of(row, "<t[dh][^>]*>([^<]*)</t[dh]>"));
  return rows;
}

}  // namespace ohmic::testing
