#include "nn/network.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <map>

#include "base/address.h"
#include "nn/channel_layer.h"
#include "nn/layer_catalogue.h"

namespace ohmic::nn {
namespace {

/// Type and number for layers without a name, counted per type ("conv2" is the second conv layer).
void fill_names(NetworkSpec& spec) {
  std::map<std::string, int> count;
  for (LayerSpec& layer : spec) {
    const int number = ++count[layer.type];
    if (layer.name.empty()) layer.name = layer.type + std::to_string(number);
  }
}

/// Names of PyTorch's modules ("features.0") are; the dots stand between words, because files make
/// paths of names and "." and ".." mean something there.
bool is_good_name(const std::string& name) {
  if (name.starts_with('.') || name.ends_with('.') || name.find("..") != name.npos) return false;
  return name != "input" && std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
         });
}

}  // namespace

Network::Network(NetworkSpec spec, Shape input) : spec_(std::move(spec)), input_(input) {
  if (spec_.empty()) throw ConfigError("the network has no layers");
  fill_names(spec_);
  std::map<std::string, Index> index = {{"input", kImage}};
  for (Index l = 0; l < layers(); ++l) {
    const LayerSpec& layer = spec_[at(l)];
    if (!is_good_name(layer.name))
      fail(layer,
           "a name is made of letters, digits, _, - and single dots between them, and is not "
           "\"input\"");
    std::vector<Index> from;
    for (const std::string& name : layer.inputs) {
      const auto found = index.find(name);
      if (found == index.end()) {
        std::vector<std::string> known;
        for (const auto& entry : index) known.push_back(entry.first);
        const std::string near = nearest(name, known);
        fail(layer, "its input '" + name + "' is not a layer before it" +
                        (near.empty() ? "" : " (did you mean '" + near + "'?)"));
      }
      from.push_back(found->second);
    }
    if (reads_the_layer_before(layer)) from.push_back(l - 1);
    std::vector<Shape> shapes;
    for (Index f : from) shapes.push_back(shape(f));
    layer32_.push_back(make_layer<float>(layer, shapes));
    layer64_.push_back(make_layer<double>(layer, shapes));
    const bool needs =
        !structure(l).parameters.empty() ||
        std::any_of(from.begin(), from.end(), [this](Index f) { return needs_gradient(f); });
    needs_gradient_.push_back(needs);
    inputs_.push_back(std::move(from));
    if (structure(l).mac) mac_layers_.push_back(l);
    if (!index.emplace(layer.name, l).second) fail(layer, "another layer has this name");
  }
  const auto channels = [this](Index l) {
    const ChannelLayer<float>* layer = layer32_[at(l)]->by_channel();
    return layer ? layer->channels() : 0;
  };
  for (Index first = 0; first < layers();) {
    Index last = first;
    while (last + 1 < layers() && channels(first) > 0 && channels(last + 1) == channels(first))
      ++last;
    runs_.resize(at(last + 1), {first, last});
    first = last + 1;
  }
}

Index Network::macs() const {
  Index total = 0;
  for (Index l : mac_layers_) total += structure(l).mac->count();
  return total;
}

Index Network::parameter_count() const {
  Index total = 0;
  for (const auto& layer : layer32_)
    for (const ParameterSpec& p : layer->structure().parameters)
      if (p.is_trained) total += p.rows * p.columns;
  return total;
}

Network build_network(const NetworkParams& params, const Shape& input, Index classes) {
  Network network(network_spec(params, input, classes), input);
  if (network.output().features() != classes)
    fail(network.spec().back(), "the network ends in " + text(network.output()) +
                                    " outputs, but the data have " + std::to_string(classes) +
                                    " classes");
  return network;
}

template <class T>
ParameterSet<T> zero_parameters(const Network& network) {
  ParameterSet<T> set(static_cast<std::size_t>(network.layers()));
  for (Index l = 0; l < network.layers(); ++l)
    for (const ParameterSpec& p : network.structure(l).parameters)
      set[static_cast<std::size_t>(l)].push_back({p.name, Matrix<T>(p.rows, p.columns)});
  return set;
}
template ParameterSet<float> zero_parameters(const Network&);
template ParameterSet<double> zero_parameters(const Network&);

ParameterSet<float> initial_parameters(const Network& network, std::uint64_t seed) {
  const RandomStream stream(seed);
  ParameterSet<float> set = zero_parameters<float>(network);
  std::vector<double> u;
  for (std::size_t l = 0; l < set.size(); ++l)
    for (std::size_t p = 0; p < set[l].size(); ++p) {
      const ParameterSpec& spec = network.structure(static_cast<Index>(l)).parameters[p];
      Matrix<float>& value = set[l][p].value;
      if (spec.fan_in == 0) {
        value.fill(static_cast<float>(spec.initial));
        for (Index i = 0; spec.starts_as_identity && i < value.rows(); ++i) value(i, i) = 1.0f;
        continue;
      }
      u.resize(static_cast<std::size_t>(value.size()));
      stream.uniforms(initialisation_address({.layer = l, .parameter = p}), 0, u);
      const double bound = 1 / std::sqrt(static_cast<double>(spec.fan_in));
      std::transform(u.begin(), u.end(), value.data(),
                     [&](double x) { return static_cast<float>((2 * x - 1) * bound); });
    }
  return set;
}

std::string difference(const NetworkSpec& a, const Shape& input_a, const NetworkSpec& b,
                       const Shape& input_b) {
  if (input_a != input_b) return "its images are " + text(input_a) + ", expected " + text(input_b);
  for (std::size_t l = 0; l < std::min(a.size(), b.size()); ++l) {
    const ConfigNode left = write_fields(a[l]), right = write_fields(b[l]);
    const std::string place = "its layer " + std::to_string(l) + " (" + a[l].name + ")";
    if (a[l].type != b[l].type)
      return place + " is " + a[l].type + ", expected " + b[l].type + " (" + b[l].name + ")";
    for (std::size_t k = 0; k < left.table().size(); ++k) {
      ConfigNode one, other;
      one.put(left.table()[k].first, left.table()[k].second);
      other.put(right.table()[k].first, right.table()[k].second);
      std::string found = ohmic::to_toml(one), expected = ohmic::to_toml(other);
      if (found == expected) continue;
      for (std::string* words : {&found, &expected})
        while (!words->empty() && words->back() == '\n') words->pop_back();
      return place + " has " + found + ", expected " + expected;
    }
  }
  if (a.size() != b.size())
    return "it has " + std::to_string(a.size()) + " layers, expected " + std::to_string(b.size());
  return "";
}

}  // namespace ohmic::nn
