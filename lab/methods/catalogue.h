#pragma once

#include "lab/methods/kind.h"

/// The methods that a config can name, alone or joined with "+".
namespace ohmic::lab {

/// The one list of kinds, in the order in which they work.
const std::vector<MethodKind>& method_kinds();

/// The kinds, and names that stand for several ("correctnet").
std::vector<std::string> method_names();

/// The methods of a name like "injection+ridge", in the catalogue's order.
struct MethodSet {
  std::string name;
  std::vector<Method> parts = {};

  /// The part of a kind; null where there is none.
  const Method* find(std::string_view kind) const;
  /// Whether any part has a property or a hook.
  template <class Member>
  bool any(Member Method::*member) const {
    for (const Method& part : parts)
      if (part.*member) return true;
    return false;
  }
  /// The parts that change the base network's training, or any training.
  std::vector<Method> in_base_training() const;
  std::vector<Method> in_trainings() const;
};

/// The options of methods, defaults written out: a table per kind (what a training depends on), or
/// as a config names them, variants by their own names.
ConfigNode tables_by_kind(const std::vector<Method>& methods);
ConfigNode tables_by_name(const std::vector<Method>& methods);

/// [methods]: the options of kinds, and of variants with names of their own
/// ([methods.wv1] kind = "write_verify").
class MethodTables {
 public:
  MethodTables() = default;
  /// ConfigError, by place, for an unknown kind or key or a value out of range. Borrows nothing.
  explicit MethodTables(ConfigNode methods);

  /// The methods that `name` joins with "+". ConfigError for an unknown one (with the nearest
  /// name), for a kind that appears twice, and for kinds that exclude each other.
  MethodSet parse(const std::string& name) const;
  /// The keys that the config gives to a kind, for read_options().
  ConfigNode keys(std::string_view kind) const;
  /// What there is to say of the tables whose methods `used` names.
  void find_notes(const ConfigNode& used, std::vector<KeyNote>& notes) const;

 private:
  ConfigNode written_;
  Method make(const MethodKind& kind) const;
  std::vector<Method> parts_of(const std::string& name, const std::string& whole) const;
};

/// The options of a kind as the config gives them.
template <class Options>
Options options_of(const MethodTables& tables, const std::string& kind) {
  return read_options<Options>(tables.keys(kind), "methods." + kind);
}

}  // namespace ohmic::lab
