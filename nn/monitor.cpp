#include "nn/monitor.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/parallel.h"
#include "base/statistics.h"
#include "nn/fill_lanes.h"
#include "nn/forward.h"
#include "nn/lipschitz.h"

namespace ohmic::nn {
namespace {

/// Sums over the images and positions of one lane block.
struct LayerSums {
  std::vector<double> square;    ///< of each input of a product
  double products = 0;           ///< images x positions
  std::vector<Moments> outputs;  ///< of each output
};

/// Adds up x_i^2 over every product that reads `x`.
void add_inputs(const PatchView& x, LayerSums& sums) {
  sums.square.resize(static_cast<std::size_t>(x.inputs()));
  std::size_t i = 0;
  for (Index c = 0; c < x.channels; ++c)
    for (Index ky = 0; ky < x.kernel; ++ky)
      for (Index kx = 0; kx < x.kernel; ++kx, ++i)
        for (Index oy = 0; oy < x.out_height(); ++oy)
          for (Index ox = 0; ox < x.out_width(); ++ox) {
            const Index h = oy * x.stride + ky - x.padding, w = ox * x.stride + kx - x.padding;
            if (h < 0 || h >= x.height || w < 0 || w >= x.width) continue;
            const float* from =
                x.data + c * x.channel_stride + h * x.row_stride + w * x.column_stride;
            double sum = 0;
            for (Index s = 0; s < x.samples; ++s) {
              const double value = from[s * x.sample_stride];
              sum += value * value;
            }
            sums.square[i] += sum;
          }
  sums.products += static_cast<double>(x.samples * x.positions());
}

}  // namespace

LayerMonitors monitor_layers(const Network& network, const ParameterSet<float>& parameters,
                             const ImageList& images, const Normalisation& normalisation,
                             double sigma) {
  const Index count = std::min(kMonitorImages, images.size()), blocks = block_count(count, kLanes);
  const std::size_t layers = network.mac_layers().size();
  std::vector<std::vector<LayerSums>> sums(static_cast<std::size_t>(blocks),
                                           std::vector<LayerSums>(layers));
  for_each_block(blocks, [&](Index block) {
    Workspace<float> workspace(network, Kept::outputs);
    std::vector<Index> places(static_cast<std::size_t>(std::min(kLanes, count - block * kLanes)));
    std::iota(places.begin(), places.end(), block * kLanes);
    std::vector<Label> labels(places.size());
    fill_lanes(images, normalisation, places, workspace.input(), labels);
    const auto samples = static_cast<Index>(places.size());
    forward(network, parameters, workspace, {.samples = samples});
    for (std::size_t k = 0; k < layers; ++k) {
      LayerSums& own = sums[static_cast<std::size_t>(block)][k];
      add_inputs(patch_view(network, workspace, static_cast<Index>(k), samples), own);
      const Index layer = network.mac_layers()[k];
      const Shape shape = network.shape(layer);
      const Index positions = shape.height * shape.width;
      const ConstView<float> y = workspace.output(layer);
      own.outputs.resize(static_cast<std::size_t>(shape.channels));
      for (Index f = 0; f < y.rows(); ++f)
        for (Index s = 0; s < samples; ++s)
          own.outputs[static_cast<std::size_t>(f / positions)].add(y(f, s));
    }
  });
  LayerMonitors out;
  for (std::size_t k = 0; k < layers; ++k) {
    const auto layer = static_cast<std::size_t>(network.mac_layers()[k]);
    const Matrix<float>& w = *find(parameters[layer], "weight");
    const std::vector<double> s = singular_values(w);
    out.s_max.push_back(s.front());
    out.condition_number.push_back(s.back() > 0 ? s.front() / s.back()
                                                : std::numeric_limits<double>::infinity());
    LayerSums all = sums.front()[k];
    for (std::size_t block = 1; block < sums.size(); ++block) {
      const LayerSums& own = sums[block][k];
      for (std::size_t i = 0; i < own.square.size(); ++i) all.square[i] += own.square[i];
      for (std::size_t o = 0; o < own.outputs.size(); ++o) all.outputs[o].merge(own.outputs[o]);
      all.products += own.products;
    }
    for (double& square : all.square) square /= all.products;
    std::vector<double> variance;
    for (const Moments& m : all.outputs) variance.push_back(m.variance());
    out.noise_gain.push_back(noise_gain(w, all.square, variance, sigma));
  }
  return out;
}

}  // namespace ohmic::nn
