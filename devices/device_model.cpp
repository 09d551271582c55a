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
  const bool is_made = part == Purpose::device || part == Purpose::fault;
  const Index cycle = is_made ? made_programming() : programming;
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
                                 .row = u(weight_row),
                                 .replica = u(replica)});
  return training_address(purpose_of(population), {.part = part,
                                                   .step = u(chip),
                                                   .sub_batch = u(cycle),
                                                   .layer = u(layer),
                                                   .polarity = u(polarity),
                                                   .slice = u(slice),
                                                   .pulse = u(pulse),
                                                   .row = u(weight_row),
                                                   .replica = u(replica)});
}

Index ProgramContext::made_programming() const {
  const bool is_step = population == Population::training || population == Population::compensator;
  return is_step ? programming : 0;
}

void ProgramContext::line_uniforms(bool is_bit_line, Index first, std::span<double> out) const {
  const std::uint64_t side = is_bit_line ? 1 : 0, of_pair = is_bit_line ? u(polarity) : 0;
  if (population == Population::reported)
    return stream->uniforms(dead_line_address({.chip = u(chip),
                                               .layer = u(layer),
                                               .polarity = of_pair,
                                               .slice = u(slice),
                                               .tile = u(tile),
                                               .is_bit_line = side,
                                               .replica = u(replica)}),
                            u(first), out);
  stream->uniforms(training_address(purpose_of(population), {.part = Purpose::dead_line,
                                                             .step = u(chip),
                                                             .sub_batch = u(made_programming()),
                                                             .layer = u(layer),
                                                             .polarity = of_pair,
                                                             .slice = u(slice),
                                                             .pulse = side,
                                                             .row = u(tile),
                                                             .replica = u(replica)}),
                   u(first), out);
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

// The second device of a pair has the upper half of the columns.
constexpr Index kHalf = 1 << 15;

}  // namespace

void CellRead::uniforms(Index row, std::span<double> out) const {
  const Address at = cell_read_address({.chip = u(chip),
                                        .programming = u(programming),
                                        .read = u(read),
                                        .layer = u(layer),
                                        .row = u(first_row + row),
                                        .sample = u(sample),
                                        .patch = u(position),
                                        .slice = u(slice),
                                        .replica = u(replica)},
                                       Purpose::cell_state);
  stream->uniforms(at, u(first_column + polarity * kHalf), out);
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
