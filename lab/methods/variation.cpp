#include "lab/methods/variation.h"

namespace ohmic::lab {

void sigma_field(FieldVisitor& f, std::string_view idle, double& sigma) {
  f.field({.key = "sigma",
           .meaning = "log-normal variation that the method prepares for",
           .unit = "natural log",
           .low = 0,
           .high = kMostSigma,
           .idle = idle},
          sigma);
}

std::string_view idle_with_device(bool from_device) {
  return from_device ? "variation is \"device\"" : "";
}

void variation_field(FieldVisitor& f, bool& from_device) {
  std::string variation = from_device ? "device" : "lognormal";
  f.field({.key = "variation",
           .meaning = "what is drawn in training: log-normal of sigma, or the cells that will be "
                      "deployed (device, levels, mapping, scales, tiles, faults, overrides; no "
                      "converters, no read noise)",
           .one_of = {"lognormal", "device"}},
          variation);
  from_device = variation == "device";
}

}  // namespace ohmic::lab
