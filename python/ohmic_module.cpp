#include <pybind11/iostream.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include <bit>
#include <cmath>
#include <csignal>
#include <map>
#include <sstream>

#include "base/interrupt.h"
#include "cli/command.h"
#include "cli/program.h"
#include "lab/experiment/version.h"
#include "lab/results/schema.h"
#include "lab/study/mvm.h"

/// The Python module `ohmic`: commands of the program as functions, results as xarray data sets and
/// numpy arrays. docs/python.md shows each.
namespace {

using namespace ohmic;
namespace py = pybind11;

[[noreturn]] void fail_type(const std::string& what, py::handle value, const char* expected) {
  throw py::type_error(what + " is of type " +
                       std::string(py::str(py::type::of(value).attr("__name__"))) + ", expected " +
                       expected);
}

/// A value of a config; `key` names it in messages.
ConfigNode node_of(py::handle value, const std::string& key) {
  ConfigNode node;
  node.origin.place = "config";
  if (py::isinstance<py::bool_>(value)) {
    node.value = value.cast<bool>();
  } else if (py::isinstance<py::int_>(value)) {
    int overflow = 0;
    const long long number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
    if (overflow != 0) fail_at(node.origin, key + " is not a 64-bit integer");
    node.value = std::int64_t{number};
  } else if (py::isinstance<py::float_>(value)) {
    node.value = value.cast<double>();
  } else if (py::isinstance<py::str>(value)) {
    node.value = value.cast<std::string>();
  } else if (py::isinstance<py::dict>(value)) {
    for (const auto& [name, child] : py::reinterpret_borrow<py::dict>(value)) {
      if (!py::isinstance<py::str>(name)) fail_type("a key of " + key, name, "str");
      const auto word = name.cast<std::string>();
      node.put(word, node_of(child, key == "config" ? word : key + "." + word));
    }
  } else if (py::isinstance<py::list>(value) || py::isinstance<py::tuple>(value)) {
    ConfigNode::Array list;
    for (const py::handle child : value) list.push_back(node_of(child, key));
    node.value = std::move(list);
  } else if (py::hasattr(value, "__fspath__")) {
    node.value = value.attr("__fspath__")().cast<std::string>();
  } else if (py::hasattr(value, "tolist")) {  // numpy's arrays and scalars
    return node_of(value.attr("tolist")(), key);
  } else {
    fail_type(key, value, "bool, int, float, str, a path, a list or a dict");
  }
  return node;
}

std::string path_of(py::handle value, const std::string& what) {
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (!py::hasattr(value, "__fspath__")) fail_type(what, value, "a path");
  return value.attr("__fspath__")().cast<std::string>();
}

/// A config and what changes in it.
struct GivenConfig {
  std::string file;                ///< or the name of the tree in messages; "" for none
  std::optional<ConfigNode> tree;  ///< of a dict
  std::vector<std::string> settings;

  GivenConfig(const py::object& config, const py::dict& changes) {
    if (py::isinstance<py::dict>(config)) {
      file = "config";
      tree = node_of(config, file);
    } else if (!config.is_none()) {
      file = path_of(config, "config");
    }
    for (const auto& [key, value] : changes) {
      if (!py::isinstance<py::str>(key)) fail_type("a key of settings", key, "str");
      const auto name = key.cast<std::string>();
      settings.push_back(name + "=" + inline_toml(node_of(value, name)));
    }
  }
};

using Numbers = py::array_t<float, py::array::c_style | py::array::forcecast |
                                       py::detail::npy_api::NPY_ARRAY_ALIGNED_>;

/// `value` as float32 rows; copied only where it is not such an array already.
Numbers numbers_of(const py::object& value, const char* name) {
  py::array array = py::module_::import("numpy").attr("asarray")(value);
  if (std::string("biuf").find(array.dtype().kind()) == std::string::npos)
    throw py::type_error(std::string(name) + " has dtype " +
                         py::str(array.dtype()).cast<std::string>() + ", expected real numbers");
  if (array.ndim() == 1) array = array.reshape({py::ssize_t{1}, array.shape(0)});
  if (array.ndim() != 2)
    throw ShapeError(fmt::format("{}: has {} dimensions, expected a matrix", name, array.ndim()));
  return Numbers(array);
}

/// Borrows from `numbers`. ConfigError where one is not finite.
ConstView<float> finite_view(const Numbers& numbers, const char* name) {
  const ConstView<float> view(numbers.data(), numbers.shape(0), numbers.shape(1));
  constexpr std::uint32_t kExponent = 0x7f800000u;  // all ones: infinity or NaN
  std::uint32_t spoilt = 0;
  for (Index i = 0; i < view.size(); ++i)
    spoilt += (std::bit_cast<std::uint32_t>(view.data()[i]) & kExponent) == kExponent;
  for (Index i = 0; spoilt > 0 && i < view.size(); ++i)
    if (!std::isfinite(view.data()[i]))
      throw ConfigError(fmt::format("{}: row {}, column {} is {}, expected a finite number", name,
                                    i / view.columns() + 1, i % view.columns() + 1,
                                    view.data()[i]));
  return view;
}

/// The numbers as an array that owns them; nothing is copied.
py::array_t<float> array_of(std::vector<float>&& values, const std::vector<Index>& shape) {
  auto kept = std::make_unique<std::vector<float>>(std::move(values));
  const py::capsule owner(kept.get(), [](void* p) { delete static_cast<std::vector<float>*>(p); });
  const float* data = kept.release()->data();
  return py::array_t<float>(shape, data, owner);
}

/// A computation that a signal ended.
class Stopped final : public Interrupted {
 public:
  Stopped(const std::string& how_to_go_on, int which) : Interrupted(how_to_go_on), signal(which) {}
  int signal;
};

/// h5py and Ohmic may saturation one HDF5 library, which Debian builds without locks, so a
/// computation holds the lock of h5py. With it, there is one computation at a time.
class Hdf5Lock {
 public:
  Hdf5Lock() : lock_(py::module_::import("h5py._objects").attr("phil")) { lock_.attr("acquire")(); }
  ~Hdf5Lock() { lock_.attr("release")(); }
  Hdf5Lock(const Hdf5Lock&) = delete;
  Hdf5Lock& operator=(const Hdf5Lock&) = delete;

 private:
  py::object lock_;
};

/// Does `work` without the GIL, interruptible. Throws Stopped.
template <class Work>
auto computed(const Work& work) {
  const Hdf5Lock lock;
  std::optional<decltype(work())> result;
  try {
    const py::gil_scoped_release released;
    const InterruptWatch watch;
    result = work();
  } catch (const Interrupted& stop) {
    throw Stopped(stop.what(), interrupting_signal());
  }
  if (const int signal = interrupting_signal())
    throw Stopped("interrupted when all was done", signal);
  return std::move(*result);
}

/// The signal goes to the handler that Python has for it; KeyboardInterrupt says how to go on.
void hand_on(const Stopped& stop) {
  std::raise(stop.signal);
  if (PyErr_CheckSignals() == 0 || PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
    PyErr_SetString(PyExc_KeyboardInterrupt, stop.what());
}

/// A folder that is gone at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "ohmic-XXXXXX").string()) {
    if (!mkdtemp(path_.data())) throw FileError(path_ + ": the folder cannot be made");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

using Count = std::optional<std::int64_t>;

struct JobOptions {
  py::object output;
  Count threads;
  bool quiet, force, cache;
};

using ReadResults = py::object (*)(const std::string& file);

/// What the program said of points that failed.
std::string failures_in(const std::string& said) {
  std::istringstream lines(said);
  std::string all;
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("failed: ")) all += (all.empty() ? "" : "\n") + line;
  return all.empty() ? "some points failed; their results are NaN" : all;
}

/// Runs a command that writes a results.h5 and reads that.
py::object results_of(std::vector<std::string> words, const py::object& config,
                      const py::dict& settings, const JobOptions& job, ReadResults read) {
  if (config.is_none()) fail_type("config", config, "a path or a dict");
  const GivenConfig given(config, settings);
  std::optional<TemporaryFolder> temporary;
  if (job.output.is_none()) temporary.emplace();
  const std::string folder = temporary ? temporary->path() : path_of(job.output, "output");
  words.insert(words.end(), {"--output", folder});
  for (const std::string& setting : given.settings) words.insert(words.end(), {"--set", setting});
  if (job.threads) words.insert(words.end(), {"--threads", std::to_string(*job.threads)});
  if (job.quiet) words.emplace_back("--quiet");
  if (job.force) words.emplace_back("--force");
  if (!job.cache) words.emplace_back("--no-cache");
  words.insert(words.end(), {"--", given.file});

  const py::module_ sys = py::module_::import("sys");
  std::stringbuf kept_out, kept_log;
  std::optional<py::detail::pythonbuf> shown_out, shown_log;
  if (!job.quiet) {
    shown_out.emplace(sys.attr("stdout"));
    shown_log.emplace(sys.attr("stderr"));
  }
  std::ostream out(shown_out ? static_cast<std::streambuf*>(&*shown_out) : &kept_out);
  std::ostream log(shown_log ? static_cast<std::streambuf*>(&*shown_log) : &kept_log);
  const int status = computed(
      [&] { return lab::run_command(words, out, log, given.tree ? &*given.tree : nullptr); });
  if (status == lab::kSomeFailed &&
      PyErr_WarnEx(PyExc_RuntimeWarning, failures_in(kept_out.str()).c_str(), 1) != 0)
    throw py::error_already_set();
  const std::string results = folder + "/results.h5";
  if (!std::filesystem::exists(results))
    throw FileError(results + ": is not there yet: other processes still work on this sweep");
  const Hdf5Lock lock;
  return read(results);
}

/// What the variables of a group of results are called in one data set: its prefix and theirs.
struct GroupNames {
  std::string_view group, prefix;
};
constexpr GroupNames kGroups[] = {{"chips", ""},
                                  {"chips/variance", "variance_"},
                                  {"error_budget", "error_budget_"},
                                  {"retention", "retention_"},
                                  {"layers", ""},
                                  {"training", "training_"}};

/// The dimension that an axis of a group becomes.
std::string dimension_of(std::string_view group, const std::string& axis) {
  if (group == "layers" && axis == "name") return "layer";
  if (group == "training" && axis == "layer") return "training_layer";
  return axis;
}

/// The variables of a data set of xarray, as they are gathered.
class Variables {
 public:
  void put(const std::string& name, const std::vector<std::string>& dimensions,
           const py::object& values, const py::dict& attributes) {
    const py::tuple shape = values.attr("shape");
    for (std::size_t d = 0; d < dimensions.size(); ++d)
      sizes_[dimensions[d]] = shape[d].cast<Index>();
    py::list names;
    for (const std::string& dimension : dimensions) names.append(dimension);
    all_[name.c_str()] = py::make_tuple(names, values, attributes);
  }
  py::object made(const py::dict& attributes) {
    const py::module_ numpy = py::module_::import("numpy");
    for (const auto& [dimension, size] : sizes_)
      if (!all_.contains(dimension.c_str()))
        all_[dimension.c_str()] = py::make_tuple(dimension, numpy.attr("arange")(size));
    return py::module_::import("xarray").attr("Dataset")(all_, py::arg("attrs") = attributes);
  }

 private:
  py::dict all_;
  std::map<std::string, Index> sizes_;
};

/// Attributes without those in capitals, which HDF5 keeps for dimension scales.
py::dict attributes_of(const py::object& object) {
  py::dict all;
  for (const auto& [name, value] : py::dict(object.attr("attrs")))
    if (!name.attr("isupper")().cast<bool>()) all[name] = value;
  return all;
}

py::object values_of(const py::object& data_set) {
  const bool is_text = data_set.attr("dtype").attr("kind").cast<std::string>() == "O";
  if (is_text) return data_set.attr("asstr")()[py::tuple()].attr("astype")("str");
  return data_set[py::tuple()];
}

/// The row tiles' fractions of every layer, NaN where a layer has fewer.
void put_tiles(const py::object& file, Variables& variables) {
  if (!file.contains("tiles")) return;
  const py::module_ numpy = py::module_::import("numpy");
  const py::object layers = values_of(file["layers/name"]);
  std::vector<py::array_t<double>> rows;
  py::dict attributes;
  Index most = 0;
  for (const py::handle layer : layers) {
    rows.emplace_back(0);
    if (!file["tiles"].contains(layer)) continue;
    const py::object saturation = file["tiles"][layer]["saturation"];
    attributes = attributes_of(saturation);
    rows.back() = values_of(saturation);
    most = std::max(most, Index{rows.back().size()});
  }
  const auto count = static_cast<Index>(rows.size());
  py::array_t<double> all({count, most});
  for (Index layer = 0; layer < count; ++layer)
    for (Index tile = 0; tile < most; ++tile) {
      const auto& row = rows[static_cast<std::size_t>(layer)];
      all.mutable_at(layer, tile) = tile < row.size() ? row.at(tile) : std::nan("");
    }
  variables.put("tile_saturation", {"layer", "tile"}, all, attributes);
}

py::object run_results(const std::string& path) {
  const py::object opened = py::module_::import("h5py").attr("File")(path, "r");
  struct Closing {
    const py::object& file;
    ~Closing() { file.attr("close")(); }
  } const closing{opened};
  Variables variables;
  py::dict attributes = attributes_of(opened);
  for (const GroupNames& names : kGroups) {
    const std::string group(names.group);
    if (!opened.contains(group)) continue;
    for (const py::handle child : opened[group.c_str()]) {
      const auto name = child.cast<std::string>();
      const lab::DataSetEntry* entry = lab::find_entry("run", "/" + group + "/" + name);
      const py::object object = opened[group.c_str()][name.c_str()];
      if (!entry || py::hasattr(object, "keys") || name == "single") continue;
      std::vector<std::string> dimensions;
      for (const std::string& axis : entry->axes) dimensions.push_back(dimension_of(group, axis));
      py::object values = values_of(object);
      if (dimensions.empty()) values = values[py::int_(0)];
      variables.put(entry->is_axis() ? dimensions[0] : std::string(names.prefix) + name, dimensions,
                    values, attributes_of(object));
    }
  }
  put_tiles(opened, variables);
  attributes["images"] = opened["chips"].attr("attrs")["images"];
  if (opened.contains("error_budget"))
    attributes["budget_images"] = opened["error_budget"].attr("attrs")["images"];
  return variables.made(attributes);
}

py::object run(const py::object& config, const py::dict& settings, const py::object& output,
               const Count& threads, bool quiet, bool force, bool cache) {
  return results_of({"run"}, config, settings, {output, threads, quiet, force, cache}, run_results);
}

py::object sweep(const py::object& config, const py::dict& settings, const py::object& output,
                 const Count& threads, bool quiet, bool force, bool cache) {
  return results_of(
      {"sweep", "--shard", "none"}, config, settings, {output, threads, quiet, force, cache},
      [](const std::string& file) -> py::object {
        const py::object found = py::module_::import("xarray").attr("load_dataset")(
            file, py::arg("engine") = "h5netcdf");
        const py::object is_missing = found["status"].attr("values").attr("__eq__")(2);
        if (is_missing.attr("any")().cast<bool>() &&
            PyErr_WarnEx(PyExc_RuntimeWarning,
                         "points are missing: other processes still work on this "
                         "sweep",
                         1) != 0)
          throw py::error_already_set();
        return found;
      });
}

/// The experiment of mvm() and program(), threads set.
lab::Experiment matrix_experiment(const GivenConfig& given, const Count& chips,
                                  const Count& threads) {
  lab::CommonOptions options;
  options.config = given.file;
  options.tree = given.tree ? &*given.tree : nullptr;
  options.settings = given.settings;
  options.threads = threads;
  if (chips) options.settings.push_back("chips=" + std::to_string(*chips));
  lab::Experiment experiment = lab::read_experiment(options, lab::matrix_defaults());
  lab::apply_common_options(options, experiment.run);
  return experiment;
}

py::array_t<float> mvm(const py::object& weights, const py::object& inputs,
                       const py::object& config, const py::dict& settings, const Count& chips,
                       const Count& threads) {
  const GivenConfig given(config, settings);
  const Numbers w = numbers_of(weights, "W"), x = numbers_of(inputs, "X");
  Index programmed = 0;
  lab::MvmResult product = computed([&] {
    const lab::Experiment experiment = matrix_experiment(given, chips, threads);
    programmed = experiment.run.chips;
    const lab::Mvm problem{experiment, finite_view(w, "W"), finite_view(x, "X")};
    return lab::multiply(problem, lab::plan_mvm(problem), nullptr, true);
  });
  std::vector<Index> shape{programmed, x.shape(0), w.shape(0)};
  if (programmed == 1) shape.erase(shape.begin());
  return array_of(std::move(product.y), shape);
}

py::dict program(const py::object& weights, const py::object& config, const py::dict& settings,
                 const Count& chips, const Count& threads) {
  const GivenConfig given(config, settings);
  const Numbers w = numbers_of(weights, "W");
  Index programmed = 0;
  lab::CellPlanes planes = computed([&] {
    const lab::Experiment experiment = matrix_experiment(given, chips, threads);
    programmed = experiment.run.chips;
    return lab::program_cells(experiment, finite_view(w, "W"));
  });
  const std::vector<Index> shape{programmed, planes.polarities, w.shape(0), w.shape(1)};
  py::dict cells;
  cells["target"] = array_of(std::move(planes.target), shape);
  cells["programmed"] = array_of(std::move(planes.programmed), shape);
  cells["aged"] = array_of(std::move(planes.after_drift), shape);
  for (auto& [name, values] : planes.state)
    cells[("state/" + name).c_str()] = array_of(std::move(values), shape);
  return cells;
}

}  // namespace

PYBIND11_MODULE(ohmic, m) {
  m.doc() = "Simulator of RRAM crossbars and of neural networks deployed on them.";
  m.attr("__version__") = std::string(lab::kVersion);

  static PyObject *file_error = nullptr, *config_error = nullptr;
  // Tried after those that are registered below.
  py::register_exception_translator([](std::exception_ptr failure) {
    try {
      std::rethrow_exception(failure);
    } catch (const py::builtin_exception&) {
      throw;
    } catch (const py::error_already_set&) {
      throw;
    } catch (const Stopped& stop) {
      hand_on(stop);
    } catch (const ConfigError& error) {
      const ConfigError::Parts& parts = error.parts();
      const py::object told = py::reinterpret_borrow<py::object>(config_error)(error.what());
      told.attr("key") = parts.key;
      told.attr("place") = parts.place.empty() ? parts.axis : parts.place;
      told.attr("message") = parts.message;
      PyErr_SetObject(config_error, told.ptr());
    } catch (const std::bad_alloc&) {
      PyErr_SetString(PyExc_MemoryError, lab::current_failure().line.c_str());
    } catch (...) {
      const lab::Failure told = lab::current_failure();
      PyErr_SetString(told.status == lab::kFiles ? file_error : PyExc_RuntimeError,
                      told.line.c_str());
    }
  });
  py::exception<ConfigError> config_type(m, "ConfigError", PyExc_ValueError);
  config_type.doc() =
      "A config key, value or argument that cannot be used. key: dotted, of the value at fault;\n"
      "place: where it was written; message: what is wrong, without the place. Each is \"\" where\n"
      "there is none.";
  for (const char* part : {"key", "place", "message"}) config_type.attr(part) = "";
  config_error = config_type.ptr();
  py::register_exception<ShapeError>(m, "ShapeError", PyExc_ValueError).doc() =
      "Sizes that do not fit together.";
  auto& files = py::register_exception<FileError>(m, "FileError", PyExc_OSError);
  files.doc() = "A file that is missing, damaged or cannot be written.";
  file_error = files.ptr();

  using namespace py::literals;
  m.def("run", run, "config"_a, "settings"_a = py::dict(), "output"_a = py::none(),
        "threads"_a = py::none(), "quiet"_a = true, "force"_a = false, "cache"_a = true,
        R"(Trains (or loads) a network, deploys it on chips and measures: `ohmic run`.

config: path of a TOML file, or a dict of the same tables; relative paths in a dict start at the
current folder. settings: {"device.sigma": 0.3}, as --set. output: folder of results, kept; without
it they are not. threads: 0 for all processors. quiet=False shows log and tables. force: replace
other results in `output`. cache=False: neither read nor keep trained networks.
Returns an xarray.Dataset.)");
  m.def("sweep", sweep, "config"_a, "settings"_a = py::dict(), "output"_a = py::none(),
        "threads"_a = py::none(), "quiet"_a = true, "force"_a = false, "cache"_a = true,
        R"(Measures every point of [sweep]: `ohmic sweep`. Arguments as those of run().

Warns where points failed. Returns an xarray.Dataset over the axes and the chips.)");
  m.def("mvm", mvm, "W"_a, "X"_a, "config"_a = py::none(), "settings"_a = py::dict(),
        "chips"_a = py::none(), "threads"_a = py::none(),
        R"(Programs W (outputs x inputs) on chips and reads it with every row of X: `ohmic mvm`.

Converters are calibrated on X. chips: those of the config, or 1. float32 arrays in C order are not
copied. Returns float32, chips x vectors x outputs, without the first axis for one chip.)");
  m.def("program", program, "W"_a, "config"_a = py::none(), "settings"_a = py::dict(),
        "chips"_a = py::none(), "threads"_a = py::none(),
        R"(Programs W (outputs x inputs) on chips and returns their cells.

A dict of float32 arrays, chips x polarities (positive, negative; one for the offset mapping) x
outputs x inputs: "target", "programmed" (before relaxation and drift), "aged" (when it is read) in
siemens, and "state/..." what the device model keeps beside.)");
}
