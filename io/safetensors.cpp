#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "io/array_file.h"
#include "io/half.h"

/// .safetensors (huggingface/safetensors, README, "Format"): the header's size as a little-endian
/// 64-bit number, the header as a JSON object, then the numbers, little-endian and row-major,
/// without holes.
///   {"__metadata__": {...}, "fc1.weight": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0,
///   24]}}
namespace ohmic {
namespace {

constexpr std::size_t kLengthSize = 8, kMostAxes = 64;
constexpr std::uint64_t kLongestHeader = 100'000'000;  // the format's own limit

struct Tensor {
  std::string name, type;
  std::vector<Index> shape;
  std::uint64_t begin = 0, end = 0;
};

/// Reads the JSON of a header: objects, strings, and lists of numbers that are not negative.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  std::vector<Tensor> parse() {
    std::vector<Tensor> tensors;
    members([&](const std::string& name) {
      if (name == "__metadata__")
        members([&](const std::string&) { word(); });
      else
        tensors.push_back(tensor(name));
    });
    skip_blanks();
    if (at_ != text_.size()) damaged();
    return tensors;
  }

 private:
  [[noreturn]] void damaged() const {
    throw FileError(file_ + ": has a damaged header (at its byte " + std::to_string(at_) + ")");
  }
  void skip_blanks() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos)
      ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged();
  }
  /// { "name": ..., "name": ... }
  template <class Value>
  void members(Value value) {
    expect('{');
    if (accept('}')) return;
    do {
      const std::string name = word();
      expect(':');
      value(name);
    } while (accept(','));
    expect('}');
  }
  std::string word() {
    expect('"');
    std::string out;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] != '\\') {
        out += text_[at_];
        continue;
      }
      if (++at_ >= text_.size()) damaged();
      constexpr std::string_view kEscapes = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
      if (const std::size_t known = kEscapes.find(text_[at_]); known != kEscapes.npos)
        out += kMeanings[known];
      else
        out += code_point();
    }
    expect('"');
    return out;
  }
  /// uXXXX of the plane that names are in.
  std::string code_point() {
    if (text_[at_] != 'u' || text_.size() - at_ < 5) damaged();
    unsigned code = 0;
    for (int i = 0; i < 4; ++i) {
      char c = text_[++at_];
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
      const std::size_t digit = std::string_view("0123456789abcdef").find(c);
      if (digit == std::string_view::npos) damaged();
      code = code << 4 | static_cast<unsigned>(digit);
    }
    if (code < 0x80) return {static_cast<char>(code)};
    const auto tail = [code](int shift) {
      return static_cast<char>(0x80 | (code >> shift & 0x3f));
    };
    if (code < 0x800) return {static_cast<char>(0xc0 | code >> 6), tail(0)};
    return {static_cast<char>(0xe0 | code >> 12), tail(6), tail(0)};
  }
  std::uint64_t number() {
    skip_blanks();
    std::uint64_t value = 0;
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (value > std::numeric_limits<std::int64_t>::max() / 10 - 1) damaged();
      value = 10 * value + static_cast<std::uint64_t>(text_[at_] - '0');
    }
    if (at_ == first) damaged();
    return value;
  }
  std::vector<std::uint64_t> numbers() {
    std::vector<std::uint64_t> out;
    expect('[');
    if (accept(']')) return out;
    do {
      if (out.size() == kMostAxes) damaged();
      out.push_back(number());
    } while (accept(','));
    expect(']');
    return out;
  }
  Tensor tensor(const std::string& name) {
    Tensor out{.name = name, .type = {}, .shape = {}};
    bool has_shape = false, has_offsets = false;
    members([&](const std::string& key) {
      if (key == "dtype" && out.type.empty()) {
        out.type = word();
      } else if (key == "shape" && !has_shape) {
        for (const std::uint64_t size : numbers()) out.shape.push_back(static_cast<Index>(size));
        has_shape = true;
      } else if (key == "data_offsets" && !has_offsets) {
        const auto offsets = numbers();
        if (offsets.size() != 2) damaged();
        out.begin = offsets[0];
        out.end = offsets[1];
        has_offsets = true;
      } else {
        damaged();  // another key, or one twice
      }
    });
    if (out.type.empty() || !has_shape || !has_offsets) damaged();
    return out;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

template <class T>
float element(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return static_cast<float>(value);
}
float half_element(const char* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return from_half(bits);
}
float bfloat16_element(const char* from) {
  std::uint16_t bits;
  std::memcpy(&bits, from, sizeof bits);
  return from_bfloat16(bits);
}

struct ElementType {
  const char* name;
  std::size_t size;
  float (*read)(const char*);
};
constexpr ElementType kTypes[] = {
    {"F32", 4, element<float>},         {"F64", 8, element<double>},
    {"F16", 2, half_element},           {"BF16", 2, bfloat16_element},
    {"I64", 8, element<std::int64_t>},  {"I32", 4, element<std::int32_t>},
    {"I16", 2, element<std::int16_t>},  {"I8", 1, element<std::int8_t>},
    {"U64", 8, element<std::uint64_t>}, {"U32", 4, element<std::uint32_t>},
    {"U16", 2, element<std::uint16_t>}, {"U8", 1, element<std::uint8_t>},
    {"BOOL", 1, element<std::uint8_t>}};

h5::Array<float> read_tensor(const Tensor& tensor, std::string_view numbers,
                             const std::string& name) {
  const auto* type = std::find_if(std::begin(kTypes), std::end(kTypes),
                                  [&](const ElementType& t) { return tensor.type == t.name; });
  if (type == std::end(kTypes))
    throw FileError(name + " holds numbers of type '" + tensor.type +
                    "', expected F16, BF16, F32, F64 or integers");
  if (tensor.begin > tensor.end || tensor.end > numbers.size())
    throw FileError(name + " lies outside the file (truncated?)");
  std::uint64_t count = 1;
  for (const Index size : tensor.shape)
    if (__builtin_mul_overflow(count, static_cast<std::uint64_t>(size), &count)) count = SIZE_MAX;
  const std::uint64_t bytes = tensor.end - tensor.begin;
  if (count != bytes / type->size || bytes % type->size != 0)
    throw FileError(name + " has " + std::to_string(bytes) +
                    " bytes, which its shape does not fill");
  h5::Array<float> array{tensor.shape, std::vector<float>(count)};
  for (std::size_t i = 0; i < count; ++i)
    array.values[i] = type->read(numbers.data() + tensor.begin + i * type->size);
  return array;
}

std::map<std::string, h5::Array<float>> parse(std::string_view bytes, const std::string& file) {
  if (bytes.size() < kLengthSize) throw FileError(file + ": is truncated or no .safetensors file");
  std::uint64_t length = 0;
  for (std::size_t i = kLengthSize; i-- > 0;)
    length = length << 8 | static_cast<unsigned char>(bytes[i]);
  if (length > kLongestHeader || length > bytes.size() - kLengthSize)
    throw FileError(file + ": is truncated or no .safetensors file");
  const std::string_view numbers = bytes.substr(kLengthSize + length);
  std::vector<Tensor> tensors = HeaderParser(bytes.substr(kLengthSize, length), file).parse();
  std::sort(tensors.begin(), tensors.end(), [](const Tensor& a, const Tensor& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::map<std::string, h5::Array<float>> arrays;
  std::uint64_t next = 0;
  for (const Tensor& tensor : tensors) {
    const std::string name = file + ": '" + tensor.name + "'";
    h5::Array<float> array = read_tensor(tensor, numbers, name);
    // Arrays that share bytes would multiply a small file.
    if (tensor.begin != next)
      throw FileError(name + (tensor.begin < next ? " shares its bytes with another array"
                                                  : " stands behind a hole"));
    next = tensor.end;
    if (!arrays.emplace(tensor.name, std::move(array)).second)
      throw FileError(name + " appears twice");
  }
  if (next != numbers.size())
    throw FileError(file + ": has " + std::to_string(numbers.size() - next) +
                    " bytes after its numbers");
  return arrays;
}

}  // namespace

std::map<std::string, h5::Array<float>> read_safetensors(const std::filesystem::path& file) {
  return within_memory(file, [&] { return parse(read_whole_file(file), file.string()); });
}

}  // namespace ohmic
