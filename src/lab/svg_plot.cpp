#include "lab/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace ohmic::lab {
namespace {

constexpr double kPlotWidth = 480, kLeft = 70, kTop = 40, kBottom = 55;
constexpr double kLeastHeight = 460, kLeastLegend = 210, kLegendRow = 20;
constexpr double kLegendKey = 14, kLegendText = 42, kLetter = 6.8;  // a wide one of 12 px
// Okabe and Ito's palette for colour-blind readers.
const std::vector<std::string> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                        "#E69F00", "#56B4E9", "#000000", "#8a6d00"};

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text)
    out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : c == '&' ? "&amp;" : std::string(1, c);
  return out;
}

/// How the series of a place look: after the last colour, dashes and hollow dots tell them apart.
struct Look {
  const std::string& colour;
  bool is_repeated;
  const char* dash() const { return is_repeated ? " stroke-dasharray=\"5 3\"" : ""; }
  std::string dot(double x, double y, const std::string& inside = "") const {
    return fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\" stroke=\"{}\" "
        "stroke-width=\"1.5\">{}</circle>\n",
        x, y, is_repeated ? "white" : colour, colour, inside);
  }
};

Look look_of(std::size_t series) {
  return {kColours[series % kColours.size()], series >= kColours.size()};
}

/// The picture grows with its legend.
struct Frame {
  double width, height;
};

Frame frame_of(const Plot& plot) {
  double legend = kLeastLegend;
  for (const PlotSeries& s : plot.series)
    legend = std::max(legend, kLegendText + kLetter * static_cast<double>(s.name.size()) + 8);
  const double rows = kLegendRow * static_cast<double>(plot.series.size());
  return {kLeft + kPlotWidth + legend, std::max(kLeastHeight, kTop + rows + 10)};
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

Axis axis_of(const Plot& plot, const Frame& frame, bool is_x) {
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
  return is_x ? Axis{low, high, kLeft, kLeft + kPlotWidth, logarithmic}
              : Axis{low, high, frame.height - kBottom, kTop, false};
}

}  // namespace

std::string to_svg(const Plot& plot) {
  const Frame frame = frame_of(plot);
  const Axis x = axis_of(plot, frame, true), y = axis_of(plot, frame, false);
  const double right = kLeft + kPlotWidth, bottom = frame.height - kBottom;
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{3}\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      frame.width, frame.height, escaped(plot.title), kLeft);
  for (const double t : y.ticks())
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:g}</text>\n",
        kLeft, right, y.at(t), kLeft - 8, y.at(t) + 4, t);
  for (const double t : x.ticks())
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#888\"/><text "
        "x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4:g}</text>\n",
        x.at(t), bottom, bottom + 5, bottom + 20, t);
  svg += fmt::format(
      "<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"#333\"/>\n<text x=\"{4}\" y=\"{5}\" "
      "text-anchor=\"middle\">{6}</text>\n<text transform=\"translate(18 {7}) rotate(-90)\" "
      "text-anchor=\"middle\">{8}</text>\n",
      kLeft, kTop, bottom, right, (kLeft + right) / 2, frame.height - 12, escaped(plot.x_label),
      (kTop + bottom) / 2, escaped(plot.y_label));
  for (std::size_t i = 0; i < plot.series.size(); ++i) {
    const PlotSeries& s = plot.series[i];
    const Look look = look_of(i);
    const std::string line = fmt::format("fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{}/>\n",
                                         look.colour, look.dash());
    std::string path, dots, bars;
    for (std::size_t k = 0; k < s.x.size(); ++k) {
      path += fmt::format("{}{:.1f} {:.1f}", k ? "L" : "M", x.at(s.x[k]), y.at(s.y[k]));
      // Over the dots: a short interval stays visible.
      if (k < s.low.size())
        bars += fmt::format(
            "<path d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8\" "
            "stroke=\"{4}\"/>\n",
            x.at(s.x[k]), y.at(s.low[k]), y.at(s.high[k]), x.at(s.x[k]) - 4, look.colour);
      if (s.marked)
        dots += look.dot(
            x.at(s.x[k]), y.at(s.y[k]),
            fmt::format("<title>{}: {:g}, {:.2f}</title>", escaped(s.name), s.x[k], s.y[k]));
    }
    if (s.joined && s.x.size() > 1) svg += fmt::format("<path d=\"{}\" ", path) + line;
    svg += dots + bars;
    const double at = kTop + 8 + kLegendRow * static_cast<double>(i);
    if (s.joined) svg += fmt::format("<path d=\"M{} {}h22\" ", right + kLegendKey, at) + line;
    if (s.marked) svg += look.dot(right + kLegendKey + 11, at);
    svg += fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", right + kLegendText, at + 4,
                       escaped(s.name));
  }
  return svg + "</svg>\n";
}

}  // namespace ohmic::lab
