#include "devices/quadrature.h"

#include <algorithm>
#include <array>

#include "base/elementary.h"

namespace ohmic::devices {
namespace {

// Abscissae and weights of the 10-point rule on (-1, 1), positive half (Abramowitz and Stegun,
// table 25.4).
constexpr std::array<double, 5> kPoint{0.1488743389816312, 0.4333953941292472, 0.6794095682990244,
                                       0.8650633666889845, 0.9739065285171717};
constexpr std::array<double, 5> kWeight{0.2955242247147529, 0.2692667193099963, 0.2190863625159820,
                                        0.1494513491505806, 0.0666713443086881};

}  // namespace

double normal_expectation(const std::function<double(double)>& f, std::vector<double> kinks) {
  constexpr double kEnd = 9, kPanel = 0.5;
  for (double z = -kEnd; z <= kEnd; z += kPanel) kinks.push_back(z);
  std::sort(kinks.begin(), kinks.end());
  double sum = 0;
  for (std::size_t i = 0; i + 1 < kinks.size(); ++i) {
    const double low = std::max(kinks[i], -kEnd), high = std::min(kinks[i + 1], kEnd);
    if (!(low < high)) continue;
    const double middle = 0.5 * (low + high), half = 0.5 * (high - low);
    for (std::size_t p = 0; p < kPoint.size(); ++p)
      for (const double side : {-1.0, 1.0}) {
        const double z = middle + side * half * kPoint[p];
        sum += half * kWeight[p] * elementary::normal_pdf(z) * f(z);
      }
  }
  return sum;
}

}  // namespace ohmic::devices
