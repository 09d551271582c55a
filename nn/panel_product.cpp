#include "nn/panel_product.h"

#include <algorithm>
#include <numeric>

#include "base/parallel.h"
#include "nn/layer.h"
#include "nn/panel.h"

namespace ohmic::nn {
namespace {

constexpr Index kShared = 4;  ///< positions that share a pass over the weights
constexpr Index kTasks = 8;   ///< wanted: enough for a few threads, few enough to start

}  // namespace

template <class T>
PanelProduct<T>::PanelProduct(Index outputs, const PatchView& g, bool is_backward)
    : maps_(is_backward ? g.channels : outputs),
      channels_(is_backward ? outputs : g.channels),
      taps_(g.kernel * g.kernel),
      in_pixels_(is_backward ? g.positions() : g.height * g.width),
      map_step_(is_backward ? taps_ : g.channels * taps_),
      channel_step_(is_backward ? g.channels * taps_ : taps_),
      kernel_(g.kernel),
      padding_(g.padding),
      in_width_(g.width),
      out_width_(g.out_width()) {
  // In small maps the zeros of the padding would be too many of the products.
  shares_window_ = !is_backward && g.kernel > 1 && g.stride == 1 && out_width_ % kShared == 0 &&
                   out_width_ >= 4 * kShared;
  if (shares_window_) {
    pixels_.resize(static_cast<std::size_t>(in_pixels_));
    std::iota(pixels_.begin(), pixels_.end(), 0);
  }
  // Whole row tiles of the gradient's kernel where taps allow.
  block_ = std::clamp<Index>(kPanelRows / taps_ / 8 * 8, 1, channels_);
  if (kPanelRows / taps_ < 8) block_ = std::clamp<Index>(kPanelRows / taps_, 1, channels_);
  positions_.resize(static_cast<std::size_t>(is_backward ? g.height * g.width : g.positions()));
  for (Index row = 0; row < g.out_height(); ++row)
    for (Index column = 0; column < g.out_width(); ++column)
      for (Index t = 0; t < taps_; ++t) {
        const Index in_row = row * g.stride + t / g.kernel - g.padding,
                    in_column = column * g.stride + t % g.kernel - g.padding;
        if (in_row < 0 || in_row >= g.height || in_column < 0 || in_column >= g.width) continue;
        Index out = row * g.out_width() + column, in = in_row * g.width + in_column;
        if (is_backward) std::swap(out, in);
        Position& at = positions_[static_cast<std::size_t>(out)];
        at.taps.push_back(static_cast<std::int32_t>(t));
        at.pixels.push_back(static_cast<std::int32_t>(in));
      }
}

/// Rows (tap, channel) of channels first .. first + count - 1.
template <class T>
void PanelProduct<T>::gather(const Position& at, Index first, Index count, const T* x,
                             T* panel) const {
  kernels_of<T>().panel_gather(static_cast<Index>(at.pixels.size()), at.pixels.data(), count,
                               x + first * in_pixels_ * kLanes, in_pixels_ * kLanes, panel);
}

/// Rows (row and column of a window, channel) of what kShared positions of a row read together.
template <class T>
void PanelProduct<T>::gather_window(Index begin, Index first, Index count, const T* x,
                                    T* panel) const {
  const Index span = kShared + kernel_ - 1, size = count * kLanes;
  const Index row = begin / out_width_ - padding_, column = begin % out_width_ - padding_;
  const Index left = std::max<Index>(0, -column), right = std::min(span, in_width_ - column);
  for (Index r = row; r < row + kernel_; ++r, panel += span * size) {
    if (r < 0 || r * in_width_ >= in_pixels_) {
      std::fill_n(panel, span * size, T(0));
      continue;
    }
    std::fill_n(panel, left * size, T(0));
    kernels_of<T>().panel_gather(right - left, pixels_.data() + r * in_width_ + column + left,
                                 count, x + first * in_pixels_ * kLanes, in_pixels_ * kLanes,
                                 panel + left * size);
    std::fill_n(panel + right * size, (span - right) * size, T(0));
  }
}

template <class T>
void PanelProduct<T>::apply(const T* weight, const T* bias, const T* x, T* y) const {
  const Index chunks = block_count(static_cast<Index>(positions_.size()), kShared);
  // Six outputs are a register tile.
  const Index parts = std::clamp<Index>(block_count(kTasks, chunks), 1, block_count(maps_, 48));
  const Index size = block_count(block_count(maps_, parts), 6) * 6;
  for_each_block(chunks * parts, [&](Index task) {
    const Index first = task % parts * size;
    if (first < maps_)
      apply_chunk(task / parts, first, std::min(size, maps_ - first), weight, bias, x, y);
  });
}

template <class T>
void PanelProduct<T>::apply_chunk(Index chunk, Index first_output, Index outputs, const T* weight,
                                  const T* bias, const T* x, T* y) const {
  thread_local AlignedVector<T> panel_room, sum_room;
  const Index begin = chunk * kShared, positions = static_cast<Index>(positions_.size()),
              end = std::min(begin + kShared, positions);
  T* panel = room(panel_room, block_ * taps_ * kLanes);
  T* sums = room(sum_room, kShared * outputs * kLanes);
  const T* rows = weight + first_output * map_step_;
  for (Index first = 0; first < channels_; first += block_) {
    const Index count = std::min(block_, channels_ - first);
    for (Index p = begin; p < end; ++p) {
      const Position& at = positions_[static_cast<std::size_t>(p)];
      const T* source = panel;
      if (in_pixels_ == 1)
        source = x + first * kLanes;  // it is a panel
      else
        gather(at, first, count, x, panel);
      kernels_of<T>().panel_product(outputs, static_cast<Index>(at.taps.size()), at.taps.data(),
                                    count, rows + first * channel_step_, map_step_, channel_step_,
                                    source, sums + (p - begin) * outputs * kLanes, kLanes,
                                    first > 0);
    }
  }
  for (Index o = 0; o < outputs; ++o) {
    const T shift = bias ? bias[first_output + o] : T(0);
    for (Index p = begin; p < end; ++p) {
      const T* from = sums + ((p - begin) * outputs + o) * kLanes;
      T* to = y + ((first_output + o) * positions + p) * kLanes;
      for (Index lane = 0; lane < kLanes; ++lane) to[lane] = from[lane] + shift;
    }
  }
}

namespace {

/// How a gradient is cut: tiles of outputs, groups of tiles that share panels, and parts of the
/// positions with sums of their own.
template <class T>
struct GradientCut {
  Index tile, tiles, group, groups, parts, part;

  GradientCut(Index maps, Index positions)
      : tile(maps <= kSlopeTile<T> / 2 ? kSlopeTile<T> / 2 : kSlopeTile<T>),
        tiles(block_count(maps, tile)),
        group(std::min<Index>(tiles, maps >= 256 ? 2 : 4)),
        groups(block_count(tiles, group)),
        parts(std::clamp<Index>(block_count(kTasks, groups), 1, block_count(positions, kShared))),
        part(block_count(block_count(positions, parts), kShared) * kShared) {
    parts = block_count(positions, part);
  }
};

}  // namespace

template <class T>
Index PanelProduct<T>::gradient_work(Index outputs, const PatchView& g) {
  const GradientCut<T> cut(outputs, g.positions());
  return cut.parts * cut.tiles * cut.tile * g.inputs();
}

/// Adds what positions begin .. begin + pairs - 1 give to a block of channels.
template <class T>
void PanelProduct<T>::add_block(Index begin, Index pairs, Index first, Index tile, Index tiles,
                                const T* x, const T* slopes, T* panel, T* dw) const {
  const Index count = std::min(block_, channels_ - first), slope_size = kLanes * tile;
  const auto sums_of = [&](Index t) { return dw + (t * channels_ + first) * taps_ * tile; };
  const T* panels[kShared];
  if (shares_window_) {
    gather_window(begin, first, count, x, panel);
    for (Index t = 0; t < tiles; ++t)
      for (Index row = 0; row < kernel_; ++row) {
        for (Index p = 0; p < pairs; ++p)
          panels[p] = panel + (row * (kShared + kernel_ - 1) + p) * count * kLanes;
        kernels_of<T>().panel_gradient(tile, kernel_ * count, pairs,
                                       slopes + t * kShared * slope_size, panels,
                                       sums_of(t) + row * kernel_ * count * tile, tile);
      }
    return;
  }
  const auto at = [&](Index p) -> const Position& {
    return positions_[static_cast<std::size_t>(begin + p)];
  };
  for (Index p = 0; p < pairs; ++p) {
    T* own = panel + p * block_ * taps_ * kLanes;
    panels[p] = own;
    if (in_pixels_ == 1)
      panels[p] = x + first * kLanes;  // it is a panel
    else
      gather(at(p), first, count, x, own);
  }
  const auto is_inside = [&](Index p) { return static_cast<Index>(at(p).taps.size()) == taps_; };
  Index inside = 0;  // positions from the first that are, which go together
  while (inside < pairs && is_inside(inside)) ++inside;
  for (Index t = 0; t < tiles; ++t) {
    if (inside > 0)
      kernels_of<T>().panel_gradient(tile, count * taps_, inside, slopes + t * kShared * slope_size,
                                     panels, sums_of(t), tile);
    for (Index p = inside; p < pairs; ++p) {
      const T *own = slopes + (t * kShared + p) * slope_size, *row = panels[p];
      if (is_inside(p)) {
        kernels_of<T>().panel_gradient(tile, count * taps_, 1, own, &row, sums_of(t), tile);
        continue;
      }
      for (const std::int32_t tap : at(p).taps) {
        kernels_of<T>().panel_gradient(tile, count, 1, own, &row, sums_of(t) + tap * count * tile,
                                       tile);
        row += count * kLanes;
      }
    }
  }
}

/// Sums of one part in the order (tile of outputs, block of channels, tap, channel, output).
template <class T>
void PanelProduct<T>::gradient_task(Index part, Index group, const T* x, const T* dy, T* dw) const {
  thread_local AlignedVector<T> panel_room, slope_room;
  const Index positions = static_cast<Index>(positions_.size());
  const GradientCut<T> cut(maps_, positions);
  const Index first_tile = group * cut.group, tiles = std::min(cut.group, cut.tiles - first_tile);
  const Index slope_size = kLanes * cut.tile;
  T* panel = room(panel_room, (kShared + kernel_) * block_ * taps_ * kLanes);
  T* slopes = room(slope_room, tiles * kShared * slope_size);
  std::fill_n(dw, tiles * channels_ * taps_ * cut.tile, T(0));
  const Index last = std::min((part + 1) * cut.part, positions);
  for (Index begin = part * cut.part; begin < last; begin += kShared) {
    const Index pairs = std::min(kShared, last - begin);
    for (Index tile = 0; tile < tiles; ++tile) {
      const Index first = (first_tile + tile) * cut.tile;
      for (Index p = 0; p < pairs; ++p)
        kernels_of<T>().slope_transpose(cut.tile, std::min(cut.tile, maps_ - first),
                                        dy + (first * positions + begin + p) * kLanes,
                                        positions * kLanes,
                                        slopes + (tile * kShared + p) * slope_size);
    }
    for (Index first = 0; first < channels_; first += block_)
      add_block(begin, pairs, first, cut.tile, tiles, x, slopes, panel, dw);
  }
}

template <class T>
void PanelProduct<T>::add_gradient(const T* x, const T* dy, T* work, T* dw) const {
  const GradientCut<T> cut(maps_, static_cast<Index>(positions_.size()));
  const Index sums = channels_ * taps_ * cut.tile, part_size = cut.tiles * sums;
  for_each_block(cut.parts * cut.groups, [&](Index task) {
    const Index part = task / cut.groups, group = task % cut.groups;
    gradient_task(part, group, x, dy, work + part * part_size + group * cut.group * sums);
  });
  for_each_block(cut.tiles, [&](Index tile) {
    T* total = work + tile * sums;
    for (Index part = 1; part < cut.parts; ++part)
      kernels_of<T>().accumulate(sums, total + part * part_size, T(1), total);
    const Index outputs = std::min(cut.tile, maps_ - tile * cut.tile);
    for (Index first = 0; first < channels_; first += block_) {
      const Index count = std::min(block_, channels_ - first);
      const T* block = total + first * taps_ * cut.tile;
      for (Index o = 0; o < outputs; ++o) {
        T* row = dw + (tile * cut.tile + o) * channels_ * taps_ + first * taps_;
        for (Index c = 0; c < count; ++c)
          for (Index t = 0; t < taps_; ++t)
            row[c * taps_ + t] += block[(t * count + c) * cut.tile + o];
      }
    }
  });
}

template class PanelProduct<float>;
template class PanelProduct<double>;

}  // namespace ohmic::nn
