#pragma once

#include <chrono>
#include <filesystem>

#include "base/h5.h"
#include "lab/cached_training.h"
#include "lab/flow.h"

namespace ohmic::lab {

/// Raised by every change to what a results file holds.
inline constexpr int kSchemaVersion = 2;

/// What /provenance says of how a file came about: nothing in it affects the other numbers.
struct Provenance {
  std::string command;
  double wall_seconds = 0;
  double training_images_per_second = 0, seconds_a_chip = 0;
};

/// What makes results those of one question.
struct ResultsIdentity {
  std::string command;
  std::string config;  ///< resolved TOML of the keys that the command reads
  std::string inputs;  ///< digest of everything that the config only points at
};
/// `inputs` covers the data set (by its digest), checkpoint, bare weights and placement.
ResultsIdentity identity_of(const Experiment& experiment, const std::string& command,
                            const std::string& data_digest);

/// Writes /training: the course of a training, epoch by epoch, with monitors of its layers; nothing
/// for bare weights.
void write_training(h5::Writer& file, const NetworkOrigin& origin);

/// Root attributes schema_version, rng_version, ohmic_version, seed, command, config and
/// inputs_digest, and /provenance.
void write_header(h5::Writer& file, const Experiment& experiment, const ResultsIdentity& identity,
                  const Provenance& provenance);

/// results.h5 of `ohmic run`.
void write_run(const std::filesystem::path& file, const RunSetting& setting,
               const RunResult& result, const ResultsIdentity& identity,
               const Provenance& provenance);

/// What an output folder holds already.
enum class Existing { nothing, same };
/// Throws ConfigError where `file` holds other results (or none of ours) and `force` is off.
Existing check_existing(const std::filesystem::path& file, const ResultsIdentity& identity,
                        bool force);

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
