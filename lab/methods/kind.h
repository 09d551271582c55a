#pragma once

#include "io/fields.h"
#include "lab/methods/method.h"

namespace ohmic::lab {

/// One kind of method, as the catalogue lists it.
struct MethodKind {
  std::string_view name;
  std::string_view summary;  ///< one line
  std::vector<FieldManual> keys;
  /// The method that a table [methods.NAME] describes. ConfigError at a key.
  std::function<Method(const ConfigNode& table, const std::string& path)> make;
  /// What there is to say of the keys of a table that `make` accepts.
  std::function<void(const ConfigNode& table, const std::string& path, std::vector<KeyNote>&)>
      find_notes;
};

/// The options of a table, read and checked: by read_fields(), and by a check_options() beside the
/// struct where keys must fit together.
template <class Options>
Options read_options(const ConfigNode& table, const std::string& path) {
  Options options;
  read_fields(table, path, options);
  if constexpr (requires { check_options(options, table, path); })
    check_options(options, table, path);
  return options;
}

/// A kind whose options are a struct with fields(); `make` turns them into a method, told the
/// dotted path of their table for its messages.
template <class Options>
MethodKind method_kind(std::string_view name, std::string_view summary,
                       Method (*make)(const Options&, const std::string& path)) {
  return {.name = name,
          .summary = summary,
          .keys = describe_fields(Options{}),
          .make =
              [name, make](const ConfigNode& table, const std::string& path) {
                const Options options = read_options<Options>(table, path);
                Method method = make(options, path);
                method.kind = name;
                method.options = write_fields(options);
                return method;
              },
          .find_notes =
              [](const ConfigNode& table, const std::string& path, std::vector<KeyNote>& notes) {
                find_key_notes(table, path, read_options<Options>(table, path), notes);
              }};
}

struct NoOptions {};
inline void fields(FieldVisitor&, NoOptions&) {}

}  // namespace ohmic::lab
