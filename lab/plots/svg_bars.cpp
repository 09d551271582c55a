#include "lab/plots/svg_bars.h"

#include <fmt/format.h>

#include <algorithm>

#include "lab/plots/markup.h"
#include "lab/plots/svg_plot.h"
#include "lab/plots/svg_scale.h"

namespace ohmic::lab {
namespace {

constexpr double kWidth = 480, kTop = 40, kRow = 30, kBar = 16, kLetter = 6.8, kNumber = 62;

}  // namespace

std::string to_svg(const BarChart& chart) {
  double left = 40;
  std::vector<double> all{0};
  for (const Bar& bar : chart.bars) {
    left = std::max(left, kLetter * static_cast<double>(bar.name.size()) + 14);
    all.insert(all.end(), {bar.value, bar.low, bar.high});
  }
  const double right = kWidth - kNumber;
  const double bottom = kTop + kRow * static_cast<double>(chart.bars.size());
  const Scale x = scale_over(all, left, right);
  const std::string& colour = series_colours().front();
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"14\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      kWidth, bottom + 52, escaped(chart.title));
  for (const double t : x.ticks())
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#ddd\"/><text "
        "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x.at(t), kTop, bottom, bottom + 18, t);
  for (std::size_t i = 0; i < chart.bars.size(); ++i) {
    const Bar& bar = chart.bars[i];
    const double middle = kTop + kRow * (static_cast<double>(i) + 0.5);
    const bool has_interval = std::isfinite(bar.low) && std::isfinite(bar.high);
    const double from = x.at(std::min(0.0, bar.value)), to = x.at(std::max(0.0, bar.value));
    svg += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n"
        "<rect class=\"mark\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{}\" "
        "fill=\"{}\"><title>{}</title></rect>\n",
        left - 8, middle + 4, escaped(bar.name), from, middle - kBar / 2, std::max(to - from, 1.0),
        kBar, colour,
        escaped(fmt::format(
            "{}: {:+.2f}{}", bar.name, bar.value,
            has_interval ? fmt::format(" ({:+.2f} .. {:+.2f})", bar.low, bar.high) : "")));
    if (has_interval)
      svg += fmt::format(
          "<path d=\"M{0:.1f} {1:.1f}H{2:.1f}M{0:.1f} {3:.1f}v8M{2:.1f} {3:.1f}v8\" "
          "stroke=\"#222\" pointer-events=\"none\"/>\n",
          x.at(bar.low), middle, x.at(bar.high), middle - 4);
    svg += fmt::format("<text x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\">{:+.2f}</text>\n",
                       kWidth - 8, middle + 4, bar.value);
  }
  return svg + fmt::format(
                   "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#333\"/>\n"
                   "<text x=\"{3:.1f}\" y=\"{4}\" text-anchor=\"middle\">{5}</text>\n</svg>\n",
                   x.at(0), kTop, bottom, (left + right) / 2, bottom + 42,
                   escaped(chart.value_label));
}

}  // namespace ohmic::lab
