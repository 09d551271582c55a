#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "cli/report_files.h"
#include "cli/report_reader.h"
#include "cli/workbench.h"
#include "io/h5.h"
#include "io/whole_file.h"

/// Reports of every kind of results: whole pages, and the numbers of the files.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

double plain_mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::string percent(double fraction) { return fmt::format("{:.2f}", 100 * fraction); }

Said require_done(const Said& said) {
  CAPTURE(said.log);
  REQUIRE(said.status == 0);
  return said;
}

/// The row of a page's tables that begins with these cells.
std::vector<std::string> row_of(const std::string& page, const std::vector<std::string>& begin) {
  for (const std::vector<std::string>& row : rows_of(page))
    if (row.size() >= begin.size() && std::equal(begin.begin(), begin.end(), row.begin()))
      return row;
  FAIL("no row " << begin.front());
  return {};
}

std::vector<std::vector<std::string>> csv_of(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  for (const std::string& line : all_of(text, "([^\n]*)\n")) {
    std::vector<std::string>& row = rows.emplace_back();
    std::istringstream in(line + ",");
    for (std::string field; std::getline(in, field, ',');) row.push_back(field);
  }
  return rows;
}

}  // namespace

TEST_CASE("the report of a run says what the run printed, and what its file holds") {
  const Workbench bench("report-run");
  const Said run = require_done(
      bench.ohmic({"run", "~/tiny.toml", "-o", "~/run", "--set", "reads_per_programming=2", "--set",
                   "time.retention_s=[1, 1000]", "--set", "device={model=\"pcm_like\"}"}));
  const Said said = require_done(bench.ohmic(
      {"report", "~/run", "--csv", "~/r.csv", "--markdown", "~/r.md", "--svg", "~/plots"}));
  CHECK(says(said.out, "report in ~/run/report.html\n"));
  CHECK(said.log == "");
  const std::string page = read_whole_file(bench.path("run/report.html"));
  check_page(page);
  const h5::Reader in(bench.path("run/results.h5"));
  const std::vector<double> accuracy = in.doubles("/chips/accuracy").values;
  CHECK(says(page, ">" + percent(plain_mean(accuracy)) + " %<"));
  CHECK(says(page, ">" + percent(in.doubles("/chips/float_accuracy").values[0]) + " %<"));
  // The interval is that of the terminal, to the last digit.
  const auto interval = all_of(run.out, "95 % interval of the mean ([0-9.]* .. [0-9.]*)");
  REQUIRE(interval.size() == 1);
  CHECK(says(said.out, "95 % interval " + interval[0]));
  for (const char* line : {"converters", "programming", "all"}) {
    const auto values = in.doubles(std::string("/error_budget/") + line).values;
    const double cost = plain_mean(values) - plain_mean(in.doubles("/error_budget/float").values);
    const std::string label =
        std::string(line) == "all" ? "all together" : line + std::string(" only");
    const std::vector<std::string> row = row_of(page, {label});
    CHECK(row[1] == percent(plain_mean(values)));
    CHECK(row[3] == fmt::format("{:+.2f}", 100 * cost));
    CHECK(says(run.out, row[4].substr(0, row[4].find(' '))));
    CHECK(says(page, fmt::format("<title>{}: {:+.2f} (", label, 100 * cost)));
  }
  for (const char* id : {"summary", "budget", "accuracy", "layers", "points", "config"})
    CHECK(says(page, fmt::format("<a href=\"#{}\">", id)));
  CHECK_FALSE(says(page, "href=\"#pareto\""));
  CHECK(row_of(page, {"fc1"})[1] == "2");  // 64 rows on tiles of 40, 3 pairs on 16 columns
  CHECK(says(page, "read to read"));
  CHECK(says(page, "[[network.layers]]"));
  CHECK(says(page, "set = &quot;"));
  // Retention has one point per time.
  const h5::Array<double> retention = in.doubles("/retention/accuracy");
  const auto half = retention.values.begin() + retention.shape[1];
  CHECK(row_of(page, {"1000"})[1] == percent(plain_mean({half, retention.values.end()})));

  const auto csv = csv_of(read_whole_file(bench.path("r.csv")));
  const h5::Array<double> all = in.doubles("/chips/accuracy_all");
  REQUIRE(csv.size() == 1 + all.values.size() + retention.values.size());
  CHECK(csv[0] == std::vector<std::string>{"time", "chip", "programming", "read", "accuracy",
                                           "top5_accuracy", "loss"});
  for (std::size_t i = 0; i < all.values.size(); ++i) {
    CHECK(csv[i + 1][1] == std::to_string(i / 2));
    CHECK(csv[i + 1][3] == std::to_string(i % 2));
    CHECK(std::stod(csv[i + 1][4]) == all.values[i]);
  }
  CHECK(says(read_whole_file(bench.path("r.md")), "| all together | "));
  for (const char* file : {"budget", "chips", "accuracy-time-retention", "layers"}) {
    const std::string svg = read_whole_file(bench.path(std::string("plots/") + file + ".svg"));
    CHECK(nesting_fault(svg) == "");
    CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    CHECK(says(page, svg));
  }
}

TEST_CASE("the report of a comparison has the numbers of its compare.md") {
  const Workbench bench("report-compare");
  bench.write("c.toml", kTinyCompare + "hardware = [\"ideal\", \"config\"]\nsigmas = [0.2, 0.5]\n");
  require_done(bench.ohmic({"compare", "~/c.toml", "-o", "~/c"}));
  require_done(bench.ohmic({"report", "~/c/results.h5", "-o", "~/page.html", "--csv", "~/c.csv"}));
  const std::string page = read_whole_file(bench.path("page.html"));
  check_page(page);
  // compare.md: for each hardware what methods cost, and for each sigma
  // | method | weights (MACs) | mean +- sd | 5th (interval) | these trainings | a new training |
  // difference | these trainings | a new training | share |
  std::istringstream lines(read_whole_file(bench.path("c/compare.md")));
  std::string hardware, sigma;
  std::map<std::string, std::string> clean;
  int compared = 0;
  const auto folds = all_of(page, "<summary>([a-z]* hardware), 6 rows</summary>");
  REQUIRE(folds == std::vector<std::string>{"config hardware", "ideal hardware"});
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("## Hardware: ")) hardware = line.substr(13), sigma.clear();
    if (line.starts_with("### sigma ")) sigma = line.substr(10);
    if (!line.starts_with("| ") || line.starts_with("| method")) continue;
    std::vector<std::string> cells = all_of(line, "\\| ([^|]*)");
    for (std::string& cell : cells)
      while (!cell.empty() && cell.back() == ' ') cell.pop_back();
    if (sigma.empty()) {
      clean[cells[0]] = cells.back();
      continue;
    }
    const std::string table = page.substr(page.find("<summary>" + hardware + " hardware"));
    const std::vector<std::string> row = row_of(table, {sigma, cells[0]});
    CHECK(cells[1] == row[11] + " (" + row[12] + ")");
    CHECK(cells[2] == row[2] + " +- " + row[5]);
    CHECK(cells[3] == row[6] + " (" + row[7] + ")");
    CHECK(cells[4] == row[3]);
    CHECK(cells[5] == row[4]);
    CHECK(row[9] ==
          (cells[0] == "plain" ? "" : cells[6] + " (" + cells[7] + "; new " + cells[8] + ")"));
    CHECK(row[10] == clean.at(cells[0]));
    ++compared;
  }
  CHECK(compared == 12);
  for (const char* plot : {"figure-accuracy-device.sigma-config-hardware",
                           "figure-heat-map-device.sigma-method-ideal-hardware",
                           "figure-pareto-config-hardware", "figure-pareto-MACs-config-hardware"})
    CHECK(says(page, std::string("id=\"") + plot + "\""));
  const h5::Reader in(bench.path("c/results.h5"));
  const auto csv = csv_of(read_whole_file(bench.path("c.csv")));
  CHECK(csv[0] == std::vector<std::string>{"hardware", "device.sigma", "method", "training_seed",
                                           "chip", "accuracy"});
  std::size_t seen = 0;  // accuracy is training seed (2) x hardware (2) x sigma (2) x chip (3)
  for (const auto& row : csv)
    if (row[0] == "config" && row[1] == "0.5" && row[2] == "affine" && row[3] == "2") {
      const auto at = static_cast<std::size_t>(((1 * 2 + 1) * 2 + 1) * 3 + std::stoi(row[4]));
      CHECK(std::stod(row[5]) == in.doubles("/methods/affine/accuracy").values[at]);
      ++seen;
    }
  CHECK(seen == 3);
}

TEST_CASE("the report of a search has its Pareto front and every placement once") {
  const Workbench bench("report-search");
  write_search_results(bench.path("s.h5"));
  require_done(bench.ohmic({"report", "~/s.h5", "--csv", "~/s.csv"}));
  const std::string page = read_whole_file(bench.path("report.html"));
  check_page(page);
  // Overhead 2 % at 80 % is beaten by 1 % at 85 %; the fourth evaluation repeats the second.
  const std::string front = page.substr(page.find("On the front"), page.find("id=\"points\""));
  CHECK(row_of(front, {"none"}) == std::vector<std::string>{"none", "0.00", "-", "70.00"});
  CHECK(row_of(front, {"conv1 0.5"}) ==
        std::vector<std::string>{"conv1 0.5", "1.00", "-", "85.00"});
  CHECK(row_of(front, {"conv1 1, fc1 0.5"})[3] == "90.00");
  CHECK_FALSE(says(front.substr(0, front.find("id=\"points\"")), "fc1 1</td>"));
  CHECK(says(page, "<summary>Placements, 5 rows</summary>"));
  CHECK(row_of(page, {"0.5", "0"}) ==
        std::vector<std::string>{"0.5", "0", "85.00", "1.00", "-", "0.9000", "2"});
  CHECK(row_of(page, {"1", "1"}) ==
        std::vector<std::string>{"1", "1", "-", "9.00", "-", "-1.0000", "1"});
  const auto csv = csv_of(read_whole_file(bench.path("s.csv")));
  REQUIRE(csv.size() == 7);
  CHECK(csv[2] == std::vector<std::string>{"1", "0.5", "0", "0.85", "0.01", "", "0.9"});
}

TEST_CASE("the front of a real search is that of its file") {
  const Workbench bench("report-front");
  std::string config = kTinyCompare;
  config.replace(config.find("set = \"set\""), 11, "set = \"set\"\nvalidation = 40");
  bench.write("search.toml", config +
                                 "[search]\nlayers = [\"conv1\"]\nratios = [0, 0.5, 1]\nepochs "
                                 "= 1\nchips = 2\nimages = 20\nevaluations = 6\n");
  require_done(bench.ohmic({"search", "~/search.toml", "-o", "~/search"}));
  require_done(bench.ohmic({"report", "~/search"}));
  const std::string page = read_whole_file(bench.path("search/report.html"));
  check_page(page);
  const h5::Reader in(bench.path("search/results.h5"));
  for (const auto& [group, title] : {std::pair("/pareto", "On the front of weights"),
                                     {"/pareto_macs", "On the front of MACs"}}) {
    const auto of = [&](const char* name) {
      return in.doubles(std::string(group) + "/" + name).values;
    };
    const auto accuracy = of("accuracy"), weights = of("overhead"), macs = of("overhead_macs");
    const std::size_t begin = page.find(title);
    REQUIRE(begin != page.npos);
    const auto rows = rows_of(page.substr(begin, page.find("</table>", begin) - begin));
    std::set<std::vector<std::string>> expected, found;
    for (std::size_t i = 0; i < accuracy.size(); ++i)
      expected.insert({percent(weights[i]), percent(macs[i]), percent(accuracy[i])});
    for (std::size_t i = 1; i < rows.size(); ++i)
      found.insert({rows[i][1], rows[i][2], rows[i][3]});
    CHECK(found == expected);
  }
}

TEST_CASE("the report of a sweep plots each axis, and averages over the axes that it leaves out") {
  const Workbench bench("report-sweep");
  write_sweep_results(bench.path("w.h5"));
  require_done(bench.ohmic({"report", "~/w.h5", "--csv", "~/w.csv", "--svg", "~/p"}));
  const std::string page = read_whole_file(bench.path("report.html"));
  check_page(page);
  // Of the eight points (sigma x bits x device) one failed and one is missing.
  CHECK(says(page, "measured; 1 failed, 1 missing"));
  CHECK(says(page, "<summary>Points, 8 rows</summary>"));
  // accuracy = 0.9 - 0.2 sigma + 0.01 bits - 0.1 (device b) +- 0.02 on two chips
  CHECK(row_of(page, {"0.5", "11", "6", "b"})[4] == percent(0.9 - 0.1 + 0.06 - 0.1));
  CHECK(row_of(page, {"0.5", "11", "6", "b"}).back() == "done");
  CHECK(row_of(page, {"1", "12", "4", "a"}).back() == "failed: outputs are not finite");
  CHECK(row_of(page, {"1", "12", "6", "b"}).back() == "missing");
  const auto rows = rows_of(page.substr(page.find("id=\"points\"")));
  CHECK(rows[1][4] == percent(0.9 - 0.1 + 0.06));  // the best first
  CHECK(rows.at(7)[4] == "-");

  // Along sigma: one line per number of bits, averaged over the devices that were measured.
  const std::string sigma = read_whole_file(bench.path("p/accuracy-device.sigma.svg"));
  CHECK(says(sigma, "<title>adc.bits 4: 0.5, " + percent(0.9 - 0.1 + 0.04 - 0.05) + " ("));
  CHECK(says(sigma, "<title>adc.bits 4: 1, " + percent(0.9 - 0.2 + 0.04 - 0.1) + " ("));
  CHECK(says(sigma, "<title>adc.bits 6: 1, " + percent(0.9 - 0.2 + 0.06) + " ("));
  CHECK(says(page, "Averaged over device, chip by chip. device.g_max_uS changes with it."));
  const std::string device = read_whole_file(bench.path("p/accuracy-device.svg"));
  CHECK(says(device, "<title>device.sigma 0.5, device.g_max_uS 11: b, " +
                         percent(0.9 - 0.1 + 0.05 - 0.1) + " ("));
  // The heat map is of the first two axes, at the device of the best point.
  const std::string map = read_whole_file(bench.path("p/heat-map-device.sigma-adc.bits.svg"));
  CHECK(says(map, "device.sigma 0.5, adc.bits 6: " + percent(0.9 - 0.1 + 0.06) + " ("));
  CHECK(says(map, "device.sigma 1, adc.bits 4: no value (failed)"));
  CHECK(says(page, "The others where the best point has them: device a."));
  // viridis from end to end
  CHECK(says(map, "fill=\"#440154\""));
  CHECK(says(map, "fill=\"#fde725\""));

  const auto csv = csv_of(read_whole_file(bench.path("w.csv")));
  CHECK(csv[0] == std::vector<std::string>{"device.sigma", "device.g_max_uS", "adc.bits", "device",
                                           "chip", "accuracy", "loss"});
  CHECK(csv.size() == 1 + 6 * 2);
  CHECK(csv[1][4] == "0");
  CHECK(std::stod(csv[1][5]) == doctest::Approx(0.9 - 0.1 + 0.04 - 0.02).epsilon(1e-12));
}

TEST_CASE("the report of a real sweep repeats its table; samples are plotted against every key") {
  const Workbench bench("report-real-sweep");
  bench.write("grid.toml", kTinyConfig +
                               "[sweep]\nmeasure = [\"error_budget\", \"layers\"]\naxes = [ { zip "
                               "= [ { key = \"adc.bits\", values = [3, 8] }, { key = \"dac.bits\", "
                               "values = [4, 8] } ] }, { key = \"device.sigma\", values = [0.1, "
                               "0.6] } ]\n");
  const Said grid = require_done(bench.ohmic({"sweep", "~/grid.toml", "-o", "~/grid"}));
  require_done(bench.ohmic({"report", "~/grid"}));
  const std::string page = read_whole_file(bench.path("grid/report.html"));
  check_page(page);
  const auto best = all_of(grid.out, "(adc.bits [^\n]*)\n");
  REQUIRE(best.size() == 4);
  for (const std::string& line : best) {
    const auto numbers = all_of(line, "([0-9][0-9.]*)");
    REQUIRE(numbers.size() == 8);  // bits, bits, sigma, mean, sd, low, high, chips
    const auto row = row_of(page, {numbers[0], numbers[1], numbers[2]});
    CHECK(row[3] == numbers[3]);
    CHECK(row[5] == numbers[4]);
    CHECK(row[4] == numbers[5] + " .. " + numbers[6]);
  }
  CHECK(says(page, "<h3>At adc.bits "));
  CHECK(says(page, "id=\"figure-layers-2\""));
  CHECK(says(page, "dac.bits changes with it."));

  bench.write("sample.toml", kTinyConfig +
                                 "[sweep]\nsample = { kind = \"random\", points = 3 }\naxes = [ { "
                                 "key = \"device.sigma\", from = 0, to = 1 }, { key = "
                                 "\"device.read_noise\", from = 0, to = 0.1 } ]\n");
  require_done(bench.ohmic({"sweep", "~/sample.toml", "-o", "~/sample"}));
  require_done(bench.ohmic({"report", "~/sample", "--csv", "~/sample.csv"}));
  const std::string sample = read_whole_file(bench.path("sample/report.html"));
  check_page(sample);
  CHECK(says(sample, "id=\"figure-accuracy-device.sigma\""));
  CHECK(says(sample, "id=\"figure-accuracy-device.read-noise\""));
  CHECK_FALSE(says(sample, "heat-map"));
  CHECK(csv_of(read_whole_file(bench.path("sample.csv"))).size() == 1 + 3 * 3);
}

TEST_CASE("a report leaves out what its results do not hold, and is written again") {
  const Workbench bench("report-less");
  require_done(bench.ohmic({"run", "~/tiny.toml", "-o", "~/run", "--set",
                            "evaluation.budget_images=0", "--set", "evaluation.error_images=0"}));
  const Said dry = require_done(bench.ohmic({"report", "~/run", "--dry-run", "--svg", "~/p"}));
  CHECK(says(dry.out, "would write ~/run/report.html\n"));
  CHECK(says(dry.out, "would write ~/p/chips.svg\n"));
  CHECK_FALSE(bench.has("run/report.html"));
  CHECK_FALSE(bench.has("p"));
  bench.write("run/report.html", "an old one");
  require_done(bench.ohmic({"report", "~/run"}));
  const std::string page = read_whole_file(bench.path("run/report.html"));
  check_page(page);
  CHECK_FALSE(says(page, "id=\"budget\""));
  CHECK_FALSE(says(page, "id=\"figure-layers\""));
  CHECK(says(page, "id=\"layers\""));  // their tiles are still told
  // The same results, the same page; a folder for -o holds it under its usual name.
  std::filesystem::create_directory(bench.path("other"));
  require_done(bench.ohmic({"report", "~/run", "-o", "~/other"}));
  CHECK(read_whole_file(bench.path("other/report.html")) == page);
}
