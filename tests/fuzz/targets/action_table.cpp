#include "rl/action_table.h"

#include <cmath>

#include "fuzz/target.h"

namespace ohmic::fuzz {
namespace {

const Target kActionTable("action_table", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.csv");
  const auto table = accepted_twice(file, [&] {
    const rl::ActionTable read = rl::read_action_table(file);
    std::vector<double> numbers;
    for (const rl::ActionTable::Row& row : read.rows)
      numbers.insert(numbers.end(), {row.compensator_weights, row.accuracy, row.deviation});
    return std::tuple(read.decisions, read.ratios, numbers);
  });
  if (!table) return;
  const auto& [decisions, ratios, numbers] = *table;
  std::size_t actions = 1;
  for (const std::vector<double>& options : ratios) {
    actions *= options.size();
    for (std::size_t i = 0; i < options.size(); ++i)
      expect(std::isfinite(options[i]) && (i == 0 || options[i - 1] < options[i]),
             "ratios do not ascend");
  }
  expect(decisions.size() == ratios.size() && 3 * actions == numbers.size(),
         "a table lacks actions");
  for (const double number : numbers) expect(std::isfinite(number), "a number is not finite");
});

}  // namespace
}  // namespace ohmic::fuzz
