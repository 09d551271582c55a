#include "fuzz/h5_base.h"
#include "fuzz/small_network.h"
#include "lab/sweep/point_result.h"

namespace ohmic::fuzz {
namespace {

std::string without_padding(const std::string& bytes) {
  return bytes.substr(0, bytes.find_last_not_of('\0') + 1);
}

std::string point() {
  const std::filesystem::path file = file_of("", "base.h5");
  lab::PointResult result;
  result.accuracy = {0.5, 0.75};
  lab::write_point(file, "digest", result);
  return read_whole_file(file);
}

std::string checkpoint() {
  const std::filesystem::path file = file_of("", "base.h5");
  nn::save_checkpoint(file, small_network(), nn::initial_training_state(small_network(), {}), "");
  return read_whole_file(file);
}

/// Sealed files with edits: none of them may pass for what was written.
const Target kSealed("sealed", [](std::string_view input) {
  static const std::string kPoint = point(), kCheckpoint = checkpoint();
  for (const std::string* base : {&kPoint, &kCheckpoint}) {
    const std::string bytes = edited(*base, input);
    // Media fill their blocks with zeros.
    const bool is_same = without_padding(bytes) == *base;
    const std::filesystem::path file = file_of(bytes, "input.h5");
    const h5::Condition condition = h5::condition_of(file);
    expect((condition == h5::Condition::sealed) == is_same, "the seal of other bytes holds");
    if (is_same && !input.empty()) continue;  // reads well, which takes its time
    const auto holds =
        base == &kPoint
            ? accepted(file.string(),
                       [&] {
                         lab::read_point(file, "digest");
                         return true;
                       })
            : accepted(file.string(), [&] { return nn::load_checkpoint(file).is_sealed; });
    expect(holds.value_or(false) == is_same, "a damaged file is read as a sealed one");
  }
});

}  // namespace
}  // namespace ohmic::fuzz
