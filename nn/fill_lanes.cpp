#include "nn/fill_lanes.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <type_traits>

namespace ohmic::nn {
namespace {

/// What a network reads of a channel whose pixels are bytes.
template <class T>
class ByteInputs {
 public:
  ByteInputs(double mean, double deviation) {
    for (std::size_t v = 0; v < value_.size(); ++v)
      value_[v] = static_cast<T>((static_cast<double>(v) - mean) / deviation);
  }
  T operator()(std::uint8_t pixel) const { return value_[pixel]; }

 private:
  std::array<T, 256> value_;
};

/// The same of floats.
template <class T>
struct FloatInputs {
  double mean, deviation;
  T operator()(float pixel) const {
    return static_cast<T>((static_cast<double>(pixel) - mean) / deviation);
  }
};

/// Calls body(channel, input of a pixel, pixels of the image at a position) for every channel.
template <class T, class Body>
void for_each_channel(const ImageList& list, const Normalisation& normalisation, Body body) {
  const Dataset& set = *list.set;
  assert((!set.pixels.empty() || !set.float_pixels.empty()) && "an outline has no pixels");
  for (Index channel = 0; channel < set.shape.channels; ++channel) {
    const double mean = normalisation.mean[static_cast<std::size_t>(channel)];
    const double deviation = normalisation.deviation[static_cast<std::size_t>(channel)];
    if (set.has_floats)
      body(channel, FloatInputs<T>{mean, deviation},
           [&](Index position) { return set.float_image(list.place(position)); });
    else
      body(channel, ByteInputs<T>(mean, deviation),
           [&](Index position) { return set.image(list.place(position)); });
  }
}

constexpr Index kTile = 64;   // pixels of one image in a row: a cache line of bytes
constexpr Index kGroup = 16;  // lanes in a row: a cache line of floats, written whole

/// x(first + i, first_lane + l) = input(image(l)[first + i]) for `count` images and `n` pixels.
template <class T, class Input, class Image>
void put_pixels(Index first, Index n, Index count, Index first_lane, const Input& input,
                const Image& image, View<T> x) {
  using Pixel = std::remove_reference_t<decltype(image(0)[0])>;
  for (Index tile = first; tile < first + n; tile += kTile) {
    const Index end = std::min(tile + kTile, first + n);
    for (Index lane = 0; lane < count; lane += kGroup) {
      const Index lanes = std::min(kGroup, count - lane);
      std::array<Pixel*, kGroup> from;
      for (Index l = 0; l < lanes; ++l) from[static_cast<std::size_t>(l)] = image(lane + l);
      const auto put = [&](Index width) {
        for (Index i = tile; i < end; ++i) {
          T* to = x.row(i) + first_lane + lane;
          for (Index l = 0; l < width; ++l) to[l] = input(from[static_cast<std::size_t>(l)][i]);
        }
      };
      if (lanes == kGroup)
        put(kGroup);  // a width that the compiler knows
      else
        put(lanes);
    }
  }
}

}  // namespace

template <class T>
void clear_lanes(Index first, View<T> x) {
  for (Index row = 0; row < x.rows(); ++row) std::fill_n(x.row(row) + first, kLanes - first, T(0));
}

void read_labels(const ImageList& list, std::span<const Index> positions, std::span<Label> labels) {
  for (std::size_t i = 0; i < positions.size(); ++i) labels[i] = list.label(positions[i]);
}

template <class T>
void fill_lanes(const ImageList& list, const Normalisation& normalisation,
                std::span<const Index> positions, View<T> x, std::span<Label> labels) {
  const Index pixels = list.set->shape.height * list.set->shape.width;
  const auto samples = static_cast<Index>(positions.size());
  for_each_channel<T>(list, normalisation,
                      [&](Index channel, const auto& input, const auto& pixels_of) {
                        const auto image = [&](Index lane) {
                          return pixels_of(positions[static_cast<std::size_t>(lane)]);
                        };
                        put_pixels(channel * pixels, pixels, samples, 0, input, image, x);
                      });
  clear_lanes(samples, x);
  read_labels(list, positions, labels);
}

template <class T>
void read_inputs(const ImageList& list, const Normalisation& normalisation,
                 std::span<const Index> positions, T* inputs) {
  const Index features = list.set->shape.features();
  const Index pixels = list.set->shape.height * list.set->shape.width;
  for_each_channel<T>(list, normalisation,
                      [&](Index channel, const auto& input, const auto& pixels_of) {
                        T* to = inputs + channel * pixels;
                        for (const Index position : positions) {
                          const auto* from = pixels_of(position) + channel * pixels;
                          for (Index i = 0; i < pixels; ++i) to[i] = input(from[i]);
                          to += features;
                        }
                      });
}

template <class T>
void put_lanes(const T* images, Index count, Index first_lane, View<T> x) {
  put_pixels(
      0, x.rows(), count, first_lane, [](T value) { return value; },
      [&](Index l) { return images + l * x.rows(); }, x);
}

template void fill_lanes(const ImageList&, const Normalisation&, std::span<const Index>,
                         View<float>, std::span<Label>);
template void fill_lanes(const ImageList&, const Normalisation&, std::span<const Index>,
                         View<double>, std::span<Label>);
template void read_inputs(const ImageList&, const Normalisation&, std::span<const Index>, float*);
template void put_lanes(const float*, Index, Index, View<float>);
template void clear_lanes(Index, View<float>);

}  // namespace ohmic::nn
