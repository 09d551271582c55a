#include "sim/adc_lookup_table.h"

#include <cmath>

#include "fuzz/target.h"

namespace ohmic::fuzz {
namespace {

const Target kAdcLookupTable("adc_lookup_table", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.csv");
  const auto table = accepted_twice(file, [&] {
    const sim::LookupTable read = sim::read_lookup_table(file);
    return std::tuple(read.first, read.mean, read.sigma);
  });
  if (!table) return;
  const auto& [first, mean, sigma] = *table;
  expect(!mean.empty() && mean.size() == sigma.size(), "means and deviations do not pair");
  for (std::size_t i = 0; i < mean.size(); ++i)
    expect(std::isfinite(mean[i]) && std::isfinite(sigma[i]) && sigma[i] >= 0,
           "a moment is no moment");
});

}  // namespace
}  // namespace ohmic::fuzz
