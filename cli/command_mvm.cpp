#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "base/interrupt.h"
#include "cli/command.h"
#include "io/array_file.h"
#include "io/digest.h"
#include "io/h5.h"
#include "lab/experiment/hardware_words.h"
#include "lab/experiment/key_notes.h"
#include "lab/results/folder_lock.h"
#include "lab/results/results.h"
#include "lab/results/scaled_group.h"
#include "lab/study/dry_run.h"
#include "lab/study/mvm.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Programs one weight matrix W (n_out x n_in) on simulated chips and reads it with every row of X as input vector. W and X
are CSV, .npy, or HDF5 data sets (FILE.h5:/path); the converters are calibrated on X. Y is .npy, .h5 or, for one chip,
.csv: chips x vectors x n_out, without the first axis for one chip.

Example:
  ohmic mvm config.toml --weights w.npy --inputs x.npy -o y.npy --chips 100 --dump cells.h5

Every chip is programmed and read once; networks, methods and [[override]] do not apply.

--dump writes /target, /programmed (before relaxation and drift) and /aged [S], chips x 2 (positive, negative; 1 for the
offset mapping) x n_out x n_in, /state/*, /dac_codes, and per row tile /currents [A] before and /adc_codes after the ADC.
)";

struct MvmOptions {
  std::string weights, inputs;
  std::optional<std::int64_t> chips;
  std::filesystem::path dump;
};

void write_y(const std::filesystem::path& file, const std::vector<Index>& shape,
             const MvmResult& result, const Experiment& e, const CommonOptions& options,
             const ResultsIdentity& identity) {
  const std::vector<float>& y = result.y;
  if (file.extension() == ".npy") return write_npy(file, shape, y.data());
  if (file.extension() == ".csv") return write_csv(file, {y.data(), shape[0], shape[1]});
  h5::Writer out(file);
  write_header(out, e, identity, {.command = options.command_line});
  ScaledGroup all(out, "mvm", "");
  std::vector<std::string> axes{"chip", "vector", "output"};
  if (shape.size() == 2) axes.erase(axes.begin());
  for (std::size_t i = 0; i < axes.size(); ++i) all.count(axes[i], shape[i]);
  all.write_along("y", axes, y);
  if (result.cells.verified() > 0) {
    all.write("cells_within_tolerance", result.cells.within_tolerance());
    all.write("cells_gave_up", result.cells.gave_up);
  }
  out.commit();
}

void write_dump(const std::filesystem::path& file, const Mvm& m, const CommonOptions& options,
                const ResultsIdentity& identity, const MvmDump& dump) {
  h5::Writer out(file);
  write_header(out, m.experiment, identity, {.command = options.command_line});
  ScaledGroup all(out, "mvm", "");
  all.count("chip", m.experiment.run.chips);
  all.count("polarity", dump.cells.polarities);
  all.count("output", m.w.rows());
  all.count("input", m.w.columns());
  all.count("row_tile", dump.row_tiles);
  all.count("vector", m.x.rows());
  all.count("conversion", dump.conversions);
  all.write("target", dump.cells.target);
  all.write("programmed", dump.cells.programmed);
  all.write("aged", dump.cells.after_drift);
  for (const auto& [name, values] : dump.cells.state) all.write("state/" + name, values);
  all.write("dac_codes", dump.dac_codes);
  all.write("currents", dump.currents);
  all.write("adc_codes", dump.adc_codes);
  out.commit();
}

void check_new(const std::filesystem::path& file, const char* flag, bool force) {
  if (!force && std::filesystem::exists(file))
    throw ConfigError(std::string(flag) + " " + file.string() +
                      ": exists; choose another name, or replace it with --force");
}

/// An output file while it is made: held against other processes that make one of the same name,
/// and new unless `force`. ConfigError.
std::unique_ptr<FolderLock> hold(const std::filesystem::path& file, const char* flag, bool force,
                                 const Console& console) {
  std::filesystem::path lock = file;
  lock += ".lock";
  auto held = take_lock(lock, std::string(flag) + " " + file.string(), "a command on this file",
                        "wait for it, or choose another name", console);
  check_new(file, flag, force);  // another process may have made it since
  return held;
}

/// Root of the mean squared difference from W x over that of W x, all chips together.
double relative_error(const Mvm& m, const std::vector<float>& y) {
  const Index chips = m.experiment.run.chips, vectors = m.x.rows(), outputs = m.w.rows();
  double error = 0, signal = 0;
  for (Index v = 0; v < vectors; ++v)
    for (Index o = 0; o < outputs; ++o) {
      double exact = 0;
      for (Index i = 0; i < m.w.columns(); ++i) exact += static_cast<double>(m.w(o, i)) * m.x(v, i);
      signal += exact * exact * static_cast<double>(chips);
      for (Index chip = 0; chip < chips; ++chip) {
        const double d = y[static_cast<std::size_t>((chip * vectors + v) * outputs + o)] - exact;
        error += d * d;
      }
    }
  return signal > 0 ? std::sqrt(error / signal) : 0.0;
}

/// ConfigError where files are of no use as outputs, or one file is to be two.
void check_files(const CommonOptions& options, const MvmOptions& own, Index chips) {
  const std::string ending = options.output.extension().string();
  if (ending != ".npy" && ending != ".h5" && ending != ".csv")
    throw ConfigError("-o " + options.output.string() + ": the ending is none of .npy, .h5, .csv");
  if (ending == ".csv" && chips > 1)
    throw ConfigError("-o " + options.output.string() + ": a .csv holds one chip, but chips = " +
                      std::to_string(chips) + "; choose .npy or .h5");
  check_new(options.output, "-o", options.force);
  if (!own.dump.empty()) check_new(own.dump, "--dump", options.force);
  check_apart({{"-o", options.output.string()},
               {"--dump", own.dump.string()},
               {"--weights", own.weights},
               {"--inputs", own.inputs}},
              2);
}

/// Shape and digest of a matrix.
std::string contents_of(const Matrix<float>& matrix) {
  return fmt::format("{} x {} ", matrix.rows(), matrix.columns()) +
         digest({reinterpret_cast<const char*>(matrix.data()),
                 static_cast<std::size_t>(matrix.size()) * sizeof(float)});
}

int print_dry_run(const Mvm& m, const sim::LayerPlan& plan, const CommonOptions& options,
                  bool dumps, const Console& console) {
  const Index chips = m.experiment.run.chips;
  const Index columns = sim::columns_of(m.experiment.hardware.array.mapping);
  console.print("W {} x {} on {} tiles, {} cells; {} vectors on {} chip{}\n", m.w.rows(),
                m.w.columns(), plan.tiles(), grouped(m.w.size() * columns), m.x.rows(), chips,
                chips == 1 ? "" : "s");
  const double products = static_cast<double>(chips * m.x.rows()) * static_cast<double>(m.w.size());
  const double numbers = static_cast<double>(chips) * static_cast<double>(m.x.rows() * m.w.rows());
  const double cells = static_cast<double>(chips * m.w.size() * columns);
  const double dumped = dumps ? 4 * (3 * cells + 2 * numbers) : 0.0;
  print_work(console, options.output.string(), std::nullopt, seconds_of_macs(products),
             4.0 * static_cast<double>(m.w.size() + m.x.size()) +
                 16 * cells / static_cast<double>(chips) + 4 * numbers + dumped,
             4 * numbers + dumped);
  return 0;
}

/// Writes the products, and the dump where there is one: both files or neither.
void write_files(const Mvm& m, const MvmResult& result, const std::optional<MvmDump>& dump,
                 const CommonOptions& options, const MvmOptions& own,
                 const ResultsIdentity& identity) {
  std::vector<Index> shape{m.experiment.run.chips, m.x.rows(), m.w.rows()};
  if (shape.front() == 1) shape.erase(shape.begin());
  if (dump) write_dump(own.dump, m, options, identity, *dump);
  try {
    write_y(options.output, shape, result, m.experiment, options, identity);
  } catch (const FileError&) {
    std::error_code ignored;
    if (dump) std::filesystem::remove(own.dump, ignored);
    throw;
  }
}

int run_mvm(CommonOptions options, const MvmOptions& own, Console& console) {
  if (own.chips) options.settings.push_back("chips=" + std::to_string(*own.chips));
  const Experiment e = read_experiment(options, matrix_defaults());
  apply_common_options(options, e.run);
  const Index chips = e.run.chips;
  check_files(options, own, chips);
  const Matrix<float> w = read_matrix(own.weights, "--weights"),
                      x = read_matrix(own.inputs, "--inputs");
  const Mvm m{e, w, x, "--weights " + own.weights, "--inputs " + own.inputs};
  const sim::LayerPlan plan = plan_mvm(m);
  InputFiles files;
  const ResultsIdentity identity = identity_of(e, "mvm", contents_of(w) + contents_of(x), files);
  if (options.dry_run) return print_dry_run(m, plan, options, !own.dump.empty(), console);
  std::vector<std::unique_ptr<FolderLock>> held;
  const auto take = [&](const std::filesystem::path& file, const char* flag) {
    check_place(file);
    held.push_back(hold(file, flag, options.force, console));
  };
  take(options.output, "-o");
  if (!own.dump.empty()) take(own.dump, "--dump");
  tell(key_notes(e, "mvm"), console);
  const InterruptWatch watch;
  std::optional<MvmDump> dump;
  if (!own.dump.empty()) dump.emplace();
  const MvmResult result = multiply(m, plan, dump ? &*dump : nullptr, options.quiet);
  write_files(m, result, dump, options, own, identity);
  console.print("{} x {} weights on {} tiles, {} vectors, {} chip{} (seed {})\n", w.rows(),
                w.columns(), plan.tiles(), x.rows(), chips, chips == 1 ? "" : "s", e.run.seed);
  console.print(
      "rms error {:.3g} % of the rms of W x; {} % of the ADC conversions beyond the range\n",
      100 * relative_error(m, result.y),
      per_cent(static_cast<double>(result.clipped) /
                   static_cast<double>(std::max<std::int64_t>(result.conversions, 1)),
               3));
  if (result.cells.verified() > 0)
    console.print("{}", verification_line(result.cells.within_tolerance(), result.cells.gave_up));
  console.print("written to {}{}\n", options.output.string(),
                dump ? " and " + own.dump.string() : "");
  return 0;
}

}  // namespace

void add_mvm_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("mvm", "program one matrix and multiply with it");
  command->footer(kHelp);
  add_common_options(*command, options, false);
  const auto own = std::make_shared<MvmOptions>();
  command->add_option("--weights", own->weights, "W: n_out x n_in")->required();
  command->add_option("--inputs", own->inputs, "X: one vector per row")->required();
  command->add_option("--chips", own->chips,
                      "chips to program (default 1, or `chips` of the config)");
  command->add_option("--dump", own->dump, "HDF5 file for cells and signals");
  command->get_option("--output")->required();
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return run_mvm(options, *own, console); };
  });
}

}  // namespace ohmic::lab
