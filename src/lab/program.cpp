#include "lab/program.h"

#include <algorithm>
#include <csignal>

#include "lab/command.h"
#include "lab/version.h"

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
std::string usage_fault(const CLI::App* app, const CLI::Error& error) {
  std::string command = "ohmic";
  for (const CLI::App* chosen : app->get_subcommands()) command += " " + chosen->get_name();
  return fmt::format("ohmic: {}; see `{} --help`\n", error.what(), command);
}

}  // namespace

int program(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log) {
  CLI::App app(
      "Ohmic: a cycle-approximate simulator of RRAM crossbars, and of networks deployed on them",
      "ohmic");
  app.set_version_flag("--version", fmt::format("ohmic {} ({})", kVersion, commit()));
  app.require_subcommand(1);
  app.failure_message(usage_fault);
  CommonOptions options;
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
  // A write beyond a file-size limit then fails with an error that is reported, instead of ending
  // the program.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    check_command(app, arguments);
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
    Console console{out, log, options.quiet};
    const int status = action(console);
    out << std::flush;
    return status;
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error, out, log);
    return status == 0 ? kDone : kUsage;
  } catch (const ConfigError& error) {
    log << "ohmic: " << error.what() << "\n";
    return kUsage;
  } catch (const ShapeError& error) {
    log << "ohmic: " << error.what() << "\n";
    return kUsage;
  } catch (const FileError& error) {
    log << "ohmic: " << error.what() << "\n";
    return kFiles;
  } catch (const std::filesystem::filesystem_error& error) {
    log << "ohmic: " << error.path1().string() << ": " << error.code().message() << "\n";
    return kFiles;
  } catch (const Interrupted& stop) {
    log << "ohmic: " << stop.what() << "\n";
    return kInterrupted;
  } catch (const std::bad_alloc&) {
    log << "ohmic: not enough memory; --dry-run says how much a run takes\n";
    return kOurBug;
  } catch (const std::exception& bug) {
    log << "ohmic: this is a defect of Ohmic, please report it: " << bug.what() << "\n";
    return kOurBug;
  }
}

}  // namespace ohmic::lab
