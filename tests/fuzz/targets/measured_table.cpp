#include "fuzz/measured.h"

namespace ohmic::fuzz {
namespace {

const Target kMeasuredTable("measured_table", [](std::string_view input) {
  judge_measured(file_of(input, "input.csv"));
});

}  // namespace
}  // namespace ohmic::fuzz
