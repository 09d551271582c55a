#include "devices/device_model.h"

#include <algorithm>
#include <cmath>

#include "base/elementary.h"
#include "base/error.h"

namespace ohmic::devices {

namespace {

std::uint64_t u(Index i) { return static_cast<std::uint64_t>(i); }

Purpose purpose_of(Population population) {
  return population == Population::training      ? Purpose::training_noise
         : population == Population::compensator ? Purpose::compensator_noise
                                                 : Purpose::selection_chip;
}

}  // namespace

Address ProgramContext::address(Purpose part, Index row, Index pulse) const {
  // What a device is made with is the same at every programming of a chip.
  const bool is_made = part == Purpose::device || part == Purpose::fault;
  const Index cycle = is_made ? 0 : programming;
  constexpr Index kPulsesAnAttempt = 16;
  if (!is_made) pulse += kPulsesAnAttempt * attempt;
  const Index weight_row = rows.empty() ? first_row + row : rows[static_cast<std::size_t>(row)];
  if (population == Population::reported)
    return device_address(part, {.chip = u(chip),
                                 .programming = u(cycle),
                                 .layer = u(layer),
                                 .polarity = u(polarity),
                                 .slice = u(slice),
                                 .pulse = u(pulse),
                                 .row = u(weight_row)});
  return training_address(purpose_of(population), {.part = part,
                                                   .step = u(chip),
                                                   .sub_batch = u(cycle),
                                                   .layer = u(layer),
                                                   .polarity = u(polarity),
                                                   .slice = u(slice),
                                                   .pulse = u(pulse),
                                                   .row = u(weight_row)});
}

void ProgramContext::normals(Purpose part, Index row, std::span<float> out, Index pulse) const {
  stream->normals(address(part, row, pulse), u(first_column), out);
}

void ProgramContext::uniforms(Purpose part, Index row, std::span<double> out, Index pulse) const {
  stream->uniforms(address(part, row, pulse), u(first_column), out);
}

bool Cells::has_plane(std::string_view name) const {
  return std::any_of(state.begin(), state.end(),
                     [&](const NamedPlane& p) { return p.name == name; });
}

ConstView<float> Cells::plane(std::string_view name) const {
  for (const NamedPlane& p : state)
    if (p.name == name) return p.values;
  throw LogicError("cells have no plane " + std::string(name));
}

Matrix<float>& Cells::plane_of(std::string_view name) {
  for (NamedPlane& p : state)
    if (p.name == name) return p.values;
  return state
      .emplace_back(NamedPlane{std::string(name), Matrix<float>(target.rows(), target.columns())})
      .values;
}

namespace {

// The judge's Gaussian noise has the conversion cycles from 0 on; these are beyond any converter's.
constexpr std::uint64_t kUniformCycle = 12, kNormalCycle = 14;

Address cell_address(const CellRead& r, Index row, std::uint64_t cycle) {
  return cell_read_address({.chip = u(r.chip),
                            .programming = u(r.programming),
                            .read = u(r.read),
                            .layer = u(r.layer),
                            .row = u(r.first_row + row),
                            .sample = u(r.sample),
                            .patch = u(r.position),
                            .cycle = cycle + u(r.polarity),
                            .slice = u(r.slice)});
}

}  // namespace

void CellRead::normals(Index row, std::span<float> out) const {
  stream->normals(cell_address(*this, row, kNormalCycle), u(first_column), out);
}

void CellRead::uniforms(Index row, std::span<double> out) const {
  stream->uniforms(cell_address(*this, row, kUniformCycle), u(first_column), out);
}

bool DeviceModel::perturb_weights(const ProgramContext&, ConstView<float>, View<float>) const {
  return false;
}

void DeviceModel::conductance(const Cells& cells, double, View<float> out) const {
  for (Index r = 0; r < out.rows(); ++r)
    std::copy_n(cells.programmed.row(r), out.columns(), out.row(r));
}

void DeviceModel::cell_read(const Cells&, double, const CellRead&, CellMemory&, View<float>) const {
}

double rectified_mean(double mean, double sigma) {
  if (sigma <= 0) return std::max(mean, 0.0);
  const double a = mean / sigma;
  return mean * elementary::normal_cdf(a) + sigma * elementary::normal_pdf(a);
}

double rectified_sigma(double mean, double sigma) {
  if (sigma <= 0) return 0.0;
  const double a = mean / sigma, m = rectified_mean(mean, sigma);
  const double square = (mean * mean + sigma * sigma) * elementary::normal_cdf(a) +
                        mean * sigma * elementary::normal_pdf(a);
  return std::sqrt(std::max(square - m * m, 0.0));
}

}  // namespace ohmic::devices
