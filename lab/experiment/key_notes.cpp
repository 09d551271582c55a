#include "lab/experiment/key_notes.h"

#include <algorithm>

#include "lab/experiment/hardware_tables.h"
#include "lab/experiment/identity.h"

namespace ohmic::lab {
namespace {

bool is_among(const std::vector<std::string>& all, const std::string& one) {
  return std::find(all.begin(), all.end(), one) != all.end();
}

/// Every dotted key that a table writes, with its origin.
void collect_keys(const ConfigNode& table, const std::string& path,
                  std::vector<std::pair<std::string, Origin>>& keys) {
  for (const auto& [key, value] : table.table()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (value.is_table() && key != "values")
      collect_keys(value, name, keys);
    else
      keys.emplace_back(name, value.origin);
  }
}

/// Gathers the notes of one config and one command.
class Notes {
 public:
  Notes(const Experiment& e, const std::string& command) : e_(e), command_(command) {
    const bool has_network = command != "mvm", has_hardware = command != "train" || for_device();
    const auto of = [&](const std::string& table, const auto& params) {
      read_.push_back(table);
      find_key_notes(table_at(e.root, table), table, params, found_);
    };
    if (has_network) {
      of("data", e.data);
      of("network", static_cast<const nn::NetworkParams&>(e.network));
      of("training", e.training);
      if (command != "train") of("evaluation", e.evaluation);
      of_methods();
      trained_elsewhere();
    }
    if (has_hardware) {
      of("time", e.time);
      hardware(e.root, "", e.hardware_tables, e.hardware);
      ageless();
    }
    if (has_network && has_hardware) {
      read_.emplace_back("override");
      overrides();
    }
    if (command == "compare") of("compare", e.compare);
    if (command == "search") of("search", e.search);
    if (command == "sweep") {
      of("sweep", e.sweep);
      const ConfigNode& sweep = table_at(e.root, "sweep");
      find_key_notes(table_at(sweep, "sample"), "sweep.sample", e.sweep.sample, found_);
      find_key_notes(table_at(sweep, "until"), "sweep.until", e.sweep.until, found_);
    }
    set_for_others(has_network);
  }

  std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const KeyNote& note : found_) {
      std::string text = note.text;
      if (!note.read_by.empty()) {
        if (is_among(note.read_by, command_)) continue;
        text = no_effect_here();
      }
      out.push_back((note.origin.place.empty() ? "" : note.origin.place + ": ") + note.key + " " +
                    text);
    }
    return out;
  }

 private:
  bool for_device() const { return e_.methods.parse(e_.run.method).any(&Method::trains_for_cells); }

  std::string no_effect_here() const { return "has no effect on `ohmic " + command_ + "`"; }

  /// What --set gives to tables that the command does not read, or to methods that it does not use.
  /// A file may hold tables for several commands, so those in a file are passed over.
  void set_for_others(bool has_network) {
    const ConfigNode resolved = resolved_root(e_, command_);
    const ConfigNode methods = table_at(resolved, "methods");
    std::vector<KeyNote> on_top;
    find_key_notes(e_.root, "", e_.run, on_top);
    std::erase_if(on_top, [](const KeyNote& note) { return !is_set(note.origin); });
    found_.insert(found_.end(), on_top.begin(), on_top.end());
    std::vector<std::pair<std::string, Origin>> keys;
    collect_keys(e_.root, "", keys);
    for (const auto& [key, origin] : keys) {
      const auto dot = key.find('.');
      if (!is_set(origin) || dot == key.npos) continue;
      const std::string table = key.substr(0, dot),
                        method = key.substr(dot + 1, key.find('.', dot + 1) - dot - 1);
      if (has_network && table == "methods" && !methods.find(method))
        found_.push_back({origin, key, no_effect_here() + ", which does not use " + method});
      else if (!is_among(read_, table) && !(has_network && table == "methods"))
        found_.push_back({origin, key, no_effect_here()});
    }
  }
  static bool is_set(const Origin& origin) { return origin.place.starts_with("--set "); }

  void add(const Origin& origin, const std::string& key, const std::string& why) {
    found_.push_back({origin, key, "has no effect: " + why});
  }

  /// The tables of methods that the command uses.
  void of_methods() {
    e_.methods.find_notes(table_at(resolved_root(e_, command_), "methods"), found_);
  }

  void hardware(const ConfigNode& own, const std::string& prefix, const ConfigNode& merged,
                const sim::LayerHardware& h) {
    for (const HardwareTable& table : hardware_tables()) {
      const std::string key(table.key);
      if (command_ == "train" && !table.says_cells) continue;
      read_.push_back(key);
      table.find_notes(table_at(own, key), table_at(merged, key), prefix + key, h, found_);
    }
  }

  void overrides() {
    for (std::size_t i = 0; i < e_.overrides.size(); ++i) {
      const Override& over = e_.overrides[i];
      const std::string name =
          "override." + (over.name.empty() ? std::to_string(i) : over.name) + ".";
      const bool digital = is_digital(over);
      if (!digital) hardware(over.table, name, over.merged, over.hardware);
      std::vector<std::pair<std::string, Origin>> keys;
      collect_keys(over.table, "", keys);
      for (const auto& [key, origin] : keys) {
        const bool of_hardware = hardware_table(key.substr(0, key.find('.'))) != nullptr;
        if (of_hardware && digital)
          add(origin, name + key, "analog is false for its layers, which have no hardware");
        if ((!of_hardware && key != "analog") || (of_hardware && digital)) continue;
        if (const Override* later = hiding(i, key))
          add(origin, name + key,
              "the override of the same layers behind it" +
                  (later->name.empty() ? "" : ", " + later->name + ",") + " sets it too");
      }
    }
  }

  /// Whether the last word of all overrides keeps every layer of this one digital.
  bool is_digital(const Override& over) const {
    return std::all_of(over.layers.begin(), over.layers.end(), [&](const std::string& layer) {
      bool analog = true;
      for (const Override& each : e_.overrides)
        if (std::find(each.layers.begin(), each.layers.end(), layer) != each.layers.end())
          analog = each.analog.value_or(analog);
      return !analog;
    });
  }

  /// A later override that sets `key` for all layers of override i; null: there is none.
  const Override* hiding(std::size_t i, const std::string& key) const {
    for (std::size_t j = i + 1; j < e_.overrides.size(); ++j) {
      const Override& later = e_.overrides[j];
      const bool covers = std::all_of(
          e_.overrides[i].layers.begin(), e_.overrides[i].layers.end(), [&](const auto& layer) {
            return std::find(later.layers.begin(), later.layers.end(), layer) != later.layers.end();
          });
      if (!covers) continue;
      std::vector<std::pair<std::string, Origin>> keys;
      collect_keys(later.table, "", keys);
      const bool replaces_device =
          key.starts_with("device.") && table_at(later.table, "device").find("model");
      if (replaces_device ||
          std::any_of(keys.begin(), keys.end(), [&](const auto& own) { return own.first == key; }))
        return &later;
    }
    return nullptr;
  }

  /// Keys of [time] where nothing changes with time.
  void ageless() {
    bool ages = e_.hardware.device->changes_with_time();
    for (const Override& over : e_.overrides)
      ages = ages || (command_ != "mvm" && over.hardware.device->changes_with_time());
    if (ages) return;
    // One line is enough where the command does not read the key at all.
    std::erase_if(found_, [](const KeyNote& note) { return note.key.starts_with("time."); });
    for (const auto& [key, value] : table_at(e_.root, "time").table())
      add(value.origin, "time." + key, "no device here changes with time");
  }

  /// Keys of [training] where a file brings the network.
  void trained_elsewhere() {
    if (e_.network.file.empty() && e_.network.weights.empty()) return;
    const ConfigNode read = table_at(resolved_root(e_, command_), "training");
    for (const auto& [key, value] : table_at(e_.root, "training").table())
      if (!read.find(key))
        add(value.origin, "training." + key,
            std::string(e_.network.file.empty() ? "network.weights" : "network.file") +
                " brings a trained network");
  }

  const Experiment& e_;
  const std::string& command_;
  std::vector<std::string> read_;  ///< tables that the command reads
  std::vector<KeyNote> found_;
};

}  // namespace

std::vector<std::string> key_notes(const Experiment& e, const std::string& command) {
  return Notes(e, command).lines();
}

std::vector<std::string> common_notes(const std::vector<std::vector<std::string>>& of_each) {
  std::vector<std::string> out;
  if (of_each.empty()) return out;
  for (const std::string& line : of_each.front())
    if (std::all_of(of_each.begin(), of_each.end(), [&](const auto& lines) {
          return std::find(lines.begin(), lines.end(), line) != lines.end();
        }))
      out.push_back(line);
  return out;
}

}  // namespace ohmic::lab
