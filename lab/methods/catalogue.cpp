#include "lab/methods/catalogue.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "lab/methods/batch_norm_reestimation.h"
#include "lab/methods/channel_regression.h"
#include "lab/methods/compensation.h"
#include "lab/methods/distillation.h"
#include "lab/methods/ensemble.h"
#include "lab/methods/injection.h"
#include "lab/methods/mean_correction.h"
#include "lab/methods/penalty.h"
#include "lab/methods/sharpness.h"
#include "lab/methods/write_verify.h"

namespace ohmic::lab {
namespace {

Method plain(const NoOptions&, const std::string&) { return {}; }

/// A name that stands for several kinds; a table under it holds the options of the last.
struct Composite {
  std::string_view name;
  std::vector<std::string_view> kinds;
};
const Composite kComposites[] = {{"correctnet", {"penalty", "compensation"}}};

const Composite* composite(std::string_view name) {
  for (const Composite& one : kComposites)
    if (one.name == name) return &one;
  return nullptr;
}

const MethodKind* find_kind(std::string_view name) {
  for (const MethodKind& kind : method_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

/// The kind whose options a table [methods.NAME] holds; null for an unknown name.
const MethodKind* kind_of_table(std::string_view name) {
  const Composite* several = composite(name);
  return find_kind(several ? several->kinds.back() : name);
}

bool is_catalogued(std::string_view name) { return find_kind(name) || composite(name); }

/// A table [methods.NAME] that is a variant: what it is one of, and its other keys.
struct Variant {
  std::string of;
  ConfigNode keys;
};

/// None where the table is a kind's own.
std::optional<Variant> variant(const std::string& name, const ConfigNode& table) {
  const std::string path = "methods." + name, key = path + ".kind";
  const ConfigNode* kind = table.is_table() ? table.find("kind") : nullptr;
  if (!kind || is_catalogued(name)) return std::nullopt;
  if (name.find('+') != name.npos)
    fail_at(table.origin, path + ": the name of a variant holds no '+', which joins methods", path);
  const auto* word = std::get_if<std::string>(&kind->value);
  if (!word) fail_at(kind->origin, key + " is not a string, expected the name of a method", key);
  if (!is_catalogued(*word)) {
    const std::string near = nearest(*word, method_names());
    fail_at(kind->origin,
            fmt::format("{} = \"{}\" is not a method{}", key, *word,
                        near.empty() ? "" : " (did you mean '" + near + "'?)"),
            key);
  }
  Variant own{*word, table};
  std::erase_if(own.keys.table(), [](const auto& entry) { return entry.first == "kind"; });
  return own;
}

Method made(const std::string& name, const Variant& variant) {
  Method method = kind_of_table(variant.of)->make(variant.keys, "methods." + name);
  method.name = name;
  method.variant_of = variant.of;
  return method;
}

/// The methods of a table by their kinds' tables, in which `title` says a method's name there.
template <class Title>
ConfigNode tables_of(const std::vector<Method>& methods, Title title) {
  ConfigNode root;
  for (const MethodKind& kind : method_kinds())
    for (const Method& method : methods) {
      if (method.kind != kind.name) continue;
      ConfigNode table;
      const std::string name = title(method);
      if (name != method.kind) table.put("kind", ConfigNode{method.variant_of, {}});
      for (const auto& [key, value] : method.options.table()) table.put(key, value);
      if (!table.table().empty()) root.put(name, std::move(table));
    }
  return root;
}

}  // namespace

const std::vector<MethodKind>& method_kinds() {
  static const std::vector<MethodKind> kinds{
      method_kind("plain", "nothing: what the others are compared with", plain),
      penalty_kind(),
      injection_kind(),
      sharpness_kind(),
      distillation_kind(),
      compensation_kind(),
      write_verify_kind(),
      ensemble_kind(),
      mean_correction_kind(),
      batch_norm_kind(),
      affine_kind(),
      ridge_kind()};
  return kinds;
}

std::vector<std::string> method_names() {
  std::vector<std::string> names;
  for (const MethodKind& kind : method_kinds()) names.emplace_back(kind.name);
  for (const Composite& one : kComposites) names.emplace_back(one.name);
  return names;
}

const Method* MethodSet::find(std::string_view kind) const {
  for (const Method& part : parts)
    if (part.kind == kind) return &part;
  return nullptr;
}

std::vector<Method> MethodSet::in_base_training() const {
  std::vector<Method> own;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(own),
               [](const Method& part) { return part.train != nullptr; });
  return own;
}

std::vector<Method> MethodSet::in_trainings() const {
  std::vector<Method> own;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(own),
               [](const Method& part) { return part.train || part.further; });
  return own;
}

ConfigNode tables_by_kind(const std::vector<Method>& methods) {
  return tables_of(methods, [](const Method& method) { return method.kind; });
}

ConfigNode tables_by_name(const std::vector<Method>& methods) {
  return tables_of(methods, [](const Method& method) { return method.name; });
}

MethodTables::MethodTables(ConfigNode methods) : written_(std::move(methods)) {
  if (!written_.is_table())
    fail_at(written_.origin, "methods is " + std::string(written_.kind()) + ", expected tables");
  for (const auto& [name, table] : written_.table()) {
    const std::string path = "methods." + name;
    const std::optional<Variant> own = variant(name, table);
    if (const MethodKind* kind = kind_of_table(own ? own->of : name)) {
      kind->make(own ? own->keys : keys(kind->name), path);
      continue;
    }
    const std::string near = nearest(name, method_names());
    fail_at(table.origin,
            fmt::format("unknown method {} ({})", path,
                        near.empty() ? "a variant of one says which: kind = \"...\""
                                     : "did you mean '" + near + "'?"),
            path);
  }
}

ConfigNode MethodTables::keys(std::string_view kind) const {
  ConfigNode all;
  for (const auto& [name, table] : written_.table()) {
    if (!is_catalogued(name) || kind_of_table(name)->name != kind) continue;
    if (all.table().empty()) all.origin = table.origin;
    // What is not a table is told by whoever reads it.
    if (!table.is_table()) return table;
    for (const auto& [key, value] : table.table()) all.put(key, value);
  }
  return all;
}

Method MethodTables::make(const MethodKind& kind) const {
  std::string path = "methods." + std::string(kind.name);
  // Where the options stand under another name alone, messages say that one.
  if (!written_.find(kind.name))
    for (const Composite& one : kComposites)
      if (one.kinds.back() == kind.name && written_.find(one.name))
        path = "methods." + std::string(one.name);
  Method method = kind.make(keys(kind.name), path);
  method.name = kind.name;
  return method;
}

std::vector<Method> MethodTables::parts_of(const std::string& name,
                                           const std::string& whole) const {
  if (const MethodKind* kind = find_kind(name)) return {make(*kind)};
  const ConfigNode* table = written_.find(name);
  const std::optional<Variant> own = table ? variant(name, *table) : std::nullopt;
  if (const Composite* several = composite(own ? own->of : name)) {
    std::vector<Method> parts;
    for (const std::string_view kind : several->kinds) parts.push_back(make(*find_kind(kind)));
    if (own) parts.back() = made(name, *own);
    return parts;
  }
  if (own) return {made(name, *own)};
  std::vector<std::string> known = method_names();
  for (const auto& [other, keys] : written_.table())
    if (!is_catalogued(other)) known.push_back(other);
  const std::string near = nearest(name, known);
  throw ConfigError(fmt::format("method \"{}\": there is no method '{}'{}", whole, name,
                                near.empty() ? fmt::format("; there are {}", fmt::join(known, ", "))
                                             : " (did you mean '" + near + "'?)"));
}

MethodSet MethodTables::parse(const std::string& name) const {
  MethodSet set{.name = name};
  std::string rest = name + "+";
  while (!rest.empty()) {
    const std::string part = rest.substr(0, rest.find('+'));
    rest.erase(0, part.size() + 1);
    for (Method& method : parts_of(part, name)) {
      if (set.find(method.kind))
        throw ConfigError(fmt::format("method \"{}\" has '{}' twice", name,
                                      part == method.kind ? part : part + "', a '" + method.kind));
      set.parts.push_back(std::move(method));
    }
  }
  for (const Method& part : set.parts)
    if (set.find(part.excludes))
      throw ConfigError(fmt::format("method \"{}\": {} and {} exclude each other", name, part.kind,
                                    part.excludes));
  const auto place = [](const Method& method) {
    return find_kind(method.kind) - method_kinds().data();
  };
  std::stable_sort(set.parts.begin(), set.parts.end(),
                   [&](const Method& a, const Method& b) { return place(a) < place(b); });
  return set;
}

void MethodTables::find_notes(const ConfigNode& used, std::vector<KeyNote>& notes) const {
  for (const auto& [name, table] : written_.table()) {
    const std::optional<Variant> own = variant(name, table);
    const MethodKind* kind = kind_of_table(own ? own->of : name);
    if (used.find(own ? std::string_view(name) : kind->name))
      kind->find_notes(own ? own->keys : table, "methods." + name, notes);
  }
}

}  // namespace ohmic::lab
