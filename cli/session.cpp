#include "cli/session.h"

#include "lab/experiment/described_network.h"
#include "lab/experiment/key_notes.h"
#include "lab/methods/compensation.h"
#include "lab/study/check_methods.h"
#include "lab/study/read_data.h"

namespace ohmic::lab {

TrainingSetting Session::training(const CommonOptions& options, const Console& console) const {
  return {.experiment = experiment,
          .data = data,
          .use_cache = !options.no_cache,
          .folder = folder,
          .console = console,
          .needs_course = command == "run" || command == "train"};
}

std::optional<bool> Session::has_base(const CommonOptions& options, const Console& console) const {
  if (is_given(experiment)) return true;
  if (data.digest.empty()) return std::nullopt;
  return has_trained_base(training(options, console),
                          experiment.methods.parse(experiment.run.method));
}

Session open_session(const CommonOptions& options, const std::string& command) {
  Session s;
  s.command = command;
  s.experiment = read_experiment(options);
  require_network(s.experiment);
  apply_common_options(options, s.experiment.run);
  s.folder = output_folder(options, s.experiment, command);
  s.file = s.folder / "results.h5";
  s.data = read_data(
      s.experiment,
      {.images = !options.dry_run, .digests = !options.dry_run, .use_cache = !options.no_cache});
  check_images(s.experiment, s.data);
  s.notes = key_notes(s.experiment, command);
  if (options.dry_run) return s;
  s.identity = identity_of(s.experiment, command, s.data.digest, *s.files);
  s.is_done = check_existing(s.file, s.identity, options.force) == Existing::same;
  if (s.is_done) forget_the_dead(s.folder);
  return s;
}

std::unique_ptr<WorkFolder> Session::begin(const CommonOptions& options,
                                           const Console& console) const {
  auto held = std::make_unique<WorkFolder>(folder, console);
  static_cast<void>(check_existing(file, identity, options.force));
  if (!options.force && std::filesystem::exists(file) &&
      h5::condition_of(file) == h5::Condition::damaged)
    put_aside(file, console);
  if (options.force) clear_kept(folder);
  if (!options.no_cache) keep_digests(data);
  tell_unsealed(experiment, console);
  return held;
}

void tell_unsealed(const Experiment& e, const Console& console) {
  std::vector<std::string> files{
      e.network.file, options_of<CompensationOptions>(e.methods, "compensation").placement};
  if (const ConfigNode* device = e.root.is_table() ? e.root.find("device") : nullptr;
      device && device->is_table())
    if (const ConfigNode* file = device->find("file"))
      if (const auto* name = std::get_if<std::string>(&file->value)) files.push_back(*name);
  for (const std::string& name : files) {
    if (name.empty()) continue;
    const std::filesystem::path file = from_config(e, name);
    try {
      const h5::Reader in(file);
      if (!in.is_sealed() &&
          (in.has_attribute("/", "schema_version") || in.has_attribute("/", "checkpoint_version")))
        console.say("{}: not sealed (written by Ohmic 0.1.0): damage to it would not be noticed\n",
                    file.string());
    } catch (const FileError&) {  // whoever needs the file says so
    }
  }
}

}  // namespace ohmic::lab
