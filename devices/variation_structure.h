#pragma once

#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// Variation that cells share. The parts that each cell has alone (cycle to cycle, device to
/// device) are the model's own.
struct VariationStructure {
  double sigma_die = 0;          ///< fraction of the conductance; all cells of a chip
  double sigma_correlated = 0;   ///< fraction of the conductance; neighbouring cells
  double correlation_cells = 8;  ///< distance [cells] at which the correlation is 1/e
  bool is_active() const { return sigma_die > 0 || sigma_correlated > 0; }
};
void fields(FieldVisitor& f, VariationStructure& p);
extern const char* const kVariationStructureManual;

/// `base` with shared variation: every conductance, at any time, times
/// max(1 + sigma_die z + sigma_correlated f(row, column), 0).
std::shared_ptr<const DeviceModel> with_structure(std::shared_ptr<const DeviceModel> base,
                                                  const VariationStructure& params);

/// The correlated field of unit variance on a layer's weight grid: rows first_row .. first_row +
/// out.rows() - 1 and the columns from first_column of `context`. A separable first-order
/// autoregression, corr = exp(-(|row distance| + |column distance|) / length); both devices of a
/// pair, which sit side by side, have the same value. Costs as many normals as cells lie between
/// the grid's origin and the last element.
Matrix<float> correlated_field(const ProgramContext& context, Index rows, Index columns,
                               double length);

}  // namespace ohmic::devices
