#include "nn/built_in_networks.h"

#include <algorithm>
#include <cmath>

#include "nn/layer_mac.h"
#include "nn/layer_pool.h"

/// mlp and lenet5, and the networks of the CIFAR literature: VGG with batch-norm and ResNets with
/// heads for images of 32 x 32. Layers have the names that torchvision gives them where it has
/// them, so that its state dicts come in as `network.weights`.
namespace ohmic::nn {
namespace {

using Layers = std::vector<LayerSpec>;

LayerSpec named(std::string type, std::string name = {}, std::string input = {}) {
  LayerSpec spec;
  spec.type = std::move(type);
  spec.name = std::move(name);
  if (!input.empty()) spec.inputs.push_back(std::move(input));
  return spec;
}

LayerSpec linear(std::string name, std::int64_t outputs) {
  LayerSpec spec = named("linear", std::move(name));
  spec.own = MacParams{.outputs = outputs};
  return spec;
}

LayerSpec conv(std::string name, std::int64_t filters, std::int64_t kernel, std::int64_t padding) {
  LayerSpec spec = named("conv", std::move(name));
  spec.own = MacParams{.outputs = filters, .kernel = kernel, .padding = padding};
  return spec;
}

LayerSpec max_pool(std::int64_t kernel) {
  LayerSpec spec = named("max_pool");
  spec.own = PoolParams{.kernel = kernel};
  return spec;
}

/// `filters` of a network of width 1 at another width, rounded to the nearest whole number.
std::int64_t scaled(std::int64_t filters, const NetworkSizes& sizes, const std::string& layer) {
  const std::int64_t left = std::llround(sizes.width * static_cast<double>(filters));
  if (left > 0) return left;
  const std::string key = "network.width";
  throw ConfigError({.message = key + " = " + shortest(sizes.width) + " leaves layer " + layer +
                                " without filters: it has " + std::to_string(filters) +
                                " at width 1, and keeps one from " +
                                shortest(0.5 / static_cast<double>(filters)) + " on",
                     .key = key});
}

/// A convolution that batch-norm follows, and so has no bias of its own.
struct NormedConv {
  std::string name, norm;
  std::int64_t filters = 0, kernel = 3, stride = 1, padding = 1;
  std::string input = {};
};

void append(Layers& layers, const NetworkSizes& sizes, const NormedConv& c) {
  LayerSpec product = named("conv", c.name, c.input);
  product.own = MacParams{.outputs = scaled(c.filters, sizes, c.name),
                          .kernel = c.kernel,
                          .stride = c.stride,
                          .padding = c.padding,
                          .bias = false};
  layers.push_back(std::move(product));
  layers.push_back(named("batch_norm", c.norm));
}

Layers mlp(const NetworkSizes& sizes) {
  Layers layers = {named("flatten")};
  for (std::size_t i = 0; i < sizes.hidden.size(); ++i) {
    layers.push_back(linear("fc" + std::to_string(i + 1), sizes.hidden[i]));
    layers.push_back(named("relu"));
  }
  layers.push_back(linear("fc" + std::to_string(sizes.hidden.size() + 1), sizes.classes));
  return layers;
}

/// LeCun et al., Proc. IEEE 86 (1998) 2278, with ReLU and max-pooling; 28x28 images are padded to
/// the original's 32x32.
Layers lenet5(const NetworkSizes& sizes) {
  return {conv("conv1", 6, 5, sizes.input.height == 28 ? 2 : 0),
          named("relu"),
          max_pool(2),
          conv("conv2", 16, 5, 0),
          named("relu"),
          max_pool(2),
          named("flatten"),
          linear("fc1", 120),
          named("relu"),
          linear("fc2", 84),
          named("relu"),
          linear("fc3", sizes.classes)};
}

constexpr std::int64_t kPool = 0;  ///< in a list of filters: 2 x 2 max-pooling

/// 3 x 3 convolutions with batch-norm and ReLU, conv1, bn1, ..., between poolings; then flattened.
Layers vgg_features(const NetworkSizes& sizes, const std::vector<std::int64_t>& filters) {
  Layers layers;
  int number = 0;
  for (const std::int64_t count : filters) {
    if (count == kPool) {
      layers.push_back(max_pool(2));
      continue;
    }
    const std::string digits = std::to_string(++number);
    append(layers, sizes, {.name = "conv" + digits, .norm = "bn" + digits, .filters = count});
    layers.push_back(named("relu"));
  }
  layers.push_back(named("flatten"));
  return layers;
}

/// The network of the compute-in-memory literature (Peng et al., DNN+NeuroSim, IEDM 2019), after
/// that of Courbariaux et al., NIPS 2015: six convolutions and a hidden layer of 1024, here with
/// batch-norm behind the convolutions.
Layers vgg8(const NetworkSizes& sizes) {
  Layers layers = vgg_features(sizes, {128, 128, kPool, 256, 256, kPool, 512, 512, kPool});
  layers.push_back(linear("fc1", scaled(1024, sizes, "fc1")));
  layers.push_back(named("relu"));
  layers.push_back(linear("fc2", sizes.classes));
  return layers;
}

/// Configuration D of Simonyan, Zisserman, ICLR 2015, with batch-norm, and one linear layer in
/// place of three, as is usual for images of 32 x 32.
Layers vgg16(const NetworkSizes& sizes) {
  Layers layers = vgg_features(sizes, {64, 64, kPool, 128, 128, kPool, 256, 256, 256, kPool, 512,
                                       512, 512, kPool, 512, 512, 512, kPool});
  layers.push_back(linear("fc", sizes.classes));
  return layers;
}

/// Two 3 x 3 convolutions and what they are added to: their input, or where they change its shape
/// a 1 x 1 projection of it with batch-norm (option B of He et al., CVPR 2016).
void append_block(Layers& layers, const NetworkSizes& sizes, const std::string& block,
                  std::int64_t filters, std::int64_t stride, bool projects) {
  const std::string before = layers.back().name;
  append(layers, sizes,
         {.name = block + ".conv1", .norm = block + ".bn1", .filters = filters, .stride = stride});
  layers.push_back(named("relu", block + ".relu1"));
  append(layers, sizes, {.name = block + ".conv2", .norm = block + ".bn2", .filters = filters});
  std::string shortcut = before;
  if (projects) {
    shortcut = block + ".downsample.1";
    append(layers, sizes,
           {.name = block + ".downsample.0",
            .norm = shortcut,
            .filters = filters,
            .kernel = 1,
            .stride = stride,
            .padding = 0,
            .input = before});
  }
  LayerSpec sum = named("add", block + ".add");
  sum.inputs = {block + ".bn2", shortcut};
  layers.push_back(std::move(sum));
  layers.push_back(named("relu", block + ".relu2"));
}

/// A 3 x 3 convolution of stride 1, stages of `blocks` blocks, each after the first at half the
/// resolution, global average pooling, and one linear layer.
Layers resnet(const NetworkSizes& sizes, const std::vector<std::int64_t>& stages, int blocks) {
  Layers layers;
  append(layers, sizes, {.name = "conv1", .norm = "bn1", .filters = stages.front()});
  layers.push_back(named("relu", "relu"));
  for (std::size_t s = 0; s < stages.size(); ++s)
    for (int b = 0; b < blocks; ++b) {
      const bool is_first = s > 0 && b == 0;
      append_block(layers, sizes, "layer" + std::to_string(s + 1) + "." + std::to_string(b),
                   stages[s], is_first ? 2 : 1, is_first);
    }
  layers.push_back(named("global_average_pool", "avgpool"));
  layers.push_back(linear("fc", sizes.classes));
  return layers;
}

// The CIFAR networks of He et al., CVPR 2016, section 4.2, with 6 n + 2 layers; they have shortcuts
// without parameters there (option A), here the projections that hardware can compute.
Layers resnet20(const NetworkSizes& sizes) { return resnet(sizes, {16, 32, 64}, 3); }
Layers resnet32(const NetworkSizes& sizes) { return resnet(sizes, {16, 32, 64}, 5); }
/// Table 1 of the same, with the stem that is usual for images of 32 x 32: no stride, no pooling.
Layers resnet18(const NetworkSizes& sizes) { return resnet(sizes, {64, 128, 256, 512}, 2); }

}  // namespace

const std::vector<BuiltInNetwork>& built_in_networks() {
  static const std::vector<BuiltInNetwork> list{
      {"mlp", false, mlp},         {"lenet5", false, lenet5},    {"vgg8", true, vgg8},
      {"vgg16", true, vgg16},      {"resnet20", true, resnet20}, {"resnet32", true, resnet32},
      {"resnet18", true, resnet18}};
  return list;
}

const BuiltInNetwork* built_in_network(std::string_view name) {
  const auto& list = built_in_networks();
  const auto found = std::find_if(list.begin(), list.end(),
                                  [&](const BuiltInNetwork& n) { return n.name == name; });
  return found == list.end() ? nullptr : &*found;
}

}  // namespace ohmic::nn
