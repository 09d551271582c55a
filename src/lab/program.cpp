#include "lab/program.h"

#include <csignal>

#include "lab/command.h"
#include "lab/version.h"

namespace ohmic::lab {

int program(const std::vector<std::string>& arguments, std::ostream& out, std::ostream& log) {
  CLI::App app("Ohmic: a cycle-approximate simulator of RRAM crossbars, and of networks deployed on them", "ohmic");
  app.set_version_flag("--version", fmt::format("ohmic {} ({})", kVersion, kCommit));
  app.require_subcommand(1);
  CommonOptions options;
  options.command_line = "ohmic";
  for (const std::string& word : arguments) options.command_line += " " + word;
  Action action;
  add_run_command(app, options, action);
  add_train_command(app, options, action);
  add_mvm_command(app, options, action);
  add_info_command(app, options, action);
  // A write beyond a file-size limit then fails with an error that is reported, instead of ending the program.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
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
