#pragma once

#include "lab/methods/kind.h"

/// CorrectNet's second half: small digital 1 x 1 convolutions behind some layers, trained on a
/// frozen base network under fresh variation.
namespace ohmic::lab {

enum class CompensatorStorage { digital, quantised, rram };

struct CompensationOptions {
  double sigma = 0.5;
  std::vector<std::string> layers;
  std::vector<double> ratios;
  std::string placement;  ///< results of `ohmic search`, in place of layers and ratios
  nn::CompensatorStyle style;
  std::int64_t epochs = 20, batch = 128;
  double learning_rate = 5e-3;
  double matching = 0;
  CompensatorStorage storage = CompensatorStorage::digital;
  std::int64_t bits = 8;
  double overhead_limit = 0.03, overhead_limit_macs = 0.1;
  bool from_device = false;
};
void fields(FieldVisitor& f, CompensationOptions& p);
/// ConfigError where layers and ratios differ in number.
void check_options(const CompensationOptions& options, const ConfigNode& table,
                   const std::string& path);
MethodKind compensation_kind();
/// The method of these very options: what a search judges.
Method compensation(const CompensationOptions& options,
                    const std::string& path = "methods.compensation");

/// `base` with the compensators that the options (or the placement file that they name, relative to
/// `folder`) place. ConfigError where no layer is named, a layer is unknown, or a limit of the
/// overhead is exceeded; FileError.
nn::Network compensated_network(const nn::Network& base, const CompensationOptions& options,
                                const std::filesystem::path& folder);

/// Layers that compensators may stand behind where a search is not told: products, and pooling that
/// leaves fewer positions to compute.
std::vector<std::string> placement_layers(const nn::Network& network);

/// The training of compensators behind `base`, which outlives it. The base is frozen, every
/// micro-batch meets fresh variation. `mask` (named for the digest) may hide parameters from a
/// step.
FurtherTraining compensator_training(const nn::TrainedNetwork& base,
                                     const CompensationOptions& options, const TrainingAid& aid,
                                     const nn::ParameterMask& mask = {},
                                     const std::string& mask_name = "");

}  // namespace ohmic::lab
