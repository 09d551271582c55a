#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

/// Where a random number lives. A number is not drawn in some order but looked up: its Address,
/// packed injectively into Philox's 128-bit counter, says which chip, layer, cell, read or training
/// step it belongs to.
namespace ohmic {

/// What a draw is for. Two purposes never share an address, so chips that are chosen on, trained on
/// and reported on are disjoint by construction. The number is the top 6 bits of the counter:
/// append, never reorder.
enum class Purpose : std::uint8_t {
  device = 1,             ///< device-to-device variation of reported chips
  cycle = 2,              ///< cycle-to-cycle variation of reported chips, anew at every programming
  drift = 3,              ///< drift exponents
  frozen = 4,             ///< frozen (accumulated) noise
  fault = 5,              ///< stuck cells
  pulse = 6,              ///< programming pulses
  telegraph = 7,          ///< random telegraph noise
  training_noise = 8,     ///< variation in variation-aware training
  compensator_noise = 9,  ///< variation in compensator training
  selection_chip = 10,    ///< chips for choosing: never reported
  lumped_read = 11,       ///< read noise, one normal per output and conversion
  cell_read = 12,         ///< read noise, one normal per cell: the reference's
  dropout = 13,
  order = 14,  ///< order of training images
  augmentation = 15,
  initialisation = 16,  ///< first weights of a network
  split = 17,           ///< which images validate
  policy = 18,          ///< reinforcement learning
  bootstrap = 19,       ///< resampling for intervals
  scoring = 20,         ///< labels and ranks that choose weights for verification
  sample = 21,          ///< points of a sampled sweep
  table_read = 22,      ///< deviations of an ADC lookup table, one normal per conversion
  dead_line = 23,       ///< dead word and bit lines of reported chips
  cell_state = 24,      ///< what a single read of a cell depends on: trap states
};

/// The counter of one Philox block: four numbers. Element i of a row of draws is lane i & 3 of
/// block i >> 2.
struct Address {
  std::array<std::uint32_t, 4> counter{};  ///< least significant word first
  bool operator==(const Address&) const = default;
};

/// One field of an address layout: its name (for messages) and width in bits, least significant
/// first. A name of "" is padding, which keeps `sample` inside one 32-bit word.
struct AddressField {
  std::string_view name;
  int bits;
};

/// One draw per cell: what is fixed when a chip is made and programmed. `row` and column are weight
/// coordinates (output, input), so that the chip survives a change of tile size. `replica` counts
/// the programmed copies of one matrix.
struct DeviceDraw {
  std::uint64_t chip = 0, programming = 0, layer = 0, polarity = 0, slice = 0, pulse = 0, row = 0,
                replica = 0;
};
/// The same for training noise, compensator noise and selection chips, which have steps instead of
/// chips; `part` keeps the device, cycle, drift, ... draws of one step apart.
struct TrainingDraw {
  Purpose part = Purpose::cycle;
  std::uint64_t step = 0, micro_batch = 0, layer = 0, polarity = 0, slice = 0, pulse = 0, row = 0,
                replica = 0;
};
/// One uniform per line of a tile: lines are wires of one tile, so they change with tile size. The
/// two bit lines of a differential pair differ in polarity; word lines have polarity 0.
struct DeadLineDraw {
  std::uint64_t chip = 0, layer = 0, polarity = 0, slice = 0, tile = 0, is_bit_line = 0,
                replica = 0;
};
/// One normal per output column, conversion and read. The column's low bit holds the polarity where
/// each polarity has a conversion of its own.
struct LumpedReadDraw {
  std::uint64_t chip = 0, programming = 0, read = 0, layer = 0, row_tile = 0, sample = 0, patch = 0,
                cycle = 0, slice = 0, replica = 0;
};
/// One number per cell and read.
struct CellReadDraw {
  std::uint64_t chip = 0, programming = 0, read = 0, layer = 0, row = 0, sample = 0, patch = 0,
                cycle = 0, slice = 0, replica = 0;
};
struct DropoutDraw {
  std::uint64_t step = 0, layer = 0, sample = 0;
};
struct OrderDraw {
  std::uint64_t epoch = 0;
};
struct AugmentationDraw {
  std::uint64_t epoch = 0, sample = 0;
};
struct InitialisationDraw {
  std::uint64_t layer = 0, parameter = 0;
};
struct PolicyDraw {
  std::uint64_t repeat = 0, episode = 0;
};
struct ScoringDraw {
  std::uint64_t layer = 0;
};
struct SampleDraw {
  std::uint64_t axis = 0, part = 0;  ///< part: 0 places within strata, 1 order of strata
};
struct BootstrapDraw {
  std::uint64_t statistic = 0, replicate = 0;
};

/// Packs the fields into a counter whose lowest field (the column block, index or element) is 0:
/// the stream adds the block number there. Throws ConfigError naming the field if a value exceeds
/// its width.
Address device_address(Purpose purpose, const DeviceDraw& draw);
Address training_address(Purpose purpose, const TrainingDraw& draw);
Address dead_line_address(const DeadLineDraw& draw);
/// `purpose`: lumped_read or table_read.
Address lumped_read_address(const LumpedReadDraw& draw, Purpose purpose = Purpose::lumped_read);
/// `purpose`: cell_read or cell_state.
Address cell_read_address(const CellReadDraw& draw, Purpose purpose = Purpose::cell_read);
Address dropout_address(const DropoutDraw& draw);
Address order_address(const OrderDraw& draw);
Address split_address();
Address augmentation_address(const AugmentationDraw& draw);
Address initialisation_address(const InitialisationDraw& draw);
Address policy_address(const PolicyDraw& draw);
Address bootstrap_address(const BootstrapDraw& draw);
Address scoring_address(const ScoringDraw& draw);
Address sample_address(const SampleDraw& draw);

/// The layout behind each purpose, lowest field first: documentation and the proof of injectivity
/// read it.
std::span<const AddressField> address_layout(Purpose purpose);

/// Number of elements that the lowest field of `purpose` can address (4 per block).
std::uint64_t address_elements(Purpose purpose);
/// Number of values of another field of it. LogicError if the layout has no such field.
std::uint64_t address_range(Purpose purpose, std::string_view field);

/// The counter word in which the sample field of `lumped_read` and `table_read` lies, at its
/// bottom.
inline constexpr int kLumpedSampleWord = 1;

/// Raised whenever a change alters what any address yields.
inline constexpr int kRngVersion = 3;

}  // namespace ohmic
