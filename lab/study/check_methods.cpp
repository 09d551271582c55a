#include "lab/study/check_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "lab/experiment/described_network.h"
#include "lab/study/placement.h"
#include "nn/compensated.h"
#include "nn/trainer.h"

namespace ohmic::lab {
namespace {

/// `body`, whose ConfigError is told at the place of `key`.
template <class Body>
auto at_key(const Experiment& e, const std::string& key, Body body) {
  try {
    return body();
  } catch (const ConfigError& error) {
    fail_key(e, key, key + ": " + error.what());
  }
}

/// A list of a comparison or search: at least one value, none twice.
template <class T>
void check_list(const Experiment& e, const std::string& key, const std::vector<T>& values) {
  if (values.empty()) fail_key(e, key, key + " is empty");
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::find(values.begin(), values.begin() + static_cast<Index>(i), values[i]) !=
        values.begin() + static_cast<Index>(i))
      fail_key(e, key, fmt::format("{} has {} twice", key, values[i]));
}

void check_count(const Experiment& e, const std::string& key, std::int64_t images, Index there,
                 const std::string& kind) {
  if (images > there)
    fail_key(e, key,
             fmt::format("{} = {}, but there are only {} {} images", key, images, there, kind));
}

/// Methods that train the base network need one that is not trained yet.
void check_base(const Experiment& e, const MethodSet& set) {
  if (set.in_base_training().empty()) return;
  for (const auto& [key, file] :
       {std::pair{"network.file", e.network.file}, {"network.weights", e.network.weights}})
    if (!file.empty())
      fail_key(e, key,
               fmt::format("{} brings a trained network, and method \"{}\" trains its own", key,
                           set.name));
}

}  // namespace

void check_methods(const Experiment& e, const nn::Network& network,
                   const std::vector<std::string>& methods) {
  for (const std::string& name : methods) {
    const MethodSet set = e.methods.parse(name);
    check_base(e, set);
    for (const Method& part : set.parts)
      if (part.check) try {
          part.check({network, !e.network.fold_batch_norm, e.folder});
        } catch (const ConfigError& error) {
          if (!error.parts().key.empty()) fail_key(e, error.parts().key, error.parts().message);
          throw ConfigError(
              fmt::format("{}: method \"{}\" {}", e.origin.place, name, error.what()));
        }
  }
}

void check_images(const Experiment& e, const nn::Data& data) {
  check_count(e, "evaluation.images", e.evaluation.images, data.test.size(), "test");
  if (!e.network.file.empty() || !e.network.weights.empty()) return;  // nothing is trained
  if (e.training.early_stop_epochs > 0 && data.validation.size() == 0)
    fail_key(e, "training.early_stop_epochs", nn::no_validation_images(e.training));
  check_count(e, "training.batch", e.training.batch, data.train.size(), "training");
  try {
    nn::check_augmentation(e.training.augmentation, data.shape());
  } catch (const ConfigError& error) {
    fail_key(e, error.parts().key, error.parts().message);
  }
}

void check_comparison(const Experiment& e, const nn::Data& data) {
  const CompareParams& c = e.compare;
  check_list(e, "compare.methods", c.methods);
  check_list(e, "compare.training_seeds", c.training_seeds);
  check_list(e, "compare.hardware", c.hardware);
  if (!c.sigmas.empty()) check_list(e, "compare.sigmas", c.sigmas);
  if (c.selection_chips == 0) return;
  if (data.validation.size() == 0)
    fail_key(e, "compare.selection_chips",
             "compare.selection_chips needs validation images to choose on; set data.validation "
             "above 0");
  check_count(e, "compare.selection_images", c.selection_images, data.validation.size(),
              "validation");
}

void check_search(const Experiment& e, const nn::Network& network, const nn::Data& data) {
  const SearchParams& search = e.search;
  check_base(e, e.methods.parse("penalty"));
  const auto options = options_of<CompensationOptions>(e.methods, "compensation");
  check_list(e, "search.ratios", search.ratios);
  if (!search.layers.empty()) check_list(e, "search.layers", search.layers);
  const double ratio = smallest_ratio(search);
  if (ratio == 0) fail_key(e, "search.ratios", "search.ratios has no ratio above 0");
  const std::vector<std::string> layers =
      search.layers.empty() ? placement_layers(network) : search.layers;
  // Every name is looked at: one that is none must not hide behind one that fits.
  const rl::RewardRule rule = reward_rule(options, search, 1);
  double least = std::numeric_limits<double>::infinity();
  at_key(e, "search.layers", [&] {
    for (const std::string& layer : layers)
      least = std::min(least, rule.spent(added_by(network, {{layer, ratio}}, options.style,
                                                  {network.parameter_count(), network.macs()})));
  });
  if (least > 1)
    fail_key(e, "methods.compensation.overhead_limit",
             fmt::format("methods.compensation.overhead_limit = {} and overhead_limit_macs = {} "
                         "are met by no placement: ratio {} on one layer adds more",
                         shortest(options.overhead_limit), shortest(options.overhead_limit_macs),
                         shortest(ratio)));
  check_count(e, "search.images", search.images, data.validation.size(), "validation");
  check_count(e, "search.train_images", search.train_images, data.train.size(), "training");
}

}  // namespace ohmic::lab
