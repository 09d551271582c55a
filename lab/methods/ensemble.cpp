#include "lab/methods/ensemble.h"

#include <fmt/format.h>

namespace ohmic::lab {
namespace {

Method make(const CopiesOptions& o, const std::string&) {
  Method method;
  method.arrange = [o](ChipKind& kind) {
    kind.members = o.copies;
    kind.best = o.best > 0 ? o.best : o.copies;
  };
  method.cost = [o](const HardwarePlan&, const Chip&, MethodCost& cost) { cost.copies = o.copies; };
  return method;
}

}  // namespace

void fields(FieldVisitor& f, CopiesOptions& p) {
  f.field({.key = "copies", .meaning = "programmed copies of every matrix", .low = 1, .high = 16},
          p.copies);
  f.field({.key = "best",
           .meaning = "copies that are averaged for an output, the nearest to target; 0: all",
           .low = 0,
           .high = 16},
          p.best);
}

void check_options(const CopiesOptions& o, const ConfigNode& table, const std::string& path) {
  if (o.best <= o.copies) return;
  const ConfigNode* best = table.find("best");
  fail_at(best ? best->origin : origin_of(table, "copies"),
          fmt::format("{}.best = {} is more than {}.copies = {}", path, o.best, path, o.copies),
          path + ".best");
}

MethodKind ensemble_kind() {
  return method_kind("copies", "programs every matrix several times and averages", make);
}

}  // namespace ohmic::lab
