#include "devices/chip_readout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "io/h5.h"
#include "io/remark.h"

namespace ohmic::devices {

const char* const kRealChipManual =
    R"(Conductances that were read out of hardware take the place of programming. file = "chip.h5" holds a data set /layers/LAYER/programmed [S],
2 x n_out x n_in (positive, negative; 1 for the offset mapping), or with an axis of reads in front: then a cell has the mean over the reads, and
their deviation as white read noise. g_min_uS and g_max_uS say which conductances stand for weight 0 and the largest weight.

A chip that `ohmic run --dump-chip N` wrote is such a file, and holds more: its device (attribute `device`), the planes of its state, and its broken
cells. Read back it ages by its own device and gives the same results bit for bit (with read noise: as chip N of the same seed).
Programming errors, seeds and verifying loops of the config have nothing to act on. Source: the user's hardware.)";

void fields(FieldVisitor& f, RealChipParams& p) {
  f.field(
      {.key = "file", .meaning = "HDF5 file with the conductances of every layer", .is_file = true},
      p.file);
  fields(f, p.cell);
}

namespace {

constexpr const char* kReadPlane = "read_sigma";
constexpr const char* kBrokenPlane = "broken";

/// One polarity of a layer as the file has it.
struct LayerCells {
  Matrix<float> programmed;
  std::vector<NamedPlane> planes;
};

class RealChip : public GenericCell, private ReadOut {
 public:
  RealChip(const RealChipParams& p, std::filesystem::path file, DeviceMaker make)
      : GenericCell(p.cell), params_(p), file_(std::move(file)), make_(make) {}
  void program(const ProgramContext&, ConstView<float>, Cells&) const override {
    throw LogicError("a real chip programs layers, each with a model of its own");
  }
  double mean(double g, double) const override { return g; }
  double sigma(double, double) const override { return 0; }
  ConfigNode parameters() const override { return with_model("real_chip", write_fields(params_)); }
  const ReadOut* read_out() const override { return this; }
  std::shared_ptr<const DeviceModel> of_layer(const std::string& layer, Index polarities,
                                              Index rows, Index columns) const override;
  const RealChipParams& params() const { return params_; }
  const std::filesystem::path& file() const { return file_; }
  DeviceMaker maker() const { return make_; }

 private:
  RealChipParams params_;
  std::filesystem::path file_;
  DeviceMaker make_;
};

class RealLayer final : public RealChip {
 public:
  RealLayer(const RealChip& chip, std::vector<LayerCells> cells,
            std::shared_ptr<const DeviceModel> ages_as)
      : RealChip(chip.params(), chip.file(), chip.maker()),
        cells_(std::move(cells)),
        ages_as_(std::move(ages_as)) {
    has_reads_ = !cells_.front().planes.empty() &&
                 std::any_of(cells_.front().planes.begin(), cells_.front().planes.end(),
                             [](const NamedPlane& p) { return p.name == kReadPlane; });
  }
  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    const LayerCells& from = cells_[static_cast<std::size_t>(context.polarity)];
    const auto part = [&](const Matrix<float>& whole) {
      return Matrix<float>(whole.view().block(context.first_row, context.first_column,
                                              target.rows(), target.columns()));
    };
    out.target = Matrix<float>(target);
    out.programmed = part(from.programmed);
    out.state.clear();
    for (const NamedPlane& plane : from.planes)
      out.state.push_back({plane.name, part(plane.values)});
  }
  void conductance(const Cells& cells, double seconds, View<float> out) const override {
    if (ages_as_)
      ages_as_->conductance(cells, seconds, out);
    else
      RealChip::conductance(cells, seconds, out);
    if (!cells.has_plane(kBrokenPlane)) return;
    const ConstView<float> broken = cells.plane(kBrokenPlane);
    for (Index r = 0; r < out.rows(); ++r)
      for (Index c = 0; c < out.columns(); ++c)
        if (broken(r, c) >= 0) out(r, c) = broken(r, c);
  }
  void read_sigma(const Cells& cells, ConstView<float> g, double seconds,
                  View<float> out) const override {
    if (cells.has_plane(kReadPlane)) {
      const ConstView<float> sigma = cells.plane(kReadPlane);
      for (Index r = 0; r < out.rows(); ++r) std::copy_n(sigma.row(r), out.columns(), out.row(r));
    } else if (ages_as_) {
      ages_as_->read_sigma(cells, g, seconds, out);
    } else {
      RealChip::read_sigma(cells, g, seconds, out);
    }
  }
  std::optional<double> uniform_read_sigma() const override {
    if (has_reads_) return std::nullopt;
    return ages_as_ ? ages_as_->uniform_read_sigma() : RealChip::uniform_read_sigma();
  }
  TimeRange time_range() const override { return ages_as_ ? ages_as_->time_range() : TimeRange{}; }
  const CellReads* cell_reads() const override {
    return ages_as_ ? ages_as_->cell_reads() : nullptr;
  }

 private:
  std::vector<LayerCells> cells_;
  std::shared_ptr<const DeviceModel> ages_as_;
  bool has_reads_ = false;
};

/// Plane `polarity` of a data set of polarities x rows x columns.
Matrix<float> plane_of(const h5::Array<float>& all, std::size_t polarity) {
  Matrix<float> plane(all.shape[1], all.shape[2]);
  std::copy_n(all.values.begin() + static_cast<std::ptrdiff_t>(polarity) * plane.size(),
              plane.size(), plane.data());
  return plane;
}

/// One polarity of a data set of reads x polarities x rows x columns: the mean over the reads, and
/// their deviation as read noise.
LayerCells mean_of_reads(const h5::Array<float>& all, std::size_t polarity) {
  const auto reads = static_cast<std::size_t>(all.shape.front());
  const std::size_t size = all.values.size() / reads;
  Matrix<float> programmed(all.shape[2], all.shape[3]), sigma(all.shape[2], all.shape[3]);
  for (Index i = 0; i < programmed.size(); ++i) {
    const std::size_t at =
        polarity * static_cast<std::size_t>(programmed.size()) + static_cast<std::size_t>(i);
    double sum = 0, square = 0;
    for (std::size_t r = 0; r < reads; ++r) sum += all.values[r * size + at];
    const double mean = sum / static_cast<double>(reads);
    for (std::size_t r = 0; r < reads; ++r)
      square += (all.values[r * size + at] - mean) * (all.values[r * size + at] - mean);
    programmed.data()[i] = static_cast<float>(mean);
    sigma.data()[i] =
        reads > 1 ? static_cast<float>(std::sqrt(square / static_cast<double>(reads - 1))) : 0.0f;
  }
  LayerCells cells{std::move(programmed), {}};
  cells.planes.push_back({kReadPlane, std::move(sigma)});
  return cells;
}

std::string words_of(const std::vector<Index>& shape) {
  std::string words;
  for (const Index n : shape) words += (words.empty() ? "" : " x ") + std::to_string(n);
  return words;
}

/// "1, 0, 7": the indices of element `flat` of an array.
std::string place_of(std::size_t flat, const std::vector<Index>& shape) {
  std::string at;
  for (std::size_t d = shape.size(); d-- > 0; flat /= static_cast<std::size_t>(shape[d]))
    at = std::to_string(flat % static_cast<std::size_t>(shape[d])) + (at.empty() ? "" : ", ") + at;
  return at;
}

/// Throws FileError "`where`[0, 1, 2] = 3 `what` (7 such cells)" unless every value `is_good`.
template <class IsGood>
void check_values(const h5::Array<float>& array, const std::string& where, const char* what,
                  IsGood is_good) {
  std::int64_t bad = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < array.values.size(); ++i)
    if (!is_good(array.values[i]) && bad++ == 0) first = i;
  if (bad > 0)
    throw FileError(fmt::format("{}[{}] = {} {} ({} such cells)", where,
                                place_of(first, array.shape), array.values[first], what, bad));
}

constexpr float kMostSiemens = 1;  // a metal wire
constexpr const char* kNoConductance = "is not a conductance in S";

bool is_conductance(float g) { return g >= 0 && g <= kMostSiemens; }

/// FileError where the numbers cannot be conductances [S] of the cells that the config describes.
void check_read_out(const h5::Array<float>& array, const std::string& where, double g_max) {
  check_values(array, where, "is not a conductance",
               [](float g) { return g >= 0 && std::isfinite(g); });
  check_values(
      array, where,
      "is not a conductance in S: no cell conducts more than a metal wire, 1 S; does the file "
      "hold uS?",
      is_conductance);
  // Shorts conduct far more than g_max, but few cells are shorts.
  constexpr double kOtherUnit = 500, kMostShorts = 0.1;
  double beyond = 0;
  for (const float g : array.values) beyond += g > kOtherUnit * g_max ? 1 : 0;
  if (beyond > kMostShorts * static_cast<double>(array.values.size()))
    throw FileError(fmt::format(
        "{}: {} of {} cells conduct more than {} times device.g_max_uS = {}; the numbers are "
        "understood in S: are they in another unit?",
        where, beyond, array.values.size(), kOtherUnit,
        shortest(in_user_units(g_max, units::kMicrosiemens))));
}

/// FileError for numbers that no model stores in a plane of this name.
void check_plane(const h5::Array<float>& array, const std::string& name, const std::string& where) {
  constexpr float kLargestDraw = 40;  // standard deviations
  const float largest = name == "telegraph_trap"  ? 1
                        : name == "shared_factor" ? kLargestDraw
                                                  : 1e6f;
  if (name == kBrokenPlane)
    check_values(array, where, kNoConductance,
                 [](float g) { return g == -1 || is_conductance(g); });
  else if (name == kReadPlane)
    check_values(array, where, kNoConductance, is_conductance);
  else if (name.ends_with("_z") || name.ends_with("_draw"))
    check_values(array, where, "is not a number that was drawn",
                 [](float z) { return std::fabs(z) <= kLargestDraw; });
  else
    check_values(array, where, "is not a state of a cell",
                 [largest](float value) { return value >= 0 && value <= largest; });
}

/// The device that a dumped chip names. FileError where it makes none.
std::shared_ptr<const DeviceModel> device_of(const h5::Reader& in, DeviceMaker make) {
  const std::string name = in.file().string();
  try {
    return make(parse_config(in.string_attribute("/", "device"), name), "device",
                in.file().parent_path());
  } catch (const ConfigError& error) {
    throw FileError(name + ": attribute 'device': " + error.what());
  }
}

/// FileError unless the planes that `device` programs are all there, and make conductances of the
/// cells at any time.
void check_state(const DeviceModel& device, const std::vector<LayerCells>& layer,
                 const std::string& where) {
  if (device.read_out()) return;  // a dump of a read-out: it programs nothing
  const RandomStream stream(0);
  Cells one;
  device.program({.stream = &stream}, Matrix<float>(1, 1, static_cast<float>(device.g_min())), one);
  for (const LayerCells& polarity : layer) {
    Cells cells;
    cells.target = polarity.programmed;
    cells.programmed = polarity.programmed;
    cells.state = polarity.planes;
    for (const NamedPlane& plane : one.state)
      if (!cells.has_plane(plane.name))
        throw FileError(where + "/state/" + plane.name +
                        " is missing: the file's device keeps the state of its cells there");
    Matrix<float> g(cells.target.rows(), cells.target.columns());
    constexpr double kYear = 3e7;
    for (const double seconds : {0.0, std::min(kYear, device.latest_seconds())}) {
      device.conductance(cells, seconds, g);
      for (Index i = 0; i < g.size(); ++i)
        if (!is_conductance(g.data()[i]))
          throw FileError(
              fmt::format("{}/state: cell [{}, {}] conducts {} S after {} s by the "
                          "file's device, which no cell does",
                          where, i / g.columns(), i % g.columns(), g.data()[i], seconds));
    }
  }
}

/// The conductances of a layer of `shape` (polarity x output x input), or with an axis of reads in
/// front.
h5::Array<float> read_programmed(const h5::Reader& in, const std::string& layer,
                                 const std::vector<Index>& shape, double g_max) {
  const std::string place = "/layers/" + layer + "/programmed";
  const std::string where = in.file().string() + ": " + place;
  if (!in.has(place)) throw FileError(where + " is missing: the read-out has no layer " + layer);
  h5::Array<float> all = in.floats(place);
  std::vector<Index> wanted = shape;
  if (all.shape.size() == 4) wanted.insert(wanted.begin(), all.shape.front());
  if (all.shape != wanted)
    throw ShapeError(where + " is " + words_of(all.shape) + ", the layer has " + words_of(shape) +
                     " cells (polarity x output x input)");
  if (all.values.empty())
    throw FileError(where + " is " + words_of(all.shape) + ": holds no reads");
  check_read_out(all, where, g_max);
  return all;
}

/// Adds the planes of state in `group`, of a layer of `shape`, to its cells.
void add_state(const h5::Reader& in, const std::string& group, const std::vector<Index>& shape,
               bool has_reads, std::vector<LayerCells>& cells) {
  for (const std::string& name : in.children(group)) {
    const std::string where = in.file().string() + ": " + group + "/" + name;
    const h5::Array<float> values = in.floats(group + "/" + name);
    if (values.shape != shape)
      throw ShapeError(where + " is " + words_of(values.shape) + ", not " + words_of(shape));
    if (has_reads && name == kReadPlane)
      throw FileError(where + " stands beside several reads, which say the same");
    check_plane(values, name, where);
    for (std::size_t p = 0; p < cells.size(); ++p)
      cells[p].planes.push_back({name, plane_of(values, p)});
  }
}

std::shared_ptr<const DeviceModel> RealChip::of_layer(const std::string& layer, Index polarities,
                                                      Index rows, Index columns) const {
  const h5::Reader in(file_);
  const std::string group = "/layers/" + layer;
  const std::vector<Index> shape{polarities, rows, columns};
  const h5::Array<float> all = read_programmed(in, layer, shape, params_.cell.g_max);
  const bool has_reads = all.shape.size() == 4;
  std::vector<LayerCells> cells;
  for (std::size_t p = 0; p < static_cast<std::size_t>(polarities); ++p)
    cells.push_back(has_reads ? mean_of_reads(all, p) : LayerCells{plane_of(all, p), {}});
  if (in.has(group + "/state")) add_state(in, group + "/state", shape, has_reads, cells);
  std::shared_ptr<const DeviceModel> ages_as;
  if (in.has_attribute("/", "device")) {
    ages_as = device_of(in, make_);
    check_state(*ages_as, cells, file_.string() + ": " + group);
  }
  if (params_.cell.read_noise > 0 && (has_reads || ages_as))
    remark(file_.string() + ": device.read_noise has no effect: " +
           (has_reads ? "the file's reads say how they scatter"
                      : "cells are read by the file's own device"));
  return std::make_shared<RealLayer>(*this, std::move(cells), std::move(ages_as));
}

}  // namespace

std::shared_ptr<const DeviceModel> make_real_chip(const RealChipParams& params,
                                                  const std::filesystem::path& file,
                                                  DeviceMaker make) {
  const h5::Reader exists(file);
  return std::make_shared<RealChip>(params, file, make);
}

}  // namespace ohmic::devices
