#include "devices/jump_table.h"

#include <cmath>

#include "fuzz/target.h"

namespace ohmic::fuzz {
namespace {

const Target kJumpTable("jump_table", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input.csv");
  std::optional<devices::JumpTable> table;
  const auto numbers = accepted_twice(file, [&] {
    table = devices::read_jump_table(file);
    std::vector<double> all;
    for (const auto* levels : {&table->set, &table->reset}) {
      for (std::size_t i = 0; i < levels->size(); ++i) {
        const devices::JumpTable::Level& level = (*levels)[i];
        expect(i == 0 || (*levels)[i - 1].g < level.g, "levels do not ascend");
        all.push_back(level.g);
        all.insert(all.end(), level.steps.knots().begin(), level.steps.knots().end());
      }
      all.push_back(1);
    }
    return all;
  });
  if (!numbers) return;
  for (const double number : *numbers) expect(std::isfinite(number), "a number is not finite");
  for (const bool is_set : {false, true})
    for (const double g : {0.0, 1e-5, 1.0})
      expect(std::isfinite(table->step(g, is_set, 0.5)), "a step is not finite");
});

}  // namespace
}  // namespace ohmic::fuzz
