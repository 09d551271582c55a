#pragma once

#include "cli/command.h"
#include "lab/results/results.h"
#include "lab/results/work_folder.h"
#include "lab/study/trainings.h"

namespace ohmic::lab {

/// What every command on a network starts from: a checked config, its data, and where results go.
struct Session {
  std::string command;
  Experiment experiment;
  nn::Data data;
  std::filesystem::path folder, file;  ///< of results, and results.h5 in it
  ResultsIdentity identity;
  std::shared_ptr<InputFiles> files = std::make_shared<InputFiles>();
  std::vector<std::string> notes;  ///< on keys that cannot act
  bool is_done = false;            ///< the results of the same config and inputs are there

  /// Settings of its trainings; borrows from this and from `console`.
  TrainingSetting training(const CommonOptions& options, const Console& console) const;
  /// Whether the base network of run.method is there; none where a dry run has not read the data.
  std::optional<bool> has_base(const CommonOptions& options, const Console& console) const;
  /// The output folder, held while this lives; with --force what was kept in it is gone, and
  /// damaged results are put aside. ConfigError where another process works there, or has put other
  /// results there since the session was opened.
  std::unique_ptr<WorkFolder> begin(const CommonOptions& options, const Console& console) const;
};

/// Reads config and data. ConfigError where the output folder holds other results and --force is
/// off; with --dry-run nothing is compared, and the data are outlined.
Session open_session(const CommonOptions& options, const std::string& command);

/// One line for each file of ours that the config names and that has no seal: its damage would
/// pass.
void tell_unsealed(const Experiment& experiment, const Console& console);

}  // namespace ohmic::lab
