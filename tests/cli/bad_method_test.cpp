#include <doctest/doctest.h>

#include "cli/refused.h"
#include "io/h5.h"

/// What search, compare and methods cannot do is told before anything is trained or written.
using namespace ohmic;
using namespace ohmic::testing;

TEST_CASE("methods that do not fit the network, and options out of range, are refused") {
  const Workbench bench("bad_method");
  const auto refuse = [&](const std::string& command, const std::string& setting, int status,
                          const std::string& message) {
    bench.write("c.toml", kTinyCompare);
    check_refused(
        bench,
        {command, "~/c.toml", "-o", "~/out", "--set", setting, "--set", "data.validation=60"},
        status, message);
  };
  const std::string no_conv9 =
      "no compensator can stand behind 'conv9': the network's layers are conv1, relu1, max_pool1, "
      "flatten1, fc1";
  refuse("compare", "methods.compensation.layers=[\"conv9\"]", 2,
         "--set methods.compensation.layers=[\"conv9\"]: methods.compensation.layers: " + no_conv9);
  refuse("compare", "methods.compensation.ratios=[-1]", 2,
         "--set methods.compensation.ratios=[-1]: methods.compensation.ratios[0] = -1 is out of "
         "range (0 .. 16)");
  refuse("compare", "methods.injection.sigma=9", 2,
         "--set methods.injection.sigma=9: methods.injection.sigma = 9 is out of range (0 .. 3)");
  refuse("compare", "compare.methods=[\"plain\",\"bn_reestimation\"]", 2,
         "~/c.toml: method \"bn_reestimation\" re-estimates batch-norm, and the network has no "
         "digital "
         "batch-norm layer (network.fold_batch_norm = false keeps them)");
  refuse("compare", "compare.sigmas=[-0.5]", 2,
         "--set compare.sigmas=[-0.5]: compare.sigmas[0] = -0.5 is out of range (0 .. 3)");
  refuse("compare", "methods.compensation.placement=nowhere.h5", 3, "~/nowhere.h5: no such file");
  refuse("search", "methods.compensation.overhead_limit=1e-6", 2,
         "--set methods.compensation.overhead_limit=1e-6: methods.compensation.overhead_limit = "
         "1e-06 and overhead_limit_macs = 100 are met by no placement...");
  refuse(
      "search", "methods.compensation.overhead_limit_macs=1e-6", 2,
      "~/c.toml:43:1: methods.compensation.overhead_limit = 1 and overhead_limit_macs = 1e-06 are "
      "met by no placement...");
  refuse("search", "search.layers=[\"conv9\"]", 2,
         "--set search.layers=[\"conv9\"]: search.layers: " + no_conv9);
  refuse("search", "search.layers=[\"conv1\",\"conv9\"]", 2,
         "--set search.layers=[\"conv1\",\"conv9\"]: search.layers: " + no_conv9);
  refuse("search", "search.ratios=[0]", 2,
         "--set search.ratios=[0]: search.ratios has no ratio above 0");
  refuse("compare", "network.file=nowhere.h5", 3, "~/nowhere.h5: no such file");
}

TEST_CASE("search and compare refuse files of another network before anything is trained") {
  const Workbench bench("bad_files");
  bench.write("c.toml", kTinyCompare);
  REQUIRE(bench.ohmic({"train", "~/tiny.toml", "-o", "~/trained", "--quiet"}).status == lab::kDone);
  const std::string other =
      "~/trained/network.h5 is a checkpoint of another network: its layer 0 (conv1) has filters = "
      "4, expected filters = 5";
  for (const std::string command : {"search", "compare"}) {
    const auto refuse = [&](const std::vector<std::string>& settings, int status,
                            const std::string& message) {
      std::vector<std::string> words{command, "~/c.toml", "-o",
                                     "~/out", "--set",    "data.validation=60"};
      for (const std::string& setting : settings) {
        words.push_back("--set");
        words.push_back(setting);
      }
      check_refused(bench, words, status, message);
    };
    refuse({"network.file=trained/network.h5", "network.layers.conv1.filters=5"}, lab::kUsage,
           other);
    refuse({"network.file=trained/results.h5"}, lab::kFiles,
           "~/trained/results.h5: is not a checkpoint of Ohmic");
    const std::string method = command == "search" ? "penalty" : "correctnet";
    refuse({"network.file=trained/network.h5"}, lab::kUsage,
           "--set network.file=trained/network.h5: network.file brings a trained network, and "
           "method \"" +
               method + "\" trains its own");
  }
  const auto refuse_placement = [&](const std::string& file, int status,
                                    const std::string& message) {
    check_refused(
        bench,
        {"compare", "~/c.toml", "-o", "~/out", "--set", "methods.compensation.placement=" + file,
         "--set", "methods.compensation.layers=[]", "--set", "methods.compensation.ratios=[]"},
        status, message);
  };
  refuse_placement("c.toml", lab::kFiles, "~/c.toml: is not an HDF5 file");
  refuse_placement("trained/network.h5", lab::kFiles,
                   "~/trained/network.h5: no data set '/placement/layer'");
  {
    h5::Writer out(bench.path("other.h5"));
    out.write("/placement/layer", std::vector<std::string>{"conv9"});
    out.write("/placement/ratio", std::vector<double>{1});
    out.commit();
    h5::Writer uneven(bench.path("uneven.h5"));
    uneven.write("/placement/layer", std::vector<std::string>{"conv1"});
    uneven.write("/placement/ratio", std::vector<double>{1, 2});
    uneven.commit();
    h5::Writer negative(bench.path("negative.h5"));
    negative.write("/placement/layer", std::vector<std::string>{"conv1"});
    negative.write("/placement/ratio", std::vector<double>{-1});
    negative.commit();
  }
  refuse_placement(
      "other.h5", lab::kUsage,
      "--set methods.compensation.placement=other.h5: methods.compensation.placement: "
      "no compensator can stand behind 'conv9': the network's layers are conv1, relu1, "
      "max_pool1, flatten1, fc1");
  refuse_placement("uneven.h5", lab::kFiles, "~/uneven.h5: /placement has 1 layers and 2 ratios");
  refuse_placement("negative.h5", lab::kFiles,
                   "~/negative.h5: /placement/ratio holds -1, expected ratios above 0, at most 16");
}

TEST_CASE("options of search and methods out of range, or against each other, are refused") {
  const Workbench bench("bad_options");
  bench.write("c.toml", kTinyCompare);
  const auto refuse = [&](const std::string& command, const std::string& setting,
                          const std::string& message) {
    check_refused(
        bench,
        {command, "~/c.toml", "-o", "~/out", "--set", "data.validation=60", "--set",
         "search.images=60", "--set", "methods.compensation.overhead_limit=10", "--set", setting},
        2, "--set " + setting + ": " + message);
  };
  refuse("search", "search.ratios=[0,-1]", "search.ratios[1] = -1 is out of range (0 .. 16)");
  refuse("search", "search.ratios=[99]", "search.ratios[0] = 99 is out of range (0 .. 16)");
  refuse("search", "search.ratios=[]", "search.ratios is empty");
  refuse("search", "search.ratios=[1,0,1]", "search.ratios has 1 twice");
  refuse("search", "search.layers=[\"fc1\",\"fc1\"]", "search.layers has fc1 twice");
  refuse("search", "search.kappa=-1", "search.kappa = -1 is out of range (0 or more)");
  refuse("search", "search.algorithm=gready",
         "search.algorithm = \"gready\" is not one of reinforce, random, greedy, exhaustive (did "
         "you mean 'greedy'?)");
  refuse("search", "search.evaluation=both",
         "search.evaluation = \"both\" is not one of shared, individual");
  refuse("search", "search.chips=0", "search.chips = 0 is out of range (1 .. 524288)");
  refuse("search", "search.images=61",
         "search.images = 61, but there are only 60 validation images");
  refuse("search", "search.train_images=9999",
         "search.train_images = 9999, but there are only 260 training images");
  refuse("search", "methods.compensation.overhead_limit=0",
         "methods.compensation.overhead_limit = 0 is out of range (above 0, at most 10)");
  refuse("compare", "compare.methods=[]", "compare.methods is empty");
  refuse("compare", "compare.methods=[\"plain\",\"sam\",\"plain\"]",
         "compare.methods has plain twice");
  refuse("compare", "compare.training_seeds=[]", "compare.training_seeds is empty");
  refuse("compare", "compare.training_seeds=[1,1]", "compare.training_seeds has 1 twice");
  refuse("compare", "compare.hardware=[]", "compare.hardware is empty");
  refuse("compare", "compare.hardware=[\"ideel\"]",
         "compare.hardware[0] = \"ideel\" is not one of config, ideal (did you mean 'ideal'?)");
  refuse("compare", "compare.sigmas=[0.1,0.1]", "compare.sigmas has 0.1 twice");
  refuse("compare", "compare.selection_chips=-1",
         "compare.selection_chips = -1 is out of range (0 .. 524288)");
  refuse("compare", "methods.copies.best=3",
         "methods.copies.best = 3 is more than methods.copies.copies = 2");
  refuse("compare", "methods.compensation.ratios=[1,2]",
         "methods.compensation.layers names 1 layers, methods.compensation.ratios has 2 numbers");
  refuse("compare", "methods.write_verify.fraction=1.5",
         "methods.write_verify.fraction = 1.5 is out of range (0 .. 1)");
  refuse("compare", "methods.sam.radius=0", "methods.sam.radius = 0 is out of range (above 0)");
  refuse("compare", "methods.distillation.weight=2",
         "methods.distillation.weight = 2 is out of range (0 .. 1)");
  refuse("compare", "methods.injektion.sigma=0.1",
         "unknown method methods.injektion (did you mean 'injection'?)");
  const auto refuse_both = [&](const std::string& first, const std::string& setting,
                               const std::string& message) {
    check_refused(bench,
                  {"compare", "~/c.toml", "-o", "~/out", "--set", "data.validation=60", "--set",
                   first, "--set", setting},
                  2, "--set " + setting + ": " + message);
  };
  refuse_both("compare.methods=[\"injection\"]", "methods.injection.sigma_low=0.9",
              "methods.injection.sigma_low = 0.9 is above methods.injection.sigma = 0.5");
  refuse_both("methods.compensation.ratios=[1,1]", "methods.compensation.layers=[\"fc1\",\"fc1\"]",
              "methods.compensation.layers has fc1 twice");
  refuse_both("compare.selection_chips=1", "compare.selection_images=61",
              "compare.selection_images = 61, but there are only 60 validation images");
  refuse_both("data.validation=0", "compare.selection_chips=1",
              "compare.selection_chips needs validation images to choose on; set data.validation "
              "above 0");
}
