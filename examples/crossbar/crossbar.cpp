// Programs a 2 x 3 matrix on a crossbar and reads it, y = W x: ideal cells first, then cells that
// vary.
#include <cstdio>

#include "devices/ideal.h"
#include "devices/lognormal.h"
#include "sim/crossbar.h"

using namespace ohmic;

void show(const char* name, std::shared_ptr<const devices::DeviceModel> device) {
  const float w[] = {0.5, -1, 0.25, 1, 0.75, -0.5}, x[] = {1, -2, 4};
  const RandomStream seed(1);
  const sim::LayerPlan plan =
      sim::plan_layer("W", 0, {.device = device}, ConstView<float>(w, 2, 3), {}, sim::Dac{});
  const sim::Crossbar crossbar(plan, {.stream = &seed, .chip = 0}, {});
  float y[2];
  crossbar.apply(vectors(ConstView<float>(x, 1, 3)), {.stream = &seed},
                 {.data = y, .sample_stride = 2, .output_stride = 1});
  std::printf("%s: y = %.4f %.4f\n", name, y[0], y[1]);
}

int main() {
  show("ideal", devices::make_ideal({}));
  show("lognormal", devices::make_lognormal({.sigma = 0.1}));
}
