#pragma once

#include <chrono>
#include <filesystem>
#include <optional>

#include "io/h5.h"
#include "lab/experiment/identity.h"
#include "lab/study/cached_training.h"
#include "lab/study/flow.h"

namespace ohmic::lab {

/// What /provenance says of how a file came about: nothing in it affects the other numbers.
struct Provenance {
  std::string command;
  double wall_seconds = 0;
  double training_images_per_second = 0, seconds_a_chip = 0;
};

/// Writes /training: the course of a training, epoch by epoch, with monitors of its layers (nothing
/// of it for bare weights), and the accuracy on the test set where it is given. `kind` names the
/// file's schema.
void write_training(h5::Writer& file, const std::string& kind, const NetworkOrigin& origin,
                    std::optional<double> test_accuracy = std::nullopt);

/// Root attributes schema_version, rng_version, ohmic_version, seed, command, config and identity,
/// and /provenance.
void write_header(h5::Writer& file, const Experiment& experiment, const ResultsIdentity& identity,
                  const Provenance& provenance);

/// results.h5 of `ohmic run`.
void write_run(const std::filesystem::path& file, const RunSetting& setting,
               const RunResult& result, const ResultsIdentity& identity,
               const Provenance& provenance);

/// What an output folder holds already; damaged: a sealed file whose bytes are not those that were
/// written, or the beginning of one.
enum class Existing { nothing, same, damaged };
/// Throws ConfigError where `file` holds other results (or none of ours) and `force` is off.
Existing check_existing(const std::filesystem::path& file, const ResultsIdentity& identity,
                        bool force);

/// Whether it holds these results; not where it is missing, of another question, or none of ours.
bool holds_results(const std::filesystem::path& file, const ResultsIdentity& identity);

/// Removes what a command keeps beside its results to go on from: trainings, points, dumped chips.
/// What --force replaces at the end (results.h5, tables, plots) stays until then.
void clear_kept(const std::filesystem::path& folder);

/// The folder of results: made if it is not there, and gone again if nothing came into it. Throws
/// FileError where it cannot be made or written.
class OutputFolder {
 public:
  explicit OutputFolder(const std::filesystem::path& folder);
  ~OutputFolder();
  OutputFolder(const OutputFolder&) = delete;
  OutputFolder& operator=(const OutputFolder&) = delete;

 private:
  std::filesystem::path folder_;
  bool is_ours_ = false;
};

}  // namespace ohmic::lab
