#include "devices/uniform.h"

#include <algorithm>
#include <cmath>

namespace ohmic::devices {

const char* const kUniformManual =
    R"(Additive uniform programming error, as in CrossSim's generic errors:

    g = max(target + w u, 0),  u uniform in (-1/2, 1/2), drawn at every programming

width is the FULL width w of the distribution (its deviation is w / sqrt 12), a fraction of width_of: "g_max", "g" or "inverse" (w = width
g_max^2 / g, none at g = 0). Source: a definition. Range of validity: none of its own.)";

void fields(FieldVisitor& f, UniformParams& p) {
  f.field({.key = "width",
           .meaning = "full width of the error of one programming (cycle to cycle)",
           .unit = "fraction",
           .low = 0,
           .high = 10,
           .doubtful = 1,
           .fraction_of = words_of(p.width_of)},
          p.width);
  f.field({.key = "width_of",
           .meaning = "what it is a fraction of",
           .idle = p.width > 0 ? "" : "width is 0"},
          p.width_of, {"g_max", "g", "inverse"});
  fields(f, p.cell);
}

namespace {

class Uniform final : public GenericCell {
 public:
  explicit Uniform(const UniformParams& p) : GenericCell(p.cell), params_(p) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    out.target = Matrix<float>(target);
    out.programmed = out.target;
    std::vector<double> u(static_cast<std::size_t>(target.columns()));
    for (Index r = 0; r < target.rows(); ++r) {
      context.uniforms(Purpose::cycle, r, u);
      for (Index c = 0; c < target.columns(); ++c) {
        const double g = target(r, c);
        out.programmed(r, c) = static_cast<float>(
            std::max(g + width(g) * (u[static_cast<std::size_t>(c)] - 0.5), 0.0));
      }
    }
  }
  double mean(double g, double) const override { return moment(g, 1); }
  double sigma(double g, double) const override {
    const double m = moment(g, 1);
    return std::sqrt(std::max(moment(g, 2) - m * m, 0.0));
  }
  ConfigNode parameters() const override { return with_model("uniform", write_fields(params_)); }

 private:
  double width(double g) const { return spread(params_.width, params_.width_of, g, g_max()); }
  /// E max(x, 0)^k, x uniform around g.
  double moment(double g, int k) const {
    const double w = width(g);
    if (w == 0) return k == 1 ? g : g * g;
    const double low = std::max(g - w / 2, 0.0), high = std::max(g + w / 2, 0.0);
    return k == 1 ? (high * high - low * low) / (2 * w)
                  : (high * high * high - low * low * low) / (3 * w);
  }

  UniformParams params_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_uniform(const UniformParams& params) {
  return std::make_shared<Uniform>(params);
}

}  // namespace ohmic::devices
