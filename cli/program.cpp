#include "cli/program.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <iostream>

#include "cli/command.h"
#include "io/remark.h"
#include "io/shown_text.h"
#include "lab/experiment/version.h"

namespace ohmic::lab {

namespace {

/// ConfigError unless the first word is a command or a flag.
void check_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> names;
  std::string all;
  for (const CLI::App* command : app.get_subcommands(nullptr)) {
    names.push_back(command->get_name());
    all += (all.empty() ? "" : ", ") + names.back();
  }
  if (arguments.empty())
    throw ConfigError("a command is missing: one of " + all + "; see `ohmic --help`");
  const std::string& word = arguments.front();
  if (word.starts_with('-') || std::find(names.begin(), names.end(), word) != names.end()) return;
  const std::string near = nearest(word, names);
  throw ConfigError("no such command: " + word +
                    (near.empty() ? " (one of " + all + ")" : " (did you mean '" + near + "'?)"));
}

/// One line on words that do not make a command line.
std::string usage_fault(const CLI::App& app, const CLI::Error& error) {
  std::string command = "ohmic";
  for (const CLI::App* chosen : app.get_subcommands()) command += " " + chosen->get_name();
  return fmt::format("{}; see `{} --help`", error.what(), command);
}

}  // namespace

int run_command(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log,
                const ConfigNode* config) {
  CLI::App app(
      "Ohmic: a cycle-approximate simulator of RRAM crossbars, and of networks deployed on them",
      "ohmic");
  app.set_version_flag("--version", fmt::format("ohmic {} ({})", kVersion, commit()));
  app.require_subcommand(1);
  CommonOptions options;
  options.tree = config;
  options.command_line = "ohmic";
  for (const std::string& word : arguments) options.command_line += " " + word;
  Action action;
  add_run_command(app, options, action);
  add_train_command(app, options, action);
  add_search_command(app, options, action);
  add_compare_command(app, options, action);
  add_sweep_command(app, options, action);
  add_mvm_command(app, options, action);
  add_report_command(app, options, action);
  add_info_command(app, options, action);
  check_command(app, arguments);
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked, out, log);
    return kDone;
  } catch (const CLI::ParseError& error) {
    throw ConfigError(usage_fault(app, error));
  }
  Console console{out, log, options.quiet, &log == &std::cerr && isatty(STDERR_FILENO) == 1};
  const RemarkListener remarks(
      [&console](const std::string& line) { console.say("note: {}\n", line); });
  const int status = action(console);
  out << std::flush;
  return status;
}

namespace {

Failure failure_as_thrown() {
  try {
    throw;
  } catch (const ConfigError& error) {
    return {kUsage, error.what()};
  } catch (const ShapeError& error) {
    return {kUsage, error.what()};
  } catch (const FileError& error) {
    return {kFiles, error.what()};
  } catch (const std::filesystem::filesystem_error& error) {
    return {kFiles, error.path1().string() + ": " + error.code().message()};
  } catch (const Interrupted& stop) {
    return {kInterrupted, stop.what()};
  } catch (const std::bad_alloc&) {
    return {kUsage, "not enough memory for what is asked; --dry-run says how much it takes"};
  } catch (const std::exception& bug) {
    return {kOurBug, std::string("this is a defect of Ohmic, please report it: ") + bug.what()};
  }
}

}  // namespace

Failure current_failure() {
  Failure failure = failure_as_thrown();
  failure.line = shown(failure.line);
  return failure;
}

int program(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log) {
  // A write beyond a file-size limit then fails with an error that is reported, instead of ending
  // the program.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    const int status = run_command(arguments, out, log);
    // What was printed is part of the job: a full device must not pass for success.
    if (!out.flush())
      throw FileError("standard output: cannot be written (is its device full, or was it closed?)");
    return status;
  } catch (...) {
    const Failure failure = current_failure();
    log << "ohmic: " << failure.line << "\n";
    return failure.status;
  }
}

}  // namespace ohmic::lab
