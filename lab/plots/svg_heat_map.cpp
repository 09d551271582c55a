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

}  // namespace

std::string to_svg(const HeatMap& map) {
  const std::size_t columns = map.x_words.size(), rows = map.y_words.size();
  const double left = std::max(kLeastLeft, widest(map.y_words) + 38);
  const double cell_width = (kWidth - kRight - left) / static_cast<double>(columns);
  const double cell_height =
      std::clamp(kMapHeight / static_cast<double>(rows), kLeastRowHeight, kMostRowHeight);
  const double bottom = kTop + cell_height * static_cast<double>(rows);
  const bool aslant = widest(map.x_words) > cell_width - 4;
  const double label_at = bottom + (aslant ? 30 + widest(map.x_words) * 0.57 : 42);
  const double scale_at = label_at + 18, height = scale_at + 44;
  double low = INFINITY, high = -INFINITY;
  for (const double v : map.values) {
    if (!std::isfinite(v)) continue;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1:.0f}\" width=\"{0}\" "
      "height=\"{1:.0f}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"14\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      kWidth, height, escaped(map.title));
  const auto fraction = [&](double v) { return high > low ? (v - low) / (high - low) : 1.0; };
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column) {
      const std::size_t at = row * columns + column;
      const double value = map.values[at];
      const bool is_empty = !std::isfinite(value);
      const double x = left + cell_width * static_cast<double>(column);
      const double y = bottom - cell_height * static_cast<double>(row + 1);
      const std::string note = at < map.notes.size() ? map.notes[at] : "";
      const Colour colour = is_empty ? Colour{} : colour_at(fraction(value));
      svg += fmt::format(
          "<rect class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" "
          "fill=\"{}\"{}><title>{}</title></rect>\n",
          x + 0.5, y + 0.5, cell_width - 1, cell_height - 1,
          is_empty ? "none" : hexadecimal(colour),
          is_empty ? " stroke=\"#888\" stroke-dasharray=\"3 3\"" : "",
          escaped(fmt::format("{} {}, {} {}: {}{}", map.x_label, map.x_words[column], map.y_label,
                              map.y_words[row],
                              is_empty ? "no value" : fmt::format("{:.2f}", value),
                              note.empty() ? "" : " " + note)));
      if (!is_empty && cell_width >= kRoomForNumber)
        svg += fmt::format(
            "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\" fill=\"{}\" font-size=\"11\" "
            "pointer-events=\"none\">{:.{}f}</text>\n",
            x + cell_width / 2, y + cell_height / 2 + 4, ink_on(colour), value,
            cell_width >= 46 ? 2 : 1);
    }
  // Of narrow columns and rows, some are named.
  const auto every = [](double room, double needed) {
    return static_cast<std::size_t>(std::max(1.0, std::ceil(needed / room)));
  };
  for (std::size_t column = 0; column < columns; column += every(cell_width, 14)) {
    const double x = left + cell_width * (static_cast<double>(column) + 0.5);
    svg += aslant
               ? fmt::format(
                     "<text transform=\"translate({:.1f} {:.1f}) rotate(-35)\" "
                     "text-anchor=\"end\">{}</text>\n",
                     x + 4, bottom + 14, escaped(map.x_words[column]))
               : fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                             x, bottom + 18, escaped(map.x_words[column]));
  }
  for (std::size_t row = 0; row < rows; ++row)
    svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n", left - 8,
                       bottom - cell_height * (static_cast<double>(row) + 0.5) + 4,
                       escaped(map.y_words[row]));
  svg += fmt::format(
      "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n<text "
      "transform=\"translate(18 {:.1f}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
      (left + kWidth - kRight) / 2, label_at, escaped(map.x_label), (kTop + bottom) / 2,
      escaped(map.y_label));
  if (!(low <= high)) return svg + "</svg>\n";
  const double step = (kWidth - kRight - left) / kSteps;
  for (int i = 0; i < kSteps; ++i)
    svg += fmt::format(
        "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"10\" fill=\"{}\"/>\n",
        left + step * i, scale_at, step + 0.5, hexadecimal(colour_at(i / (kSteps - 1.0))));
  return svg + fmt::format(
                   "<text x=\"{0:.1f}\" y=\"{1:.1f}\">{2:.2f}</text>\n<text x=\"{3:.1f}\" "
                   "y=\"{1:.1f}\" text-anchor=\"middle\">{4}</text>\n<text x=\"{5:.1f}\" "
                   "y=\"{1:.1f}\" text-anchor=\"end\">{6:.2f}</text>\n</svg>\n",
                   left, scale_at + 26, low, (left + kWidth - kRight) / 2, escaped(map.value_label),
                   kWidth - kRight, high);
}

}  // namespace ohmic::lab
