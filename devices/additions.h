#pragma once

#include "devices/telegraph.h"
#include "devices/variation_structure.h"
#include "devices/write_verify.h"

namespace ohmic::devices {

/// What a table [device] may say of any model, beside the model's own keys.
struct Additions {
  VariationStructure structure;
  TelegraphParams telegraph;
  ProgrammingLoop programming;
};
void fields(FieldVisitor& f, Additions& p);
/// `model` with those additions that are switched on; itself if none is. A verifying loop sees the
/// structure of variation, telegraph noise comes on top of both.
/// Files lie relative to `folder`.
std::shared_ptr<const DeviceModel> with_additions(std::shared_ptr<const DeviceModel> model,
                                                  const Additions& p,
                                                  const std::filesystem::path& folder = {});

}  // namespace ohmic::devices
