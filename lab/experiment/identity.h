#pragma once

#include <map>
#include <mutex>

#include "lab/experiment/experiment.h"

/// Which question an answer belongs to. Every digest (of results, points and trainings) is a
/// projection of one list, the keys of key_manual(): keys that a command or a training does not
/// read, keys that are idle and keys that change no result are left out; input files count by their
/// contents; versions and the arithmetic are added.
namespace ohmic::lab {

/// Raised by every change to what a results file holds.
inline constexpr int kSchemaVersion = 3;
/// The oldest schema that reports still read.
inline constexpr int kOldestSchema = 2;

/// Raised by every change to the bits that a training makes: cached trainings of before are made
/// again.
inline constexpr int kTrainingVersion = 4;

/// Contents of input files by digest, each file read once. Any thread.
class InputFiles {
 public:
  /// Of the file that a config value names ("net.h5", "file.h5:/path", relative to the config);
  /// FileError where it cannot be read.
  std::string digest_of(const Experiment& experiment, const std::string& value);

 private:
  std::mutex mutex_;
  std::map<std::filesystem::path, std::string> known_;
};

/// What makes results those of one question.
struct ResultsIdentity {
  std::string command;
  std::string config;  ///< resolved TOML of the keys that the command reads
  std::string digest;  ///< of these keys, data, input files, versions, arithmetic
};
/// `data_digest`: of the data set or matrices that the command reads; `parts`: whatever else the
/// answer depends on (digests of points).
ResultsIdentity identity_of(const Experiment& experiment, const std::string& command,
                            const std::string& data_digest, InputFiles& files,
                            const std::string& parts = "");

/// Every key that acts on the results of `command` ("run", "train", "mvm", "compare", "search",
/// "sweep"), defaults written out. Tables that it does not read are left out.
ConfigNode resolved_root(const Experiment& experiment, const std::string& command);
std::string resolved_config(const Experiment& experiment, const std::string& command);

/// The digest of a point of a comparison: `at_point` is its experiment (one method, one training
/// seed), measured on `hardware`; its network is trained as `trained` says.
std::string compared_point_digest(const Experiment& at_point, const Experiment& trained,
                                  const std::string& data_digest, const std::string& hardware,
                                  InputFiles& files);
/// The digest of a point of a sweep.
std::string sweep_point_digest(const Experiment& at_point, const std::string& data_digest,
                               InputFiles& files);

/// Words that are equal where points of a sweep need the same trainings of `methods`, hold the same
/// programmed cells.
std::string training_words(const Experiment& experiment, const std::vector<Method>& methods);
std::string cells_words(const Experiment& experiment);

/// The digest of the base training of `methods` on `network`, or of one that follows it on its
/// trained numbers (`base_digest`). `data_digest` is of the images that it trains and validates on.
std::string base_training_digest(const Experiment& experiment, const nn::Network& network,
                                 const MethodSet& methods, const std::string& data_digest);
std::string further_training_digest(const Experiment& experiment, const FurtherTraining& further,
                                    const std::string& base_digest, const std::string& data_digest);

}  // namespace ohmic::lab
