#include "devices/faults.h"

#include <fmt/format.h>

#include "base/units.h"
#include "io/h5.h"

namespace ohmic::devices {

const char* const kFaultsManual =
    R"(Broken cells. A stuck cell conducts g_min, g_max or stuck_uS (a short conducts far more than g_max: it is not clipped), whatever it is told and
at any time; all cells of a dead word or bit line conduct nothing. Rates are fractions of the cells or lines (0.01 is one in a hundred).
Lines are wires of one tile: every tile has word and bit lines of its own, so dead lines change with array.rows and array.columns; a dead
word line takes both devices of its pairs. A chip keeps its faults over programmings; maps drawn at growing rates nest. Layers,
polarities and copies have draws of their own.
Measured rates: 1.75 % of cells stuck at one end and 9.04 % at the other (Chen et al., IEEE Trans. Comput. 64 (2015) 180; recalled).
A mapping that knows the faults can do something about them: adjust_pairs gives the working device of a differential pair the target g_stuck -+ the
wanted difference, within its range; spare_columns gives every tile as many spare outputs (devices of their own, weight rows behind the layer's), which
take the weights of the outputs whose weights are furthest off, where that helps. With a user's map spare columns are without faults.
map = "faults.h5": the user's own, a data set a layer, 2 x n_out x n_in (positive, negative), numbers 0 none, 1 stuck at g_min, 2 at g_max,
3 at stuck_uS, 4 dead word line, 5 dead bit line; then nothing is drawn.)";

void fields(FieldVisitor& f, FaultParams& p) {
  const auto rate = [&](std::string_view key, std::string_view meaning, double& value) {
    f.field({.key = key, .meaning = meaning, .unit = "fraction", .low = 0, .high = 1}, value);
  };
  rate("stuck_at_g_min", "fraction of cells stuck at g_min", p.stuck_at_g_min);
  rate("stuck_at_g_max", "fraction of cells stuck at g_max", p.stuck_at_g_max);
  rate("stuck_at_given", "fraction of cells stuck at stuck_uS", p.stuck_at_given);
  f.field({.key = "map",
           .meaning = "HDF5 file with the user's own map, a data set per layer",
           .is_file = true},
          p.map);
  f.field(
      {.key = "stuck_uS",
       .meaning = "conductance of stuck_at_given; may lie outside the device's range",
       .unit = "uS",
       .scale = units::kMicrosiemens,
       .low = 0,
       .high = 1e6,
       .idle =
           p.stuck_at_given > 0 || !p.map.empty() ? "" : "stuck_at_given is 0 and there is no map"},
      p.given);
  rate("dead_rows", "fraction of dead word lines", p.dead_rows);
  rate("dead_columns", "fraction of dead bit lines", p.dead_columns);
  const std::string_view idle = p.is_active() ? "" : "there are no faults";
  f.field({.key = "adjust_pairs",
           .meaning = "the working device of a pair takes the target that leaves their difference "
                      "nearest to the weight (fault-aware mapping)",
           .idle = idle},
          p.adjusts_pairs);
  f.field({.key = "spare_columns",
           .meaning = "spare outputs of a tile, which replace those whose faults cost most; beside "
                      "array.columns",
           .low = 0,
           .high = 1024,
           .idle = idle},
          p.spare_columns);
}

void check_faults(const FaultParams& p, const ConfigNode& table, const std::string& path) {
  const auto at = [&](std::string_view key) { return origin_of(table, key); };
  const double stuck = p.stuck_at_g_min + p.stuck_at_g_max + p.stuck_at_given;
  if (stuck > 1)
    fail_at(at("stuck_at_g_min"), path + ": the rates of stuck cells sum to " + shortest(stuck) +
                                      ", more than all cells");
  if (p.stuck_at_given > 0 && !p.given)
    fail_at(at("stuck_at_given"), path + ".stuck_at_given = " + shortest(p.stuck_at_given) +
                                      " needs " + path + ".stuck_uS");
  if (!p.map.empty() && stuck + p.dead_rows + p.dead_columns > 0)
    fail_at(at("map"), path + ".map and rates are both given; leave one out");
}

namespace {

constexpr Index kStuckPulse = 0, kKindPulse = 1;

}  // namespace

Matrix<std::uint8_t> draw_faults(const FaultParams& p, const ProgramContext& context, Index rows,
                                 Index columns, Index first_bit_line) {
  Matrix<std::uint8_t> out(rows, columns);
  const double stuck = p.stuck_at_g_min + p.stuck_at_g_max + p.stuck_at_given;
  const auto n = static_cast<std::size_t>(columns);
  std::vector<double> u(n), kind(n), word_line(n), bit_line(static_cast<std::size_t>(rows));
  if (p.dead_rows > 0) context.line_uniforms(false, 0, word_line);
  if (p.dead_columns > 0) context.line_uniforms(true, first_bit_line, bit_line);
  for (Index r = 0; r < rows; ++r) {
    if (stuck > 0) {
      context.uniforms(Purpose::fault, r, u, kStuckPulse);
      context.uniforms(Purpose::fault, r, kind, kKindPulse);
    }
    for (std::size_t c = 0; c < n; ++c) {
      Fault fault = Fault::none;
      if (stuck > 0 && u[c] < stuck)
        fault = kind[c] * stuck < p.stuck_at_g_min                      ? Fault::stuck_at_g_min
                : kind[c] * stuck < p.stuck_at_g_min + p.stuck_at_g_max ? Fault::stuck_at_g_max
                                                                        : Fault::stuck_at_given;
      if (p.dead_rows > 0 && word_line[c] < p.dead_rows) fault = Fault::dead_row;
      if (p.dead_columns > 0 && bit_line[static_cast<std::size_t>(r)] < p.dead_columns)
        fault = Fault::dead_column;
      out(r, static_cast<Index>(c)) = static_cast<std::uint8_t>(fault);
    }
  }
  return out;
}

double broken_conductance(Fault fault, const FaultParams& params, const DeviceModel& device) {
  switch (fault) {
    case Fault::stuck_at_g_min:
      return device.g_min();
    case Fault::stuck_at_g_max:
      return device.g_max();
    case Fault::stuck_at_given:
      return params.given.value();
    default:
      return 0;
  }
}

std::map<std::string, LayerFaults> read_fault_map(const std::filesystem::path& file) {
  const h5::Reader in(file);
  std::map<std::string, LayerFaults> out;
  constexpr auto kLast = static_cast<std::int64_t>(Fault::dead_column);
  for (const std::string& layer : in.children("/")) {
    const h5::Array<std::int64_t> all = in.integers("/" + layer);
    const std::string where = file.string() + ": /" + layer;
    if (all.shape.size() != 3 || all.shape[0] != 2)
      throw FileError(where + " is not a fault map: 2 x n_out x n_in numbers are expected");
    const Index rows = all.shape[1], columns = all.shape[2];
    LayerFaults planes;
    for (std::size_t p = 0; p < 2; ++p) {
      planes[p] = Matrix<std::uint8_t>(rows, columns);
      for (Index i = 0; i < rows * columns; ++i) {
        const std::int64_t code =
            all.values[p * static_cast<std::size_t>(rows * columns) + static_cast<std::size_t>(i)];
        if (code < 0 || code > kLast)
          throw FileError(where + "[" + std::to_string(p) + ", " + std::to_string(i / columns) +
                          ", " + std::to_string(i % columns) + "] = " + std::to_string(code) +
                          " is not a fault (0 .. " + std::to_string(kLast) + ")");
        planes[p].data()[i] = static_cast<std::uint8_t>(code);
      }
    }
    out.emplace(layer, std::move(planes));
  }
  return out;
}

LayerFaults layer_faults(const std::filesystem::path& file, const FaultParams& params,
                         const std::string& layer, Index rows, Index columns) {
  auto all = read_fault_map(file);
  const auto found = all.find(layer);
  if (found == all.end()) throw FileError(file.string() + ": no fault map of layer " + layer);
  const Matrix<std::uint8_t>& plane = found->second.front();
  if (plane.rows() != rows || plane.columns() != columns)
    throw ShapeError(
        fmt::format("{}: /{} is a fault map of {} x {} cells per polarity; the layer has {} x {}",
                    file.string(), layer, plane.rows(), plane.columns(), rows, columns));
  for (std::size_t p = 0; p < found->second.size() && !params.given; ++p)
    for (Index i = 0; i < plane.size(); ++i)
      if (static_cast<Fault>(found->second[p].data()[i]) == Fault::stuck_at_given)
        throw ConfigError(fmt::format(
            "{}: /{}[{}, {}, {}] = 3 is a cell stuck at faults.stuck_uS, which is not given",
            file.string(), layer, p, i / columns, i % columns));
  return std::move(found->second);
}

}  // namespace ohmic::devices
