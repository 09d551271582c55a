#include <bit>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "io/array_file.h"
#include "io/half.h"
#include "io/zip_file.h"

/// numpy's .npy (format versions 1 to 3, numpy.lib.format) and .npz.
namespace ohmic {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::size_t kMostAxes = 64;   // NPY_MAXDIMS of numpy 2
constexpr std::size_t kAlignment = 64;  // where numpy lets the numbers start

struct Header {
  std::string type;
  bool fortran_order = false;
  std::vector<Index> shape;
};

/// Reads the Python literal "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    bool has_type = false, has_order = false, has_shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = word();
      expect(':');
      if (key == "descr") {
        skip_blanks();
        if (peek() == '[') fail("holds records, expected plain numbers");
        header.type = word();
        has_type = true;
      } else if (key == "fortran_order") {
        header.fortran_order = flag();
        has_order = true;
      } else if (key == "shape") {
        header.shape = shape();
        has_shape = true;
      } else {
        damaged();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (!has_type || !has_order || !has_shape || at_ != text_.size()) damaged();
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FileError(name_ + ": " + what); }
  [[noreturn]] void damaged() const { fail("has a damaged .npy header"); }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_blanks() {
    while (peek() == ' ' || peek() == '\n') ++at_;
  }
  bool accept(char c) {
    skip_blanks();
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) damaged();
  }
  std::string word() {
    skip_blanks();
    const char quote = peek();
    if (quote != '\'' && quote != '"') damaged();
    const std::size_t end = text_.find(quote, ++at_);
    if (end == text_.npos) damaged();
    const std::string result(text_.substr(at_, end - at_));
    at_ = end + 1;
    return result;
  }
  bool flag() {
    skip_blanks();
    for (bool value : {false, true}) {
      const std::string_view name = value ? "True" : "False";
      if (text_.substr(at_, name.size()) != name) continue;
      at_ += name.size();
      return value;
    }
    damaged();
  }
  std::vector<Index> shape() {
    std::vector<Index> result;
    expect('(');
    while (!accept(')')) {
      skip_blanks();
      Index size = 0;
      const std::size_t first = at_;
      for (; peek() >= '0' && peek() <= '9'; ++at_) {
        if (size > std::numeric_limits<Index>::max() / 10 - 1) damaged();
        size = 10 * size + (peek() - '0');
      }
      if (at_ == first) damaged();
      accept('L');  // Python 2 wrote long integers so
      result.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return result;
  }

  std::string_view text_;
  const std::string& name_;
  std::size_t at_ = 0;
};

/// Element `from` as a T of the other or the same byte order.
template <class T>
float element(const char* from, bool swapped) {
  char raw[sizeof(T)];
  for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = from[swapped ? sizeof(T) - 1 - i : i];
  T value;
  std::memcpy(&value, raw, sizeof(T));
  return static_cast<float>(value);
}

/// The same of two bytes that hold a half-precision number.
float half_element(const char* from, bool swapped) {
  const auto low = static_cast<unsigned char>(from[swapped ? 1 : 0]);
  const auto high = static_cast<unsigned char>(from[swapped ? 0 : 1]);
  return from_half(static_cast<std::uint16_t>(high << 8 | low));
}

struct ElementType {
  std::size_t size;
  float (*read)(const char*, bool);
};

std::optional<ElementType> element_type(std::string_view kind) {
  const auto of = []<class T>(T) { return ElementType{sizeof(T), element<T>}; };
  static_assert(std::endian::native == std::endian::little, "half_element() takes bytes apart");
  if (kind == "f2") return ElementType{2, half_element};
  if (kind == "f4") return of(float{});
  if (kind == "f8") return of(double{});
  if (kind == "i1") return of(std::int8_t{});
  if (kind == "i2") return of(std::int16_t{});
  if (kind == "i4") return of(std::int32_t{});
  if (kind == "i8") return of(std::int64_t{});
  if (kind == "u1" || kind == "b1") return of(std::uint8_t{});
  if (kind == "u2") return of(std::uint16_t{});
  if (kind == "u4") return of(std::uint32_t{});
  if (kind == "u8") return of(std::uint64_t{});
  return std::nullopt;
}

/// The positions in Fortran order of elements that are asked for in C order.
class FortranOrder {
 public:
  explicit FortranOrder(const std::vector<Index>& shape) {
    std::size_t stride = 1;
    for (const Index size : shape) {
      axes_.push_back({static_cast<std::size_t>(size), stride});
      stride *= axes_.back().size;
    }
  }
  std::size_t position(std::size_t index) const {
    std::size_t result = 0;
    for (std::size_t axis = axes_.size(); axis-- > 0; index /= axes_[axis].size)
      result += index % axes_[axis].size * axes_[axis].stride;
    return result;
  }

 private:
  struct Axis {
    std::size_t size, stride;
  };
  std::vector<Axis> axes_;
};

h5::Array<float> parse_npy(std::string_view bytes, const std::string& name) {
  const auto fail = [&](const std::string& what) { throw FileError(name + ": " + what); };
  if (!bytes.starts_with(kMagic)) fail("is not a .npy file");
  const auto byte = [&](std::size_t at) -> std::size_t {
    if (at >= bytes.size()) fail("is truncated inside its header");
    return static_cast<unsigned char>(bytes[at]);
  };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3)
    fail("has .npy version " + std::to_string(version) + ", expected 1, 2 or 3");
  const std::size_t before = version == 1 ? 10 : 12;
  std::size_t header_size = byte(8) | byte(9) << 8;
  if (version > 1) header_size |= byte(10) << 16 | byte(11) << 24;
  if (bytes.size() < before + header_size) fail("is truncated inside its header");
  Header header = HeaderParser(bytes.substr(before, header_size), name).parse();
  bytes.remove_prefix(before + header_size);

  if (header.shape.size() > kMostAxes)
    throw ShapeError(name + ": has " + std::to_string(header.shape.size()) +
                     " dimensions, more than numpy's arrays can have (" +
                     std::to_string(kMostAxes) + ")");
  const char order = header.type.empty() ? '?' : header.type[0];
  const auto type = element_type(std::string_view(header.type).substr(header.type.empty() ? 0 : 1));
  if (!type || std::string_view("<>|=").find(order) == std::string_view::npos)
    fail("holds elements of type '" + header.type + "', expected floats (f2, f4, f8) or integers");
  std::size_t count = 1;
  for (Index size : header.shape)
    if (__builtin_mul_overflow(count, static_cast<std::size_t>(size), &count)) count = SIZE_MAX;
  if (count > bytes.size() / type->size)
    fail(
        "is truncated: " + std::to_string(bytes.size()) +
        " bytes of numbers, its header promises " +
        (count == SIZE_MAX ? "more" : std::to_string(count) + " of " + std::to_string(type->size)));
  if (count * type->size != bytes.size())
    fail("has " + std::to_string(bytes.size() - count * type->size) + " bytes after its numbers");

  const bool swapped = order == '>' ? std::endian::native == std::endian::little
                                    : order == '<' && std::endian::native == std::endian::big;
  h5::Array<float> array{header.shape, std::vector<float>(count)};
  const FortranOrder order_in_file(header.shape);
  const bool reorder = header.fortran_order && header.shape.size() > 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = reorder ? order_in_file.position(i) : i;
    array.values[i] = type->read(bytes.data() + at * type->size, swapped);
  }
  return array;
}

}  // namespace

h5::Array<float> read_npy(const std::filesystem::path& file) {
  return within_memory(file, [&] { return parse_npy(read_whole_file(file), file.string()); });
}

void write_npy(const std::filesystem::path& file, const std::vector<Index>& shape,
               const float* values) {
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (";
  std::size_t count = 1;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    header += (axis > 0 ? ", " : "") + std::to_string(shape[axis]);
    count *= static_cast<std::size_t>(shape[axis]);
  }
  header += shape.size() == 1 ? ",), }" : "), }";
  const std::size_t before = kMagic.size() + 4;
  const std::size_t padding = kAlignment - (before + header.size() + 1) % kAlignment;
  header += std::string(padding, ' ') + '\n';
  std::string start(kMagic);
  start +=
      {'\1', '\0', static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  WholeFile out(file);
  out.write((start + header).data(), before + header.size());
  static_assert(std::endian::native == std::endian::little, "the numbers are written as they lie");
  out.write(values, count * sizeof(float));
  out.commit();
}

std::map<std::string, h5::Array<float>> read_npz(const std::filesystem::path& file,
                                                 std::uint64_t limit) {
  return within_memory(file, [&] {
    std::map<std::string, h5::Array<float>> arrays;
    for (const auto& [name, contents] : read_zip(file, limit)) {
      if (!name.ends_with(".npy"))
        throw FileError(file.string() + ": '" + name +
                        "' is not a .npy file, expected numpy's savez");
      const std::string array = name.substr(0, name.size() - 4);
      if (!arrays.emplace(array, parse_npy(contents, file.string() + ": '" + name + "'")).second)
        throw FileError(file.string() + ": '" + name + "' appears twice");
    }
    return arrays;
  });
}

}  // namespace ohmic
