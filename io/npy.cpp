#include <algorithm>
#include <bit>
#include <cstring>
#include <fstream>
#include <limits>
#include <string_view>
#include <type_traits>

#include "base/error.h"
#include "io/array_file.h"
#include "io/half.h"
#include "io/typed_array.h"
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

/// Numbers of type From in a file, in the other or the same byte order. Unsigned integers beyond
/// 2^63 - 1 become that.
template <class From, class To>
void read_run(const char* from, bool swapped, std::size_t count, To* to) {
  for (std::size_t i = 0; i < count; ++i, from += sizeof(From)) {
    From value;
    if (swapped) {
      char raw[sizeof(From)];
      for (std::size_t byte = 0; byte < sizeof(From); ++byte)
        raw[byte] = from[sizeof(From) - 1 - byte];
      std::memcpy(&value, raw, sizeof(From));
    } else {
      std::memcpy(&value, from, sizeof(From));
    }
    if constexpr (std::is_same_v<From, std::uint64_t> && std::is_same_v<To, std::int64_t>)
      value = std::min<From>(value, std::numeric_limits<To>::max());
    to[i] = static_cast<To>(value);
  }
}

/// The same of two bytes that hold a half-precision number.
void read_halves(const char* from, bool swapped, std::size_t count, float* to) {
  static_assert(std::endian::native == std::endian::little, "the bytes are taken apart");
  for (std::size_t i = 0; i < count; ++i, from += 2) {
    const auto low = static_cast<unsigned char>(from[swapped ? 1 : 0]);
    const auto high = static_cast<unsigned char>(from[swapped ? 0 : 1]);
    to[i] = from_half(static_cast<std::uint16_t>(high << 8 | low));
  }
}

template <class To>
using RunReader = void (*)(const char*, bool, std::size_t, To*);

/// How elements of a kind ("f4", "u1") become To; null where they do not.
template <class To>
RunReader<To> run_reader(std::string_view kind) {
  if (kind == "u1" || kind == "b1") return read_run<std::uint8_t, To>;
  if constexpr (!std::is_same_v<To, std::uint8_t>) {
    if (kind == "i1") return read_run<std::int8_t, To>;
    if (kind == "i2") return read_run<std::int16_t, To>;
    if (kind == "i4") return read_run<std::int32_t, To>;
    if (kind == "i8") return read_run<std::int64_t, To>;
    if (kind == "u2") return read_run<std::uint16_t, To>;
    if (kind == "u4") return read_run<std::uint32_t, To>;
    if (kind == "u8") return read_run<std::uint64_t, To>;
  }
  if constexpr (std::is_same_v<To, float>) {
    if (kind == "f2") return read_halves;
    if (kind == "f4") return read_run<float, To>;
    if (kind == "f8") return read_run<double, To>;
  }
  return nullptr;
}

/// Where the element that lies at some place in Fortran order lies in C order.
class FortranOrder {
 public:
  explicit FortranOrder(const std::vector<Index>& shape) {
    std::size_t stride = 1;
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      axes_.insert(axes_.begin(), {static_cast<std::size_t>(shape[axis]), stride});
      stride *= axes_.front().size;
    }
  }
  std::size_t in_c_order(std::size_t place) const {
    std::size_t result = 0;
    for (const Axis& axis : axes_) {
      result += place % axis.size * axis.stride;
      place /= axis.size;
    }
    return result;
  }

 private:
  struct Axis {
    std::size_t size, stride;
  };
  std::vector<Axis> axes_;
};

/// What a header says of the numbers behind it.
struct Layout {
  std::vector<Index> shape;
  std::string kind;                    ///< "f4"
  std::size_t start = 0;               ///< of the numbers in the file [bytes]
  std::size_t element = 0, count = 0;  ///< bytes of one, and how many there are
  bool swapped = false, reordered = false;
};

/// `bytes` are the first of a file of `size`, its header among them where it is no longer than
/// kMostHeader.
constexpr std::size_t kMostHeader = 1 << 16;
Layout parse_layout(std::string_view bytes, std::size_t size, const std::string& name) {
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
  Layout layout;
  layout.start = before + header_size;
  if (size < layout.start) fail("is truncated inside its header");
  if (bytes.size() < layout.start) fail("has a header too long for an array of numbers");
  const Header header = HeaderParser(bytes.substr(before, header_size), name).parse();
  size -= layout.start;

  if (header.shape.size() > kMostAxes)
    throw ShapeError(name + ": has " + std::to_string(header.shape.size()) +
                     " dimensions, more than numpy's arrays can have (" +
                     std::to_string(kMostAxes) + ")");
  const char order = header.type.empty() ? '?' : header.type[0];
  layout.shape = header.shape;
  layout.kind = header.type.empty() ? "" : header.type.substr(1);
  if (!run_reader<float>(layout.kind) || "<>|="sv.find(order) == std::string_view::npos)
    fail("holds elements of type '" + header.type + "', expected floats (f2, f4, f8) or integers");
  layout.element = static_cast<std::size_t>(layout.kind[1] - '0');
  std::size_t count = 1;
  for (Index length : header.shape)
    if (__builtin_mul_overflow(count, static_cast<std::size_t>(length), &count)) count = SIZE_MAX;
  if (count > size / layout.element)
    fail("is truncated: " + std::to_string(size) + " bytes of numbers, its header promises " +
         (count == SIZE_MAX ? "more"
                            : std::to_string(count) + " of " + std::to_string(layout.element)));
  if (count * layout.element != size)
    fail("has " + std::to_string(size - count * layout.element) + " bytes after its numbers");
  layout.count = count;
  layout.swapped = order == '>' ? std::endian::native == std::endian::little
                                : order == '<' && std::endian::native == std::endian::big;
  layout.reordered = header.fortran_order && header.shape.size() > 1;
  return layout;
}

/// The numbers of an array, of which `next(count)` gives the following bytes of the file.
template <class To, class Next>
h5::Array<To> read_elements(const Layout& layout, const std::string& name, Next next) {
  const RunReader<To> read = run_reader<To>(layout.kind);
  if (!read) throw FileError(name + ": holds elements of type '" + layout.kind + "'");
  h5::Array<To> array{layout.shape, std::vector<To>(layout.count)};
  constexpr std::size_t kRun = 1 << 17;  // elements
  const FortranOrder order(layout.shape);
  std::vector<To> run(layout.reordered ? std::min(kRun, layout.count) : 0);
  for (std::size_t first = 0; first < layout.count; first += kRun) {
    const std::size_t count = std::min(kRun, layout.count - first);
    const char* bytes = next(count * layout.element);
    if (!layout.reordered) {
      read(bytes, layout.swapped, count, array.values.data() + first);
      continue;
    }
    read(bytes, layout.swapped, count, run.data());
    for (std::size_t i = 0; i < count; ++i) array.values[order.in_c_order(first + i)] = run[i];
  }
  return array;
}

h5::Array<float> parse_npy(std::string_view bytes, const std::string& name) {
  const Layout layout = parse_layout(bytes, bytes.size(), name);
  bytes.remove_prefix(layout.start);
  return read_elements<float>(layout, name, [&](std::size_t count) {
    const char* run = bytes.data();
    bytes.remove_prefix(count);
    return run;
  });
}

/// A .npy file, of which the header has been read.
class NpyFile {
 public:
  explicit NpyFile(const std::filesystem::path& file) : name_(file.string()) {
    check_readable(file);
    in_.open(file, std::ios::binary);
    std::error_code unknown;
    const std::uintmax_t size = std::filesystem::file_size(file, unknown);
    if (!in_ || unknown) throw FileError(name_ + ": cannot be read");
    std::string start(std::min<std::uintmax_t>(size, kMostHeader), '\0');
    in_.read(start.data(), static_cast<std::streamsize>(start.size()));
    layout_ = parse_layout(std::string_view(start).substr(
                               0, static_cast<std::size_t>(std::max<Index>(in_.gcount(), 0))),
                           size, name_);
  }
  const Layout& layout() const { return layout_; }
  template <class To>
  h5::Array<To> read() {
    in_.clear();
    in_.seekg(static_cast<std::streamoff>(layout_.start));
    std::vector<char> bytes;
    return read_elements<To>(layout_, name_, [&](std::size_t count) {
      bytes.resize(count);
      if (!in_.read(bytes.data(), static_cast<std::streamsize>(count)))
        throw FileError(name_ + ": cannot be read");
      return bytes.data();
    });
  }

 private:
  std::string name_;
  std::ifstream in_;
  Layout layout_;
};

template <class To>
h5::Array<To> read_npy_as(const std::filesystem::path& file) {
  return within_memory(file, [&] { return NpyFile(file).read<To>(); });
}

}  // namespace

h5::Array<float> read_npy(const std::filesystem::path& file) { return read_npy_as<float>(file); }

ArrayHeader npy_header(const std::filesystem::path& file) {
  const Layout layout = NpyFile(file).layout();
  const bool is_byte = run_reader<std::uint8_t>(layout.kind) != nullptr;
  return {layout.shape, layout.kind[0] == 'f' ? h5::Element::floating
                        : is_byte             ? h5::Element::byte
                                              : h5::Element::integer};
}

h5::Array<std::uint8_t> read_npy_bytes(const std::filesystem::path& file) {
  return read_npy_as<std::uint8_t>(file);
}

h5::Array<std::int64_t> read_npy_integers(const std::filesystem::path& file) {
  return read_npy_as<std::int64_t>(file);
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
