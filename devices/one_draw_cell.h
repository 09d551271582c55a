#pragma once

#include "devices/preset.h"

namespace ohmic::devices {

/// A published cell with one normal z per programming: at time t it conducts
/// max(m(T, t) + s(T, t) z, 0) for the target T. A cell that a verifying loop has moved keeps its
/// distance from there. Formulas take and give published microsiemens.
class OneDrawCell : public PresetCell {
 public:
  using PresetCell::PresetCell;

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override;
  void conductance(const Cells& cells, double seconds, View<float> out) const override;
  double mean(double g, double seconds) const override;
  double sigma(double g, double seconds) const override;

 protected:
  virtual double centre(double target, double seconds) const = 0;
  virtual double spread(double target, double seconds) const = 0;

 private:
  float at(double target, double z, double seconds) const;
};

}  // namespace ohmic::devices
