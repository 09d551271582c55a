#include "devices/catalogue.h"

#include "devices/additions.h"
#include "devices/gaussian.h"
#include "devices/ideal.h"
#include "devices/lognormal.h"

namespace ohmic::devices {
namespace {

template <class Params>
CatalogueEntry entry(std::string_view name, std::string_view summary, const char* manual,
                     std::shared_ptr<const DeviceModel> (*make)(const Params&)) {
  return {name, summary, manual, [] { return describe_fields(Params{}); },
          [make](const ConfigNode& table, const std::string& path) {
            Params params;
            read_fields(table, path, params, {"model"});
            check_cell(params.cell, table, path);
            return make(params);
          }};
}

}  // namespace

const std::vector<CatalogueEntry>& catalogue() {
  static const std::vector<CatalogueEntry> list{
      entry("ideal", "takes exactly the conductance it is told to", kIdealManual, make_ideal),
      entry("lognormal", "multiplicative log-normal variation of weights (CorrectNet) or devices",
            kLognormalManual, make_lognormal),
      entry("gaussian", "additive error: absolute, proportional or inverse-proportional",
            kGaussianManual, make_gaussian),
  };
  return list;
}

std::shared_ptr<const DeviceModel> make_device(const ConfigNode& table, const std::string& path) {
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
  Additions additions;
  FieldReader reader(table, path);
  fields(reader, additions);
  const ConfigNode written = write_fields(additions);
  ConfigNode own;
  own.origin = table.origin;
  for (const auto& [key, value] : table.table())
    if (!written.find(key)) own.put(key, value);
  for (const CatalogueEntry& e : catalogue())
    if (e.name == name) return with_additions(e.make(own, path), additions);
  throw LogicError("device catalogue: " + name);
}

}  // namespace ohmic::devices
