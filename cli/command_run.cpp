#include <chrono>

#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/run_table.h"
#include "cli/session.h"
#include "lab/experiment/hardware_words.h"
#include "lab/results/chip_dump.h"
#include "lab/results/results.h"
#include "lab/study/check_methods.h"
#include "lab/study/dry_run.h"
#include "lab/study/flow.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Trains a network (or loads one), deploys it on simulated RRAM chips, and reports what the hardware costs and why:
accuracy of every chip, an error budget, the signal-to-error ratio of every layer, saturation and yield.

Example:
  ohmic run data/experiments/lenet5_fashion.toml -o fashion --set device.sigma=0.3 --set adc.bits=6
  python3 -c 'import h5py; print(h5py.File("fashion/results.h5")["chips/accuracy"][:])'

Results: FOLDER/results.h5 (docs/results_format.md). Running the same config again does nothing.
)";

/// Where the cells of `dumped_chip` go; empty where none is asked for. ConfigError where there is
/// no such chip.
std::filesystem::path chip_file_of(const Session& session,
                                   std::optional<std::int64_t> dumped_chip) {
  if (!dumped_chip) return {};
  const Index chips = session.experiment.run.chips;
  if (*dumped_chip >= chips)
    throw ConfigError(
        fmt::format("--dump-chip {}: there are chips 0 .. {}", *dumped_chip, chips - 1));
  return session.folder / fmt::format("chip_{}.h5", *dumped_chip);
}

/// Prints what runs: the network, its data and the hardware under it.
void print_setting(const Session& session, const PreparedMethod& method, Console& console) {
  const nn::Network& network = method.trained.network;
  const nn::Data& data = session.data;
  const std::string& model = session.experiment.network.model;
  console.print("network   {}, {} parameters, {} multiply-accumulates per image; {}\n",
                model.empty() ? "of the config" : model, grouped(network.parameter_count()),
                grouped(network.macs()), method.origin.words);
  console.print("data      {}: {} training, {} validation, {} test images\n", data.params.set,
                grouped(data.train.size()), grouped(data.validation.size()),
                grouped(data.test.size()));
  console.print("hardware  {}\n\n", hardware_words(session.experiment));
  console.out << std::flush;
}

int run(const CommonOptions& options, std::optional<std::int64_t> dumped_chip, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const Session session = open_session(options, "run");
  const Experiment& experiment = session.experiment;
  const nn::Data& data = session.data;
  const std::filesystem::path chip_file = chip_file_of(session, dumped_chip);
  const bool has_chip = !chip_file.empty() && check_existing(chip_file, session.identity,
                                                             options.force) == Existing::same;
  if (session.is_done && (chip_file.empty() || has_chip)) {
    console.print("{} is done already (the same config); --force runs it again\n",
                  session.file.string());
    return 0;
  }
  const MethodSet methods = experiment.methods.parse(experiment.run.method);
  const TrainingSetting training = session.training(options, console);
  const nn::Network described = described_network(experiment, data.shape(), data.classes());
  check_methods(experiment, described, {experiment.run.method});
  if (options.dry_run) {
    print_dry_run(experiment, described, data,
                  {.trained = session.has_base(options, console), .place = session.folder.string()},
                  console);
    return 0;
  }
  refuse_beyond_memory(
      estimate_work(experiment, described, data, trains_nothing(experiment, methods)), experiment);
  sketch_plan(experiment, described);  // what does not fit is told before the training
  const InterruptWatch watch;
  const auto held = session.begin(options, console);
  tell(session.notes, console);

  const PreparedMethod method = prepare_method(training, methods);
  print_setting(session, method, console);
  const MethodChips chips(method, experiment, data);
  const RunSetting setting{experiment, data, method, chips};
  if (!chip_file.empty()) {
    write_chip(chip_file, setting, *dumped_chip, session.identity,
               {.command = options.command_line});
    console.print("chip {} in {}\n", *dumped_chip, chip_file.string());
    if (session.is_done) return 0;
  }
  const RunResult result = measure(setting, console);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_run(session.file, setting, result, session.identity,
            {.command = options.command_line,
             .wall_seconds = seconds,
             .training_images_per_second = method.origin.images_per_second,
             .seconds_a_chip = result.seconds_a_chip});
  print_run(setting, result, console);
  console.print("\nresults in {}; {:.2f} s per chip, {:.1f} s in all\n", session.file.string(),
                result.seconds_a_chip, seconds);
  return 0;
}

}  // namespace

void add_run_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command =
      app.add_subcommand("run", "train, deploy on chips, and measure what the hardware costs");
  command->footer(kHelp);
  add_common_options(*command, options, true);
  const auto dumped = std::make_shared<std::optional<std::int64_t>>();
  command
      ->add_option(
          "--dump-chip", *dumped,
          "also write the cells of this chip (0, 1, ...) to chip_N.h5, which device.model = "
          "\"real_chip\" reads")
      ->check(CLI::NonNegativeNumber);
  command->callback([&options, &action, dumped] {
    action = [&options, dumped](Console& console) { return run(options, *dumped, console); };
  });
}

}  // namespace ohmic::lab
