#include "base/address.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"

using namespace ohmic;

namespace {

/// Every purpose with a function that packs given values of its upper fields, in the order of the
/// layout.
struct Packer {
  Purpose purpose;
  std::function<Address(const std::vector<std::uint64_t>&)> pack;
};

std::vector<Packer> packers() {
  using V = const std::vector<std::uint64_t>&;
  std::vector<Packer> all;
  for (const Purpose p : {Purpose::device, Purpose::cycle, Purpose::drift, Purpose::frozen,
                          Purpose::fault, Purpose::pulse, Purpose::telegraph})
    all.push_back({p, [p](V v) {
                     return device_address(p, {.chip = v[5],
                                               .programming = v[6],
                                               .layer = v[0],
                                               .polarity = v[3],
                                               .slice = v[2],
                                               .pulse = v[4],
                                               .row = v[1],
                                               .replica = v[7]});
                   }});
  for (const Purpose p :
       {Purpose::training_noise, Purpose::compensator_noise, Purpose::selection_chip})
    all.push_back({p, [p](V v) {
                     return training_address(p, {.part = static_cast<Purpose>(v[7]),
                                                 .step = v[5],
                                                 .micro_batch = v[6],
                                                 .layer = v[0],
                                                 .polarity = v[3],
                                                 .slice = v[2],
                                                 .pulse = v[4],
                                                 .row = v[1],
                                                 .replica = v[8]});
                   }});
  all.push_back({Purpose::dead_line, [](V v) {
                   return dead_line_address({.chip = v[6],
                                             .layer = v[0],
                                             .polarity = v[3],
                                             .slice = v[2],
                                             .tile = v[1],
                                             .is_bit_line = v[4],
                                             .replica = v[5]});
                 }});
  for (const Purpose p : {Purpose::lumped_read, Purpose::table_read})
    all.push_back({p, [p](V v) {
                     return lumped_read_address({.chip = v[3],
                                                 .programming = v[4],
                                                 .read = v[6],
                                                 .layer = v[7],
                                                 .row_tile = v[2],
                                                 .sample = v[1],
                                                 .patch = v[0],
                                                 .cycle = v[8],
                                                 .slice = v[5],
                                                 .replica = v[9]},
                                                p);
                   }});
  for (const Purpose p : {Purpose::cell_read, Purpose::cell_state})
    all.push_back({p, [p](V v) {
                     return cell_read_address({.chip = v[4],
                                               .programming = v[5],
                                               .read = v[3],
                                               .layer = v[7],
                                               .row = v[8],
                                               .sample = v[1],
                                               .patch = v[0],
                                               .cycle = v[2],
                                               .slice = v[6],
                                               .replica = v[9]},
                                              p);
                   }});
  all.push_back({Purpose::dropout, [](V v) {
                   return dropout_address({.step = v[2], .layer = v[1], .sample = v[0]});
                 }});
  all.push_back({Purpose::order, [](V v) { return order_address({.epoch = v[0]}); }});
  all.push_back({Purpose::split, [](V) { return split_address(); }});
  all.push_back({Purpose::augmentation,
                 [](V v) { return augmentation_address({.epoch = v[1], .sample = v[0]}); }});
  all.push_back({Purpose::initialisation,
                 [](V v) { return initialisation_address({.layer = v[0], .parameter = v[1]}); }});
  all.push_back(
      {Purpose::policy, [](V v) { return policy_address({.repeat = v[1], .episode = v[0]}); }});
  all.push_back({Purpose::bootstrap,
                 [](V v) { return bootstrap_address({.statistic = v[1], .replicate = v[0]}); }});
  all.push_back({Purpose::scoring, [](V v) { return scoring_address({.layer = v[0]}); }});
  all.push_back(
      {Purpose::sample, [](V v) { return sample_address({.axis = v[0], .part = v[1]}); }});
  return all;
}

/// Bits of the counter that field `index` (0 = the lowest, which the stream counts up) occupies.
struct Span {
  int first, bits;
};
std::vector<Span> spans(Purpose purpose) {
  std::vector<Span> out;
  int position = 0;
  for (const AddressField& field : address_layout(purpose)) {
    if (!field.name.empty()) out.push_back({position, field.bits});
    position += field.bits;
  }
  return out;
}

bool bit(const Address& a, int i) {
  return (a.counter[static_cast<std::size_t>(i / 32)] >> (i % 32)) & 1u;
}

}  // namespace

TEST_CASE(
    "an address packs every field into bits of its own: the packing is injective over the field "
    "widths") {
  // Injective because: bit k of a field appears at one place, no two fields share a place, nothing
  // is lost, and the purpose has bits of its own. Each is checked for every bit of every field.
  for (const Packer& packer : packers()) {
    const std::vector<Span> where = spans(packer.purpose);
    CHECK(where.back().first + where.back().bits <= 122);
    std::vector<std::uint64_t> values(where.size() - 1, 0);
    const Address zero = packer.pack(values);
    for (std::size_t f = 0; f < values.size(); ++f)
      for (int k = 0; k < where[f + 1].bits; ++k) {
        values[f] = std::uint64_t{1} << k;
        const Address one = packer.pack(values);
        values[f] = 0;
        for (int i = 0; i < 128; ++i)
          CHECK((bit(one, i) != bit(zero, i)) == (i == where[f + 1].first + k));
      }
    for (int i = 0; i < 6; ++i)
      CHECK(bit(zero, 122 + i) == bool((static_cast<unsigned>(packer.purpose) >> i) & 1u));
    // The lowest field is left to the stream, inside word 0.
    CHECK(where[0].first == 0);
    CHECK(where[0].bits <= 32);
    CHECK(address_elements(packer.purpose) == std::uint64_t{4} << where[0].bits);
  }
}

TEST_CASE(
    "purposes have distinct numbers, so training noise, selection and reported chips never share "
    "an address") {
  std::set<unsigned> seen;
  for (const Packer& packer : packers()) seen.insert(static_cast<unsigned>(packer.purpose));
  CHECK(seen.size() == packers().size());
  CHECK(*seen.begin() >= 1);
  CHECK(*seen.rbegin() < 64);
  const TrainingDraw training{.step = 3, .row = 9};
  const DeviceDraw reported{.chip = 3, .row = 9};
  std::set<std::uint32_t> tops{
      training_address(Purpose::training_noise, training).counter[3] >> 26,
      training_address(Purpose::compensator_noise, training).counter[3] >> 26,
      training_address(Purpose::selection_chip, training).counter[3] >> 26,
      device_address(Purpose::cycle, reported).counter[3] >> 26};
  CHECK(tops.size() == 4);
}

TEST_CASE("the sample field of read noise lies inside one counter word") {
  int position = 0;
  for (const AddressField& field : address_layout(Purpose::lumped_read)) {
    if (field.name == "sample") {
      CHECK(position == 32 * kLumpedSampleWord);
      CHECK(field.bits == 20);
    }
    position += field.bits;
  }
}

TEST_CASE("the read of a large layer has room: 4,608 inputs 16 rows at a time, cycles and slices") {
  for (const Purpose purpose : {Purpose::lumped_read, Purpose::table_read}) {
    CHECK(address_range(purpose, "row_tile") >= 4608 / 16);
    CHECK(address_range(purpose, "cycle") == 16);
    CHECK(address_range(purpose, "slice") == 16);
    CHECK(address_range(purpose, "replica") == 16);
  }
  CHECK(address_range(Purpose::cell_read, "cycle") == 16);
  CHECK_THROWS_AS(address_range(Purpose::order, "chip"), LogicError);
}

TEST_CASE("a value beyond its field is a range error that names the field") {
  CHECK_THROWS_WITH_AS(device_address(Purpose::cycle, {.chip = 1u << 20}),
                       "random address: chip = 1048576 is beyond its 20 bits", ConfigError);
  CHECK_THROWS_WITH_AS(lumped_read_address({.read = 256}),
                       "random address: read = 256 is beyond its 8 bits", ConfigError);
}
