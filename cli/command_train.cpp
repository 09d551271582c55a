#include <chrono>

#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/session.h"
#include "lab/experiment/version.h"
#include "lab/study/check_methods.h"
#include "lab/study/dry_run.h"
#include "lab/study/method_run.h"
#include "nn/checkpoint.h"
#include "nn/inference.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Trains the network of a config and keeps it: FOLDER/network.h5 is a checkpoint that `[network] file = "network.h5"` and
other programs read (weights under /layers, PyTorch's shapes), FOLDER/results.h5 the training history.
Ctrl-C leaves the last checkpoint; the same command resumes from it. --weights FILE.h5 writes the network alone, in half
precision and with its recipe and accuracy, also of a training that is done: `[network] weights` reads it (a path from the
config's folder on; FILE is one from the current folder on).

Example:
  ohmic train data/experiments/lenet5_fashion.toml -o trained --set training.epochs=10
)";

void write_course(const Session& session, const NetworkOrigin& origin, double test_accuracy,
                  const Provenance& provenance) {
  h5::Writer out(session.file);
  write_header(out, session.experiment, session.identity, provenance);
  write_training(out, "train", origin, test_accuracy);
  out.commit();
}

/// Whether the network that this training ends in is there, whole.
bool holds_checkpoint(const std::filesystem::path& file, const std::string& digest) {
  try {
    return std::filesystem::exists(file) && nn::load_checkpoint(file).digest == digest;
  } catch (const FileError&) {
    return false;
  }
}

/// Refuses a name for the network alone, before anything is trained for it.
void check_weights(const std::filesystem::path& weights, const Session& session,
                   const std::filesystem::path& kept) {
  if (weights.extension() != ".h5")
    throw ConfigError("--weights " + weights.string() + ": weights are written as .h5");
  const Experiment& e = session.experiment;
  const auto of_config = [&](const std::string& name) {
    return name.empty() ? "" : from_config(e, name).string();
  };
  check_apart({{"--weights", weights.string()},
               {"-o", kept.string()},
               {"-o", session.file.string()},
               {"network.file", of_config(e.network.file)},
               {"network.weights", of_config(e.network.weights)}},
              1);
  if (std::filesystem::exists(weights))
    throw ConfigError("--weights " + weights.string() +
                      ": exists; choose another name, or remove it");
  for (const Method& part : e.methods.parse(e.run.method).parts)
    if (part.further)
      throw ConfigError("--weights " + weights.string() + ": method " + part.name +
                        " adds layers that no config names; its network is kept as " +
                        kept.string() + " alone");
}

/// The network alone, in half precision, with its accuracy at that precision.
void write_weights(const std::filesystem::path& file, const Session& session,
                   const nn::Network& network, nn::ParameterSet<float> parameters,
                   const std::string& command_line, Console& console) {
  nn::round_to_half(network, parameters);
  const nn::Evaluation test =
      nn::evaluate(network, parameters, session.data.test, session.data.normalisation);
  nn::save_weights(file, network, parameters, [&](h5::Writer& out) {
    out.attribute("/", "command", command_line);
    out.attribute("/", "config", session.identity.config);
    out.attribute("/", "seed", session.experiment.training.seed);
    out.attribute("/", "parameters", std::int64_t{network.parameter_count()});
    out.attribute("/", "test_accuracy", test.accuracy);
    out.attribute("/", "test_images", std::int64_t{test.images});
    out.attribute("/", "rng_version", kRngVersion);
    out.attribute("/", "ohmic_version", std::string(kVersion));
    out.attribute("/", "commit", std::string(commit()));
  });
  console.print("weights   {} % in half precision, in {}\n", per_cent(test.accuracy),
                file.string());
}

int train(const CommonOptions& options, const std::string& weights, Console& console) {
  const auto start = std::chrono::steady_clock::now();
  const Session session = open_session(options, "train");
  const Experiment& experiment = session.experiment;
  const nn::Data& data = session.data;
  const std::filesystem::path kept = session.folder / "network.h5";
  if (!weights.empty()) check_weights(weights, session, kept);
  if (session.is_done && holds_checkpoint(kept, session.identity.digest)) {
    if (!weights.empty() && !options.dry_run) {
      check_place(weights);
      const nn::Checkpoint found = nn::load_checkpoint(kept);
      write_weights(weights, session, found.network, found.state.parameters, options.command_line,
                    console);
      return 0;
    }
    console.print("{} is done already (the same config); --force trains it again\n",
                  session.file.string());
    return 0;
  }
  const nn::Network described = described_network(experiment, data.shape(), data.classes());
  if (session.is_done) console.say("{} is missing or damaged: it is made again\n", kept.string());
  const MethodSet methods = experiment.methods.parse(experiment.run.method);
  check_methods(experiment, described, {experiment.run.method});
  TrainingSetting training = session.training(options, console);
  training.keeps_state = true;
  if (options.dry_run) {
    print_dry_run(experiment, described, data,
                  {.trained = session.has_base(options, console),
                   .place = session.folder.string(),
                   .has_chips = false},
                  console);
    return 0;
  }
  refuse_beyond_memory(
      estimate_work(experiment, described, data, trains_nothing(experiment, methods)), experiment);
  const InterruptWatch watch;
  const auto held = session.begin(options, console);
  tell(session.notes, console);
  if (!weights.empty()) check_place(weights);
  const PreparedMethod method = prepare_method(training, methods);
  const nn::TrainedNetwork& trained = method.trained;
  const NetworkOrigin& origin = method.origin;
  const nn::Evaluation test =
      nn::evaluate(trained.network, trained.parameters, data.test, data.normalisation);
  // As it was trained: batch-norm not folded, the optimiser's state with it.
  nn::save_checkpoint(kept, method.unfolded->network, method.origin.state, session.identity.digest);
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  write_course(session, origin, test.accuracy,
               {.command = options.command_line,
                .wall_seconds = seconds,
                .training_images_per_second = origin.images_per_second});
  console.print("network   {} parameters; {}\n", grouped(trained.network.parameter_count()),
                origin.words);
  console.print("test      {} % of {} images, loss {:.4f}\n", per_cent(test.accuracy),
                grouped(test.images), test.loss);
  console.print("kept in   {}\n", kept.string());
  if (!weights.empty())
    write_weights(weights, session, method.unfolded->network, method.unfolded->parameters,
                  options.command_line, console);
  return 0;
}

}  // namespace

void add_train_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("train", "train a network and keep it");
  command->footer(kHelp);
  add_common_options(*command, options, true);
  const auto weights = std::make_shared<std::string>();
  command->add_option("--weights", *weights,
                      "also write the network alone, in half precision (HDF5)");
  command->callback([&, weights] {
    action = [&, weights](Console& console) { return train(options, *weights, console); };
  });
}

}  // namespace ohmic::lab
