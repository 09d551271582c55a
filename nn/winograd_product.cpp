#include "nn/winograd_product.h"

#include <algorithm>

#include "base/parallel.h"
#include "nn/layer.h"
#include "nn/panel.h"

namespace ohmic::nn {

/// A run of tiles that are computed together, and how their numbers lie: (frequency, tile, channel
/// or map, lane).
template <class T>
struct WinogradProduct<T>::Tiles {
  Index first, count;
  Index v_stride, m_stride;  ///< of frequencies
};

template <class T>
WinogradProduct<T>::WinogradProduct(Index outputs, const PatchView& g, bool is_backward)
    : maps_(is_backward ? g.channels : outputs),
      channels_(is_backward ? outputs : g.channels),
      is_backward_(is_backward),
      tiling_(is_backward ? TiledMaps::of(g).backward() : TiledMaps::of(g)) {}

template <class T>
bool WinogradProduct<T>::suits(Index outputs, const PatchView& g) {
  if (g.kernel != 3 || g.stride != 1 || g.padding > 1) return false;
  const auto wasteful = [](Index height, Index width) {
    const Index computed = block_count(height, kTile) * block_count(width, kTile) * kTile * kTile;
    return 2 * computed > 3 * height * width;
  };
  return outputs >= 16 && g.channels >= 16 && !wasteful(g.out_height(), g.out_width()) &&
         !wasteful(g.height, g.width);
}

template <class T>
Index WinogradProduct<T>::prepared_size(Index outputs, const PatchView& g) {
  return kFrequencies * outputs * g.channels;
}

template <class T>
void WinogradProduct<T>::prepare(const T* weight, T* prepared) const {
  constexpr Index kRows = 16;
  for_each_block(block_count(maps_, kRows), [&](Index block) {
    for (Index o = block * kRows; o < std::min((block + 1) * kRows, maps_); ++o)
      kernels_of<T>().winograd_weights(channels_, weight + o * 9 * (is_backward_ ? 1 : channels_),
                                       9 * (is_backward_ ? maps_ : 1), is_backward_,
                                       prepared + o * channels_, maps_ * channels_);
  });
}

template <class T>
void WinogradProduct<T>::multiply(const Tiles& at, Index frequency, const T* prepared, const T* v,
                                  T* m) const {
  const T* u = prepared + frequency * maps_ * channels_;
  const std::int32_t tap = 0;
  for (Index tile = 0; tile < at.count; ++tile)
    for (Index first = 0; first < channels_; first += kPanelRows)
      kernels_of<T>().panel_product(
          maps_, 1, &tap, std::min(kPanelRows, channels_ - first), u + first, channels_, 1,
          v + frequency * at.v_stride + (tile * channels_ + first) * kLanes,
          m + frequency * at.m_stride + tile * maps_ * kLanes, kLanes, first > 0);
}

template <class T>
void WinogradProduct<T>::transform_outputs(const Tiles& at, Index first_map, Index count,
                                           const T* bias, const T* m, T* y) const {
  for (Index o = first_map; o < first_map + count; ++o)
    for (Index tile = 0; tile < at.count; ++tile) {
      const Index which = at.first + tile;
      kernels_of<T>().winograd_output(
          m + (tile * maps_ + o) * kLanes, at.m_stride, bias ? bias[o] : T(0),
          static_cast<int>(tiling_.rows(which)), static_cast<int>(tiling_.columns(which)),
          y + ((o * tiling_.out_height + tiling_.row(which)) * tiling_.out_width +
               tiling_.column(which)) *
                  kLanes,
          tiling_.out_width * kLanes);
    }
}

template <class T>
void WinogradProduct<T>::apply(const T* prepared, const T* bias, const T* x, T* y) const {
  const Index tiles = tiling_.tiles();
  // Tiles that share a pass over the weights: as many as leave their numbers in a second cache and
  // some chunks to every thread.
  const Index shared =
      std::clamp<Index>(std::min(256 / std::max(channels_, maps_), tiles / 8), 1, 4);
  const Index chunks = block_count(tiles, shared);
  for_each_block(chunks, [&](Index chunk) {
    thread_local AlignedVector<T> tile_room;
    Tiles at{.first = chunk * shared, .count = 0, .v_stride = 0, .m_stride = 0};
    at.count = std::min(shared, tiles - at.first);
    at.v_stride = (at.count * channels_ + kSkew) * kLanes;
    at.m_stride = (at.count * maps_ + kSkew) * kLanes;
    T *v = room(tile_room, kFrequencies * (at.v_stride + at.m_stride)),
      *m = v + kFrequencies * at.v_stride;
    // In one chunk these loops are shared among threads, else the chunks are.
    constexpr Index kMaps = 16;
    for_each_block(block_count(channels_, kMaps), [&](Index block) {
      transform_inputs(tiling_, at.first, at.count, block * kMaps,
                       std::min((block + 1) * kMaps, channels_), x, v, at.v_stride,
                       channels_ * kLanes);
    });
    for_each_block(kFrequencies, [&](Index frequency) { multiply(at, frequency, prepared, v, m); });
    for_each_block(block_count(maps_, kMaps), [&](Index block) {
      transform_outputs(at, block * kMaps, std::min(kMaps, maps_ - block * kMaps), bias, m, y);
    });
  });
}

template class WinogradProduct<float>;
template class WinogradProduct<double>;

}  // namespace ohmic::nn
