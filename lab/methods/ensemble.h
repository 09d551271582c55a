#pragma once

#include "lab/methods/kind.h"

namespace ohmic::lab {

/// Every matrix programmed several times; outputs are averaged.
struct CopiesOptions {
  std::int64_t copies = 2;
  std::int64_t best = 0;  ///< averaged for every output; 0: all
};
void fields(FieldVisitor& f, CopiesOptions& p);
/// ConfigError where more copies are averaged than there are.
void check_options(const CopiesOptions& options, const ConfigNode& table, const std::string& path);
MethodKind ensemble_kind();

}  // namespace ohmic::lab
