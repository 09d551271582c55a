#pragma once

#include <CLI/CLI.hpp>
#include <functional>

#include "base/console.h"
#include "lab/experiment/experiment.h"

/// What sub-commands share. Each command_*.cpp adds one, with its help beside it.
namespace ohmic::lab {

struct CommonOptions {
  std::filesystem::path config;
  std::filesystem::path output;
  std::vector<std::string> settings;
  std::optional<std::int64_t> threads;
  std::string isa;
  bool dry_run = false, force = false, no_cache = false, quiet = false;
  std::string command_line;
  const ConfigNode* tree = nullptr;  ///< a config in memory that `config` only names; borrowed
};

/// Set by the sub-command that was chosen; returns the exit status.
using Action = std::function<int(Console&)>;

/// The flags that every command takes; `config` is a positional argument, required or not.
void add_common_options(CLI::App& app, CommonOptions& options, bool config_required);
/// Threads and kernels, from the command line first.
void apply_common_options(const CommonOptions& options, const RunParams& run);
/// The experiment that the options name, "--set" applied. Throws ConfigError, FileError. With
/// `axes_of` ("sweep" or "compare") a key that the config leaves to its axes has the first value
/// that they give it.
Experiment read_experiment(const CommonOptions& options, const RunParams& defaults = {},
                           const char* axes_of = nullptr);
/// Makes the folder that an output file goes to. FileError where it cannot be made.
void make_folder_of(const std::filesystem::path& file);
/// FileError where `file` cannot be written, before the work for it; its folder is made.
void check_place(const std::filesystem::path& file);
/// The first `outputs` of these named files may be none of the others ("file.h5:/path" is file.h5;
/// "" is none). ConfigError.
void check_apart(const std::vector<std::pair<std::string, std::string>>& files,
                 std::size_t outputs);
/// The output folder: -o, else "ohmic-<config>" in the current folder, with the command's name
/// behind it where that is not "run".
std::filesystem::path output_folder(const CommonOptions& options, const Experiment& experiment,
                                    const std::string& command);

void add_run_command(CLI::App& app, CommonOptions& options, Action& action);
void add_train_command(CLI::App& app, CommonOptions& options, Action& action);
void add_search_command(CLI::App& app, CommonOptions& options, Action& action);
void add_compare_command(CLI::App& app, CommonOptions& options, Action& action);
void add_sweep_command(CLI::App& app, CommonOptions& options, Action& action);
void add_mvm_command(CLI::App& app, CommonOptions& options, Action& action);
void add_report_command(CLI::App& app, CommonOptions& options, Action& action);
void add_info_command(CLI::App& app, CommonOptions& options, Action& action);

}  // namespace ohmic::lab
