#include "lab/study/error_budget.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "lab/bench.h"
#include "lab/methods/channel_regression.h"

using namespace ohmic;
using namespace ohmic::lab;
using ohmic::testing::Bench;

TEST_CASE("signal-to-error ratios of layers are those of whole passes side by side") {
  const Bench bench;
  const nn::Network& network = bench.trained.network;
  const CleanActivations clean = bench.clean();
  const RandomStream stream(1);
  for (const std::size_t on_chip : {0u, 1u}) {
    CAPTURE(on_chip);
    Chip chip{network, bench.trained.parameters,
              deployment_of(program_layers(bench.plan(), stream, 3, 0, {}))};
    chip.deployment.macs[1 - on_chip] = nullptr;
    calibrate(Regression::affine, {.images = 256}, clean, {}, chip);
    ReadContext reader;
    reader.stream = &stream;
    const LayerErrors found =
        layer_errors(network, chip.parameters, clean, chip.deployment, reader);
    double signal[2] = {}, error[2] = {};
    for (Index block = 0; block < clean.blocks(); ++block) {
      nn::Workspace<float> ideal(network, nn::Kept::outputs), noisy(network, nn::Kept::outputs);
      const nn::Pass pass{.samples = clean.samples(block)};
      for (nn::Workspace<float>* w : {&ideal, &noisy})
        std::copy_n(clean.image(block).data(), clean.image(block).size(), w->input().data());
      nn::forward(network, chip.parameters, ideal, pass);
      ReadContext context = reader;
      context.first_sample = block * kLanes;
      nn::forward(network, chip.parameters, noisy, pass, chip.deployment, context);
      for (std::size_t k = 0; k < 2; ++k) {
        const auto exact = ideal.output(network.mac_layers()[k]),
                   seen = noisy.output(network.mac_layers()[k]);
        for (Index f = 0; f < exact.rows(); ++f)
          for (Index sample = 0; sample < pass.samples; ++sample) {
            signal[k] += std::pow(exact(f, sample), 2);
            error[k] += std::pow(static_cast<double>(seen(f, sample)) - exact(f, sample), 2);
          }
      }
    }
    for (std::size_t k = on_chip; k < 2; ++k)
      CHECK(found.accumulated_db[k] ==
            doctest::Approx(10 * std::log10(signal[k] / error[k])).epsilon(1e-9));
    // The layer on the chip reads exact inputs, corrections included.
    CHECK(found.isolated_db[on_chip] == found.accumulated_db[on_chip]);
    CHECK(std::isnan(found.isolated_db[1 - on_chip]));
    if (on_chip == 1) CHECK(std::isinf(found.accumulated_db[0]));
  }
}
