#include "lab/plots/svg_plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lab/plots/markup.h"
#include "lab/plots/svg_scale.h"

namespace ohmic::lab {
namespace {

constexpr double kTop = 40, kBottom = 55, kLegendRow = 20;
constexpr double kLegendText = 28, kLetter = 6.8;  // a wide one of 12 px
// With the legend beside the plot, and below it.
constexpr double kPlotWidth = 480, kLeft = 70, kLeastHeight = 460, kLeastLegend = 210, kGap = 14;
constexpr double kNarrowWidth = 480, kNarrowLeft = 62, kNarrowRight = 18, kNarrowPlotHeight = 280;

struct Spot {
  double x, y;
};

/// Where things are; the plot grows with its legend.
struct Frame {
  double width, height, left, right, bottom;
  std::vector<Spot> legend;  ///< the left middle of each series' key
};

double width_of(const std::string& words) { return kLetter * static_cast<double>(words.size()); }

/// Words below the axis stand upright where they have the room, else aslant.
bool words_are_aslant(const Plot& plot, double width) {
  const double room = width / static_cast<double>(std::max<std::size_t>(plot.x_words.size(), 1));
  return std::any_of(plot.x_words.begin(), plot.x_words.end(),
                     [&](const std::string& words) { return width_of(words) > room - 4; });
}

/// What slanted words take below the axis beyond a row of numbers.
double slanted_height(const Plot& plot, double width) {
  double longest = 0;
  if (words_are_aslant(plot, width))
    for (const std::string& words : plot.x_words) longest = std::max(longest, width_of(words));
  return longest * 0.57;  // sin 35 degrees
}

Frame frame_beside(const Plot& plot) {
  double legend = kLeastLegend;
  for (const PlotSeries& s : plot.series)
    legend = std::max(legend, kGap + kLegendText + width_of(s.name) + 8);
  const double rows = kLegendRow * static_cast<double>(plot.series.size());
  const double slant = slanted_height(plot, kPlotWidth), right = kLeft + kPlotWidth;
  Frame frame{
      right + legend, std::max(kLeastHeight, kTop + rows + 10) + slant, kLeft, right, 0, {}};
  frame.bottom = frame.height - kBottom - slant;
  for (std::size_t i = 0; i < plot.series.size(); ++i)
    frame.legend.push_back({right + kGap, kTop + 8 + kLegendRow * static_cast<double>(i)});
  return frame;
}

Frame frame_above(const Plot& plot) {
  const double right = kNarrowWidth - kNarrowRight, bottom = kTop + kNarrowPlotHeight;
  Frame frame{kNarrowWidth, 0, kNarrowLeft, right, bottom, {}};
  const double axis = kBottom + slanted_height(plot, right - kNarrowLeft);
  Spot at{kGap, bottom + axis + 8};
  for (const PlotSeries& s : plot.series) {
    const double entry = kLegendText + width_of(s.name) + kGap;
    if (at.x > kGap && at.x + entry > kNarrowWidth) at = {kGap, at.y + kLegendRow};
    frame.legend.push_back(at);
    at.x += entry;
  }
  frame.height = at.y + 14;
  return frame;
}

/// How the series of a place look: after the last colour, dashes and hollow dots tell them apart.
struct Look {
  const std::string& colour;
  bool is_repeated;
  const char* dash() const { return is_repeated ? " stroke-dasharray=\"5 3\"" : ""; }
  std::string dot(double x, double y, const std::string& attributes = "",
                  const std::string& inside = "") const {
    return fmt::format(
        "<circle{} cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"3.5\" fill=\"{}\" stroke=\"{}\" "
        "stroke-width=\"1.5\">{}</circle>\n",
        attributes, x, y, is_repeated ? "white" : colour, colour, inside);
  }
};

Look look_of(std::size_t series) {
  const auto& colours = series_colours();
  return {colours[series % colours.size()], series >= colours.size()};
}

Scale x_scale(const Plot& plot, const Frame& frame) {
  if (!plot.x_words.empty())
    return {-0.5, static_cast<double>(plot.x_words.size()) - 0.5, frame.left, frame.right};
  std::vector<double> all;
  for (const PlotSeries& s : plot.series) all.insert(all.end(), s.x.begin(), s.x.end());
  return scale_over(all, frame.left, frame.right, plot.x_is_logarithmic);
}

Scale y_scale(const Plot& plot, const Frame& frame) {
  std::vector<double> all;
  for (const PlotSeries& s : plot.series)
    for (const auto* values : {&s.y, &s.low, &s.high})
      all.insert(all.end(), values->begin(), values->end());
  return scale_over(all, frame.bottom, kTop);
}

std::string grid_and_axes(const Plot& plot, const Frame& frame, const Scale& x, const Scale& y) {
  std::string svg;
  for (const double t : y.ticks())
    svg += fmt::format(
        "<line x1=\"{0}\" x2=\"{1}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/><text "
        "x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5:g}</text>\n",
        frame.left, frame.right, y.at(t), frame.left - 8, y.at(t) + 4, t);
  const auto tick = [&](double at, const std::string& text) {
    svg += fmt::format(
        "<line x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\" stroke=\"#888\"/>{3}\n", at,
        frame.bottom, frame.bottom + 5, text);
  };
  const bool aslant = words_are_aslant(plot, frame.right - frame.left);
  for (std::size_t i = 0; i < plot.x_words.size(); ++i) {
    const double at = x.at(static_cast<double>(i));
    tick(at, aslant ? fmt::format("<text transform=\"translate({:.1f} {}) rotate(-35)\" "
                                  "text-anchor=\"end\">{}</text>",
                                  at + 4, frame.bottom + 16, escaped(plot.x_words[i]))
                    : fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                                  at, frame.bottom + 20, escaped(plot.x_words[i])));
  }
  if (plot.x_words.empty())
    for (const double t : x.ticks())
      tick(x.at(t), fmt::format("<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\">{:g}</text>",
                                x.at(t), frame.bottom + 20, t));
  return svg + fmt::format(
                   "<path d=\"M{0} {1}V{2}H{3}\" fill=\"none\" stroke=\"#333\"/>\n<text x=\"{4}\" "
                   "y=\"{5}\" text-anchor=\"middle\">{6}</text>\n<text transform=\"translate(18 "
                   "{7}) rotate(-90)\" text-anchor=\"middle\">{8}</text>\n",
                   frame.left, kTop, frame.bottom, frame.right, (frame.left + frame.right) / 2,
                   frame.bottom + kBottom - 12 + slanted_height(plot, frame.right - frame.left),
                   escaped(plot.x_label), (kTop + frame.bottom) / 2, escaped(plot.y_label));
}

bool has_interval(const PlotSeries& s, std::size_t k) {
  return k < s.low.size() && std::isfinite(s.low[k]) && std::isfinite(s.high[k]);
}

/// "plain: 0.5, 71.20 (69.10 .. 73.30)": what a point's tooltip says.
std::string point_words(const Plot& plot, const PlotSeries& s, std::size_t k) {
  const std::string x = plot.x_words.empty() ? fmt::format("{:g}", s.x[k])
                                             : plot.x_words[static_cast<std::size_t>(s.x[k])];
  const std::string interval =
      has_interval(s, k) ? fmt::format(" ({:.2f} .. {:.2f})", s.low[k], s.high[k]) : "";
  return fmt::format("{}: {}, {:.2f}{}", s.name, x, s.y[k], interval);
}

std::string drawn_series(const Plot& plot, std::size_t i, const Frame& frame, const Scale& x,
                         const Scale& y) {
  const PlotSeries& s = plot.series[i];
  const Look look = look_of(i);
  // Lines and intervals let the pointer through to the dots of other series.
  const std::string line =
      fmt::format("fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{} pointer-events=\"none\"/>\n",
                  look.colour, look.dash());
  std::string path, dots, bars;
  bool is_broken = true;
  for (std::size_t k = 0; k < s.x.size(); ++k) {
    if (std::isnan(s.y[k])) {
      is_broken = true;
      continue;
    }
    path += fmt::format("{}{:.1f} {:.1f}", is_broken ? "M" : "L", x.at(s.x[k]), y.at(s.y[k]));
    is_broken = false;
    // Over the dots: a short interval stays visible.
    if (has_interval(s, k))
      bars += fmt::format(
          "<path d=\"M{0:.1f} {1:.1f}V{2:.1f}M{3:.1f} {1:.1f}h8M{3:.1f} {2:.1f}h8\" "
          "stroke=\"{4}\" pointer-events=\"none\"/>\n",
          x.at(s.x[k]), y.at(s.low[k]), y.at(s.high[k]), x.at(s.x[k]) - 4, look.colour);
    if (s.marked)
      dots += look.dot(x.at(s.x[k]), y.at(s.y[k]), " class=\"mark\"",
                       "<title>" + escaped(point_words(plot, s, k)) + "</title>");
  }
  std::string svg = "<g class=\"series\">\n";
  if (s.joined && s.x.size() > 1) svg += fmt::format("<path d=\"{}\" ", path) + line;
  svg += dots + bars;
  const Spot key = frame.legend[i];
  if (s.joined) svg += fmt::format("<path d=\"M{} {}h22\" ", key.x, key.y) + line;
  if (s.marked) svg += look.dot(key.x + 11, key.y);
  return svg + fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n</g>\n", key.x + kLegendText,
                           key.y + 4, escaped(s.name));
}

}  // namespace

const std::vector<std::string>& series_colours() {
  static const std::vector<std::string> kColours{"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                                 "#E69F00", "#56B4E9", "#000000", "#8a6d00"};
  return kColours;
}

std::string to_svg(const Plot& plot) {
  const Frame frame = plot.legend_is_below ? frame_above(plot) : frame_beside(plot);
  const Scale x = x_scale(plot, frame), y = y_scale(plot, frame);
  std::string svg = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" font-family=\"sans-serif\" font-size=\"12\">\n<title>{2}</title>\n<rect "
      "width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"{3}\" y=\"22\" "
      "font-size=\"15\">{2}</text>\n",
      frame.width, frame.height, escaped(plot.title), plot.legend_is_below ? kGap : frame.left);
  svg += grid_and_axes(plot, frame, x, y);
  for (std::size_t i = 0; i < plot.series.size(); ++i) svg += drawn_series(plot, i, frame, x, y);
  return svg + "</svg>\n";
}

}  // namespace ohmic::lab
