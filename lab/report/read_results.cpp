#include "lab/report/read_results.h"

#include <fmt/format.h>

#include "lab/experiment/identity.h"
#include "lab/report/grids.h"
#include "lab/report/reading.h"

namespace ohmic::lab {
namespace {

/// ConfigError or FileError unless `in` holds results that this program can read.
void check_kind(const h5::Reader& in) {
  const std::string name = in.file().string();
  if (!in.has_attribute("/", "schema_version") || !in.has_attribute("/", "command"))
    throw FileError(name + ": is not a results file of Ohmic");
  const std::int64_t schema = in.integer_attribute("/", "schema_version");
  if (schema < kOldestSchema || schema > kSchemaVersion)
    throw ConfigError(
        fmt::format("{}: schema {}, this program reads schemas {} to {}; write the results again "
                    "with this version",
                    name, schema, kOldestSchema, kSchemaVersion));
}

void read_provenance(const h5::Reader& in, ReportData& report) {
  auto& list = report.provenance;
  list.emplace_back("Ohmic", report.version);
  list.emplace_back("schema", std::to_string(in.integer_attribute("/", "schema_version")));
  if (in.has_attribute("/", "rng_version"))
    list.emplace_back("random numbers",
                      fmt::format("version {}", in.integer_attribute("/", "rng_version")));
  list.emplace_back("identity", report.identity);
  if (!in.has("/provenance")) return;
  const std::pair<const char*, const char*> words[] = {{"command_line", "command line"},
                                                       {"commit", "commit"},
                                                       {"host", "host"},
                                                       {"instruction_set", "instruction set"},
                                                       {"written", "written"}};
  for (const auto& [attribute, label] : words)
    if (in.has_attribute("/provenance", attribute))
      list.emplace_back(label, in.string_attribute("/provenance", attribute));
  if (in.has_attribute("/provenance", "threads"))
    list.emplace_back("threads", std::to_string(in.integer_attribute("/provenance", "threads")));
  if (in.has("/provenance/wall_seconds"))
    list.emplace_back("wall time",
                      fmt::format("{:.1f} s", numbers_of(in, "/provenance/wall_seconds", 1)[0]));
}

}  // namespace

ReportData read_results(const std::filesystem::path& file) {
  const h5::Reader in(file);
  check_kind(in);
  ReportData report;
  report.file = file;
  report.is_sealed = in.is_sealed();
  report.command = in.string_attribute("/", "command");
  report.config = in.string_attribute("/", "config");
  report.version = in.string_attribute("/", "ohmic_version");
  // Schema 2 had a digest of input files only.
  report.identity =
      in.string_attribute("/", in.has_attribute("/", "identity") ? "identity" : "inputs_digest");
  report.seed = in.integer_attribute("/", "seed");
  read_provenance(in, report);
  if (report.command == "run")
    read_run(in, report);
  else if (report.command == "compare")
    read_compare(in, report);
  else if (report.command == "search")
    read_search(in, report);
  else if (report.command == "sweep")
    read_sweep(in, report);
  else
    throw ConfigError(file.string() + ": holds results of `ohmic " + report.command +
                      "`; a report is made of those of run, compare, search and sweep");
  return report;
}

}  // namespace ohmic::lab
