#include <doctest/doctest.h>

#include "cli/refused.h"
#include "cli/report_files.h"
#include "io/whole_file.h"

/// Results that no report can be made of.
using namespace ohmic;
using namespace ohmic::testing;

TEST_CASE("anything that is not a results file that this program reads is refused") {
  const Workbench bench("bad-report");
  const auto refused = [&](const std::string& words, int status, const std::string& message) {
    check_refused(bench, {"report", words}, status, message);
  };
  const auto make = [&](const std::string& file, auto fill) {
    h5::Writer out(bench.path(file));
    fill(out);
    out.commit();
  };
  refused("~/no.h5", lab::kFiles, "~/no.h5: no such file");
  refused("~/set", lab::kFiles, "~/set/results.h5: no such file");
  bench.write("text.h5", "hello");
  refused("~/text.h5", lab::kFiles, "~/text.h5: is not an HDF5 file");
  make("alien.h5", [](h5::Writer& out) { out.write("/x", std::vector<double>{1}); });
  refused("~/alien.h5", lab::kFiles, "~/alien.h5: is not a results file of Ohmic");
  make("old.h5", [](h5::Writer& out) {
    write_root(out, "run");
    out.attribute("/", "schema_version", 1);
  });
  refused(
      "~/old.h5", lab::kUsage,
      "~/old.h5: schema 1, this program reads schemas 2 to 3; write the results again with this "
      "version");
  make("train.h5", [](h5::Writer& out) { write_root(out, "train"); });
  refused("~/train.h5", lab::kUsage,
          "~/train.h5: holds results of `ohmic train`; a report is made of those of run, compare, "
          "search and sweep");
  make("empty.h5", [](h5::Writer& out) { write_root(out, "run"); });
  refused("~/empty.h5", lab::kFiles, "~/empty.h5: no data set '/chips/accuracy'");
  make("ragged.h5", [](h5::Writer& out) {
    write_root(out, "search");
    out.write("/search/layer", std::vector<std::string>{"conv1"});
    out.write("/search/accuracy", std::vector<double>{0.5, 0.6});
    out.write("/search/overhead", std::vector<double>{0.5});
  });
  refused("~/ragged.h5", lab::kFiles, "~/ragged.h5: '/search/overhead' has 1 values, expected 2");
  write_sweep_results(bench.path("axis.h5"), "adc.bits\ndevice");
  refused("~/axis.h5", lab::kFiles, "~/axis.h5: '/device.sigma' lies along no axis of the sweep");
}

TEST_CASE("a report replaces no results, and no other output of its own") {
  const Workbench bench("report-outputs");
  write_search_results(bench.path("results.h5"));
  const std::string before = read_whole_file(bench.path("results.h5"));
  check_refused(bench, {"report", "~/results.h5", "-o", "~/set/../results.h5"}, lab::kUsage,
                "-o ~/set/../results.h5: would replace the results themselves");
  check_refused(bench, {"report", "~/results.h5", "--csv", "~/a", "--markdown", "~/a"}, lab::kUsage,
                "--markdown ~/a: is the file of --csv too");
  bench.write("file", "");
  check_refused(bench, {"report", "~/results.h5", "-o", "~/file/page.html"}, lab::kFiles,
                "~/file/page.html: cannot be written (Not a directory)");
  check_refused(bench, {"report", "~/results.h5", "--svg", "~/file/plots"}, lab::kFiles,
                "~/file/plots: the output folder cannot be made: Not a directory");
  check_refused(bench, {"report"}, lab::kUsage, "results is required; see `ohmic report --help`");
  CHECK(read_whole_file(bench.path("results.h5")) == before);
}
