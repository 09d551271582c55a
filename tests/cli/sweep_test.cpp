#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <map>

#include "cli/same_results.h"
#include "cli/workbench.h"
#include "io/h5.h"
#include "lab/sweep/shard.h"
#include "lab/sweep/sweep_points.h"

/// What a sweep measures: the same as single runs, for any number of threads and shards.
using namespace ohmic;
using namespace ohmic::testing;

namespace {

std::string sweep_config(const std::string& sweep, std::string config = kTinyConfig) {
  return config + "[sweep]\n" + sweep;
}

std::vector<double> doubles(const Workbench& bench, const std::string& file,
                            const std::string& path) {
  return h5::Reader(bench.path(file)).doubles(path).values;
}

void require_done(const Said& said) {
  CAPTURE(said.log);
  REQUIRE(said.status == 0);
}

std::vector<double> first_of(const std::vector<double>& values, std::size_t n) {
  return {values.begin(), values.begin() + static_cast<Index>(std::min(n, values.size()))};
}

}  // namespace

TEST_CASE("every point of a grid has the accuracy of a single run, cells reused or not") {
  const Workbench bench("sweep-grid");
  bench.write("s.toml", sweep_config("measure = [\"accuracy\", \"error_budget\", \"layers\"]\n"
                                     "axes = [ { key = \"device.sigma\", values = [0.1, 0.4] },\n"
                                     "         { key = \"adc.bits\", values = [4, 8] },\n"
                                     "         { key = \"time.at_s\", values = [0, 1e4] } ]\n",
                                     "method = \"affine\"\n" + kTinyConfig));
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/all"}));
  const h5::Reader in(bench.path("all/results.h5"));
  const h5::Array<double> accuracy = in.doubles("/accuracy"), loss = in.doubles("/loss"),
                          all = in.doubles("/error_budget_all"),
                          ratio = in.doubles("/signal_to_error_isolated");
  CHECK(accuracy.shape == std::vector<Index>{2, 2, 2, 3});
  CHECK(ratio.shape == std::vector<Index>{2, 2, 2, 2, 3});
  CHECK(in.strings("/layer") == std::vector<std::string>{"conv1", "fc1"});
  CHECK(in.integers("/adc.bits").values == std::vector<std::int64_t>{4, 8});
  std::size_t point = 0;
  for (const char* sigma : {"0.1", "0.4"})
    for (const char* bits : {"4", "8"})
      for (const char* at : {"0", "1e4"}) {
        const std::string folder = "run" + std::to_string(point);
        require_done(bench.ohmic(
            {"run", "~/s.toml", "-o", "~/" + folder, "--set", std::string("device.sigma=") + sigma,
             "--set", std::string("adc.bits=") + bits, "--set", std::string("time.at_s=") + at}));
        const auto at_point = [&](const h5::Array<double>& a, std::size_t size) {
          return std::vector<double>(a.values.begin() + static_cast<Index>(point * size),
                                     a.values.begin() + static_cast<Index>((point + 1) * size));
        };
        const std::string results = folder + "/results.h5";
        CHECK(at_point(accuracy, 3) == doubles(bench, results, "/chips/accuracy"));
        CHECK(at_point(loss, 3) == doubles(bench, results, "/chips/loss_all"));
        CHECK(at_point(all, 3) == doubles(bench, results, "/error_budget/all"));
        CHECK(at_point(ratio, 6) == doubles(bench, results, "/layers/signal_to_error_isolated"));
        ++point;
      }
}

TEST_CASE("a sweep has the same bits for any number of threads, order and shards") {
  const Workbench bench("sweep-threads");
  bench.write("s.toml",
              sweep_config("axes = [ { key = \"device.sigma\", from = 0.1, to = 0.5, step "
                           "= 0.1 }, { key = \"adc.bits\", values = [4, 5, 6] } ]\n"));
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/one", "--threads", "1"}));
  for (const char* threads : {"2", "3"}) {
    const std::string folder = std::string("threads") + threads;
    require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/" + folder, "--threads", threads,
                              "--no-cache", "--set", "evaluation.batch=7"}));
    CHECK(first_difference(bench.path("one/results.h5"), bench.path(folder + "/results.h5")) == "");
  }
  for (const char* shard : {"2/4", "0/4", "3/4"}) {
    const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/four", "--shard", shard});
    require_done(said);
    CHECK(said.out.find("whichever ends last merges") != std::string::npos);
    CHECK_FALSE(bench.has("four/results.h5"));
  }
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/four", "--shard", "1/4"}));
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("four/results.h5")) == "");
  // Merged twice: the same file. A range of points, then the rest: the same.
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/four", "--merge"}));
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("four/results.h5")) == "");
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/parts", "--points", "3..9"}));
  CHECK(bench.ohmic({"sweep", "~/s.toml", "-o", "~/parts", "--merge"}).status == lab::kSomeFailed);
  CHECK(h5::Reader(bench.path("parts/results.h5")).integers("/status").values ==
        std::vector<std::int64_t>{2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2});
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/parts"}));
  CHECK(first_difference(bench.path("one/results.h5"), bench.path("parts/results.h5")) == "");
}

TEST_CASE("tables, zipped keys and method options are axes; one training serves all their points") {
  const Workbench bench("sweep-axes");
  bench.write(
      "s.toml",
      sweep_config("axes = [ { key = \"device\", names = [\"paper\", \"wan\"], values = [ { "
                   "model = \"lognormal\", sigma = 0.5 }, { model = \"wan2022\" } ] },\n"
                   "         { zip = [ { key = \"method\", values = [\"plain\", \"ridge\", "
                   "\"affine\"] }, { key = \"methods.ridge.strength\", values = [1e-4, "
                   "1e-2, 1e-3] } ] } ]\n"));
  const Said said = bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"});
  require_done(said);
  std::size_t trainings = 0;
  for (std::size_t at = 0; (at = said.log.find("plain: epoch   1 of 2", at)) != said.log.npos; ++at)
    ++trainings;
  CHECK(trainings == 1);
  const h5::Reader in(bench.path("s/results.h5"));
  CHECK(in.strings("/device") == std::vector<std::string>{"paper", "wan"});
  CHECK(in.strings("/method") == std::vector<std::string>{"plain", "ridge", "affine"});
  CHECK(in.doubles("/methods.ridge.strength").values == std::vector<double>{1e-4, 1e-2, 1e-3});
  CHECK(in.string_attribute("/accuracy", "coordinates") == "methods.ridge.strength");
  CHECK(in.doubles("/accuracy").shape == std::vector<Index>{2, 3, 3});
  // Ridge has numbers of its own, plain has none.
  const auto overhead = in.doubles("/overhead_weights").values;
  CHECK(overhead[0] == 0);
  CHECK(overhead[1] > 0);
  require_done(bench.ohmic({"run", "~/s.toml", "-o", "~/r", "--set", "method=ridge", "--set",
                            "methods.ridge.strength=1e-2", "--set", "device={model=\"wan2022\"}"}));
  const auto accuracy = in.doubles("/accuracy").values;
  CHECK(std::vector<double>(accuracy.begin() + 12, accuracy.begin() + 15) ==
        doubles(bench, "r/results.h5", "/chips/accuracy"));
}

TEST_CASE("a method that is trained for the device is trained for every point's device") {
  const Workbench bench("sweep-device");
  bench.write("s.toml", sweep_config("axes = [ { key = \"device.sigma\", values = [0.1, 0.6] } ]\n",
                                     "method = \"injection\"\n" + kTinyConfig +
                                         "[methods.injection]\nvariation = \"device\"\n"));
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}));
  const auto loss = doubles(bench, "s/results.h5", "/loss");
  for (const char* sigma : {"0.1", "0.6"}) {
    const std::string folder = std::string("run") + sigma;
    require_done(bench.ohmic(
        {"run", "~/s.toml", "-o", "~/" + folder, "--set", std::string("device.sigma=") + sigma}));
    const Index first = sigma == std::string("0.1") ? 0 : 3;
    CHECK(std::vector<double>(loss.begin() + first, loss.begin() + first + 3) ==
          doubles(bench, folder + "/results.h5", "/chips/loss_all"));
  }
}

TEST_CASE("samples fill their axes: strata once each, lists evenly, bounds kept") {
  const auto grid_of = [](const std::string& kind, const std::string& axes) {
    return lab::make_experiment(parse_config("[sweep]\naxes = " + axes + "\nsample = { kind = \"" +
                                                 kind + "\", points = 40, seed = 5 }\n",
                                             "t"));
  };
  const std::string axes =
      "[ { key = \"device.sigma\", from = 0.1, to = 0.5 }, { key = \"device.read_noise\", from = "
      "1e-4, to = 1e-2, scale = \"log\" }, { key = \"adc.bits\", from = 4, to = 7, step = 1 } ]";
  const lab::Experiment hypercube = grid_of("latin_hypercube", axes);
  const lab::PointValues grid = lab::sweep_grid(hypercube);
  REQUIRE(grid.points.size() == 40);
  std::vector<int> sigma(40), noise(40);
  std::map<std::string, int> bits;
  for (const auto& point : grid.points) {
    const double s = std::get<double>(point[0].value.value),
                 n = std::get<double>(point[1].value.value);
    ++sigma.at(static_cast<std::size_t>((s - 0.1) / 0.4 * 40));
    ++noise.at(static_cast<std::size_t>((std::log10(n) + 4) / 2 * 40));
    ++bits[point[2].name];
  }
  CHECK(sigma == std::vector<int>(40, 1));
  CHECK(noise == std::vector<int>(40, 1));
  CHECK(bits == std::map<std::string, int>{{"4", 10}, {"5", 10}, {"6", 10}, {"7", 10}});
  // Axes are not in step: their order is drawn apart.
  int in_step = 0;
  for (const auto& point : grid.points) {
    const double s = (std::get<double>(point[0].value.value) - 0.1) / 0.4,
                 n = (std::log10(std::get<double>(point[1].value.value)) + 4) / 2;
    in_step += static_cast<int>(s * 40) == static_cast<int>(n * 40);
  }
  CHECK(in_step < 10);
  const lab::Experiment random = grid_of("random", axes);
  for (const auto& point : lab::sweep_grid(random).points) {
    const double s = std::get<double>(point[0].value.value);
    CHECK((s > 0.1 && s < 0.5));
  }
}

TEST_CASE("a sampled sweep has its axes as coordinates of the points") {
  const Workbench bench("sweep-sample");
  bench.write("s.toml",
              sweep_config("sample = { kind = \"latin_hypercube\", points = 6 }\n"
                           "axes = [ { key = \"device.sigma\", from = 0.0, to = 0.5 }, { key = "
                           "\"adc.bits\", values = [4, 8] } ]\n"));
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}));
  const h5::Reader in(bench.path("s/results.h5"));
  CHECK(in.integers("/point").values == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(in.doubles("/device.sigma").values.size() == 6);
  CHECK(in.doubles("/accuracy").shape == std::vector<Index>{6, 3});
  CHECK(in.string_attribute("/accuracy", "coordinates") == "device.sigma adc.bits");
  for (const std::int64_t status : in.integers("/status").values) CHECK(status == 0);
}

TEST_CASE("chips are added until the interval is narrow, the rest is NaN") {
  const Workbench bench("sweep-until");
  bench.write("s.toml",
              sweep_config("until = { accuracy_ci_points = 3.0, least_chips = 4 }\n"
                           "axes = [ { key = \"device.sigma\", values = [0.0, 0.6] } ]\n"));
  require_done(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s", "--set", "chips=30"}));
  const h5::Reader in(bench.path("s/results.h5"));
  const auto done = in.integers("/chips_done").values;
  CHECK(done[0] == 4);  // read noise alone spreads little
  CHECK(done[1] > done[0]);
  // Where 30 chips are not enough, that is said.
  const Said short_of = bench.ohmic({"sweep", "~/s.toml", "-o", "~/few", "--set", "chips=4"});
  require_done(short_of);
  CHECK(short_of.out.find("1 point had no more chips before the interval was as narrow as "
                          "sweep.until asks") != std::string::npos);
  const h5::Array<double> accuracy = in.doubles("/accuracy");
  CHECK(accuracy.shape == std::vector<Index>{2, *std::max_element(done.begin(), done.end())});
  for (std::size_t p = 0; p < 2; ++p)
    for (std::int64_t c = 0; c < accuracy.shape[1]; ++c)
      CHECK(std::isnan(accuracy.values[p * static_cast<std::size_t>(accuracy.shape[1]) +
                                       static_cast<std::size_t>(c)]) == (c >= done[p]));
  // The chips are those of a sweep that measures all.
  require_done(bench.ohmic(
      {"sweep", "~/s.toml", "-o", "~/all", "--set", "chips=30", "--set", "sweep.until={}"}));
  const auto all = doubles(bench, "all/results.h5", "/accuracy");
  const auto n = static_cast<std::size_t>(done[0]);
  CHECK(first_of(all, n) == first_of(accuracy.values, n));
}

TEST_CASE("points see the same chips, or their own where that is asked for") {
  const Workbench bench("sweep-independent");
  // Converters so fine that they change nothing: equal chips have equal losses.
  const std::string axes = "axes = [ { key = \"dac.bits\", values = [\"ideal\", 16] } ]\n";
  const std::string config = [] {
    std::string text = kTinyConfig;
    const std::string noise = "read_noise = 0.02\nread_noise_of = \"g_max\"\n";
    text.erase(text.find(noise), noise.size());
    return text + "[adc]\nbits = \"ideal\"\n";
  }();
  bench.write("same.toml", sweep_config(axes, config));
  bench.write("own.toml", sweep_config(axes + "independent_points = true\n", config));
  for (const char* name : {"same", "own"}) {
    require_done(
        bench.ohmic({"sweep", std::string("~/") + name + ".toml", "-o", std::string("~/") + name}));
    const auto loss = doubles(bench, std::string(name) + "/results.h5", "/loss");
    double largest = 0;
    for (std::size_t c = 0; c < 3; ++c)
      largest = std::max(largest, std::fabs(loss[c] - loss[3 + c]) / loss[c]);
    CHECK((largest < 1e-3) == (std::string(name) == "same"));
  }
}

TEST_CASE("shards come from the user, array tasks and launchers") {
  using Variables = std::map<std::string, const char*>;
  const auto shard = [](const std::string& option, Variables variables) {
    const lab::Shard found = lab::shard_of(option, [&](const char* name) {
      const auto at = variables.find(name);
      return at == variables.end() ? nullptr : at->second;
    });
    return std::pair(found.index, found.count);
  };
  using Pair = std::pair<std::size_t, std::size_t>;
  CHECK(shard("", {}) == Pair{0, 1});
  CHECK(shard("2/5", {}) == Pair{2, 5});
  CHECK(shard("", {{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "4"}}) == Pair{3, 4});
  CHECK(shard("", {{"PMI_RANK", "1"}, {"PMI_SIZE", "2"}}) == Pair{1, 2});
  const Variables array{{"SLURM_ARRAY_TASK_ID", "12"},
                        {"SLURM_ARRAY_TASK_COUNT", "10"},
                        {"SLURM_ARRAY_TASK_MIN", "5"},
                        // A batch script's own process: no step of several tasks.
                        {"SLURM_PROCID", "0"},
                        {"SLURM_NTASKS", "8"}};
  CHECK(shard("", array) == Pair{7, 10});
  CHECK(shard("none", array) == Pair{0, 1});
  CHECK(shard("0/2", array) == Pair{0, 2});
  Variables both = array;
  both["SLURM_PROCID"] = "3";
  both["SLURM_STEP_NUM_TASKS"] = "8";
  CHECK(shard("", both) == Pair{7 * 8 + 3, 80});
  // mpirun within srun: daemons hand the variables of a node's only task on.
  CHECK(shard("", {{"SLURM_PROCID", "1"},
                   {"SLURM_STEP_NUM_TASKS", "2"},
                   {"OMPI_COMM_WORLD_RANK", "5"},
                   {"OMPI_COMM_WORLD_SIZE", "8"}}) == Pair{5, 8});
  for (const char* wrong : {"3", "2/2", "-1/2", "a/b", "1/", "/2", "1/2/3"})
    CHECK_THROWS_AS(shard(wrong, {}), ConfigError);
  // A list with gaps (`--array=1,5` after a failure): its numbers define no shares, so that its
  // tasks take whatever points are free.
  const auto task = [](const char* id, const char* last, const char* count, Variables more = {}) {
    more.insert({{"SLURM_ARRAY_TASK_ID", id},
                 {"SLURM_ARRAY_TASK_COUNT", count},
                 {"SLURM_ARRAY_TASK_MIN", "1"},
                 {"SLURM_ARRAY_TASK_MAX", last}});
    return lab::shard_of("", [&](const char* name) {
      const auto at = more.find(name);
      return at == more.end() ? nullptr : at->second;
    });
  };
  for (const char* id : {"1", "5"}) {
    const lab::Shard found = task(id, "5", "2");
    CHECK(found.count == 1);
    CHECK(found.free_task == id);
    CHECK(found.has(0));
    CHECK(found.has(7));
  }
  CHECK(task("3", "5", "5").free_task == "");
  CHECK(task("3", "5", "5").index == 2);
  const lab::Shard step =
      task("5", "5", "2", {{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "3"}});
  CHECK(step.free_task == "5");
  CHECK(step.index == 1);
  CHECK(step.count == 3);
  // Array tasks in steps of two: numbers beyond the count.
  CHECK_THROWS_AS(shard("", {{"SLURM_ARRAY_TASK_ID", "4"},
                             {"SLURM_ARRAY_TASK_COUNT", "3"},
                             {"SLURM_ARRAY_TASK_MIN", "0"}}),
                  ConfigError);
}

TEST_CASE("points of other data folders are measured on their own data") {
  const Workbench bench("data-path");
  bench.write_set("a/set", testing::TinyImages(320, 1), testing::TinyImages(100, 2));
  bench.write_set("b/set", testing::TinyImages(320, 5), testing::TinyImages(100, 6));
  bench.write(
      "s.toml",
      kTinyConfig + "[sweep]\naxes = [ { key = \"data.path\", values = [\"a\", \"b\"] } ]\n");
  REQUIRE(bench.ohmic({"sweep", "~/s.toml", "-o", "~/s"}).status == 0);
  const auto swept = h5::Reader(bench.path("s/results.h5")).doubles("/float_accuracy").values;
  for (const std::string folder : {"a", "b"}) {
    REQUIRE(bench
                .ohmic({"run", "~/s.toml", "-o", "~/" + folder + "/out", "--set",
                        "data.path=" + folder})
                .status == 0);
    CHECK(h5::Reader(bench.path(folder + "/out/results.h5"))
              .doubles("/chips/float_accuracy")
              .values[0] == swept[folder == "a" ? 0 : 1]);
  }
}
