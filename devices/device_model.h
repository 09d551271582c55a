#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/matrix.h"
#include "base/random_stream.h"
#include "io/config.h"

/// What a cell does, for whole arrays at a time.
namespace ohmic::devices {

/// Whose chips these are. Populations never share a random address.
enum class Population { reported, selection, training, compensator };

/// Where and when an array is programmed. All addresses of its draws come from here; rows and
/// columns are weight coordinates (output, input), so that a chip does not depend on how it is
/// tiled.
struct ProgramContext {
  const RandomStream* stream = nullptr;
  Population population = Population::reported;
  Index chip = 0;         ///< training: the step
  Index programming = 0;  ///< training: the sub-batch
  Index layer = 0, polarity = 0, slice = 0;
  Index replica = 0;  ///< of several programmed copies of the layer
  Index tile = 0;     ///< number of the tile within its layer: what dead lines belong to
  Index first_row = 0,
        first_column = 0;            ///< weight coordinates of element (0, 0) of what is programmed
  std::span<const Index> rows = {};  ///< weight rows of the array's rows where they do not follow
                                     ///< first_row one by one (spare columns)
  Index attempt = 0;  ///< pulses that this programming has already given; moves all draws but
                      ///< those that a device is made with

  /// Standard normals of `part` for row `row` of the array, `out.size()` columns from its first.
  /// Device-to-device parts are the same at every programming of a chip; in training every
  /// sub-batch meets a chip of its own.
  /// `pulse` tells apart several draws of one part and cell (0 .. 15; parts that use no attempts: 0
  /// .. 8191).
  void normals(Purpose part, Index row, std::span<float> out, Index pulse = 0) const;
  /// Uniform numbers in (0, 1) at the same addresses.
  void uniforms(Purpose part, Index row, std::span<double> out, Index pulse = 0) const;
  /// Uniform numbers in (0, 1) of the tile's word lines (or its bit lines of this polarity), from
  /// line `first` on: the same at every programming of a chip.
  void line_uniforms(bool is_bit_line, Index first, std::span<double> out) const;

 private:
  Address address(Purpose part, Index row, Index pulse) const;
  /// The programming that stands for what a device is made with.
  Index made_programming() const;
};

/// A plane of numbers that a model keeps beside the conductances, by name.
struct NamedPlane {
  std::string name;
  Matrix<float> values;
};

/// One programmed array of one polarity: n_out x n_in, conductances in [S].
struct Cells {
  Matrix<float> target, programmed;
  std::vector<NamedPlane> state;

  bool has_plane(std::string_view name) const;
  /// The plane called `name`. LogicError if there is none.
  ConstView<float> plane(std::string_view name) const;
  /// The same, made (of zeros, shaped as `target`) if there is none.
  Matrix<float>& plane_of(std::string_view name);
};

/// Where one read of an array stands among all reads: what is not Gaussian draws from here, cell by
/// cell.
struct CellRead {
  const RandomStream* stream = nullptr;
  Index chip = 0, programming = 0, read = 0;
  Index layer = 0, slice = 0, replica = 0, polarity = 0;
  Index sample = 0, position = 0;
  Index first_row = 0, first_column = 0;  ///< weight coordinates of element (0, 0)

  /// Uniform numbers in (0, 1) of row `row`, `out.size()` columns from its first.
  void uniforms(Index row, std::span<double> out) const;
};

/// The states of an array's cells after a read, for the next read of the same sample.
struct CellMemory {
  Matrix<std::uint8_t> full;       ///< traps
  Index next = 0;                  ///< the position that it is good for
  std::vector<double> draws = {};  ///< room for those of a row
};

/// A model is immutable and stateless. Formulas are evaluated in double; conductances are stored in
/// float.
class DeviceModel {
 public:
  virtual ~DeviceModel() = default;

  virtual double g_min() const = 0;  ///< [S]
  virtual double g_max() const = 0;  ///< [S]
  /// Levels of a cell between g_min and g_max; none = continuous.
  virtual std::optional<std::int64_t> levels() const = 0;

  /// Models that act on the weight (the paper's): writes w_tilde, one draw a weight, and returns
  /// true; the weight is then mapped without quantising again. Others return false.
  virtual bool perturb_weights(const ProgramContext& context, ConstView<float> w,
                               View<float> w_tilde) const;
  /// Whether perturb_weights() does.
  virtual bool acts_on_weights() const { return false; }
  /// The mean conductance [S] of a cell that such a model brings to base + slope * (w_tilde / w),
  /// no lower than 0 (and no higher than g_max where it clips). Others: base + slope.
  virtual double mean_of_weight_cell(double base, double slope) const { return base + slope; }

  /// Programs `target` [S] (n_out x n_in) into `out`.
  virtual void program(const ProgramContext& context, ConstView<float> target,
                       Cells& out) const = 0;
  /// Leaves cell (row, column) with conductance `g` [S] at time 0: programming with verification
  /// that another model draws.
  virtual void put(Cells& cells, Index row, Index column, float g) const {
    cells.programmed(row, column) = g;
  }
  /// The conductances [S] `seconds` after programming: a function of the programmed state and the
  /// time alone.
  virtual void conductance(const Cells& cells, double seconds, View<float> out) const;
  /// Standard deviation [S] of the white Gaussian noise of one read of cells whose conductances are
  /// now `g` [S]. Cells at their targets or means (for the error budget) have no planes.
  virtual void read_sigma(const Cells& cells, ConstView<float> g, double seconds,
                          View<float> out) const = 0;
  /// The same where it is one number for all cells, which spares a product at every read.
  virtual std::optional<double> uniform_read_sigma() const = 0;

  /// Whether conductances or read noise depend on the time since programming.
  virtual bool changes_with_time() const { return false; }
  /// The last time after programming [s] that the model was measured at.
  virtual double latest_seconds() const { return std::numeric_limits<double>::infinity(); }

  /// Whether a read has a part that no Gaussian current stands for (telegraph noise): such cells
  /// are read one by one.
  virtual bool needs_cell_reads() const { return false; }
  /// Applies to `g` [S], which holds the cells' conductances, what is particular to one read. The
  /// result depends on the read alone; `memory` (the caller's, one for each array and sample)
  /// spares going through the earlier positions again.
  virtual void cell_read(const Cells& cells, double seconds, const CellRead& read,
                         CellMemory& memory, View<float> g) const;

  /// Mean and deviation [S] of the conductance after programming to target `g` [S], `seconds`
  /// later.
  virtual double mean(double g, double seconds) const = 0;
  virtual double sigma(double g, double seconds) const = 0;

  /// The table [device] that makes this model again, defaults written out.
  virtual ConfigNode parameters() const = 0;
};

/// Mean and deviation of max(x, 0) for x normal with `mean` and `sigma` (the rectified normal
/// distribution).
double rectified_mean(double mean, double sigma);
double rectified_sigma(double mean, double sigma);

}  // namespace ohmic::devices
