#include "devices/additions.h"

namespace ohmic::devices {

void fields(FieldVisitor& f, Additions& p) {
  fields(f, p.structure);
  fields(f, p.programming);
  fields(f, p.telegraph);
}

std::shared_ptr<const DeviceModel> with_additions(std::shared_ptr<const DeviceModel> model,
                                                  const Additions& p,
                                                  const std::filesystem::path& folder) {
  if (p.structure.is_active()) model = with_structure(std::move(model), p.structure);
  if (p.programming.verifies)
    model = with_write_verify(std::move(model), p.programming, folder / p.programming.file);
  if (p.telegraph.is_active()) model = with_telegraph(std::move(model), p.telegraph);
  return model;
}

}  // namespace ohmic::devices
