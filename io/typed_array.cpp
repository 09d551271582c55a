#include "io/typed_array.h"

#include "io/array_file.h"

namespace ohmic {

ArrayHeader header_of(const ArrayPlace& place) {
  if (place.data_set.empty()) return npy_header(place.file);
  const h5::Reader reader(place.file);
  return {reader.shape(place.data_set), reader.element(place.data_set)};
}

h5::Array<std::uint8_t> read_bytes(const ArrayPlace& place) {
  if (place.data_set.empty()) return read_npy_bytes(place.file);
  return h5::Reader(place.file).bytes(place.data_set);
}

h5::Array<float> read_floats(const ArrayPlace& place) {
  if (place.data_set.empty()) return read_npy(place.file);
  return h5::Reader(place.file).floats(place.data_set);
}

h5::Array<std::int64_t> read_integers(const ArrayPlace& place) {
  if (place.data_set.empty()) return read_npy_integers(place.file);
  return h5::Reader(place.file).integers(place.data_set);
}

}  // namespace ohmic
