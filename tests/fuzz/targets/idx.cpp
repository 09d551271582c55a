#include <algorithm>

#include "fuzz/gunzip.h"
#include "fuzz/target.h"
#include "nn/dataset_files.h"

namespace ohmic::fuzz {
namespace {

using namespace std::string_view_literals;

/// Images beside two labels, then labels beside two images: one of them is the input.
const Target kIdx("idx", [](std::string_view input) {
  const std::filesystem::path file = file_of(input, "input"),
                              images =
                                  file_of("\0\0\x08\3\0\0\0\2\0\0\0\1\0\0\0\2\1\2\3\4"sv, "images"),
                              labels = file_of("\0\0\x08\1\0\0\0\2\0\1"sv, "labels");
  for (const bool is_images : {true, false}) {
    // What is wrong with a pair may be told of either file.
    const auto set = accepted(file.parent_path().string(), [&] {
      return nn::read_idx(is_images ? file : images, is_images ? labels : file, 0);
    });
    if (!set) continue;
    expect(set->size() == 2 &&
               set->pixels.size() == 2 * static_cast<std::size_t>(set->shape.features()),
           "images and labels do not pair");
    const std::string read = is_images ? std::string(set->pixels.begin(), set->pixels.end())
                                       : std::string(set->labels.begin(), set->labels.end());
    const auto plain = gunzipped(input);
    expect(plain && plain->ends_with(read),
           "bytes differ from the file's, or a damaged gzip file is read");
  }
});

}  // namespace
}  // namespace ohmic::fuzz
