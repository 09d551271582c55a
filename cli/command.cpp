#include "cli/command.h"

#include "lab/experiment/former_names.h"

#include "base/kernels.h"
#include "base/parallel.h"

namespace ohmic::lab {
namespace {

/// The config that the user means: his own file, or, where he has none of that name, the one that
/// came with the program. Wherever the installation was moved, its data lie as far from its bin.
std::filesystem::path config_file(const std::filesystem::path& name) {
  std::error_code none;
  if (name.is_absolute() || std::filesystem::exists(name, none)) return name;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
  const std::filesystem::path installed = program.parent_path() / OHMIC_INSTALLED_DATA / name;
  return std::filesystem::exists(installed, none) ? installed.lexically_normal() : name;
}

}  // namespace

void add_common_options(CLI::App& app, CommonOptions& o, bool config_required) {
  auto* config = app.add_option("config", o.config, "TOML file; see `ohmic info keys`");
  if (config_required) config->required();
  app.add_option("-o,--output", o.output, "where results go");
  app.add_option("--set", o.settings,
                 "key=value: any config key (a bare word is a string); the last one wins")
      ->take_all()
      ->allow_extra_args(false);
  app.add_option("--threads", o.threads, "threads (0: all processors); changes no result")
      ->check(CLI::Range(0, 1024));
  app.add_option("--isa", o.isa,
                 "instruction-set level of the hot loops: v2, v3, v4 (default: the best)");
  app.add_flag("--dry-run", o.dry_run, "say what would be done, without doing it");
  app.add_flag("--force", o.force, "replace existing results of another config");
  app.add_flag("--no-cache", o.no_cache, "do not read or write the cache of trained networks");
  app.add_flag("--quiet", o.quiet, "no progress and no log");
}

void apply_common_options(const CommonOptions& o, const RunParams& run) {
  set_threads(static_cast<int>(o.threads.value_or(run.threads)));
  if (!o.isa.empty()) choose_kernels(o.isa);
}

namespace {

/// Puts the first values of axes where the config says nothing.
void put_first_values(ConfigNode& root, const char* command) {
  const ConfigNode* table = root.find(command);
  const ConfigNode* list = table && table->is_table() ? table->find("axes") : nullptr;
  if (!list || !list->is_array()) return;
  for (const Axis& axis : read_axes(*list, std::string(command) + ".axes", true))
    for (const AxisKey& key : axis.keys)
      if (!find_at(root, key.key))
        put_at(root, key.key,
               key.span ? ConfigNode{key.span->from, key.origin} : key.values.front());
}

}  // namespace

Experiment read_experiment(const CommonOptions& o, const RunParams& defaults, const char* axes_of) {
  const bool is_file = !o.tree && !o.config.empty();
  const std::filesystem::path config = is_file ? config_file(o.config) : o.config;
  ConfigNode root = o.tree ? *o.tree : is_file ? read_config(config) : ConfigNode();
  root = with_settings(std::move(root), o.settings);
  if (axes_of) put_first_values(root, axes_of);
  Experiment e = make_experiment(root, defaults,
                                 is_file ? std::filesystem::absolute(config).parent_path() : "");
  e.origin.place = config.string();
  e.name = is_file ? config.stem().string() : config.string();
  return e;
}

void make_folder_of(const std::filesystem::path& file) {
  std::error_code failed;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), failed);
  if (failed) throw FileError(file.string() + ": cannot be written (" + failed.message() + ")");
}

void check_place(const std::filesystem::path& file) {
  make_folder_of(file);
  const WholeFile trial(file);
}

void check_apart(const std::vector<std::pair<std::string, std::string>>& files,
                 std::size_t outputs) {
  const auto place = [](const std::string& name) {
    const auto path = name.find(".h5:");
    return std::filesystem::weakly_canonical(path == std::string::npos ? name
                                                                       : name.substr(0, path + 3));
  };
  for (std::size_t a = 0; a < outputs; ++a)
    for (std::size_t b = a + 1; b < files.size(); ++b)
      if (!files[a].second.empty() && !files[b].second.empty() &&
          place(files[a].second) == place(files[b].second))
        throw ConfigError(files[a].first + " and " + files[b].first + " are one file, " +
                          files[b].second + "; choose another name for the output");
}

std::filesystem::path output_folder(const CommonOptions& o, const Experiment& e,
                                    const std::string& command) {
  if (!o.output.empty()) return o.output;
  return "ohmic-" + e.name + (command == "run" ? "" : "-" + command);
}

}  // namespace ohmic::lab
