#include "nn/winograd_gradient.h"

#include <algorithm>

#include "nn/panel.h"

namespace ohmic::nn {
namespace {

constexpr Index kChannelBlock = 16;  ///< channels that are transformed, and multiplied, together
constexpr Index kMostShared = 4;     ///< tiles

}  // namespace

/// Tiles that are transformed together, and how their numbers lie: V as (frequency, tile, channel,
/// lane), D as (frequency, tile of outputs, tile, lane, output).
template <class T>
struct WinogradGradient<T>::Run {
  Index first, count;
  Index v_stride, d_stride;  ///< of frequencies
  bool adds;                 ///< to the sums of an earlier run
};

template <class T>
WinogradGradient<T>::WinogradGradient(Index outputs, const PatchView& g)
    : maps_(outputs),
      channels_(g.channels),
      tiling_(TiledMaps::of(g)),
      slope_tile_(outputs <= kSlopeTile<T> / 2 ? kSlopeTile<T> / 2 : kSlopeTile<T>),
      slope_tiles_(block_count(outputs, slope_tile_)),
      row_blocks_(block_count(g.channels, kChannelBlock)) {
  // As many as leave their numbers in a second cache.
  shared_ = std::clamp<Index>(128 / (channels_ + maps_), 1, std::min(kMostShared, tiling_.tiles()));
  const bool has_small_sums = channels_ * maps_ <= 256 * 256;
  parts_ = has_small_sums ? std::clamp<Index>(tiling_.tiles() / shared_, 1, 8) : 1;
  part_ = block_count(block_count(tiling_.tiles(), parts_), shared_) * shared_;
  parts_ = block_count(tiling_.tiles(), part_);
}

template <class T>
Index WinogradGradient<T>::work_size() const {
  return parts_ * row_blocks_ * slope_tiles_ * block_size();
}

template <class T>
Index WinogradGradient<T>::block_size() const {
  return kFrequencies * kChannelBlock * slope_tile_;
}

template <class T>
void WinogradGradient<T>::transform_slopes(const Run& run, Index slope_tile, const T* dy,
                                           T* d) const {
  thread_local AlignedVector<T> slope_room;
  const Index size = kLanes * slope_tile_, positions = tiling_.out_height * tiling_.out_width,
              first = slope_tile * slope_tile_, outputs = std::min(slope_tile_, maps_ - first);
  T* slopes = room(slope_room, kTile * kTile * size);
  for (Index tile = 0; tile < run.count; ++tile) {
    const Index which = run.first + tile, rows = tiling_.rows(which),
                columns = tiling_.columns(which);
    for (Index p = 0; p < kTile * kTile; ++p) {
      const Index row = p / kTile, column = p % kTile;
      if (row >= rows || column >= columns) {
        std::fill_n(slopes + p * size, size, T(0));
        continue;
      }
      const Index position =
          (tiling_.row(which) + row) * tiling_.out_width + tiling_.column(which) + column;
      kernels_of<T>().slope_transpose(slope_tile_, outputs,
                                      dy + (first * positions + position) * kLanes,
                                      positions * kLanes, slopes + p * size);
    }
    kernels_of<T>().winograd_slopes(size, slopes, d + (slope_tile * run.count + tile) * size,
                                    run.d_stride);
  }
}

/// Sums (frequency, channel of a block, output) of one block of channels and tile of outputs.
template <class T>
void WinogradGradient<T>::add_products(const Run& run, Index block, const T* v, const T* d,
                                       T* sums) const {
  const Index first = block % row_blocks_ * kChannelBlock, slope_tile = block / row_blocks_,
              rows = std::min(kChannelBlock, channels_ - first), size = kLanes * slope_tile_;
  T* own = sums + block * block_size();
  if (!run.adds) std::fill_n(own, block_size(), T(0));
  const T* panels[kMostShared];
  for (Index f = 0; f < kFrequencies; ++f) {
    for (Index tile = 0; tile < run.count; ++tile)
      panels[tile] = v + f * run.v_stride + (tile * channels_ + first) * kLanes;
    kernels_of<T>().panel_gradient(slope_tile_, rows, run.count,
                                   d + f * run.d_stride + slope_tile * run.count * size, panels,
                                   own + f * kChannelBlock * slope_tile_, slope_tile_);
  }
}

template <class T>
void WinogradGradient<T>::add_weights(Index block, const T* sums, T* dw) const {
  thread_local AlignedVector<T> tap_room;
  const Index first = block % row_blocks_ * kChannelBlock,
              first_output = block / row_blocks_ * slope_tile_,
              rows = std::min(kChannelBlock, channels_ - first),
              outputs = std::min(slope_tile_, maps_ - first_output),
              size = kChannelBlock * slope_tile_;
  T* taps = room(tap_room, 9 * size);
  kernels_of<T>().winograd_gradient(size, sums + block * block_size(), taps);
  for (Index o = 0; o < outputs; ++o) {
    T* to = dw + ((first_output + o) * channels_ + first) * 9;
    for (Index c = 0; c < rows; ++c)
      for (Index t = 0; t < 9; ++t) to[c * 9 + t] += taps[t * size + c * slope_tile_ + o];
  }
}

template <class T>
void WinogradGradient<T>::add(const T* x, const T* dy, T* work, T* dw) const {
  const Index blocks = row_blocks_ * slope_tiles_, part_size = blocks * block_size();
  for_each_block(parts_, [&](Index part) {
    thread_local AlignedVector<T> v_room, d_room;
    const Index last = std::min((part + 1) * part_, tiling_.tiles());
    for (Index first = part * part_; first < last; first += shared_) {
      Run run{.first = first,
              .count = std::min(shared_, last - first),
              .v_stride = 0,
              .d_stride = 0,
              .adds = first > part * part_};
      run.v_stride = (run.count * channels_ + kSkew) * kLanes;
      run.d_stride = (run.count * slope_tiles_ * slope_tile_ + kSkew) * kLanes;
      T *v = room(v_room, kFrequencies * run.v_stride),
        *d = room(d_room, kFrequencies * run.d_stride);
      // In one part these loops are shared among threads, else the parts are.
      for_each_block(row_blocks_ + slope_tiles_, [&](Index block) {
        if (block < row_blocks_)
          transform_inputs(tiling_, run.first, run.count, block * kChannelBlock,
                           std::min((block + 1) * kChannelBlock, channels_), x, v, run.v_stride,
                           channels_ * kLanes);
        else
          transform_slopes(run, block - row_blocks_, dy, d);
      });
      T* sums = work + part * part_size;
      const bool is_all = parts_ == 1 && first + run.count == last;
      for_each_block(blocks, [&](Index block) {
        add_products(run, block, v, d, sums);
        if (is_all) add_weights(block, sums, dw);
      });
    }
  });
  if (parts_ == 1) return;
  for_each_block(blocks, [&](Index block) {
    T* total = work + block * block_size();
    for (Index part = 1; part < parts_; ++part)
      kernels_of<T>().accumulate(block_size(), total + part * part_size, T(1), total);
    add_weights(block, work, dw);
  });
}

template class WinogradGradient<float>;
template class WinogradGradient<double>;

}  // namespace ohmic::nn
