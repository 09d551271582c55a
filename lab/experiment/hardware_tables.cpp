#include "lab/experiment/hardware_tables.h"

#include <algorithm>

#include "devices/additions.h"
#include "devices/catalogue.h"

namespace ohmic::lab {
namespace {

using Hardware = sim::LayerHardware;
using Keys = std::vector<std::pair<std::string, std::vector<FieldManual>>>;

Keys device_keys() {
  std::string models;
  for (const auto& entry : devices::catalogue())
    models += (models.empty() ? "one of " : ", ") + std::string(entry.name);
  Keys all{{"", {{"model", "which device; its own keys stand beside", "", "\"ideal\"", models}}}};
  for (const auto& entry : devices::catalogue())
    all.emplace_back("device " + std::string(entry.name), entry.keys());
  all.emplace_back("every device", describe_fields(devices::Additions{}));
  return all;
}

/// Of an override the merged table is read, and its own keys are told.
void device_notes(const ConfigNode& own, const ConfigNode& merged, const std::string& path,
                  const Hardware&, std::vector<KeyNote>& notes) {
  std::vector<KeyNote> all;
  devices::find_device_notes(merged, path, all);
  for (KeyNote& note : all)
    if (own.find(std::string_view(note.key).substr(note.key.rfind('.') + 1)))
      notes.push_back(std::move(note));
}

/// A table whose parameters are one member of the hardware.
template <auto member>
HardwareTable table_of(std::string_view key, decltype(HardwareTable::read) read) {
  using Params = std::remove_reference_t<decltype(std::declval<Hardware&>().*member)>;
  return {
      .key = key,
      .read = read,
      .write = [](const Hardware& h) { return write_fields(h.*member); },
      .find_notes =
          [](const ConfigNode& own, const ConfigNode&, const std::string& path, const Hardware& h,
             std::vector<KeyNote>& notes) { find_key_notes(own, path, h.*member, notes); },
      .keys =
          [] {
            return Keys{{"", describe_fields(Params{})}};
          }};
}

HardwareTable device_table() {
  return {.key = "device",
          .says_cells = true,
          .starts_anew = "model",
          .read = [](const ConfigNode& table, const std::filesystem::path& folder,
                     Hardware& h) { h.device = devices::make_device(table, "device", folder); },
          .write = [](const Hardware& h) { return h.device->parameters(); },
          .find_notes = device_notes,
          .keys = device_keys};
}

void read_faults(const ConfigNode& node, const std::filesystem::path&, Hardware& h) {
  read_fields(node, "faults", h.faults);
  devices::check_faults(h.faults, node, "faults");
}

HardwareTable faults_table() {
  HardwareTable table = table_of<&Hardware::faults>("faults", read_faults);
  table.says_cells = true;
  table.write = [](const Hardware& h) {
    return h.faults.is_active() ? write_fields(h.faults) : ConfigNode();
  };
  return table;
}

void read_array(const ConfigNode& node, const std::filesystem::path&, Hardware& h) {
  read_fields(node, "array", h.array);
}

HardwareTable array_table() {
  HardwareTable table = table_of<&Hardware::array>("array", read_array);
  table.says_cells = true;
  return table;
}

void read_dac(const ConfigNode& node, const std::filesystem::path&, Hardware& h) {
  read_fields(node, "dac", h.dac);
  sim::check_dac(h.dac, node, "dac");
}

HardwareTable dac_table() {
  HardwareTable table = table_of<&Hardware::dac>("dac", read_dac);
  table.says_bias_row = true;  // its full scale drives the row
  return table;
}

void read_adc(const ConfigNode& node, const std::filesystem::path& folder, Hardware& h) {
  read_fields(node, "adc", h.adc);
  sim::check_adc(h.adc, node, "adc");
  if (h.adc.lookup_table.empty()) return;
  const Origin& origin = origin_of(node, "lookup_table");
  const ConfigNode parameters = h.device->parameters();
  if (std::get<std::string>(parameters.find("model")->value) != "ideal" ||
      h.device->uniform_read_sigma() != 0.0 || h.faults.is_active())
    fail_at(origin,
            "adc.lookup_table takes the place of device and converter models; it needs "
            "device.model = \"ideal\" without read noise, and no faults",
            "adc.lookup_table");
  if (!h.adc.bits || !h.adc.zero)
    fail_at(origin, "adc.lookup_table lists codes; it needs adc.bits and a zero level",
            "adc.lookup_table");
  const std::filesystem::path file = h.adc.lookup_table;
  h.lookup_table = std::make_shared<sim::LookupTable>(
      sim::read_lookup_table(file.is_absolute() ? file : folder / file));
}

}  // namespace

const std::vector<HardwareTable>& hardware_tables() {
  // Later ones may look at what earlier ones read.
  static const std::vector<HardwareTable> list{device_table(), faults_table(), array_table(),
                                               dac_table(),
                                               table_of<&Hardware::adc>("adc", read_adc)};
  return list;
}

const HardwareTable* hardware_table(std::string_view key) {
  for (const HardwareTable& table : hardware_tables())
    if (table.key == key) return &table;
  return nullptr;
}

ConfigNode hardware_part(const ConfigNode& root) {
  ConfigNode out;
  for (const HardwareTable& table : hardware_tables())
    out.put(std::string(table.key), table_at(root, table.key));
  return out;
}

ConfigNode overridden(ConfigNode base, const ConfigNode& over) {
  for (const HardwareTable& table : hardware_tables()) {
    const ConfigNode* own = over.find(table.key);
    if (!own) continue;
    const std::string key(table.key);
    if (!own->is_table())
      fail_at(own->origin,
              "override." + key + " is " + std::string(own->kind()) + ", expected a table",
              "override." + key);
    const bool anew = !table.starts_anew.empty() && own->find(table.starts_anew);
    base.put(key, anew ? *own : merged(table_at(base, key), *own));
  }
  return base;
}

sim::LayerHardware read_hardware(const ConfigNode& tables, const std::filesystem::path& folder) {
  sim::LayerHardware hardware;
  for (const HardwareTable& table : hardware_tables())
    table.read(table_at(tables, table.key), folder, hardware);
  if (sim::columns_of(hardware.array.mapping) > hardware.array.columns)
    fail_at(origin_of(table_at(tables, "array"), "columns"),
            "array.columns = " + std::to_string(hardware.array.columns) +
                " holds no differential pair, which takes two",
            "array.columns");
  const auto levels = hardware.device->levels();
  if (levels && *levels < 3 && hardware.array.mapping == sim::Mapping::offset)
    fail_at(table_at(table_at(tables, "device"), "levels").origin,
            "device.levels = 2 leaves the offset mapping no level beside that of weight 0; it "
            "needs 3 or more",
            "device.levels");
  return hardware;
}

}  // namespace ohmic::lab
