#include <algorithm>

#include "cli/command.h"
#include "lab/report/page.h"
#include "lab/report/read_results.h"
#include "lab/report/text.h"
#include "lab/results/results.h"

namespace ohmic::lab {
namespace {

constexpr const char* kHelp = R"(
Makes one HTML page of the results of `ohmic run`, `compare`, `search` or `sweep`: headline numbers,
error budget, accuracy against each axis, heat map, layers, Pareto front, every point, config and
provenance. The page is self-contained and loads nothing from the network; send it, print it, keep
it beside the paper. Sections appear only for what the results hold.

RESULTS is a results.h5 or its folder; without -o, report.html is written beside it.
An existing report is replaced: it can always be made again from the results.

Example:
  ohmic run data/experiments/quick.toml -o quick
  ohmic report quick --svg quick/plots --csv quick/chips.csv --markdown quick/tables.md
)";

struct ReportOptions {
  std::filesystem::path results, page, plots, csv, markdown;
  bool dry_run = false;
};

/// ConfigError where `file` would replace the results or another output.
void check_outputs(const std::filesystem::path& results,
                   const std::vector<std::pair<std::string, std::filesystem::path>>& outputs) {
  const auto place = [](const std::filesystem::path& file) {
    return std::filesystem::weakly_canonical(file);
  };
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const auto& [flag, file] = outputs[i];
    if (place(file) == place(results))
      throw ConfigError(flag + " " + file.string() + ": would replace the results themselves");
    for (std::size_t k = 0; k < i; ++k)
      if (place(file) == place(outputs[k].second))
        throw ConfigError(flag + " " + file.string() + ": is the file of " + outputs[k].first +
                          " too");
  }
}

int report_command(const ReportOptions& options, Console& console) {
  const std::filesystem::path file = std::filesystem::is_directory(options.results)
                                         ? options.results / "results.h5"
                                         : options.results;
  std::filesystem::path page =
      options.page.empty() ? file.parent_path() / "report.html" : options.page;
  if (std::filesystem::is_directory(page)) page /= "report.html";
  std::vector<std::pair<std::string, std::filesystem::path>> outputs{{"-o", page}};
  if (!options.csv.empty()) outputs.emplace_back("--csv", options.csv);
  if (!options.markdown.empty()) outputs.emplace_back("--markdown", options.markdown);
  check_outputs(file, outputs);
  const ReportData report = read_results(file);
  if (!report.is_sealed)
    console.say("{}: not sealed (written by Ohmic {}): damage to it would not be noticed\n",
                file.string(), report.version);
  std::vector<Figure> figures;
  if (!options.plots.empty())
    for (Section& section : sections_of(report))
      for (Figure& figure : section.figures) figures.push_back(std::move(figure));
  if (options.dry_run) {
    for (const auto& [flag, output] : outputs) console.print("would write {}\n", output.string());
    for (const Figure& figure : figures)
      console.print("would write {}\n", (options.plots / (figure.name + ".svg")).string());
    return 0;
  }
  std::optional<OutputFolder> made;
  if (!options.plots.empty()) made.emplace(options.plots);
  for (const auto& [flag, output] : outputs) make_folder_of(output);
  write_whole_file(page, report_page(report));
  if (!options.csv.empty()) write_whole_file(options.csv, report_csv(report));
  if (!options.markdown.empty()) write_whole_file(options.markdown, report_markdown(report));
  for (const Figure& figure : figures)
    write_whole_file(options.plots / (figure.name + ".svg"), figure.svg);
  for (const Headline& h : headlines_of(report))
    console.print("{:<28} {:<12} {}\n", h.label, h.value, h.note);
  console.print("report in {}\n", page.string());
  return 0;
}

}  // namespace

void add_report_command(CLI::App& app, CommonOptions& options, Action& action) {
  CLI::App* command = app.add_subcommand("report", "a page of the results of a command");
  command->footer(kHelp);
  const auto own = std::make_shared<ReportOptions>();
  command->add_option("results", own->results, "a results.h5, or its folder")
      ->required()
      ->type_name("RESULTS");
  command
      ->add_option("-o,--output", own->page, "the page (default: report.html beside the results)")
      ->type_name("FILE");
  command->add_option("--svg", own->plots, "write every plot to this folder")->type_name("DIR");
  command->add_option("--csv", own->csv, "every measured value, one row per chip")
      ->type_name("FILE");
  command->add_option("--markdown", own->markdown, "the tables as Markdown")->type_name("FILE");
  command->add_flag("--dry-run", own->dry_run, "say what would be written, without writing it");
  command->add_flag("--quiet", options.quiet, "no log");
  command->callback([&action, own] {
    action = [own](Console& console) { return report_command(*own, console); };
  });
}

}  // namespace ohmic::lab
