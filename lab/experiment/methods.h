#pragma once

#include <string>
#include <vector>

#include "io/fields.h"
#include "nn/compensated.h"
#include "nn/lipschitz.h"

/// The methods that make a network robust, by name, with their options ([methods.NAME]).
namespace ohmic::lab {

struct PenaltyOptions {
  double sigma = 0.5;  ///< of the variation that lambda follows
  nn::PenaltyParams penalty;
};
void fields(FieldVisitor& f, PenaltyOptions& p);

struct InjectionOptions {
  double sigma = 0.5;
  double sigma_low = -1;  ///< at or above 0: a fresh sigma from [sigma_low, sigma] a sub-batch
  bool from_device = false;
};
void fields(FieldVisitor& f, InjectionOptions& p);

enum class CompensatorHome { digital, quantised, rram };

struct CompensationOptions {
  double sigma = 0.5;
  std::vector<std::string> layers;
  std::vector<double> ratios;
  std::string placement;  ///< results of `ohmic search`, in place of layers and ratios
  nn::CompensatorStyle style;
  std::int64_t epochs = 20, batch = 128;
  double learning_rate = 5e-3;
  double matching = 0;
  CompensatorHome home = CompensatorHome::digital;
  std::int64_t bits = 8;
  double overhead_limit = 0.03;
  bool from_device = false;
};
void fields(FieldVisitor& f, CompensationOptions& p);

struct SamOptions {
  double radius = 0.5;
};
void fields(FieldVisitor& f, SamOptions& p);

struct DistillationOptions {
  double temperature = 4.0, weight = 0.5;
};
void fields(FieldVisitor& f, DistillationOptions& p);

/// Of affine, ridge and bn_reestimation: unlabelled training images read on every chip.
struct CalibrationOptions {
  std::int64_t images = 512;
  double strength = 1e-4;  ///< of ridge, times trace / rows of the Gram matrix
  bool reads_input = true;
};
void fields(FieldVisitor& f, CalibrationOptions& p);

struct WriteVerifyOptions {
  double share = 0.05;
  std::string score = "fisher";
  double residual_sigma = 0.05;
  std::int64_t images = 1000;
};
void fields(FieldVisitor& f, WriteVerifyOptions& p);

struct CopiesOptions {
  std::int64_t copies = 2;
  std::int64_t best = 0;  ///< averaged for every output; 0: all
};
void fields(FieldVisitor& f, CopiesOptions& p);

struct NoOptions {};
inline void fields(FieldVisitor&, NoOptions&) {}

/// Options of every method, whether it is used or not.
struct MethodOptions {
  PenaltyOptions penalty;
  InjectionOptions injection;
  CompensationOptions compensation;
  SamOptions sam;
  DistillationOptions distillation;
  CalibrationOptions affine, ridge, bn_reestimation;
  WriteVerifyOptions write_verify;
  CopiesOptions copies;
};

/// Reads the tables under [methods]; ConfigError for an unknown method or key. [methods.correctnet]
/// takes the options of compensation.
MethodOptions read_methods(const ConfigNode& methods);
/// The options of the methods that `names` (with "+") use.
ConfigNode write_methods(const MethodOptions& options, const std::vector<std::string>& names);

/// What there is to say of the keys of a table [methods.NAME] that stands at `table`, if `used`
/// (the tables that a command reads) has the method.
void find_method_notes(const MethodOptions& options, const std::string& method,
                       const std::string& name, const ConfigNode& table, const ConfigNode& used,
                       std::vector<KeyNote>& notes);

/// Which parts a name like "injection+ridge" switches on.
struct MethodSet {
  std::string name;
  bool penalty = false, compensation = false, injection = false, sam = false, distillation = false;
  bool mean_correction = false, bn_reestimation = false, affine = false, ridge = false;
  bool write_verify = false, copies = false;
  /// Whether chips get corrections that depend on when they are found.
  bool corrects() const { return mean_correction || bn_reestimation || affine || ridge; }
};
/// ConfigError for an unknown part (with the nearest name), the same part twice, or parts that
/// exclude each other (affine and ridge).
MethodSet parse_method(const std::string& name);
/// Names of the parts of a method that change its trainings, compensation last.
std::vector<std::string> trained_parts(const MethodSet& methods);
/// Names that may stand between "+".
const std::vector<std::string>& method_names();

/// Manual of every method's keys: (method, fields).
std::vector<std::pair<std::string, std::vector<FieldManual>>> method_manual();

/// Where compensators stand: the options' layers and ratios (ConfigError where their numbers
/// differ).
std::vector<nn::Placement> placements_of(const CompensationOptions& options);

}  // namespace ohmic::lab
