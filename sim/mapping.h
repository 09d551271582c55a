#pragma once

#include <string>
#include <vector>

#include "base/matrix.h"
#include "io/fields.h"

/// From weights to target conductances and back, and how a matrix is cut into tiles.
namespace ohmic::sim {

enum class Mapping { differential, differential_two_sided, offset };
enum class ScaleOf { layer, tile, column };
enum class Subtraction { analog, digital };
enum class BiasPlace { digital, row };

/// Table [array].
struct ArrayParams {
  std::int64_t rows = 128, columns = 128;  ///< physical word lines and bit lines of a tile
  Mapping mapping = Mapping::differential;
  Subtraction subtraction = Subtraction::analog;  ///< of the two columns of a differential pair
  ScaleOf scale = ScaleOf::layer;
  double scale_percentile = 1.0;  ///< of |w|; weights beyond are clipped
  WordOrIntegers row_partition{"equal", {}};
  BiasPlace bias = BiasPlace::digital;
  double read_voltage = 0.2;  ///< [V]
};
void fields(FieldVisitor& f, ArrayParams& p);

/// Physical columns of one weight.
inline Index columns_of(Mapping mapping) { return mapping == Mapping::offset ? 1 : 2; }

/// How a weight u in [-1, 1] becomes one or two conductances [S]. Source: physics as in
/// CrossSim 3.2's BALANCED and OFFSET cores (tests hold its numbers).
class MappingRule {
 public:
  MappingRule(Mapping mapping, double g_min, double g_max, std::optional<std::int64_t> levels);

  struct Pair {
    double positive = 0, negative = 0;  ///< [S]; negative is unused by the offset mapping
  };
  /// Targets of u, quantised to the cell's levels.
  Pair target(double u) const { return quantised(exact(u)); }
  /// Targets before quantising; u may lie outside [-1, 1].
  Pair exact(double u) const;
  Pair quantised(Pair pair) const;
  /// The weight that a pair stands for.
  double weight(Pair pair) const;

  Mapping mapping() const { return mapping_; }
  /// Conductance of u = 1 less that of u = 0 [S]; half the range for the two-sided and the offset
  /// mapping.
  double unit() const { return unit_; }
  /// The offset mapping's conductance at u = 0 [S]; 0 for the others.
  double centre() const { return centre_; }
  double g_max() const { return g_max_; }
  double g_min() const { return g_min_; }

 private:
  Mapping mapping_;
  double g_min_, g_max_;
  std::optional<std::int64_t> levels_;
  double unit_ = 0, centre_ = 0;
};

/// The |w| that maps to u = 1: the quantile `percentile` of |w| (linear between order statistics),
/// max|W| at 1. 0 for an all-zero block.
double weight_limit(ConstView<float> w, double percentile);

/// Half-open range.
struct Range {
  Index begin = 0, end = 0;
  Index size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// Cuts `count` lines into tiles of at most `most`. "equal": as even as possible, the longer first;
/// "full": `most` each, the rest last; a list: its sizes, which must sum to count (else ShapeError
/// naming `layer`).
std::vector<Range> partition(Index count, Index most, const WordOrIntegers& rule,
                             const std::string& layer);

/// The tiles of one layer, and the |w| at u = 1 of each (row tile, output).
struct Tiling {
  std::vector<Range> rows;     ///< of inputs
  std::vector<Range> columns;  ///< of outputs (each takes columns_of(mapping) physical columns)
  Matrix<double> scale;        ///< row tiles x outputs
};
/// Throws ShapeError naming the layer if a tile has fewer columns than one weight takes.
Tiling make_tiling(const ArrayParams& array, ConstView<float> w, const std::string& layer);

}  // namespace ohmic::sim
