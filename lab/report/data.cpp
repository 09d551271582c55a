#include "lab/report/data.h"

#include "io/config.h"

namespace ohmic::lab {
std::string placement_words(const std::vector<std::string>& layers,
                            const std::vector<double>& ratios) {
  std::string words;
  for (std::size_t i = 0; i < layers.size(); ++i)
    if (ratios[i] != 0)
      words += (words.empty() ? "" : ", ") + layers[i] + " " + shortest(ratios[i]);
  return words.empty() ? "none" : words;
}

RandomStream stream_of(const ReportData& report) {
  return RandomStream(static_cast<std::uint64_t>(report.seed));
}

}  // namespace ohmic::lab
