#include <algorithm>
#include <cmath>

#include "base/array_file.h"
#include "base/digest.h"
#include "base/h5.h"
#include "base/kernels.h"
#include "base/parallel.h"
#include "base/progress.h"
#include "lab/cell_planes.h"
#include "lab/command.h"
#include "lab/deploy.h"
#include "lab/interrupt.h"
#include "lab/results.h"

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

/// Gathers what the tiles of one chip see: codes (vectors x n_in), currents and ADC codes (row
/// tiles x vectors x columns).
class Recorder final : public Tap {
 public:
  Recorder(Index vectors, Index inputs, Index row_tiles, Index columns)
      : inputs_(inputs),
        vectors_(vectors),
        columns_(columns),
        codes_(vectors, inputs),
        currents_(row_tiles * vectors, columns),
        adc_codes_(row_tiles * vectors, columns) {}
  void codes(const DacReading& r) override {
    for (Index s = 0; s < r.samples; ++s)
      for (Index i = 0; i < inputs_; ++i) codes_(r.first_sample + s, i) = r.codes[i * kLanes + s];
  }
  void currents(const TileReading& r) override {
    std::vector<float> code(static_cast<std::size_t>(kLanes));
    for (Index c = 0; c < r.columns; ++c) {
      const float* from = r.currents + c * kLanes;
      std::copy_n(from, kLanes, code.data());
      if (!r.adc->is_ideal())
        kernels().f32.quantise(kLanes, from, r.adc->codes<float>(r.amperes), code.data());
      for (Index s = 0; s < r.samples; ++s) {
        const Index row = r.row_tile * vectors_ + r.first_sample + s;
        currents_(row, r.first_column + c) = static_cast<float>(from[s] * r.amperes);
        adc_codes_(row, r.first_column + c) =
            r.adc->is_ideal() ? std::nanf("") : code[static_cast<std::size_t>(s)];
      }
    }
  }
  const Matrix<float>& dac() const { return codes_; }
  const Matrix<float>& before() const { return currents_; }
  const Matrix<float>& after() const { return adc_codes_; }

 private:
  Index inputs_, vectors_, columns_;
  Matrix<float> codes_, currents_, adc_codes_;
};

PatchView vectors_view(const Matrix<float>& x, Index first, Index count) {
  return {.data = x.row(first),
          .samples = count,
          .channels = x.columns(),
          .sample_stride = x.columns(),
          .channel_stride = 1};
}

void write_y(const std::filesystem::path& file, const std::vector<Index>& shape,
             const std::vector<float>& y, const Experiment& e, const CommonOptions& options,
             const ResultsIdentity& identity) {
  if (file.extension() == ".npy") return write_npy(file, shape, y.data());
  if (file.extension() == ".csv") return write_csv(file, {y.data(), shape[0], shape[1]});
  h5::Writer out(file);
  write_header(out, e, identity, {.command = options.command_line});
  out.write("/y", shape, y.data());
  out.describe("/y", "output units",
               shape.size() == 3 ? "chip x vector x output" : "vector x output");
  out.commit();
}

/// What --dump holds.
struct Dump {
  CellPlanes planes;
  std::vector<float> codes, before, after;  ///< of the DAC (first chip), before and after the ADC
};
struct DumpSizes {
  Index chips, vectors, outputs, inputs, row_tiles, columns;
};

void write_dump(const std::filesystem::path& file, const Experiment& e,
                const CommonOptions& options, const ResultsIdentity& identity, const Dump& dump,
                const DumpSizes& size) {
  h5::Writer out(file);
  write_header(out, e, identity, {.command = options.command_line});
  const std::vector<Index> cells{size.chips, dump.planes.polarities, size.outputs, size.inputs};
  const auto put = [&](const std::string& name, const std::vector<Index>& shape,
                       const std::vector<float>& values, const char* unit, const char* meaning) {
    out.write(name, shape, values.data());
    out.describe(name, unit, meaning);
  };
  put("/target", cells, dump.planes.target, "S",
      "conductance asked for: chip x polarity x output x input");
  put("/programmed", cells, dump.planes.programmed, "S",
      "conductance after programming, before relaxation and drift");
  put("/aged", cells, dump.planes.aged, "S", "conductance at the time of reading");
  for (const auto& [name, values] : dump.planes.state)
    put("/state/" + name, cells, values, "1", "state of the device model");
  put("/dac_codes", {size.vectors, size.inputs}, dump.codes, "1",
      "DAC codes: vector x input; ideal: the inputs");
  const std::vector<Index> reads{size.chips, size.row_tiles, size.vectors, size.columns};
  put("/currents", reads, dump.before, "A",
      "before the ADC: chip x row tile x vector x conversion");
  put("/adc_codes", reads, dump.after, "1", "after the ADC; NaN: ideal");
  out.commit();
}

/// A place that cannot be written is told before the work.
void check_place(const std::filesystem::path& file) { const WholeFile trial(file); }

void check_new(const std::filesystem::path& file, const char* flag, bool force) {
  if (!force && std::filesystem::exists(file))
    throw ConfigError(std::string(flag) + " " + file.string() +
                      ": exists; choose another name, or replace it with --force");
}

/// Neither output may be the other, or a file that is read ("file.h5:/path" is file.h5).
void check_apart(const std::vector<std::pair<std::string, std::string>>& files) {
  const auto place = [](const std::string& name) {
    const auto path = name.find(".h5:");
    return std::filesystem::weakly_canonical(path == std::string::npos ? name
                                                                       : name.substr(0, path + 3));
  };
  for (std::size_t a = 0; a < 2; ++a)
    for (std::size_t b = a + 1; b < files.size(); ++b)
      if (!files[a].second.empty() && !files[b].second.empty() &&
          place(files[a].second) == place(files[b].second))
        throw ConfigError(files[a].first + " and " + files[b].first + " are one file, " +
                          files[b].second + "; choose another name for the output");
}

int mvm(const CommonOptions& options, const MvmOptions& own, Console& console) {
  std::vector<std::string> settings = options.settings;
  if (own.chips) settings.push_back("chips=" + std::to_string(*own.chips));
  RunParams defaults;
  defaults.chips = 1;
  Experiment e;
  if (options.config.empty()) {
    ConfigNode root;
    for (const std::string& setting : settings) apply_setting(root, setting);
    e = make_experiment(root, defaults);
  } else {
    e = read_experiment(options.config, settings, defaults);
  }
  apply_common_options(options, e.run);
  const Index chips = e.run.chips;
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
               {"--inputs", own.inputs}});
  const Matrix<float> w = read_matrix(own.weights, "--weights"),
                      x = read_matrix(own.inputs, "--inputs");
  if (w.empty() || x.empty())
    throw ShapeError((w.empty() ? "--weights " + own.weights : "--inputs " + own.inputs) +
                     ": is empty");
  if (w.columns() != x.columns())
    throw ShapeError(fmt::format(
        "--weights {} is {} x {} (outputs x inputs), but --inputs {} has vectors of {} numbers",
        own.weights, w.rows(), w.columns(), own.inputs, x.columns()));

  const ResultsIdentity identity =
      identity_of(e, "mvm",
                  digest(std::string(reinterpret_cast<const char*>(w.data()),
                                     static_cast<std::size_t>(w.size()) * sizeof(float)) +
                         std::string(reinterpret_cast<const char*>(x.data()),
                                     static_cast<std::size_t>(x.size()) * sizeof(float))));
  const std::vector<PatchView> calibration{vectors_view(x, 0, x.rows())};
  sim::LayerPlan plan =
      sim::plan_layer("W", 0, e.hardware, w, {}, sim::calibrate_dac(e.hardware.dac, calibration));
  put_fault_map(e, plan);
  if (options.dry_run) {
    console.print("W {} x {} on {} tiles, {} cells; {} vectors on {} chip{}\n", w.rows(),
                  w.columns(), plan.tiles(),
                  grouped(w.size() * sim::columns_of(e.hardware.array.mapping)), x.rows(), chips,
                  chips == 1 ? "" : "s");
    return 0;
  }
  check_place(options.output);
  if (!own.dump.empty()) check_place(own.dump);
  plan.adc = sim::calibrate_adc(plan, calibration);
  watch_for_interrupts();

  const RandomStream stream(static_cast<std::uint64_t>(e.run.seed));
  const Index n_out = w.rows(), vectors = x.rows();
  std::vector<float> y(static_cast<std::size_t>(chips * vectors * n_out));
  Dump seen;
  const bool dump = !own.dump.empty();
  const auto row_tiles = static_cast<Index>(plan.tiling.rows.size());
  const Index columns = e.hardware.array.mapping != sim::Mapping::offset &&
                                e.hardware.array.subtraction == sim::Subtraction::digital
                            ? 2 * n_out
                            : n_out;
  Activity activity;
  const Index blocks = block_count(vectors, kLanes);
  {
    Progress progress("chips", chips, options.quiet);
    for (Index chip = 0; chip < chips; ++chip) {
      stop_if_interrupted("interrupted; nothing was written, the same command starts again");
      const devices::ProgramContext program{.stream = &stream, .chip = chip};
      if (e.hardware.adc.recalibrate_per_chip)
        plan.adc = sim::calibrate_adc(plan, calibration, program, {});
      const sim::Crossbar crossbar(plan, program, {.seconds = e.time.at});
      std::optional<Recorder> recorder;
      if (dump) recorder.emplace(vectors, w.columns(), row_tiles, columns);
      std::vector<Activity> counts(static_cast<std::size_t>(blocks));
      for_each_block(blocks, [&](Index block) {
        const Index first = block * kLanes, count = std::min(kLanes, vectors - first);
        ReadContext context;
        context.stream = &stream;
        context.chip = chip;
        context.first_sample = first;
        context.activity = &counts[static_cast<std::size_t>(block)];
        context.tap = recorder ? &*recorder : nullptr;
        crossbar.apply(vectors_view(x, first, count), context,
                       {y.data() + (chip * vectors + first) * n_out, n_out, 1, 0});
      });
      for (const Activity& block : counts) activity.merge(block);
      if (dump) {
        gather_cells(crossbar, n_out, w.columns(), chip, chips, seen.planes);
        const auto append = [](std::vector<float>& to, const Matrix<float>& from) {
          to.insert(to.end(), from.data(), from.data() + from.size());
        };
        if (chip == 0) append(seen.codes, recorder->dac());
        append(seen.before, recorder->before());
        append(seen.after, recorder->after());
      }
      progress.advance();
    }
  }
  for (const float value : y)
    if (!std::isfinite(value))
      throw ConfigError(
          "the product is not finite: --weights, --inputs, or the conductances and noise of "
          "[device] "
          "are beyond single precision");

  std::vector<Index> shape{chips, vectors, n_out};
  if (chips == 1) shape.erase(shape.begin());
  if (dump)
    write_dump(own.dump, e, options, identity, seen,
               {chips, vectors, n_out, w.columns(), row_tiles, columns});
  try {
    write_y(options.output, shape, y, e, options, identity);
  } catch (const FileError&) {  // both files or neither
    std::error_code ignored;
    if (dump) std::filesystem::remove(own.dump, ignored);
    throw;
  }

  double error = 0, signal = 0;
  for (Index v = 0; v < vectors; ++v)
    for (Index o = 0; o < n_out; ++o) {
      double exact = 0;
      for (Index i = 0; i < w.columns(); ++i) exact += static_cast<double>(w(o, i)) * x(v, i);
      signal += exact * exact * static_cast<double>(chips);
      for (Index chip = 0; chip < chips; ++chip) {
        const double d = y[static_cast<std::size_t>((chip * vectors + v) * n_out + o)] - exact;
        error += d * d;
      }
    }
  std::int64_t conversions = 0, clipped = 0;
  for (const auto& tile : activity.layers.front().tiles) {
    conversions += tile.conversions;
    clipped += tile.clipped;
  }
  console.print("{} x {} weights on {} tiles, {} vectors, {} chip{} (seed {})\n", n_out,
                w.columns(), plan.tiles(), vectors, chips, chips == 1 ? "" : "s", e.run.seed);
  console.print(
      "rms error {:.3g} % of the rms of W x; {} % of the ADC conversions beyond the range\n",
      signal > 0 ? 100 * std::sqrt(error / signal) : 0.0,
      per_cent(static_cast<double>(clipped) /
                   static_cast<double>(std::max<std::int64_t>(conversions, 1)),
               3));
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
  command->add_option("--inputs", own->inputs, "X: one vector a row")->required();
  command->add_option("--chips", own->chips,
                      "chips to program (default 1, or `chips` of the config)");
  command->add_option("--dump", own->dump, "HDF5 file for cells and signals");
  command->get_option("--output")->required();
  command->callback([&options, &action, own] {
    action = [&options, own](Console& console) { return mvm(options, *own, console); };
  });
}

}  // namespace ohmic::lab
