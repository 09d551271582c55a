#include "lab/sweep/point_result.h"

#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "base/h5.h"
#include "lab/results.h"
#include "lab/version.h"

namespace ohmic::lab {
namespace {

Matrix<double> matrix(const h5::Array<double>& array) {
  Matrix<double> m(array.shape.at(0), array.shape.at(1));
  std::copy(array.values.begin(), array.values.end(), m.data());
  return m;
}

}  // namespace

double mean_accuracy(const PointResult& r) {
  return std::accumulate(r.accuracy.begin(), r.accuracy.end(), 0.0) /
         static_cast<double>(r.accuracy.size());
}

void write_point(const std::filesystem::path& file, const std::string& digest,
                 const PointResult& r) {
  h5::Writer out(file);
  out.attribute("/", "schema_version", kSchemaVersion);
  out.attribute("/", "ohmic_version", std::string(kVersion));
  out.attribute("/", "point", digest);
  out.write("/accuracy", r.accuracy);
  out.write("/top5_accuracy", r.top5_accuracy);
  out.write("/loss", r.loss);
  out.write("/numbers",
            std::vector<double>{r.float_accuracy, r.overhead_weights, r.overhead_macs, r.verified});
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
  PointResult r;
  r.accuracy = in.doubles("/accuracy").values;
  r.top5_accuracy = in.doubles("/top5_accuracy").values;
  r.loss = in.doubles("/loss").values;
  const std::vector<double> numbers = in.doubles("/numbers").values;
  if (numbers.size() != 4) throw DamagedPoint(file.string() + ": /numbers has another length");
  r.float_accuracy = numbers[0];
  r.overhead_weights = numbers[1];
  r.overhead_macs = numbers[2];
  r.verified = numbers[3];
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
