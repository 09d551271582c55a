#include "devices/catalogue.h"

#include "devices/additions.h"
#include "devices/chip_readout.h"
#include "devices/cmo_hfox.h"
#include "devices/gaussian.h"
#include "devices/hermes.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"
#include "devices/measured.h"
#include "devices/milo2021.h"
#include "devices/pcm_like.h"
#include "devices/sonos.h"
#include "devices/state_independent.h"
#include "devices/uniform.h"
#include "devices/wan2022.h"

namespace ohmic::devices {
namespace {

template <class Params>
void check(const Params& params, const ConfigNode& table, const std::string& path) {
  if constexpr (requires { params.cell; })
    check_cell(params.cell, table, path);
  else
    check_device(params, table, path);
}

/// The entry's notes on keys that a table writes.
template <class Params>
auto noter() {
  return [](const ConfigNode& table, const std::string& path, std::vector<KeyNote>& notes) {
    Params params;
    read_fields(table, path, params, {"model"});
    find_key_notes(table, path, params, notes);
  };
}

template <class Params>
CatalogueEntry entry(std::string_view name, std::string_view summary, const char* manual,
                     std::shared_ptr<const DeviceModel> (*make)(const Params&)) {
  return {name,
          summary,
          manual,
          [] { return describe_fields(Params{}); },
          [make](const ConfigNode& table, const std::string& path, const std::filesystem::path&) {
            Params params;
            read_fields(table, path, params, {"model"});
            check(params, table, path);
            return make(params);
          },
          noter<Params>()};
}

/// The same for models that are made from a file.
template <class Params>
CatalogueEntry entry_of_file(
    std::string_view name, std::string_view summary, const char* manual,
    std::shared_ptr<const DeviceModel> (*make)(const Params&, const std::filesystem::path&)) {
  return {name,
          summary,
          manual,
          [] { return describe_fields(Params{}); },
          [make](const ConfigNode& table, const std::string& path,
                 const std::filesystem::path& folder) {
            Params params;
            read_fields(table, path, params, {"model"});
            check(params, table, path);
            if (params.file.empty())
              fail_at(table.origin, path + ".file is missing: what was measured");
            const std::filesystem::path file = params.file;
            return make(params, file.is_absolute() ? file : folder / file);
          },
          noter<Params>(),
          true};
}

std::shared_ptr<const DeviceModel> make_chip(const RealChipParams& params,
                                             const std::filesystem::path& file) {
  return make_real_chip(params, file, make_device);
}

}  // namespace

const std::vector<CatalogueEntry>& catalogue() {
  static const std::vector<CatalogueEntry> list{
      entry("ideal", "takes exactly the conductance it is told to", kIdealManual, make_ideal),
      entry("lognormal", "multiplicative log-normal variation of weights (CorrectNet) or devices",
            kLognormalManual, make_lognormal),
      entry("gaussian", "additive error: absolute, proportional or inverse-proportional",
            kGaussianManual, make_gaussian),
      entry("uniform", "additive error of uniform distribution", kUniformManual, make_uniform),
      entry("wan2022", "HfOx RRAM of the NeuRRAM chip, relaxing over two days (two published fits)",
            kWan2022Manual, make_wan2022),
      entry("cmo_hfox", "CMO/HfOx analog RRAM with relaxation and 1/f noise", kCmoHfoxManual,
            make_cmo_hfox),
      entry("milo2021", "multilevel HfO2 RRAM, with its current-voltage curve", kMilo2021Manual,
            make_milo2021),
      entry("pcm_like", "phase-change memory with drift and 1/f noise (Nandakumar, Joshi)",
            kPcmLikeManual, make_pcm_like),
      entry("hermes", "phase-change memory of the HERMES chip, two devices per polarity",
            kHermesManual, make_hermes),
      entry("hermes_single", "the same with one device per polarity", kHermesManual,
            make_hermes_single),
      entry("state_independent", "phase-change memory whose errors do not depend on its state",
            kStateIndependentManual, make_state_independent),
      entry("sonos", "40 nm SONOS memory in subthreshold: programming, drift, read noise",
            kSonosManual, make_sonos),
      entry_of_file("measured", "the user's own table of moments or samples", kMeasuredManual,
                    make_measured),
      entry_of_file("real_chip", "conductances read out of hardware, or a chip that was dumped",
                    kRealChipManual, make_chip),
  };
  return list;
}

namespace {

/// A table [device]: its model, the model's own keys, and the additions.
struct DeviceTable {
  const CatalogueEntry* entry = nullptr;
  ConfigNode own;
  Additions additions;
};

DeviceTable read_device_table(const ConfigNode& table, const std::string& path) {
  const FieldReader must_be_a_table(table, path);
  std::string name = "ideal";
  std::vector<std::string_view> names;
  for (const CatalogueEntry& e : catalogue()) names.push_back(e.name);
  if (const ConfigNode* model = table.find("model")) {
    ConfigNode only;
    only.put("model", *model);
    FieldReader reader(only, path);
    reader.field({.key = "model", .meaning = "", .one_of = names}, name);
  }
  DeviceTable out;
  FieldReader reader(table, path);
  fields(reader, out.additions);
  const ConfigNode written = write_fields(out.additions, false);
  out.own.origin = table.origin;
  for (const auto& [key, value] : table.table())
    if (!written.find(key)) out.own.put(key, value);
  for (const CatalogueEntry& e : catalogue())
    if (e.name == name) out.entry = &e;
  ensure(out.entry != nullptr, "a device's name is one of the catalogue's");
  return out;
}

/// ConfigError for an addition to a chip whose cells were read out.
void refuse_additions(const DeviceTable& read, const ConfigNode& table, const std::string& path) {
  const Additions& a = read.additions;
  for (const auto& [is_on, key] : {std::pair{a.structure.sigma_die > 0, "sigma_die"},
                                   {a.structure.sigma_correlated > 0, "sigma_correlated"},
                                   {a.programming.verifies, "programming"},
                                   {a.telegraph.is_active(), "telegraph_share"}})
    if (is_on)
      fail_at(origin_of(table, key), path + "." + key + " does not go with model " +
                                         std::string(read.entry->name) +
                                         ", whose cells are as they were read out; leave it out");
}

}  // namespace

std::shared_ptr<const DeviceModel> make_device(const ConfigNode& table, const std::string& path,
                                               const std::filesystem::path& folder) {
  const DeviceTable read = read_device_table(table, path);
  if (read.entry->name == "real_chip") refuse_additions(read, table, path);
  return with_additions(read.entry->make(read.own, path, folder), read.additions, folder);
}

void find_device_notes(const ConfigNode& table, const std::string& path,
                       std::vector<KeyNote>& notes) {
  const DeviceTable read = read_device_table(table, path);
  read.entry->find_notes(read.own, path, notes);
  find_key_notes(table, path, read.additions, notes);
  // Models of measured files never act on weights, and their files need not be read again.
  if (read.additions.programming.verifies && !read.entry->needs_file &&
      read.entry->make(read.own, path, {})->weights())
    notes.push_back(
        {origin_of(table, "programming"), path + ".programming",
         "verifies cells, and the variation acts on weights (variation_on = \"weight\"), "
         "which no verifying loop sees"});
}

}  // namespace ohmic::devices
