#include "devices/milo2021.h"

#include <algorithm>

#include "base/elementary.h"
#include "devices/one_draw_cell.h"

namespace ohmic::devices {

const char* const kMilo2021Manual =
    R"(HfO2 RRAM programmed to multiple levels (Milo et al., "Optimized programming algorithms for multilevel RRAM in hardware neural networks",
IRPS 2021, doi 10.1109/IRPS46558.2021.9405119; fit as in Sandia's CrossSim):

    g = max(G + sigma z, 0),  sigma = max(4.782321 - .009107 G, 0) uS, G in uS,  z ~ N(0, 1) at every programming

No drift and no read noise are given. Range: 50 .. 225 uS.
Current against voltage (not used by linear arrays): I = G V + N2 V^2 + N3 V^3, G in S, l = log10 G,
    N2 = ((.0001388 l + .001541) l + .005711) l + .007063,  N3 = (8.8710e-5 l + 6.7919e-4) l + 1.2968e-3
for 62.5 .. 110 uS and |V| <= .5 V.)";

void fields(FieldVisitor& f, Milo2021Params& p) { fields(f, p.preset); }

namespace {

constexpr PublishedRange kRange{50 * units::kMicrosiemens, 225 * units::kMicrosiemens};

struct Nonlinearity {
  double square, cube;
};

Nonlinearity nonlinearity(double g) {
  const double l = elementary::log(g) / elementary::log(10.0);
  return {((0.0001388 * l + 0.001541) * l + 0.005711) * l + 0.007063,
          (8.8710e-5 * l + 6.7919e-4) * l + 1.2968e-3};
}

}  // namespace

double milo2021_sigma(double g) { return std::max(4.782321 - 0.009107 * g, 0.0); }

double milo2021_current(double g, double v) {
  const Nonlinearity n = nonlinearity(g);
  return v * (g + v * (n.square + v * n.cube));
}

double milo2021_slope(double g, double v) {
  const Nonlinearity n = nonlinearity(g);
  return g + v * (2 * n.square + 3 * v * n.cube);
}

void check_device(const Milo2021Params& p, const ConfigNode& table, const std::string& path) {
  check_preset(p.preset, kRange, "milo2021", table, path);
}

namespace {

class Milo2021 final : public OneDrawCell {
 public:
  explicit Milo2021(const Milo2021Params& p) : OneDrawCell(p.preset, kRange), params_(p) {}
  ConfigNode parameters() const override { return with_model("milo2021", write_fields(params_)); }

 protected:
  double centre(double target, double) const override { return target; }
  double spread(double target, double) const override { return milo2021_sigma(target); }

 private:
  Milo2021Params params_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_milo2021(const Milo2021Params& params) {
  return std::make_shared<Milo2021>(params);
}

}  // namespace ohmic::devices
