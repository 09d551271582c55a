#pragma once

#include "devices/cell_params.h"

namespace ohmic::devices {

/// The conductances [S] that a published model was measured at.
struct PublishedRange {
  double g_min = 0, g_max = 0;
};

/// What every published model takes beside its own keys.
struct PresetParams {
  CellParams cell = {};
  bool allows_outside = false;  ///< formulas beyond the range that they were measured in
  bool rescales = false;        ///< formulas stretched to another g_max
};
/// The defaults of a model: its published range.
PresetParams preset_of(const PublishedRange& range);
void fields(FieldVisitor& f, PresetParams& p);
/// Its keys beside those of the cell.
void scaling_fields(FieldVisitor& f, PresetParams& p);
/// Throws ConfigError (at `table`) for a range that leaves the published one without leave to;
/// names the range and how to override it.
void check_preset(const PresetParams& p, const PublishedRange& range, std::string_view model,
                  const ConfigNode& table, const std::string& path);

/// The parts of a published model that follow from PresetParams alone. Formulas are written in
/// microsiemens at the published scale.
class PresetCell : public GenericCell {
 public:
  PresetCell(const PresetParams& preset, const PublishedRange& range);

 protected:
  /// From [S] to published microsiemens, and back.
  double published(double g) const { return g / unit_; }
  double siemens(double microsiemens) const { return microsiemens * unit_; }
  const PresetParams& preset() const { return preset_; }

 private:
  PresetParams preset_;
  double unit_;  ///< [S] of one published microsiemens
};

}  // namespace ohmic::devices
