#include "devices/chip_readout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/h5.h"
#include "devices/catalogue.h"

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

class RealChip : public GenericCell {
 public:
  RealChip(const RealChipParams& p, std::filesystem::path file)
      : GenericCell(p.cell), params_(p), file_(std::move(file)) {}
  void program(const ProgramContext&, ConstView<float>, Cells&) const override {
    throw LogicError("a real chip programs layers, each with a model of its own");
  }
  double mean(double g, double) const override { return g; }
  double sigma(double, double) const override { return 0; }
  ConfigNode parameters() const override { return with_model("real_chip", write_fields(params_)); }
  const RealChipParams& params() const { return params_; }
  const std::filesystem::path& file() const { return file_; }

 private:
  RealChipParams params_;
  std::filesystem::path file_;
};

class RealLayer final : public RealChip {
 public:
  RealLayer(const RealChip& chip, std::vector<LayerCells> cells,
            std::shared_ptr<const DeviceModel> ages_as)
      : RealChip(chip.params(), chip.file()),
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
  bool changes_with_time() const override { return ages_as_ && ages_as_->changes_with_time(); }
  double latest_seconds() const override {
    return ages_as_ ? ages_as_->latest_seconds() : RealChip::latest_seconds();
  }
  bool needs_cell_reads() const override { return ages_as_ && ages_as_->needs_cell_reads(); }
  void cell_read(const Cells& cells, double seconds, const CellRead& read, CellMemory& memory,
                 View<float> g) const override {
    if (ages_as_) ages_as_->cell_read(cells, seconds, read, memory, g);
  }

 private:
  std::vector<LayerCells> cells_;
  std::shared_ptr<const DeviceModel> ages_as_;
  bool has_reads_ = false;
};

/// Cuts a data set of polarities x rows x columns into planes.
std::vector<Matrix<float>> planes_of(const h5::Array<float>& all, std::size_t first,
                                     Index polarities, Index rows, Index columns) {
  std::vector<Matrix<float>> planes;
  const auto size = static_cast<std::size_t>(rows * columns);
  for (std::size_t p = 0; p < static_cast<std::size_t>(polarities); ++p) {
    planes.emplace_back(rows, columns);
    std::copy_n(all.values.begin() + static_cast<std::ptrdiff_t>(first + p * size), size,
                planes.back().data());
  }
  return planes;
}

std::string words_of(const std::vector<Index>& shape) {
  std::string words;
  for (const Index n : shape) words += (words.empty() ? "" : " x ") + std::to_string(n);
  return words;
}

}  // namespace

std::shared_ptr<const DeviceModel> of_layer(const std::shared_ptr<const DeviceModel>& device,
                                            const std::string& layer, Index polarities, Index rows,
                                            Index columns) {
  const auto* chip = dynamic_cast<const RealChip*>(device.get());
  if (!chip) return device;
  const h5::Reader in(chip->file());
  const std::string group = "/layers/" + layer, place = group + "/programmed";
  const std::string where = chip->file().string() + ": " + place;
  if (!in.has(place)) throw FileError(where + " is missing: the read-out has no layer " + layer);
  const h5::Array<float> all = in.floats(place);
  std::vector<Index> wanted{polarities, rows, columns};
  const bool has_reads = all.shape.size() == 4;
  if (has_reads) wanted.insert(wanted.begin(), all.shape.front());
  if (all.shape != wanted)
    throw ShapeError(where + " is " + words_of(all.shape) + ", the layer has " +
                     words_of({polarities, rows, columns}) + " cells (polarity x output x input)");
  std::int64_t missing = 0;
  std::size_t first_missing = 0;
  for (std::size_t i = 0; i < all.values.size(); ++i)
    if (!(all.values[i] >= 0) || !std::isfinite(all.values[i]))
      if (missing++ == 0) first_missing = i;
  if (missing > 0) {
    std::string at;
    std::size_t rest = first_missing;
    for (std::size_t d = wanted.size(); d-- > 0;) {
      at = std::to_string(rest % static_cast<std::size_t>(wanted[d])) + (at.empty() ? "" : ", ") +
           at;
      rest /= static_cast<std::size_t>(wanted[d]);
    }
    throw FileError(fmt::format("{}[{}] = {} is no conductance ({} such cells)", where, at,
                                all.values[first_missing], missing));
  }
  std::vector<LayerCells> cells(static_cast<std::size_t>(polarities));
  if (has_reads) {
    const auto reads = static_cast<std::size_t>(all.shape.front());
    const std::size_t size = all.values.size() / reads;
    for (std::size_t p = 0; p < cells.size(); ++p) {
      cells[p].programmed = Matrix<float>(rows, columns);
      Matrix<float> sigma(rows, columns);
      for (std::size_t i = 0; i < static_cast<std::size_t>(rows * columns); ++i) {
        double sum = 0, square = 0;
        const std::size_t at = p * static_cast<std::size_t>(rows * columns) + i;
        for (std::size_t r = 0; r < reads; ++r) sum += all.values[r * size + at];
        const double mean = sum / static_cast<double>(reads);
        for (std::size_t r = 0; r < reads; ++r)
          square += (all.values[r * size + at] - mean) * (all.values[r * size + at] - mean);
        cells[p].programmed.data()[i] = static_cast<float>(mean);
        sigma.data()[i] =
            reads > 1 ? static_cast<float>(std::sqrt(square / static_cast<double>(reads - 1)))
                      : 0.0f;
      }
      cells[p].planes.push_back({kReadPlane, std::move(sigma)});
    }
  } else {
    auto planes = planes_of(all, 0, polarities, rows, columns);
    for (std::size_t p = 0; p < cells.size(); ++p) cells[p].programmed = std::move(planes[p]);
  }
  if (in.has(group + "/state"))
    for (const std::string& name : in.children(group + "/state")) {
      const h5::Array<float> values = in.floats(group + "/state/" + name);
      if (values.shape != std::vector<Index>{polarities, rows, columns})
        throw ShapeError(chip->file().string() + ": " + group + "/state/" + name + " is " +
                         words_of(values.shape) + ", not " + words_of({polarities, rows, columns}));
      auto planes = planes_of(values, 0, polarities, rows, columns);
      for (std::size_t p = 0; p < cells.size(); ++p)
        cells[p].planes.push_back({name, std::move(planes[p])});
    }
  std::shared_ptr<const DeviceModel> ages_as;
  if (in.has_attribute("/", "device"))
    ages_as = make_device(parse_config(in.string_attribute("/", "device"), chip->file().string()),
                          "device", chip->file().parent_path());
  return std::make_shared<RealLayer>(*chip, std::move(cells), std::move(ages_as));
}

std::shared_ptr<const DeviceModel> make_real_chip(const RealChipParams& params,
                                                  const std::filesystem::path& file) {
  const h5::Reader exists(file);
  return std::make_shared<RealChip>(params, file);
}

}  // namespace ohmic::devices
