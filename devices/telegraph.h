#pragma once

#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// Random telegraph noise: a trap beside a cell's filament catches and releases an electron.
struct TelegraphParams {
  double fraction = 0;           ///< of the cells: those that have a trap
  double amplitude = 0.1;        ///< fraction of the conductance that a full trap takes away
  double trapped = 0.5;          ///< fraction of time for which the trap is full
  double correlation_reads = 1;  ///< reads after which the correlation is 1/e
  bool is_active() const { return fraction > 0 && amplitude > 0; }
};
void fields(FieldVisitor& f, TelegraphParams& p);
extern const char* const kTelegraphManual;

/// `base` with telegraph noise. A block of reads is all reads of one image by one layer: each
/// cell's state starts stationary and goes on as a two-state chain inside it.
std::shared_ptr<const DeviceModel> with_telegraph(std::shared_ptr<const DeviceModel> base,
                                                  const TelegraphParams& params);

}  // namespace ohmic::devices
