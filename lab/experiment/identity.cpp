#include "lab/experiment/identity.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/kernels.h"
#include "io/array_file.h"
#include "io/digest.h"
#include "lab/experiment/described_network.h"
#include "lab/experiment/former_names.h"
#include "lab/experiment/hardware_tables.h"
#include "lab/experiment/version.h"

namespace ohmic::lab {
namespace {

/// What the list says of a key, by its dotted name.
const FieldManual* declared(const std::string& key) {
  static const std::map<std::string, FieldManual> all = [] {
    std::map<std::string, FieldManual> keys;
    for (const KeyManual& manual : key_manual()) keys.emplace(manual.key, manual.field);
    return keys;
  }();
  const auto found = all.find(key);
  return found == all.end() ? nullptr : &found->second;
}

/// The value of a declared key in a projection; none: it is left out.
using Projection = std::function<std::optional<ConfigNode>(const std::string& key,
                                                           const FieldManual&, const ConfigNode&)>;

/// `table`, which stands at `path`, with every declared key as `projection` has it. Tables of an
/// [[override]] are those of the hardware. What is not declared (lists of layers and axes) stays.
ConfigNode projected(const ConfigNode& table, const std::string& path,
                     const Projection& projection) {
  ConfigNode out;
  for (const auto& [key, value] : table.table()) {
    const std::string name = path.empty() ? key : path + "." + key;
    if (path == "override" && value.is_table()) {
      out.put(key, projected(value, key, projection));
    } else if (name == "override" && value.is_array()) {
      ConfigNode::Array list;
      for (const ConfigNode& over : value.array())
        list.push_back(projected(over, "override", projection));
      out.put(key, ConfigNode{list, {}});
    } else if (const FieldManual* manual = declared(name)) {
      if (auto kept = projection(name, *manual, value)) out.put(key, std::move(*kept));
    } else if (value.is_table()) {
      ConfigNode inside = projected(value, name, projection);
      if (!inside.table().empty()) out.put(key, std::move(inside));
    } else {
      out.put(key, value);
    }
  }
  return out;
}

bool is_read_by(const FieldManual& key, const std::string& command) {
  return key.read_by.empty() ||
         std::find(key.read_by.begin(), key.read_by.end(), command) != key.read_by.end();
}

/// Whether a key says what programmed cells hold.
bool is_of_cells(const std::string& name, const FieldManual& key) {
  const std::string table = name.substr(0, name.find('.'));
  const HardwareTable* hardware = hardware_table(table);
  return (table == "override" || (hardware && hardware->says_cells)) && !key.when_read;
}

/// Whether a key says how a layer is cut into tiles.
bool is_of_tiles(const std::string& name) {
  return name == "array.rows" || name == "array.columns" || name == "array.row_partition" ||
         name == "array.bias";  // a row more
}

/// Whether `value` is what the program did before it had the key.
bool is_as_before(const FieldManual& key, const ConfigNode& value) {
  return key.came_later && inline_toml(value) == key.default_value;
}

/// TOML with keys in alphabetical order and the contents of input files in place of their names.
std::string canonical(const Experiment& e, const ConfigNode& root, InputFiles& files) {
  const ConfigNode by_content =
      projected(root, "",
                [&](const std::string&, const FieldManual& key,
                    const ConfigNode& value) -> std::optional<ConfigNode> {
                  if (!key.affects_results || is_as_before(key, value)) return std::nullopt;
                  const auto* name = std::get_if<std::string>(&value.value);
                  if (!key.is_file || !name || name->empty()) return value;
                  return ConfigNode{files.digest_of(e, *name), {}};
                });
  const std::function<ConfigNode(const ConfigNode&)> sorted = [&](const ConfigNode& node) {
    if (node.is_array()) {
      ConfigNode::Array list;
      for (const ConfigNode& element : node.array()) list.push_back(sorted(element));
      return ConfigNode{list, {}};
    }
    if (!node.is_table()) return node;
    std::map<std::string, ConfigNode> children;
    for (const auto& [key, child] : node.table()) children.emplace(key, sorted(child));
    ConfigNode out;
    for (auto& [key, child] : children) out.put(key, std::move(child));
    return out;
  };
  return to_toml(sorted(with_former_names(by_content)));
}

/// The keys of the config that training for its cells reads, without the layers' names.
ConfigNode trained_cells(const Experiment& e) {
  bool has_tiles = sim::cells_depend_on_tiles(e.hardware),
       ages = e.hardware.device->changes_with_time();
  for (const Override& over : e.overrides) {
    has_tiles = has_tiles || sim::cells_depend_on_tiles(over.hardware);
    ages = ages || over.hardware.device->changes_with_time();
  }
  return projected(
      resolved_root(e, "run"), "",
      [&](const std::string& name, const FieldManual& key,
          const ConfigNode& value) -> std::optional<ConfigNode> {
        if (is_of_tiles(name) ? has_tiles : name == "time.at_s" ? ages : is_of_cells(name, key))
          return value;
        return std::nullopt;
      });
}

/// Everything beside keys and data that makes the bits of results.
std::string surroundings() {
  return fmt::format("ohmic {}\nrng {}\nschema {}\narithmetic {}\n", kVersion, kRngVersion,
                     kSchemaVersion, arithmetic_name());
}

/// The methods that a command uses.
std::vector<std::string> methods_of(const Experiment& e, const std::string& command) {
  if (command == "compare") return e.compare.methods;
  if (command == "search") return {"correctnet"};
  if (command == "mvm") return {};
  std::vector<std::string> methods{e.run.method};
  for (const Axis& axis : e.sweep.axes)
    for (const AxisKey& key : axis.keys)
      for (const ConfigNode& value : key.values)
        if (const auto* name = std::get_if<std::string>(&value.value);
            command == "sweep" && name && key.key == "method")
          methods.push_back(*name);
  return methods;
}

/// [training], or of it what is read where the network comes from a file.
ConfigNode training_table(const Experiment& e, const std::vector<std::string>& methods) {
  const ConfigNode all = write_fields(e.training);
  if (e.network.file.empty() && e.network.weights.empty()) return all;
  ConfigNode seed;
  for (const std::string& name : methods)
    if (e.methods.parse(name).any(&Method::draws_by_seed)) seed.put("seed", *all.find("seed"));
  return seed;
}

/// The cells that a network will be deployed on, layer by layer, as training draws them: without
/// tiles where nothing depends on them, and without a time where nothing ages.
ConfigNode cells_of_layers(const Experiment& e, const nn::Network& network, InputFiles& files) {
  ConfigNode out;
  bool ages = false;
  const auto hardware = layer_hardware(e, network);
  for (std::size_t k = 0; k < hardware.size(); ++k) {
    ConfigNode layer;
    if (hardware[k]) {
      for (const HardwareTable& table : hardware_tables())
        if (ConfigNode own = table.write(*hardware[k]); table.says_cells && !own.table().empty())
          layer.put(std::string(table.key), std::move(own));
      const bool has_tiles = sim::cells_depend_on_tiles(*hardware[k]);
      layer = projected(layer, "",
                        [&](const std::string& name, const FieldManual& key,
                            const ConfigNode& value) -> std::optional<ConfigNode> {
                          if (is_of_tiles(name) ? !has_tiles : !is_of_cells(name, key))
                            return std::nullopt;
                          return value;
                        });
      ages = ages || hardware[k]->device->changes_with_time();
    }
    const std::string& name = network.name(network.mac_layers()[k]);
    out.put(name, ConfigNode{hardware[k] ? canonical(e, layer, files) : "digital", {}});
  }
  if (ages) out.put("at_s", ConfigNode{e.time.at, {}});
  return out;
}

std::string training_surroundings() {
  return fmt::format("training {}\nrng {}\narithmetic {}\n", kTrainingVersion, kRngVersion,
                     arithmetic_name());
}

}  // namespace

std::string InputFiles::digest_of(const Experiment& e, const std::string& value) {
  const std::size_t inside = value.find(".h5:");
  const std::string name = inside == value.npos ? value : value.substr(0, inside + 3);
  const std::filesystem::path file = from_config(e, name);
  const std::lock_guard guard(mutex_);
  std::string& known = known_[file];
  if (known.empty()) known = digest(read_whole_file(file));
  return known + value.substr(name.size());
}

std::string resolved_config(const Experiment& e, const std::string& command) {
  return to_toml(resolved_root(e, command));
}

ConfigNode resolved_root(const Experiment& e, const std::string& command) {
  const std::vector<std::string> methods = methods_of(e, command);
  ConfigNode root = write_fields(e.run);
  const auto put = [&](std::string_view key, ConfigNode table) {
    if (!table.table().empty()) root.put(std::string(key), std::move(table));
  };
  if (command != "mvm") {
    put("data", write_fields(e.data));
    put("network", nn::write_network(e.network));
    put("training", training_table(e, methods));
    put("evaluation", write_fields(e.evaluation));
    std::vector<Method> used;
    for (const std::string& name : methods) {
      const MethodSet set = e.methods.parse(name);
      for (const Method& part : command == "train" ? set.in_trainings() : set.parts)
        if (std::none_of(used.begin(), used.end(),
                         [&](const Method& other) { return other.name == part.name; }))
          used.push_back(part);
    }
    put("methods", tables_by_name(used));
  }
  if (e.time.is_active()) put("time", write_fields(e.time));
  if (command == "compare") {
    put("compare", write_fields(e.compare));
    if (!e.compare.axes.empty()) root.find("compare")->put("axes", e.compare.axes_as_written);
  }
  if (command == "search") put("search", write_fields(e.search));
  if (command == "sweep") put("sweep", merged(write_fields(e.sweep), e.sweep.as_written));
  for (const HardwareTable& table : hardware_tables()) put(table.key, table.write(e.hardware));
  if (!e.overrides.empty() && command != "mvm") {
    ConfigNode::Array list;
    for (const Override& over : e.overrides) list.push_back(over.table);
    root.put("override", ConfigNode{list, {}});
  }
  const bool corrects = std::any_of(methods.begin(), methods.end(), [&](const std::string& name) {
    return e.methods.parse(name).any(&Method::corrects);
  });
  const bool trains_only = command == "train",
             reads_cells =
                 trains_only && e.methods.parse(e.run.method).any(&Method::trains_for_cells);
  return projected(root, "",
                   [&](const std::string& name, const FieldManual& key,
                       const ConfigNode& value) -> std::optional<ConfigNode> {
                     const std::string table = name.substr(0, name.find('.'));
                     const bool is_hardware =
                         hardware_table(table) || table == "override" || table == "time";
                     if (!is_read_by(key, command)) return std::nullopt;
                     if (name == "time.calibration" && !corrects) return std::nullopt;
                     if (trains_only && is_hardware &&
                         !(reads_cells && (table == "time" || is_of_cells(name, key))))
                       return std::nullopt;
                     return value;
                   });
}

ResultsIdentity identity_of(const Experiment& e, const std::string& command,
                            const std::string& data_digest, InputFiles& files,
                            const std::string& parts) {
  ConfigNode root = resolved_root(e, command);
  const std::string config = to_toml(root);
  root.put("data", ConfigNode{data_digest, {}});
  return {command, config,
          digest(canonical(e, root, files) + "command " + command + "\n" + parts + surroundings())};
}

std::string compared_point_digest(const Experiment& at_point, const Experiment& trained,
                                  const std::string& data_digest, const std::string& hardware,
                                  InputFiles& files) {
  Experiment alone = at_point;
  alone.compare.training_seeds = {at_point.training.seed};
  alone.compare.sigmas.clear();
  alone.compare.axes.clear();
  alone.compare.hardware = {hardware};
  const MethodSet set = trained.methods.parse(at_point.compare.methods.front());
  // All points of a comparison share the trainings of its base config.
  const std::string training =
      set.any(&Method::trains_for_cells) ? canonical(trained, trained_cells(trained), files) : "";
  return identity_of(alone, "compare", data_digest, files, training).digest;
}

std::string sweep_point_digest(const Experiment& at_point, const std::string& data_digest,
                               InputFiles& files) {
  Experiment alone = at_point;
  alone.sweep = {};
  return identity_of(alone, "sweep", data_digest, files,
                     to_toml(write_fields(at_point.sweep.until)))
      .digest;
}

std::string training_words(const Experiment& e, const std::vector<Method>& methods) {
  std::string words = to_toml(write_fields(e.data, false)) + to_toml(nn::write_network(e.network)) +
                      to_toml(write_fields(e.training)) + to_toml(tables_by_kind(methods));
  if (!e.methods.parse(e.run.method).any(&Method::trains_for_cells)) return words;
  return words + to_toml(trained_cells(e));
}

std::string cells_words(const Experiment& e) {
  ConfigNode root = resolved_root(e, "run");
  root.put("data", write_fields(e.data, false));  // where a set lies says which it is
  const auto has_bias_row = [](const ConfigNode& tables) {
    const ConfigNode* array = tables.find("array");
    const ConfigNode* bias = array ? array->find("bias") : nullptr;
    const auto* place = bias ? std::get_if<std::string>(&bias->value) : nullptr;
    return place && *place == "row";
  };
  bool bias_row = has_bias_row(root);
  for (const Override& over : e.overrides) bias_row = bias_row || has_bias_row(over.table);
  // What a cell of the bias row holds depends on the DAC's full scale.
  for (const HardwareTable& table : hardware_tables())
    if (!table.says_cells && !(bias_row && table.says_bias_row))
      root.put(std::string(table.key), ConfigNode{});
  if (!bias_row) root.put("evaluation", ConfigNode{});
  for (const char* key : {"time", "chips", "reads_per_programming"}) root.put(key, ConfigNode{});
  return to_toml(root);
}

std::string base_training_digest(const Experiment& e, const nn::Network& network,
                                 const MethodSet& set, const std::string& data_digest) {
  InputFiles files;
  const std::vector<Method> methods = set.in_base_training();
  ConfigNode root;
  root.put("training", write_fields(e.training));
  root.put("methods", tables_by_kind(methods));
  std::string words = canonical(e, root, files) + nn::to_toml(network.spec()) + data_digest + "\n" +
                      training_surroundings();
  bool draws_cells = false;
  for (const Method& method : methods) {
    words += method.kind + "\n";
    draws_cells = draws_cells || method.trains_for_cells;
  }
  if (draws_cells) words += to_toml(cells_of_layers(e, network, files));
  return digest(words);
}

std::string further_training_digest(const Experiment& e, const FurtherTraining& further,
                                    const std::string& base_digest,
                                    const std::string& data_digest) {
  InputFiles files;
  const ConfigNode params = projected(write_fields(further.params), "training",
                                      [](const std::string&, const FieldManual& key,
                                         const ConfigNode& value) -> std::optional<ConfigNode> {
                                        if (is_as_before(key, value)) return std::nullopt;
                                        return value;
                                      });
  return digest(fmt::format(
      "{}\n{}\n{}\n{}\n{}\n{}\n{}\n{}", further.label, base_digest,
      nn::to_toml(further.network.spec()), to_toml(params), further.words,
      further.draws_cells ? to_toml(cells_of_layers(e, further.network, files)) : further.variation,
      data_digest, training_surroundings()));
}

}  // namespace ohmic::lab
