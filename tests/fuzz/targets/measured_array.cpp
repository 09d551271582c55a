#include "fuzz/measured.h"

namespace ohmic::fuzz {
namespace {

const Target kMeasuredArray("measured_array", [](std::string_view input) {
  judge_measured(file_of(input, "input.npy"));
});

}  // namespace
}  // namespace ohmic::fuzz
