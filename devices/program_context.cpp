#include "devices/program_context.h"

#include "base/address.h"

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
                                                   .micro_batch = u(cycle),
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
                                                             .micro_batch = u(made_programming()),
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

}  // namespace ohmic::devices
