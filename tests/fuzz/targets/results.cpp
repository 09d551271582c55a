#include "fuzz/h5_base.h"
#include "lab/report/read_results.h"

namespace ohmic::fuzz {
namespace {

/// Results of Ohmic 0.1.0, which have no seal.
const Target kResults("results", [](std::string_view input) {
  static const std::string kBase = read_whole_file(OHMIC_GOLDEN "/cases/results-1bit.h5");
  const std::filesystem::path file = file_of(edited(kBase, input), "results.h5");
  const auto read = accepted_twice(file, [&] {
    const lab::ReportData data = lab::read_results(file);
    expect(!data.is_sealed, "a file without a seal is read as a sealed one");
    return std::tuple(data.command, data.config, data.seed, data.run.has_value(),
                      data.run ? bytes_of(data.run->chip_accuracy) : "");
  });
  expect(!read || !std::get<0>(*read).empty(), "results of no command");
});

}  // namespace
}  // namespace ohmic::fuzz
