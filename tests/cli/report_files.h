#pragma once

#include <limits>
#include <string>
#include <vector>

#include "io/h5.h"
#include "lab/results/results.h"

/// Results files with known numbers.
namespace ohmic::testing {

inline void write_root(h5::Writer& out, const std::string& command) {
  out.attribute("/", "schema_version", lab::kSchemaVersion);
  out.attribute("/", "rng_version", 1);
  out.attribute("/", "ohmic_version", std::string("0"));
  out.attribute("/", "command", command);
  out.attribute("/", "seed", 5);
  out.attribute("/", "config", std::string("seed = 5 # <b> & \"words\""));
  out.attribute("/", "identity", std::string("none"));
}

/// Six evaluations of placements in conv1 and fc1, one of them twice, one beyond the limit.
inline void write_search_results(const std::string& file) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  h5::Writer out(file);
  write_root(out, "search");
  const std::vector<double> ratio{0, 0, 0.5, 0, 0, 1, 0.5, 0, 1, 0.5, 1, 1};
  out.write("/search/ratio", {6, 2}, ratio.data());
  out.write("/search/accuracy", std::vector<double>{0.7, 0.85, 0.8, 0.85, 0.9, nan});
  out.write("/search/overhead", std::vector<double>{0, 0.01, 0.02, 0.01, 0.03, 0.09});
  out.write("/search/reward", std::vector<double>{0.7, 0.9, 0.6, 0.9, 0.8, -1});
  out.write("/search/layer", std::vector<std::string>{"conv1", "fc1"});
  out.write("/placement/layer", std::vector<std::string>{"conv1"});
  out.write("/placement/ratio", std::vector<double>{0.5});
  out.write("/candidates/from_layer_on", std::vector<double>{0.6, 0.8});
  out.write("/candidates/only_layer", std::vector<double>{0.7, 0.8});
  out.commit();
}

/// device.sigma (0.5, 1; device.g_max_uS 11, 12 with it) x adc.bits (4, 6) x device (a, b) x 2
/// chips: accuracy = 0.9 - 0.2 sigma + 0.01 bits - 0.1 (device b) -+ 0.02. (1, 4, a) failed,
/// (1, 6, b) is missing.
inline void write_sweep_results(const std::string& file,
                                const std::string& axes = "device.sigma\nadc.bits\ndevice") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double sigmas[] = {0.5, 1}, bits[] = {4, 6};
  std::vector<double> accuracy, loss;
  std::vector<std::int64_t> status{0, 0, 0, 0, 1, 0, 0, 2};
  for (std::size_t p = 0; p < status.size(); ++p)
    for (const double chip : {-0.02, 0.02}) {
      const double a = 0.9 - 0.2 * sigmas[p / 4] + 0.01 * bits[p / 2 % 2] -
                       0.1 * static_cast<double>(p % 2) + chip;
      accuracy.push_back(status[p] == 0 ? a : nan);
      loss.push_back(status[p] == 0 ? 1 - a : nan);
    }
  h5::Writer out(file);
  write_root(out, "sweep");
  out.attribute("/", "axes", axes);
  out.attribute("/", "axis_keys", std::string("device.sigma\ndevice.g_max_uS\nadc.bits\ndevice"));
  out.write("/device.sigma", std::vector<double>{0.5, 1});
  out.describe("/device.sigma", "1", "spread");
  out.write("/device.g_max_uS", std::vector<double>{11, 12});
  out.attach_scale("/device.g_max_uS", 0, "/device.sigma", "device.sigma");
  out.write("/adc.bits", std::vector<std::int64_t>{4, 6});
  out.write("/device", std::vector<std::string>{"a", "b"});
  out.write("/chip", std::vector<std::int64_t>{0, 1});
  out.write("/accuracy", {2, 2, 2, 2}, accuracy.data());
  out.write("/loss", {2, 2, 2, 2}, loss.data());
  out.write("/status", {2, 2, 2}, status.data());
  out.write("/message", {2, 2, 2},
            std::vector<std::string>{"", "", "", "", "outputs are not finite", "", "", ""});
  out.commit();
}

}  // namespace ohmic::testing
