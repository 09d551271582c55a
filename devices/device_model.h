#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "devices/cell_reads.h"
#include "devices/cells.h"
#include "devices/program_context.h"
#include "devices/weight_model.h"
#include "io/config.h"

/// What a cell does, for whole arrays at a time.
namespace ohmic::devices {

/// What a cell can be asked to hold.
struct CellRange {
  double g_min = 0, g_max = 0;              ///< [S]
  std::optional<std::int64_t> levels = {};  ///< between g_min and g_max; none = continuous
};

/// Whether conductances or read noise depend on the time since programming, and the last time [s]
/// that was measured.
struct TimeRange {
  bool changes = false;
  double latest = std::numeric_limits<double>::infinity();
};

class DeviceModel;

/// Cells as they were read out of hardware, layer by layer.
class ReadOut {
 public:
  virtual ~ReadOut() = default;
  /// The model of one layer, rows x columns cells per polarity. FileError where the file lacks the
  /// layer or has cells that are not numbers (named), ShapeError where it has another shape.
  virtual std::shared_ptr<const DeviceModel> of_layer(const std::string& layer, Index polarities,
                                                      Index rows, Index columns) const = 0;
};

/// A model is immutable and stateless. Formulas are evaluated in double; conductances are stored in
/// float.
class DeviceModel {
 public:
  explicit DeviceModel(const CellRange& range) : range_(range) {}
  virtual ~DeviceModel() = default;

  const CellRange& range() const { return range_; }
  double g_min() const { return range_.g_min; }
  double g_max() const { return range_.g_max; }
  std::optional<std::int64_t> levels() const { return range_.levels; }

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
  virtual TimeRange time_range() const { return {}; }
  bool changes_with_time() const { return time_range().changes; }
  double latest_seconds() const { return time_range().latest; }

  /// Mean and deviation [S] of the conductance after programming to target `g` [S], `seconds`
  /// later.
  virtual double mean(double g, double seconds) const = 0;
  virtual double sigma(double g, double seconds) const = 0;

  /// The table [device] that makes this model again, defaults written out.
  virtual ConfigNode parameters() const = 0;

  /// What only some models do; null for the others. It lives as long as the model.
  virtual const WeightModel* weights() const { return nullptr; }
  virtual const CellReads* cell_reads() const { return nullptr; }
  virtual const ReadOut* read_out() const { return nullptr; }

 private:
  CellRange range_;
};

/// `device` itself; or, where it is a read-out, the model of one of its layers.
std::shared_ptr<const DeviceModel> of_layer(const std::shared_ptr<const DeviceModel>& device,
                                            const std::string& layer, Index polarities, Index rows,
                                            Index columns);

/// Mean and deviation of max(x, 0) for x normal with `mean` and `sigma` (the rectified normal
/// distribution).
double rectified_mean(double mean, double sigma);
double rectified_sigma(double mean, double sigma);

}  // namespace ohmic::devices
