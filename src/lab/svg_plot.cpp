#include "lab/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ohmic::lab {
namespace {

constexpr double kWidth = 760, kHeight = 460, kLeft = 70, kRight = 210, kTop = 40, kBottom = 55;
// Okabe and Ito's palette for colour-blind readers.
const std::vector<std::string> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                        "#E69F00", "#56B4E9", "#000000", "#8a6d00"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

struct Axis {
  double low, high, from, to;
  bool is_logarithmic;
  double at(double value) const {
    const auto scale = [&](double v) { return is_logarithmic ? std::log10(v) : v; };
    const double v = is_logarithmic ? std::max(value, low) : value;
    return from + (scale(v) - scale(low)) / (scale(high) - scale(low)) * (to - from);
  }
  std::vector<double> ticks() const {
    std::vector<double> out;
    if (is_logarithmic) {
      for (double t = std::pow(10, std::floor(std::log10(low))); t <= high * 1.0001; t *= 10)
        if (t >= low * 0.9999) out.push_back(t);
      return out;
    }
    const double span = high - low, power = std::pow(10, std::floor(std::log10(span / 4)));
    double step = power;
    for (const double factor : {2.0, 5.0, 10.0})
      if (span / step > 8) step = power * factor;
    for (double t = std::ceil(low / step) * step; t <= high + 1e-9 * span; t += step)
      out.push_back(std::fabs(t) < step * 1e-9 ? 0 : t);
    return out;
  }
};

Axis axis_of(const Plot& plot, bool is_x) {
  double low = INFINITY, high = -INFINITY;
  const bool logarithmic = is_x && plot.x_is_logarithmic;
  const auto see = [&](double v) {
    if (logarithmic && v <= 0) return;
    low = std::min(low, v);
    high = std::max(high, v);
  };
  for (const PlotSeries& s : plot.series) {
    for (const double v : is_x ? s.x : s.y) see(v);
    if (!is_x)
      for (const auto* bars : {&s.low, &s.high})
        for (const double v : *bars) see(v);
  }
  if (!(low <= high)) low = logarithmic ? 0.1 : 0, high = 1;
  if (low == high) {
    low = logarithmic ? low / 2 : low - 0.5;
    high = logarithmic ? high * 2 : high + 0.5;
  }
  const double margin = 0.05 * (high - low);
  if (logarithmic) {
    low /= 1.5;
    high *= 1.5;
  } else {
    low -= margin;
    high += margin;
  }
  return is_x ? Axis{low, high, kLeft, kWidth - kRight, logarithmic}
              : Axis{low, high, kHeight - kBottom, kTop, false};
}

}  // namespace

std::string to_svg(const Plot& plot) {
  const Axis x = axis_of(plot, true), y = axis_of(plot, false);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{3}\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      kWidth, kHeight, escaped(plot.title), kLeft);
  for (const double t : y.ticks())
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:g}</text>\n",
        kLeft, kWidth - kRight, y.at(t), kLeft - 8, y.at(t) + 4, t);
  for (const double t : x.ticks())
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#888\"/><text "
        "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x.at(t), kHeight - kBottom, kHeight - kBottom + 5, kHeight - kBottom + 20, t);
  svg += fmt::format(
      "<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"#333\"/>\n<text x=\"{4}\" y=\"{5}\" "
      "text-anchor=\"middle\">{6}</text>\n<text transform=\"translate(18 {7}) rotate(-90)\" "
      "text-anchor=\"middle\">{8}</text>\n",
      kLeft, kTop, kHeight - kBottom, kWidth - kRight, (kLeft + kWidth - kRight) / 2, kHeight - 12,
      escaped(plot.x_label), (kTop + kHeight - kBottom) / 2, escaped(plot.y_label));
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const PlotSeries& s = plot.series[i];
    const std::string& colour = kColours[i % kColours.size()];
    const char* dash = i >= kColours.size() ? " stroke-dasharray=\"5 3\"" : "";
    std::string path;
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      path += fmt::format("{}{:.1f} {:.1f}", k ? "L" : "M", x.at(s.x[k]), y.at(s.y[k]));
      if (k < s.low.size())
        svg += fmt::format(
            "<path d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h6M{3:.1f} {2:.1f}h6\" "
            "stroke=\"{4}\" opacity=\"0.6\"/>\n",
            x.at(s.x[k]), y.at(s.low[k]), y.at(s.high[k]), x.at(s.x[k]) - 3, colour);
      if (!s.marked) continue;
      svg += fmt::format(
          "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"><title>{}: {:g}, {:.2f}</title>"
          "</circle>\n",
          x.at(s.x[k]), y.at(s.y[k]), colour, escaped(s.name), s.x[k], s.y[k]);
    }
    if (s.joined && s.x.size() > 1)
      svg += fmt::format("<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{}/>\n",
                         path, colour, dash);
    const double at = kTop + 8 + 20 * static_cast<double>(i);
    const double key = kWidth - kRight + 14;
    if (s.joined)
      svg += fmt::format("<path d=\"M{} {}h22\" stroke=\"{}\" stroke-width=\"1.5\"{}/>\n", key, at,
                         colour, dash);
    if (s.marked)
      svg +=
          fmt::format("<circle cx=\"{}\" cy=\"{}\" r=\"4\" fill=\"{}\"/>\n", key + 11, at, colour);
    svg += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", key + 28, at + 4, escaped(s.name));
  }
  return svg + "</svg>\n";
}

}  // namespace ohmic::lab
