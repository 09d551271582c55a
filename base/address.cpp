#include "base/address.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "base/error.h"

namespace ohmic {
namespace {

using Layout = std::vector<AddressField>;
__extension__ typedef unsigned __int128 Counter;
constexpr int kPurposeBits = 6;

/// Widths are the ranges of the config keys behind them.
const Layout& layout_of(Purpose purpose) {
  static const Layout device{{"column_block", 20}, {"layer", 10},   {"", 2},       {"row", 20},
                             {"slice", 4},         {"polarity", 1}, {"pulse", 13}, {"chip", 20},
                             {"programming", 20},  {"replica", 4}};
  static const Layout training{{"column_block", 20}, {"layer", 10},   {"", 2},       {"row", 20},
                               {"slice", 4},         {"polarity", 1}, {"pulse", 13}, {"step", 32},
                               {"micro_batch", 8},   {"part", 6},     {"replica", 4}};
  static const Layout dead_line{{"line_block", 18}, {"layer", 10},  {"", 4},
                                {"tile", 24},       {"slice", 4},   {"polarity", 1},
                                {"is_bit_line", 1}, {"replica", 4}, {"chip", 20}};
  static const Layout lumped{{"column_block", 14}, {"patch", 16},    {"", 2},
                             {"sample", 20},       {"row_tile", 12}, {"chip", 20},
                             {"programming", 8},   {"slice", 4},     {"read", 8},
                             {"layer", 10},        {"cycle", 4},     {"replica", 4}};
  static const Layout cell{{"column_block", 14}, {"patch", 16}, {"sample", 20},     {"cycle", 4},
                           {"read", 8},          {"chip", 20},  {"programming", 8}, {"slice", 4},
                           {"layer", 10},        {"row", 14},   {"replica", 4}};
  static const Layout dropout{{"element", 24}, {"sample", 16}, {"layer", 10}, {"step", 32}};
  static const Layout order{{"index", 32}, {"epoch", 24}};
  static const Layout augmentation{{"operation", 6}, {"sample", 28}, {"epoch", 24}};
  static const Layout initialisation{{"index", 32}, {"layer", 10}, {"parameter", 4}};
  static const Layout split{{"index", 32}};
  static const Layout policy{{"step", 10}, {"episode", 32}, {"repeat", 16}};
  static const Layout bootstrap{{"index", 32}, {"replicate", 24}, {"statistic", 16}};
  static const Layout scoring{{"index", 32}, {"layer", 10}};
  static const Layout sample{{"point", 32}, {"axis", 16}, {"part", 1}};
  switch (purpose) {
    case Purpose::device:
    case Purpose::cycle:
    case Purpose::drift:
    case Purpose::frozen:
    case Purpose::fault:
    case Purpose::pulse:
    case Purpose::telegraph:
      return device;
    case Purpose::training_noise:
    case Purpose::compensator_noise:
    case Purpose::selection_chip:
      return training;
    case Purpose::dead_line:
      return dead_line;
    case Purpose::lumped_read:
    case Purpose::table_read:
      return lumped;
    case Purpose::cell_read:
    case Purpose::cell_state:
      return cell;
    case Purpose::dropout:
      return dropout;
    case Purpose::order:
      return order;
    case Purpose::augmentation:
      return augmentation;
    case Purpose::initialisation:
      return initialisation;
    case Purpose::split:
      return split;
    case Purpose::policy:
      return policy;
    case Purpose::bootstrap:
      return bootstrap;
    case Purpose::scoring:
      return scoring;
    case Purpose::sample:
      return sample;
  }
  throw LogicError("address of an unknown purpose");
}

/// `values` follow the layout without its lowest field and without padding.
Address pack(Purpose purpose, std::initializer_list<std::uint64_t> values) {
  Counter bits = 0;
  int position = 0;
  auto value = values.begin();
  bool lowest = true;
  for (const AddressField& field : layout_of(purpose)) {
    if (!lowest && !field.name.empty()) {
      if (*value >> field.bits != 0)
        throw ConfigError("random address: " + std::string(field.name) + " = " +
                          std::to_string(*value) + " is beyond its " + std::to_string(field.bits) +
                          " bits");
      bits |= static_cast<Counter>(*value) << position;
      ++value;
    }
    lowest = false;
    position += field.bits;
  }
  ensure(value == values.end() && position <= 128 - kPurposeBits,
         "address layout and its values differ");
  bits |= static_cast<Counter>(purpose) << (128 - kPurposeBits);
  Address address;
  for (std::size_t word = 0; word < 4; ++word)
    address.counter[word] = static_cast<std::uint32_t>(bits >> (32 * word));
  return address;
}

}  // namespace

std::span<const AddressField> address_layout(Purpose purpose) { return layout_of(purpose); }

std::uint64_t address_elements(Purpose purpose) {
  return std::uint64_t{4} << layout_of(purpose).front().bits;
}

std::uint64_t address_range(Purpose purpose, std::string_view name) {
  for (const AddressField& field : layout_of(purpose))
    if (field.name == name) return std::uint64_t{1} << field.bits;
  throw LogicError("an address has no field " + std::string(name));
}

Address device_address(Purpose purpose, const DeviceDraw& d) {
  return pack(purpose,
              {d.layer, d.row, d.slice, d.polarity, d.pulse, d.chip, d.programming, d.replica});
}
Address training_address(Purpose purpose, const TrainingDraw& d) {
  return pack(purpose, {d.layer, d.row, d.slice, d.polarity, d.pulse, d.step, d.micro_batch,
                        static_cast<std::uint64_t>(d.part), d.replica});
}
Address dead_line_address(const DeadLineDraw& d) {
  return pack(Purpose::dead_line,
              {d.layer, d.tile, d.slice, d.polarity, d.is_bit_line, d.replica, d.chip});
}
Address lumped_read_address(const LumpedReadDraw& d, Purpose purpose) {
  return pack(purpose, {d.patch, d.sample, d.row_tile, d.chip, d.programming, d.slice, d.read,
                        d.layer, d.cycle, d.replica});
}
Address cell_read_address(const CellReadDraw& d, Purpose purpose) {
  return pack(purpose, {d.patch, d.sample, d.cycle, d.read, d.chip, d.programming, d.slice, d.layer,
                        d.row, d.replica});
}
Address dropout_address(const DropoutDraw& d) {
  return pack(Purpose::dropout, {d.sample, d.layer, d.step});
}
Address order_address(const OrderDraw& d) { return pack(Purpose::order, {d.epoch}); }
Address split_address() { return pack(Purpose::split, {}); }
Address augmentation_address(const AugmentationDraw& d) {
  return pack(Purpose::augmentation, {d.sample, d.epoch});
}
Address initialisation_address(const InitialisationDraw& d) {
  return pack(Purpose::initialisation, {d.layer, d.parameter});
}
Address policy_address(const PolicyDraw& d) { return pack(Purpose::policy, {d.episode, d.repeat}); }
Address bootstrap_address(const BootstrapDraw& d) {
  return pack(Purpose::bootstrap, {d.replicate, d.statistic});
}

Address scoring_address(const ScoringDraw& d) { return pack(Purpose::scoring, {d.layer}); }
Address sample_address(const SampleDraw& d) { return pack(Purpose::sample, {d.axis, d.part}); }

}  // namespace ohmic
