#include "lab/sweep/point_result.h"

#include <algorithm>

#include "base/error.h"
#include "io/h5.h"
#include "lab/experiment/version.h"
#include "lab/results/results.h"

namespace ohmic::lab {
namespace {

constexpr std::int64_t kLayout = 4;  ///< of the data sets in a point's file

Matrix<double> matrix(const h5::Array<double>& array) {
  Matrix<double> m(array.shape.at(0), array.shape.at(1));
  std::copy(array.values.begin(), array.values.end(), m.data());
  return m;
}

}  // namespace

double PointResult::overhead_weights() const {
  return static_cast<double>(cost.digital.weights) / static_cast<double>(network.weights);
}
double PointResult::overhead_macs() const {
  return static_cast<double>(cost.digital.macs) / static_cast<double>(network.macs);
}

void write_point(const std::filesystem::path& file, const std::string& digest,
                 const PointResult& r) {
  h5::Writer out(file);
  out.attribute("/", "schema_version", kSchemaVersion);
  out.attribute("/", "ohmic_version", std::string(kVersion));
  out.attribute("/", "point", digest);
  out.attribute("/", "layout", kLayout);
  out.write("/accuracy", r.accuracy);
  out.write("/top5_accuracy", r.top5_accuracy);
  out.write("/loss", r.loss);
  const auto number = [&](const char* name, double value) {
    out.write(name, std::vector<double>{value});
  };
  const auto count = [&](const char* name, std::int64_t value) {
    out.write(name, std::vector<std::int64_t>{value});
  };
  number("/float_accuracy", r.float_accuracy);
  if (r.selection_accuracy) number("/selection_accuracy", *r.selection_accuracy);
  count("/cost/weights", r.cost.digital.weights);
  count("/cost/macs", r.cost.digital.macs);
  count("/cost/verified", r.cost.verified);
  number("/cost/pulses", r.cost.pulses);
  count("/cost/copies", r.cost.copies);
  count("/cost/calibration_images", r.cost.calibration_images);
  count("/network/weights", r.network.weights);
  count("/network/macs", r.network.macs);
  count("/cells_within_tolerance", r.cells_within_tolerance);
  count("/cells_gave_up", r.cells_gave_up);
  for (const auto& [line, values] : r.budget) out.write("/error_budget/" + line, values);
  if (!r.layers.empty()) {
    out.write("/layer", r.layers);
    out.write("/signal_to_error_accumulated", r.accumulated_db.view());
    out.write("/signal_to_error_isolated", r.isolated_db.view());
  }
  out.write("/provenance/wall_seconds", std::vector<double>{r.seconds});
  out.attribute("/provenance", "host", r.host);
  out.attribute("/provenance", "arithmetic", r.arithmetic);
  out.commit();
}

PointResult read_point(const std::filesystem::path& file, const std::string& digest) {
  if (h5::condition_of(file) != h5::Condition::sealed)
    throw DamagedPoint(file.string() + ": its bytes are not those written");
  const h5::Reader in(file);
  if (in.string_attribute("/", "point") != digest)
    throw DamagedPoint(file.string() + ": holds another point");
  if (!in.has_attribute("/", "layout") || in.integer_attribute("/", "layout") != kLayout)
    throw DamagedPoint(file.string() + ": is laid out otherwise");
  PointResult r;
  r.accuracy = in.doubles("/accuracy").values;
  r.top5_accuracy = in.doubles("/top5_accuracy").values;
  r.loss = in.doubles("/loss").values;
  const auto count = [&](const char* name) { return in.integers(name).values.at(0); };
  r.float_accuracy = in.doubles("/float_accuracy").values.at(0);
  if (in.has("/selection_accuracy"))
    r.selection_accuracy = in.doubles("/selection_accuracy").values.at(0);
  r.cost = {.digital = {count("/cost/weights"), count("/cost/macs")},
            .verified = count("/cost/verified"),
            .pulses = in.doubles("/cost/pulses").values.at(0),
            .copies = count("/cost/copies"),
            .calibration_images = count("/cost/calibration_images")};
  r.network = {count("/network/weights"), count("/network/macs")};
  r.cells_within_tolerance = count("/cells_within_tolerance");
  r.cells_gave_up = count("/cells_gave_up");
  if (in.has("/error_budget"))
    for (const std::string& line : in.children("/error_budget"))
      r.budget.emplace_back(line, in.doubles("/error_budget/" + line).values);
  if (in.has("/layer")) {
    r.layers = in.strings("/layer");
    r.accumulated_db = matrix(in.doubles("/signal_to_error_accumulated"));
    r.isolated_db = matrix(in.doubles("/signal_to_error_isolated"));
  }
  r.seconds = in.doubles("/provenance/wall_seconds").values.at(0);
  r.host = in.string_attribute("/provenance", "host");
  r.arithmetic = in.string_attribute("/provenance", "arithmetic");
  return r;
}

}  // namespace ohmic::lab
