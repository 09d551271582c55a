#include <chrono>
#include <cmath>

#include "cli/refused.h"
#include "io/h5.h"
#include "lab/experiment/identity.h"

/// Files as users have them: spreadsheets, read-outs in other units, weights of PyTorch, and files
/// that are damaged or hostile.
namespace ohmic {
namespace {

using testing::check_refused;
using testing::Said;
using testing::Workbench;

/// Inputs after public reports (tests/golden/cases/README.md).
std::string golden(const std::string& file) { return OHMIC_GOLDEN "/cases/" + file; }

bool says(const std::string& text, const std::string& words) {
  return text.find(words) != text.npos;
}

Said fit(const Workbench& bench, const std::string& file, std::vector<std::string> more = {}) {
  std::vector<std::string> words{"info", "--fit", file, "-o", "~/"};
  words.insert(words.end(), more.begin(), more.end());
  return bench.ohmic(words);
}

/// The table that a fit printed: what it understood.
std::string understood(const Said& said) {
  const std::size_t first = said.out.find(" target (uS)");
  return first == said.out.npos ? "" : said.out.substr(first, said.out.find("tails") - first);
}

/// `table` on a measured device, read with `more` of its keys.
Said measured(const Workbench& bench, const std::string& table, const std::string& more = "") {
  bench.write("t.csv", table);
  bench.write("m.toml", "[device]\nmodel = \"measured\"\ng_min_uS = 0\nfile = \"t.csv\"\n" + more);
  bench.write_matrix("w.npy", 3, 5, 1);
  return bench.ohmic({"mvm", "~/m.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o",
                      "~/y.npy", "--force"});
}

/// `text` with every `from` replaced.
std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != text.npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

/// 20 samples around 0 and 40 uS.
std::string samples(const std::string& header, const std::string& between = ",") {
  std::string text = header + "\n";
  for (const int target : {0, 40})
    for (int i = 0; i < 20; ++i)
      text += std::to_string(target) + between + std::to_string(target + 1) + "." +
              std::to_string(10 + i) + "\n";
  return text;
}

TEST_CASE("tables of spreadsheets say the same as a plain one") {
  const Workbench bench("spreadsheets");
  const std::string plain =
      understood(fit(bench, bench.write("p.csv", samples("target_uS,sample_uS"))));
  REQUIRE(says(plain, "20"));
  const std::string mark = "\xef\xbb\xbf";
  const std::string semicolons = samples("target_uS;sample_uS", ";");
  const std::string text = samples("target_uS,sample_uS");
  const std::pair<const char*, std::string> tables[] = {
      {"a byte-order mark", mark + text},
      {"a mark before sep=", mark + "sep=;\r\n" + replaced(semicolons, "\n", "\r\n")},
      {"sep=, between commas", "sep=,\n" + text},
      {"sep= and a tab", "sep=\t\n" + samples("target_uS\tsample_uS", "\t")},
      {"decimal commas", replaced(semicolons, ".", ",")},
      {"decimal commas and tabs", replaced(samples("target_uS\tsample_uS", "\t"), ".", ",")},
      {"trailing separators", replaced(text, "\n", ",\n")},
      {"several of them", replaced(semicolons, "\n", ";;;\n")},
      {"a padded end", replaced(text, "\n", ",,\n") + ",,,\n,,,\n"},
      {"quoted fields", replaced(replaced("\"" + text, "\n", "\"\n\""), ",", "\",\"") + "\""},
      {"lines of old Macs", replaced(text, "\n", "\r")},
      {"units in brackets", samples("target (uS),sample [uS]")},
      {"the micro sign", samples("target_\xc2\xb5S,sample (\xc2\xb5S)")},
      {"the Greek letter", samples("Target (\xce\xbcS),Sample (\xce\xbcS)")},
      {"the sign of Latin-1", samples("target_\xb5S,sample (\xb5S)")},
      {"comments", "# by hand\n#\n" + text},
  };
  for (const auto& [name, table] : tables) {
    CAPTURE(name);
    std::string last = table;
    if (last.ends_with("\"\"")) last.resize(last.size() - 2);
    const Said said = fit(bench, bench.write("t.csv", last));
    CHECK(said.log == "");
    CHECK(understood(said) == plain);
  }
  for (const char* file : {"bom.csv", "sep_line.csv", "trailing_separator.csv",
                           "unit_in_brackets.csv", "micro_sign.csv"}) {
    CAPTURE(file);
    CHECK(understood(fit(bench, golden(file))) == understood(fit(bench, golden("bom.csv"))));
    CHECK(says(fit(bench, golden(file)).out, "samples at 5 targets, 0 .. 40 uS"));
  }
  CHECK(says(fit(bench, golden("decimal_comma.csv")).out, "samples at 5 targets, 0 .. 40 uS"));
}

TEST_CASE("a fit tells the samples' own deviation and which tails are cut off") {
  const Workbench bench("twenty");
  const Said said = fit(bench, golden("twenty_samples.csv"));
  // Mean and deviation (n - 1) of the file's samples, beside those of what is drawn.
  CHECK(
      says(said.out, "          40        20        44.97        1.211        44.97        1.211"));
  CHECK(says(said.out, "20 samples say nothing of fewer than one cell in 40"));
}

TEST_CASE("a decimal comma that can be mistaken is refused, and the cure is told") {
  const Workbench bench("commas");
  const auto refuse = [&](const std::string& table, const std::string& message) {
    bench.write("t.csv", table);
    check_refused(bench, {"info", "--fit", "~/t.csv", "-o", "~/"}, lab::kFiles,
                  "~/t.csv" + message);
  };
  const std::string cure = " (a decimal comma is read where ; or a tab stands between fields)";
  refuse("target_uS,sample_uS\n0,1,18\n", ":2:5: a row of 3, expected 2 as in line 1" + cure);
  refuse("target_uS,sample_uS\n0,\"1,18\"\n", ":2:3: '1,18' is not a number" + cure);
  refuse("target_uS;sample_uS\n0;1.234,5\n",
         ":2:3: '1.234,5' has a thousands separator; write the number without");
  refuse("target_uS;sample_uS\n0;1,5\n0;1.234\n",
         ":3:3: '1.234' has a decimal point, line 2 a comma; use one of them in all numbers");
}

TEST_CASE("a table without names is read in the unit that is given, and refused without one") {
  const Workbench bench("no-header");
  CHECK(says(fit(bench, golden("no_header.csv"), {"--unit", "uS"}).out,
             "samples at 5 targets, 0 .. 40 uS"));
  const Said refused = fit(bench, golden("no_header.csv"));
  CHECK(refused.status == lab::kUsage);
  CHECK(says(refused.message(),
             "no_header.csv:1:1: a file without column names needs "
             "device.file_unit = \"uS\""));
  const std::string rows = samples("").substr(1);
  CHECK(measured(bench, rows, "file_unit = \"uS\"").status == lab::kDone);
  CHECK(measured(bench, "target,sample\n" + rows, "file_unit = \"uS\"").status == lab::kDone);
  CHECK(measured(bench, "target,sample\n" + rows).message() ==
        "~/t.csv:1:1: column target has no unit; write target_uS, or give the unit of all as "
        "device.file_unit (info --fit: --unit)");
  // A damaged first row is no header.
  CHECK(measured(bench, "0,x3\n" + rows, "file_unit = \"uS\"").message() ==
        "~/t.csv:1:3: 'x3' is not a number");
}

TEST_CASE("a unit in a config is spelled as in a header, and every spelling is the same question") {
  const Workbench bench("units");
  bench.write("t.csv", samples("").substr(1));
  const auto with_unit = [&](const std::string& unit) {
    bench.write("m.toml",
                "[device]\nmodel = \"measured\"\ng_min_uS = 0\nfile = \"t.csv\"\nfile_unit = \"" +
                    unit + "\"\n");
    const lab::Experiment e = lab::read_experiment(bench.path("m.toml"), {});
    return lab::resolved_config(e, "mvm");
  };
  for (const char* unit : {"\xc2\xb5S", "\xce\xbcS"}) CHECK(with_unit(unit) == with_unit("uS"));
  bench.write_matrix("w.npy", 3, 5, 1);
  CHECK(with_unit("\xc2\xb5S") != "");
  CHECK(bench
            .ohmic(
                {"mvm", "~/m.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/y.npy"})
            .status == lab::kDone);
  bench.write("bad.toml",
              "[device]\nmodel = \"measured\"\nfile = \"t.csv\"\nfile_unit = \"\xc2\xb5V\"\n");
  check_refused(
      bench, {"mvm", "~/bad.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/z.npy"},
      lab::kUsage,
      "~/bad.toml:4:1: device.file_unit = \"\xc2\xb5V\" is not one of S, mS, uS, nS, A, "
      "mA, uA, nA, Ohm, kOhm, MOhm...");
}

TEST_CASE("read-outs as currents and resistances become conductances") {
  const Workbench bench("read-outs");
  const Said currents = fit(bench, golden("currents.csv"), {"--read-voltage", "0.2"}),
             resistances = fit(bench, golden("resistances.csv"));
  CHECK(says(currents.out, "           0        22       0.6603       0.5147"));
  CHECK(says(resistances.out, "           1        22         1.66       0.5147"));
  const Said refused = fit(bench, golden("currents.csv"));
  CHECK(refused.status == lab::kUsage);
  CHECK(says(refused.message(), "currents.csv:2:3: a current [uA] needs device.read_voltage_v"));

  // The same cells in every unit: 10 and 50 uS, read at .1 V.
  struct Case {
    const char *unit, *low, *high, *key;
  };
  for (const auto& [unit, low, high, key] : {Case{"A", "1e-6", "5e-6", "read_voltage_v = 0.1"},
                                             {"mA", "1e-3", "5e-3", "read_voltage_v = 0.1"},
                                             {"uA", "1", "5", "read_voltage_v = 0.1"},
                                             {"nA", "1000", "5000", "read_voltage_v = 0.1"},
                                             {"Ohm", "100000", "20000", ""},
                                             {"kOhm", "100", "20", ""},
                                             {"MOhm", "0.1", "0.02", ""},
                                             {"k\xce\xa9", "100", "20", ""}}) {
    CAPTURE(unit);
    std::string table = std::string("target_uS,sample_") + unit + "\n";
    for (int i = 0; i < 20; ++i) table += std::string("0,") + low + "\n40," + high + "\n";
    const Said said = measured(bench, table, key);
    CAPTURE(said.log);
    REQUIRE(said.status == lab::kDone);
    REQUIRE(bench
                .ohmic({"mvm", "~/m.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o",
                        "~/y.npy", "--dump", "~/d.h5", "--force"})
                .status == lab::kDone);
    const auto g = h5::Reader(bench.path("d.h5")).doubles("/programmed").values;
    for (const double value : g) {
      CHECK(value >= 10e-6 * (1 - 1e-6));
      CHECK(value <= 50e-6 * (1 + 1e-6));
    }
  }
  CHECK(measured(bench, "target_uS,sample_kOhm\n0,100\n0,-3\n").message() ==
        "~/t.csv:3:3: -3 kOhm is not a resistance, expected one above 0");
  CHECK(measured(bench, "target_uS,sample_kOhm\n0,100\n0,0\n").status == lab::kFiles);
  CHECK(says(measured(bench, "target_uS,mean_kOhm,std_kOhm\n0,100,1\n40,20,1\n").message(),
             "~/t.csv:2:7: a deviation in kOhm is none of conductances"));
}

TEST_CASE("columns that are not read are named, and those that decide are asked for") {
  const Workbench bench("columns");
  const Said said = fit(bench, golden("extra_columns.csv"));
  CHECK(says(said.log, "extra_columns.csv:1:1: not read: 'cell', 'comment'\n"));
  CHECK(says(said.out, "samples at 5 targets, 0 .. 40 uS"));
  // "sample_id" is no sample where a column of samples has a unit; pandas writes its index unnamed.
  std::string table = ",temperature_K,target_uS,sample_uS,sample_id\n";
  for (const int target : {0, 40})
    for (int i = 0; i < 20; ++i)
      table += std::to_string(i) + ",300," + std::to_string(target) + ",1,a7\n";
  const Said other = measured(bench, table);
  CHECK(other.status == lab::kDone);
  CHECK(says(other.log, "~/t.csv:1:1: not read: '', 'temperature_K', 'sample_id'\n"));
  CHECK(measured(bench, "target_uS,sample_id\n0,1\n").message() ==
        "~/t.csv:1:11: column sample_id: unknown unit 'id' of a conductance; known are S, mS, uS, "
        "nS, A, mA, uA, nA, Ohm, kOhm, MOhm");
  CHECK(measured(bench, "target_uS,sampel_uS\n0,1\n40,1\n").message() ==
        "~/t.csv:1:1: a table has columns target_UNIT, mean_UNIT, std_UNIT, or target_UNIT, "
        "sample_UNIT; not read are 'sampel_uS'");
}

TEST_CASE("read-outs below 0 are refused by place with the key that takes them as 0") {
  const Workbench bench("negative");
  const Said refused = fit(bench, golden("negative_off_cells.csv"));
  CHECK(refused.status == lab::kFiles);
  CHECK(says(refused.message(),
             "negative_off_cells.csv:2:3: -1.1788 is negative; device.negative = \"clip\""));
  const Said clipped = fit(bench, golden("negative_off_cells.csv"), {"--negative", "clip"});
  CHECK(clipped.status == lab::kDone);
  CHECK(says(clipped.log, "negative_off_cells.csv:2:3: 14 read-outs below 0 taken as 0"));
  const std::string table = "target_uS,mean_uS,std_uS\n0,-1,1\n40,39,1\n";
  CHECK(measured(bench, table).status == lab::kFiles);
  CHECK(measured(bench, table, "negative = \"clip\"").status == lab::kDone);
  CHECK(measured(bench, replaced(table, "40,", "-40,"), "negative = \"clip\"").message() ==
        "~/t.csv:3:1: -40 is negative");
}

TEST_CASE("no line of a matrix vanishes: error words are refused, and headers told") {
  const Workbench bench("error-words");
  bench.write("x.csv", "1\n2\n");
  const auto refuse = [&](const std::string& table, const std::string& message) {
    bench.write("w.csv", table);
    check_refused(bench, {"mvm", "--weights", "~/w.csv", "--inputs", "~/x.csv", "-o", "~/y.npy"},
                  lab::kFiles, "--weights: ~/w.csv" + message);
  };
  for (const char* word : {"#DIV/0!", "#N/A", "#VALUE!", "#WERT!", "nan", "NaN", "NA", "n/a"}) {
    const bool is_nan = std::tolower(word[2]) == 'n' && word[0] != '#';
    const std::string told =
        std::string("'") + word +
        (is_nan ? "' is not a finite number" : "' is an error word, expected a number");
    refuse(std::string(word) + "\n2\n3\n", ":1:1: " + told);
    refuse(std::string("1\n2\n") + word + "\n", ":3:1: " + told);
    refuse(std::string("1,2\n3,") + word + "\n", ":2:3: " + told);
  }
  refuse("1,2 # two\n",
         ":1:3: '2 # two' is not a number (a comment needs a line of its own, behind "
         "'# ')");
  refuse("#made by hand\n1,2\n",
         ":1:1: '#made' is an error word, expected a number (a "
         "comment begins with '# ')");
  refuse("1.2,x3,4\n1,2,3\n", ":1:5: 'x3' is not a number");
  refuse("1,2\n,\n3,4\n", ":2:1: an empty row, expected numbers");
  refuse(",a,b\n0,1,2\n",
         ":1:1: a column has no name; a matrix has no column of row numbers (an "
         "index of pandas?)");
  bench.write("w.csv", "# a comment\n#\nweight\n2\n3\n");
  const Said said =
      bench.ohmic({"mvm", "--weights", "~/w.csv", "--inputs", "~/x.csv", "-o", "~/y.npy"});
  CHECK(said.status == lab::kDone);
  CHECK(says(said.log, "note: ~/w.csv:3:1: names of columns, skipped: weight\n"));
  const Said refused = bench.ohmic(
      {"mvm", "--weights", golden("div0.csv"), "--inputs", golden("div0_x.csv"), "-o", "~/z.npy"});
  CHECK(refused.status == lab::kFiles);
  CHECK(says(refused.message(), "div0.csv:1:1: '#DIV/0!' is an error word"));
}

TEST_CASE("tables of converters and pulses are read by the same reader") {
  const Workbench bench("other-tables");
  bench.write_matrix("w.npy", 3, 5, 1);
  const auto run = [&](const std::string& config) {
    bench.write("c.toml", config);
    return bench.ohmic({"mvm", "~/c.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o",
                        "~/y.npy", "--force"});
  };
  std::string codes = "\xef\xbb\xbfsep=;\r\nnote;std;code;mean\r\n";
  for (int code = -7; code <= 7; ++code)
    codes += "x;0,1;" + std::to_string(code) + ";" + std::to_string(code) + ",5\r\n";
  bench.write("o.csv", codes);
  const Said table = run("[adc]\nbits = 4\noutput_table = \"o.csv\"\n");
  CHECK(table.status == lab::kDone);
  CHECK(says(table.log, "~/o.csv:2:1: not read: 'note'"));
  bench.write("o.csv", replaced(codes, "x;0,1;3;", "x;nan;3;"));
  CHECK(run("[adc]\nbits = 4\noutput_table = \"o.csv\"\n").message() ==
        "~/o.csv:13:3: 'nan' is not a finite number");

  std::string jumps = "\xef\xbb\xbflevel (\xc2\xb5S);direction;step [uS];cell;\n";
  for (int i = 0; i < 5; ++i) jumps += "1;set;0,5;a;\n1;reset;-0,5;a;\n";
  bench.write("j.csv", jumps);
  const std::string loop =
      "[device]\nmodel = \"gaussian\"\nsigma = 0.1\nprogramming = \"write_verify\"\nverify_pulse = "
      "\"jump_table\"\nverify_file = \"j.csv\"\n";
  const Said pulses = run(loop);
  CHECK(pulses.status == lab::kDone);
  CHECK(says(pulses.log, "~/j.csv:1:1: not read: 'cell'"));
  bench.write("j.csv", replaced(jumps, "0,5;a;", "#N/A;a;"));
  CHECK(run(loop).message() == "~/j.csv:2:7: '#N/A' is an error word, expected a number");
}

TEST_CASE("numbers that are not finite, or only in double precision, are refused by place") {
  const Workbench bench("not-finite");
  const Said fitted = fit(bench, golden("damaged/fit-1e300.csv"));
  CHECK(fitted.status == lab::kUsage);
  CHECK(says(fitted.message(), "fit-1e300.csv:3:7: 1e+300 uS is 1e+294 S, which no cell conducts"));
  bench.write_matrix("w.npy", 3, 5, 1);
  bench.write("c.toml",
              "[adc]\nbits = 4\noutput_table = \"" + golden("damaged/otable-1e39.csv") + "\"\n");
  const Said table = bench.ohmic(
      {"mvm", "~/c.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o", "~/y.npy"});
  CHECK(table.status == lab::kUsage);
  CHECK(says(table.message(), "otable-1e39.csv:2:7: 1e39 is beyond single precision"));
  for (const char* text : {"target_uS,mean_uS,std_uS\n0,inf,1\n40,39,1\n",
                           "target_uS,mean_uS,std_uS\n0,1,nan\n40,39,1\n",
                           "target_uS,mean_uS,std_uS,time_s\n0,1,1,1e999\n40,39,1,1e999\n",
                           "target_uS,mean_uS,std_uS,time_s\n0,1,1,1e-320\n40,39,1,1e-320\n"}) {
    const Said said = measured(bench, text);
    CAPTURE(said.log);
    CHECK(said.status != lab::kDone);
    CHECK(says(said.message(), "~/t.csv:2:"));
  }
}

TEST_CASE("fits of many times and of many targets take seconds") {
  const Workbench bench("many");
  std::string times = "target_uS,mean_uS,std_uS,time_s\n", targets = "target_uS,mean_uS,std_uS\n";
  for (int k = 1; k <= 40000; ++k) {
    const std::string t = std::to_string(k);
    times += "0,1,1," + t + "\n40,39,1," + t + "\n";
  }
  for (int k = 0; k <= 100000; ++k) {
    const std::string g = std::to_string(k * 0.0004);
    targets += g + "," + g + ",0.1\n";
  }
  for (const std::string& table : {times, targets}) {
    const auto start = std::chrono::steady_clock::now();
    CHECK(fit(bench, bench.write("t.csv", table)).status == lab::kDone);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    CHECK(took.count() < 30);  // quadratic ones took minutes; sanitisers slow this 10 times
    CHECK(std::filesystem::file_size(bench.path("fit.svg")) < (1u << 25));
  }
}

TEST_CASE("read-outs a million times beyond the device's range are refused, and the unit named") {
  const Workbench bench("units");
  CHECK(says(measured(bench, "target_S,mean_S,std_S\n0,1,1\n40,39,1\n").message(),
             "~/t.csv:3:1: 40 S is 40 S, which no cell conducts"));
  CHECK(says(measured(bench, "target_mS,mean_mS,std_mS\n0,1,1\n40,39,1\n").message(),
             "the unit (S, mS, uS, nS) seems to be another one"));
  CHECK(says(measured(bench, "target_uS,mean_mS,std_uS\n0,1,1\n40,39,1\n").message(),
             "~/t.csv: conductances up to 39000 uS are 975 times the largest of device.g_min_uS"));
  bench.write_matrix("w.npy", 3, 5, 1);
  const auto chip = [&](double unit, bool one) {
    std::vector<double> g(30, 30e-6);
    for (double& value : g) value *= one ? 1 : unit;
    g[7] *= one ? unit : 1;
    {
      h5::Writer out(bench.path("chip.h5"));
      out.write("/layers/W/programmed", {2, 3, 5}, g.data());
      out.commit();
    }
    bench.write("c.toml", "[device]\nmodel = \"real_chip\"\nfile = \"chip.h5\"\n");
    return bench.ohmic({"mvm", "~/c.toml", "--weights", "~/w.npy", "--inputs", "~/w.npy", "-o",
                        "~/y.npy", "--force"});
  };
  CHECK(chip(1, false).status == lab::kDone);
  CHECK(chip(1000, true).status == lab::kDone);  // a short
  CHECK(chip(1e6, false).status == lab::kFiles);
  CHECK(says(chip(1e6, false).message(),
             "no cell conducts more than a metal wire, 1 S; does the "
             "file hold uS?"));
  CHECK(says(chip(1e3, false).message(),
             "the numbers are understood in S: are they in another unit?"));
  CHECK(chip(1e6, true).status == lab::kFiles);
}

}  // namespace
}  // namespace ohmic
