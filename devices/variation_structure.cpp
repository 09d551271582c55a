#include "devices/variation_structure.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "devices/decorated_model.h"

namespace ohmic::devices {

const char* const kVariationStructureManual =
    R"(Variation that cells share, on top of what each cell of a model has alone:

    g -> g max(1 + sigma_die z + sigma_correlated f(row, column), 0)

z is one normal per chip (die to die); f is a normal field on the weight grid of each layer, of unit variance and correlation
exp(-(|d row| + |d column|) / correlation_cells), the same for the two devices of a pair, which sit side by side. Both stay with the
chip: another programming does not change them. All three keys are plain numbers: fractions of a cell's conductance, and cells.
Source: a definition (the customary split into die-to-die, device-to-device and cycle-to-cycle parts).)";

void fields(FieldVisitor& f, VariationStructure& p) {
  f.field({.key = "sigma_die",
           .meaning = "deviation of a factor that all cells of a chip share (die to die)",
           .unit = "fraction of g",
           .low = 0,
           .high = 3},
          p.sigma_die);
  f.field({.key = "sigma_correlated",
           .meaning = "deviation of a factor that neighbouring cells share (correlated in space)",
           .unit = "fraction of g",
           .low = 0,
           .high = 3},
          p.sigma_correlated);
  f.field({.key = "correlation_cells",
           .meaning = "distance on the weight grid at which that factor's correlation is 1/e",
           .unit = "cells",
           .low = 0,
           .high = 1e6,
           .low_open = true,
           .idle = p.sigma_correlated > 0 ? "" : "sigma_correlated is 0"},
          p.correlation_cells);
}

namespace {

// Draws of Purpose::device that belong to this file; a model's own have pulse 0.
constexpr Index kDiePulse = 1, kFieldPulse = 2;
constexpr const char* kPlane = "shared_factor";

class Structured final : public DecoratedModel {
 public:
  Structured(std::shared_ptr<const DeviceModel> base, const VariationStructure& params)
      : DecoratedModel(std::move(base)), params_(params) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    base().program(context, target, out);
    Matrix<float>& factor = out.plane_of(kPlane);
    float die = 0;
    if (params_.sigma_die > 0) {
      ProgramContext chip = context;
      chip.rows = {};
      chip.layer = chip.polarity = chip.slice = chip.replica = 0;
      chip.first_row = chip.first_column = 0;
      chip.normals(Purpose::device, 0, {&die, 1}, kDiePulse);
    }
    Matrix<float> field;
    if (params_.sigma_correlated > 0)
      field = correlated_field(context, target.rows(), target.columns(), params_.correlation_cells);
    for (Index i = 0; i < factor.size(); ++i) {
      const double local = field.empty() ? 0.0 : params_.sigma_correlated * field.data()[i];
      factor.data()[i] = static_cast<float>(std::max(1 + params_.sigma_die * die + local, 0.0));
    }
  }
  void put(Cells& cells, Index row, Index column, float g) const override {
    const float factor = cells.plane(kPlane)(row, column);
    base().put(cells, row, column, factor > 0 ? g / factor : g);
  }
  void conductance(const Cells& cells, double seconds, View<float> out) const override {
    base().conductance(cells, seconds, out);
    const ConstView<float> factor = cells.plane(kPlane);
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.columns(); ++c) out(r, c) *= factor(r, c);
  }
  double mean(double g, double seconds) const override {
    return base().mean(g, seconds) * rectified_mean(1, spread());
  }
  double sigma(double g, double seconds) const override {
    const auto square = [](double x) { return x * x; };
    const double m = base().mean(g, seconds), f = rectified_mean(1, spread());
    return std::sqrt((square(m) + square(base().sigma(g, seconds))) *
                         (square(f) + square(rectified_sigma(1, spread()))) -
                     square(m * f));
  }
  ConfigNode parameters() const override {
    return merged(base().parameters(), write_fields(params_));
  }

 private:
  double spread() const { return std::hypot(params_.sigma_die, params_.sigma_correlated); }
  VariationStructure params_;
};

}  // namespace

Matrix<float> correlated_field(const ProgramContext& context, Index rows, Index columns,
                               double length) {
  const double rho = elementary::exp(-1 / length), fresh = std::sqrt(1 - rho * rho);
  const auto width = static_cast<std::size_t>(context.first_column + columns);
  ProgramContext at = context;
  at.first_row = at.first_column = at.polarity = 0;
  at.rows = {};  // a spare column sits where the one that it replaces would
  std::vector<float> z(width);
  std::vector<double> across(width), field(width);
  Matrix<float> out(rows, columns);
  for (Index row = 0; row < context.first_row + rows; ++row) {
    at.normals(Purpose::device, row, z, kFieldPulse);
    for (std::size_t c = 0; c < width; ++c) {
      across[c] = c == 0 ? z[c] : rho * across[c - 1] + fresh * z[c];
      field[c] = row == 0 ? across[c] : rho * field[c] + fresh * across[c];
    }
    if (row < context.first_row) continue;
    for (Index c = 0; c < columns; ++c)
      out(row - context.first_row, c) =
          static_cast<float>(field[static_cast<std::size_t>(context.first_column + c)]);
  }
  return out;
}

std::shared_ptr<const DeviceModel> with_structure(std::shared_ptr<const DeviceModel> base,
                                                  const VariationStructure& params) {
  return std::make_shared<Structured>(std::move(base), params);
}

}  // namespace ohmic::devices
