#pragma once

#include "lab/study/deploy.h"
#include "nn/layer_spec.h"

namespace ohmic::testing {

/// A small network on made-up images, and everything around it.
struct Bench {
  nn::Data data;
  nn::TrainedNetwork trained;
  lab::Experiment experiment;

  explicit Bench(const std::string& device = "model = \"lognormal\"\nsigma = 0.5")
      : trained{nn::Network(nn::spec_from_toml(R"(
[[layers]]
type = "conv"
name = "conv1"
filters = 4
kernel = 3
[[layers]]
type = "relu"
[[layers]]
type = "flatten"
[[layers]]
type = "linear"
name = "fc1"
outputs = 3
)",
                                               "test"),
                            {1, 6, 6}),
                {}} {
    trained.parameters = nn::initial_parameters(trained.network, 1);
    auto set = std::make_shared<nn::Dataset>();
    set->shape = {1, 6, 6};
    set->classes = 3;
    for (Index i = 0; i < 256; ++i) {
      set->labels.push_back(static_cast<nn::Label>(i % 3));
      data.train.index.push_back(i);
      for (Index p = 0; p < 36; ++p)
        set->pixels.push_back(static_cast<std::uint8_t>((i * 97 + p * p * 31 + p * i) % 256));
    }
    data.train.set = set;
    data.test = data.validation = data.train;
    data.normalisation = {{128.0}, {74.0}};
    ConfigNode root;
    root.put("device", parse_config(device, "device"));
    experiment = lab::make_experiment(root);
  }
  lab::HardwarePlan plan() const {
    return lab::make_plan(experiment, trained.network, trained.parameters, data);
  }
  lab::CleanActivations clean() const {
    return lab::CleanActivations(trained.network, trained.parameters, data.train,
                                 data.normalisation);
  }
};

}  // namespace ohmic::testing
