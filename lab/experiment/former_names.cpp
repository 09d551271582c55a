#include "lab/experiment/former_names.h"

namespace ohmic::lab {
namespace {

/// The table at a dotted path of tables; null where there is none.
ConfigNode* table_of(ConfigNode& root, std::string_view path) {
  ConfigNode* at = &root;
  while (at && !path.empty()) {
    const std::size_t dot = path.find('.');
    at = at->is_table() ? at->find(path.substr(0, dot)) : nullptr;
    path.remove_prefix(dot == path.npos ? path.size() : dot + 1);
  }
  return at && at->is_table() ? at : nullptr;
}

/// Calls body(table, alias) wherever a table of an alias stands.
template <class Body>
void for_each_table(ConfigNode& root, Body body) {
  for (const FormerName& name : former_names()) {
    if (ConfigNode* table = table_of(root, name.table)) body(*table, name);
    ConfigNode* overrides = root.is_table() ? root.find("override") : nullptr;
    if (!overrides || !overrides->is_array()) continue;
    for (ConfigNode& over : overrides->array())
      if (ConfigNode* table = table_of(over, name.table)) body(*table, name);
  }
}

void rename(ConfigNode& table, std::string_view from, std::string_view to) {
  for (auto& [key, value] : table.table())
    if (key == from) key = to;
}

}  // namespace

const std::vector<FormerName>& former_names() {
  static const std::vector<FormerName> all{{"methods.penalty", "kind", "form"},
                                           {"methods.compensation", "home", "storage"},
                                           {"methods.correctnet", "home", "storage"},
                                           {"methods.write_verify", "share", "fraction"},
                                           {"adc", "output_table", "lookup_table"}};
  return all;
}

std::string todays_key(const std::string& key) {
  for (const FormerName& name : former_names()) {
    const std::string table(name.table), former = table + "." + std::string(name.former);
    if (key == former || key.ends_with("." + former))
      return key.substr(0, key.size() - name.former.size()) + std::string(name.today);
  }
  return key;
}

ConfigNode with_todays_names(ConfigNode root, bool former_wins) {
  for_each_table(root, [&](ConfigNode& table, const FormerName& name) {
    const ConfigNode* former = table.find(name.former);
    if (!former) return;
    if (table.find(name.today)) {
      const std::string key = std::string(name.table) + "." + std::string(name.former);
      if (!former_wins)
        fail_at(former->origin,
                key + " is called " + std::string(name.today) +
                    " now, which is given too; leave one out",
                key);
      std::erase_if(table.table(), [&](const auto& entry) { return entry.first == name.today; });
    }
    rename(table, name.former, name.today);
  });
  return root;
}

ConfigNode with_settings(ConfigNode root, const std::vector<std::string>& settings) {
  root = with_todays_names(std::move(root));
  for (const std::string& setting : settings) {
    apply_setting(root, setting);
    root = with_todays_names(std::move(root), true);
  }
  return root;
}

ConfigNode with_former_names(ConfigNode root) {
  for_each_table(root, [](ConfigNode& table, const FormerName& name) {
    rename(table, name.today, name.former);
  });
  return root;
}

}  // namespace ohmic::lab
