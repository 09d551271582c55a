#pragma once

#include <filesystem>

#include "lab/methods/compensation.h"
#include "lab/study/method_run.h"
#include "rl/search.h"

/// Where compensators stand: CorrectNet's placement as a problem for searches. Validation images
/// and selection chips only.
namespace ohmic::lab {

/// What placements add to `network`, over all that it has (`whole`: weights, and
/// multiply-accumulates per image). ConfigError for a layer that is none.
rl::Added added_by(const nn::Network& network, const std::vector<nn::Placement>& placements,
                   const nn::CompensatorStyle& style, const nn::Overhead& whole);
/// The reward of a search, with the limits of [methods.compensation].
rl::RewardRule reward_rule(const CompensationOptions& options, const SearchParams& search,
                           double clean_accuracy);

/// How much of the clean accuracy is left with variation in some layers only.
struct VariationProfile {
  double clean_accuracy = 0;  ///< float network, validation images
  std::vector<double> from_layer_on,
      only_layer;  ///< mean accuracy over selection chips, per MAC layer
};
VariationProfile variation_profile(const TrainingSetting& setting, const PreparedMethod& base);

/// Layers that may get a compensator: those before the first layer from which on variation keeps
/// the threshold; all, if none does. Layers whose smallest ratio exceeds the limit are dropped, and
/// named in `dropped`.
std::vector<std::string> candidate_layers(const TrainingSetting& setting,
                                          const PreparedMethod& base,
                                          const VariationProfile& profile,
                                          std::vector<std::string>& dropped);

/// Placements as decisions: option o of decision d is search.ratios[o] for candidate d.
class PlacementProblem {
 public:
  PlacementProblem(const TrainingSetting& setting, const PreparedMethod& base,
                   std::vector<std::string> candidates, double clean_accuracy);

  /// For rl's searches; borrows this.
  rl::Problem problem();
  std::vector<nn::Placement> placements(const rl::Action& action) const;
  rl::Added overhead(const rl::Action& action) const;
  /// Mean accuracy over selection chips with compensators trained for this action alone.
  double individual_accuracy(const rl::Action& action);
  /// The same with the shared set, masked.
  double shared_accuracy(const rl::Action& action);
  const std::vector<std::string>& candidates() const { return candidates_; }

 private:
  double accuracy_of(const nn::TrainedNetwork& compensated) const;
  void train_shared();

  const TrainingSetting& setting_;
  const PreparedMethod& base_;
  std::vector<std::string> candidates_;
  CompensationOptions options_;
  rl::RewardRule rule_;
  std::optional<nn::TrainedNetwork> shared_;  ///< every candidate at its largest ratio
};

/// The weights of a shared set that belong to a smaller placement: the first generator filters.
nn::ParameterSet<float> sliced_parameters(const nn::TrainedNetwork& shared,
                                          const nn::Network& smaller);

}  // namespace ohmic::lab
