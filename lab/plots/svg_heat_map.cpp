#include "lab/plots/svg_heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "lab/plots/markup.h"

namespace ohmic::lab {
namespace {

constexpr double kWidth = 480, kTop = 40, kRight = 12, kLetter = 6.8, kLeastLeft = 62;
constexpr double kMostRowHeight = 40, kLeastRowHeight = 18, kMapHeight = 300, kRoomForNumber = 38;
constexpr int kSteps = 48;  // of the scale of colours

struct Colour {
  double red, green, blue;
};
// matplotlib's viridis at 0, 1/8, ... 1.
constexpr std::array<Colour, 9> kViridis{{{68, 1, 84},
                                          {71, 45, 123},
                                          {59, 82, 139},
                                          {44, 114, 142},
                                          {33, 145, 140},
                                          {40, 174, 128},
                                          {94, 201, 98},
                                          {173, 220, 48},
                                          {253, 231, 37}}};

Colour colour_at(double fraction) {
  const double position = std::clamp(fraction, 0.0, 1.0) * (kViridis.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(position), kViridis.size() - 2);
  const double part = position - static_cast<double>(below);
  const Colour &a = kViridis[below], &b = kViridis[below + 1];
  return {a.red + part * (b.red - a.red), a.green + part * (b.green - a.green),
          a.blue + part * (b.blue - a.blue)};
}

std::string hexadecimal(const Colour& c) {
  return fmt::format("#{:02x}{:02x}{:02x}", static_cast<int>(c.red), static_cast<int>(c.green),
                     static_cast<int>(c.blue));
}

/// Ink on a cell: by its brightness (ITU-R BT.601 luma).
const char* ink_on(const Colour& c) {
  return 0.299 * c.red + 0.587 * c.green + 0.114 * c.blue > 130 ? "#111111" : "#ffffff";
}

double widest(const std::vector<std::string>& all) {
  std::size_t longest = 0;
  for (const std::string& words : all) longest = std::max(longest, words.size());
  return kLetter * static_cast<double>(longest);
}

/// Where the parts of a map stand.
struct Geometry {
  std::size_t columns = 0, rows = 0;
  double left = 0, bottom = 0, cell_width = 0, cell_height = 0;  ///< of the cells
  bool is_aslant = false;                                        ///< words under narrow columns
  double label_at = 0, scale_at = 0, height = 0;

  double x(double column) const { return left + cell_width * column; }
  double y(double row) const { return bottom - cell_height * row; }
  double middle() const { return (left + kWidth - kRight) / 2; }
};

Geometry geometry_of(const HeatMap& map) {
  Geometry at;
  at.columns = map.x_words.size();
  at.rows = map.y_words.size();
  at.left = std::max(kLeastLeft, widest(map.y_words) + 38);
  at.cell_width = (kWidth - kRight - at.left) / static_cast<double>(at.columns);
  at.cell_height =
      std::clamp(kMapHeight / static_cast<double>(at.rows), kLeastRowHeight, kMostRowHeight);
  at.bottom = kTop + at.cell_height * static_cast<double>(at.rows);
  at.is_aslant = widest(map.x_words) > at.cell_width - 4;
  at.label_at = at.bottom + (at.is_aslant ? 30 + widest(map.x_words) * 0.57 : 42);
  at.scale_at = at.label_at + 18;
  at.height = at.scale_at + 44;
  return at;
}

/// The lowest and the highest finite value; low > high where there is none.
struct Range {
  double low = INFINITY, high = -INFINITY;
  double fraction(double v) const { return high > low ? (v - low) / (high - low) : 1.0; }
};

Range range_of(const std::vector<double>& values) {
  Range range;
  for (const double v : values) {
    if (!std::isfinite(v)) continue;
    range.low = std::min(range.low, v);
    range.high = std::max(range.high, v);
  }
  return range;
}

/// The opening of the file, its ground and the title.
std::string head(const HeatMap& map, const Geometry& at) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"14\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      kWidth, at.height, escaped(map.title));
}

/// "device.sigma 0.5, adc.bits 6: 91.20", and the cell's note
std::string tooltip(const HeatMap& map, std::size_t row, std::size_t column) {
  const std::size_t place = row * map.x_words.size() + column;
  const double value = map.values[place];
  const std::string note = place < map.notes.size() ? map.notes[place] : "";
  return fmt::format("{} {}, {} {}: {}{}", map.x_label, map.x_words[column], map.y_label,
                     map.y_words[row],
                     std::isfinite(value) ? fmt::format("{:.2f}", value) : "no value",
                     note.empty() ? "" : " " + note);
}

/// A coloured cell with its tooltip, and its number where it has the room.
std::string cell(const HeatMap& map, const Geometry& at, const Range& range, std::size_t row,
                 std::size_t column) {
  const double value = map.values[row * at.columns + column];
  const bool is_empty = !std::isfinite(value);
  const double x = at.x(static_cast<double>(column)), y = at.y(static_cast<double>(row + 1));
  const Colour colour = is_empty ? Colour{} : colour_at(range.fraction(value));
  std::string svg = fmt::format(
      "<rect class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
      "fill=\"{}\"{}><title>{}</title></rect>\n",
      x + 0.5, y + 0.5, at.cell_width - 1, at.cell_height - 1,
      is_empty ? "none" : hexadecimal(colour),
      is_empty ? " stroke=\"#888\" stroke-dasharray=\"3 3\"" : "",
      escaped(tooltip(map, row, column)));
  if (!is_empty && at.cell_width >= kRoomForNumber)
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"{}\" font-size=\"11\" "
        "pointer-events=\"none\">{:.{}f}</text>\n",
        x + at.cell_width / 2, y + at.cell_height / 2 + 4, ink_on(colour), value,
        at.cell_width >= 46 ? 2 : 1);
  return svg;
}

/// Words of the columns (of narrow ones, some) and of the rows, and the labels of both axes.
std::string axes(const HeatMap& map, const Geometry& at) {
  const auto every = static_cast<std::size_t>(std::max(1.0, std::ceil(14 / at.cell_width)));
  std::string svg;
  for (std::size_t column = 0; column < at.columns; column += every) {
    const double x = at.x(static_cast<double>(column) + 0.5);
    svg += at.is_aslant
               ? fmt::format(
                     "<text transform=\"translate({:.1f} {:.1f}) rotate(-35)\" "
                     "text-anchor=\"end\">{}</text>\n",
                     x + 4, at.bottom + 14, escaped(map.x_words[column]))
               : fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                             x, at.bottom + 18, escaped(map.x_words[column]));
  }
  for (std::size_t row = 0; row < at.rows; ++row)
    svg +=
        fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", at.left - 8,
                    at.y(static_cast<double>(row) + 0.5) + 4, escaped(map.y_words[row]));
  return svg + fmt::format(
                   "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n<text "
                   "transform=\"translate(18 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}"
                   "</text>\n",
                   at.middle(), at.label_at, escaped(map.x_label), (kTop + at.bottom) / 2,
                   escaped(map.y_label));
}

/// The scale of colours with the ends of the range.
std::string scale(const HeatMap& map, const Geometry& at, const Range& range) {
  const double step = (kWidth - kRight - at.left) / kSteps;
  std::string svg;
  for (int i = 0; i < kSteps; ++i)
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"10\" fill=\"{}\"/>\n",
        at.left + step * i, at.scale_at, step + 0.5, hexadecimal(colour_at(i / (kSteps - 1.0))));
  return svg + fmt::format(
                   "<text x=\"{0:.1f}\" y=\"{1:.1f}\">{2:.2f}</text>\n<text x=\"{3:.1f}\" "
                   "y=\"{1:.1f}\" text-anchor=\"middle\">{4}</text>\n<text x=\"{5:.1f}\" "
                   "y=\"{1:.1f}\" text-anchor=\"end\">{6:.2f}</text>\n",
                   at.left, at.scale_at + 26, range.low, at.middle(), escaped(map.value_label),
                   kWidth - kRight, range.high);
}

}  // namespace

std::string to_svg(const HeatMap& map) {
  const Geometry at = geometry_of(map);
  const Range range = range_of(map.values);
  std::string svg = head(map, at);
  for (std::size_t row = 0; row < at.rows; ++row)
    for (std::size_t column = 0; column < at.columns; ++column)
      svg += cell(map, at, range, row, column);
  svg += axes(map, at);
  if (range.low <= range.high) svg += scale(map, at, range);
  return svg + "</svg>\n";
}

}  // namespace ohmic::lab
