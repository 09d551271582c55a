#include "nn/network.h"

#include "io/config.h"

#include "fuzz/target.h"

namespace ohmic::fuzz {
namespace {

/// A network's layers, as checkpoints and configs hold them.
const Target kLayers("layers", [](std::string_view input) {
  const auto spec = accepted("", [&] { return nn::spec_from_toml(std::string(input), "net.h5"); });
  if (!spec) return;
  const auto network = accepted("", [&] { return nn::Network(*spec, {1, 6, 6}); });
  if (!network) return;
  const nn::NetworkSpec back = nn::spec_from_toml(nn::to_toml(network->spec()), "echo");
  expect(nn::difference(back, network->input(), network->spec(), network->input()).empty(),
         "layers read back to others");
});

}  // namespace
}  // namespace ohmic::fuzz
