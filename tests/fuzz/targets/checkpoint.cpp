#include "fuzz/h5_base.h"
#include "fuzz/small_network.h"

namespace ohmic::fuzz {
namespace {

/// A checkpoint of version 1, which has no seal: one of now, its version's number changed.
std::string base() {
  const std::filesystem::path file = file_of("", "base.h5");
  nn::save_checkpoint(file, small_network(), nn::initial_training_state(small_network(), {}), "");
  const std::string now = without_seal(read_whole_file(file));
  const std::string two("\2\0\0\0\0\0\0\0", 8);
  for (std::size_t at = now.find("checkpoint_version"); (at = now.find(two, at)) != now.npos;
       ++at) {
    std::string old = now;
    old[at] = 1;
    const std::filesystem::path candidate = file_of(old, "base.h5");
    try {
      nn::load_checkpoint(candidate);
      return old;
    } catch (const FileError&) {
    }
  }
  throw Defect("no checkpoint of version 1");
}

const Target kCheckpoint("checkpoint", [](std::string_view input) {
  static const std::string kBase = base();
  const std::filesystem::path file = file_of(edited(kBase, input), "input.h5");
  accepted_twice(file, [&] {
    const nn::Checkpoint found = nn::load_checkpoint(file);
    expect(!found.is_sealed, "a file without a seal is read as a sealed one");
    return numbers_of(found.state.parameters);
  });
});

}  // namespace
}  // namespace ohmic::fuzz
