#include "fuzz/gunzip.h"
#include "fuzz/target.h"
#include "nn/dataset_files.h"

namespace ohmic::fuzz {
namespace {

const Target kCifar("cifar", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "data_batch_1.bin");
  for (const int label_bytes : {1, 2}) {
    const auto pixels = accepted_twice(file, [&] {
      const nn::Dataset set = nn::read_cifar({file}, label_bytes, 10);
      for (const nn::Label label : set.labels) expect(label < 10, "a label is out of range");
      expect(set.pixels.size() == 3072 * set.labels.size(), "images and labels do not pair");
      return std::string(set.pixels.begin(), set.pixels.end());
    });
    if (!pixels) continue;
    const auto plain = gunzipped(input);
    const std::size_t record = 3072 + static_cast<std::size_t>(label_bytes);
    expect(plain && plain->size() == pixels->size() / 3072 * record &&
               plain->ends_with(pixels->substr(pixels->size() - 3072)),
           "bytes differ from the file's, or a damaged gzip file is read");
  }
});

}  // namespace
}  // namespace ohmic::fuzz
