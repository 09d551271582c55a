#pragma once

#include <algorithm>
#include <cmath>

#include "devices/measured_table.h"
#include "fuzz/target.h"

namespace ohmic::fuzz {

/// Reads a measured table in every way that a config can ask for.
inline void judge_measured(const std::filesystem::path& file) {
  using devices::MeasuredTable;
  for (const devices::MeasuredReading& reading : {devices::MeasuredReading{},
                                                  {.unit = "uS"},
                                                  {.unit = "uA", .read_voltage = 0.2},
                                                  {.unit = "kOhm", .clips_negative = true}}) {
    std::optional<MeasuredTable> table;
    const auto numbers = accepted_twice(file, [&] {
      table = devices::read_measured_table(file, reading);
      std::vector<double> all;
      for (const MeasuredTable::AtTime& time : table->times) {
        all.push_back(time.seconds);
        for (const MeasuredTable::AtTarget& at : time.targets) {
          all.insert(all.end(), {at.target, at.mean, at.sigma});
          if (at.samples)
            all.insert(all.end(), at.samples->knots().begin(), at.samples->knots().end());
        }
      }
      return all;
    });
    if (!numbers) continue;
    for (const double number : *numbers)
      expect(std::isfinite(number) && number >= 0, "a measured number is negative or not finite");
    expect(!table->times.empty(), "a measured table without times");
    for (const MeasuredTable::AtTime& time : table->times) {
      expect(time.targets.size() >= 2, "fewer than two targets");
      for (std::size_t i = 0; i < time.targets.size(); ++i) {
        const MeasuredTable::AtTarget& at = time.targets[i];
        expect(std::max(at.target, at.mean) <= devices::kMostSiemens, "more than a metal wire");
        expect(at.samples.has_value() == table->has_samples, "samples beside moments");
        expect(i == 0 || time.targets[i - 1].target < at.target, "targets do not ascend");
      }
    }
  }
}

}  // namespace ohmic::fuzz
