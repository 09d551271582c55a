#pragma once

#include "base/units.h"
#include "devices/device_model.h"
#include "io/fields.h"

namespace ohmic::devices {

/// What a spread is a fraction of.
enum class RelativeTo { g_max, g, inverse };
/// "g_max", "g" or "g_max^2 / g".
std::string_view words_of(RelativeTo of);
/// Deviation [S] of a spread `fraction`: of g_max; of g; or fraction * g_max^2 / g, 0 at g = 0.
double spread(double fraction, RelativeTo of, double g, double g_max);

/// What every generic cell has: its range, levels, and white read noise.
struct CellParams {
  double g_min = 0.1 * units::kMicrosiemens,
         g_max =
             40 * units::kMicrosiemens;  ///< [S]; the range of Wan et al., Nature 608 (2022) 504
  std::optional<std::int64_t> levels;    ///< none = continuous
  double read_noise = 0;                 ///< fraction
  std::string read_noise_of;  ///< "g_max", "g" or "inverse"; must be said where read_noise is not 0
};
void fields(FieldVisitor& f, CellParams& p);
/// The same without white read noise, for models that publish their own.
void range_fields(FieldVisitor& f, CellParams& p);
/// Throws ConfigError (at `table`) unless g_min < g_max and read_noise_of is there where it is
/// needed.
void check_cell(const CellParams& p, const ConfigNode& table, const std::string& path);

/// `table` with the key `model` in front.
ConfigNode with_model(const std::string& name, const ConfigNode& table);

/// The parts of a model that follow from CellParams alone.
class GenericCell : public DeviceModel {
 public:
  explicit GenericCell(const CellParams& cell);
  void read_sigma(const Cells& cells, ConstView<float> g, double seconds,
                  View<float> out) const override;
  std::optional<double> uniform_read_sigma() const override;

 private:
  CellParams cell_;
  RelativeTo read_noise_of_;
};

}  // namespace ohmic::devices
