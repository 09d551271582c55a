#include <doctest/doctest.h>

#include "base/error.h"
#include "lab/experiment/experiment.h"
#include "lab/experiment/former_names.h"
#include "lab/experiment/identity.h"

using namespace ohmic;
using namespace ohmic::lab;

namespace {

std::string config_of(const std::string& toml) {
  return resolved_config(make_experiment(parse_config(toml, "c")), "run");
}

}  // namespace

TEST_CASE("a key under its former name is the same key") {
  const std::string method = "method = \"penalty+compensation+write_verify\"\n";
  const std::string former = config_of(
      method +
      "[methods.penalty]\nkind = \"top_hinge\"\n[methods.correctnet]\nhome = \"quantised\"\n"
      "[methods.write_verify]\nshare = 0.25\n");
  const std::string today = config_of(
      method +
      "[methods.penalty]\nform = \"top_hinge\"\n[methods.compensation]\nstorage = \"quantised\"\n"
      "[methods.write_verify]\nfraction = 0.25\n");
  CHECK(former == today);
  CHECK(today.find("form = \"top_hinge\"") != today.npos);
  CHECK(today.find("storage = \"quantised\"") != today.npos);
  CHECK(today.find("fraction = 0.25") != today.npos);
  // Every name stands in the manual, and no former one does.
  for (const FormerName& name : former_names()) {
    if (name.table == "methods.correctnet") continue;  // compensation's
    int todays = 0;
    for (const KeyManual& key : key_manual()) {
      const std::string table = std::string(name.table) + ".";
      todays += key.key == table + std::string(name.today);
      CHECK(key.key != table + std::string(name.former));
    }
    CHECK(todays == 1);
  }
}

TEST_CASE("former names are known in overrides, settings and axes") {
  const ConfigNode root = with_todays_names(parse_config(
      "[adc]\noutput_table = \"a.csv\"\n[[override]]\nlayers = [\"fc1\"]\nadc.output_table "
      "= \"b.csv\"\n",
      "c"));
  CHECK(root.find("adc")->find("lookup_table"));
  CHECK(root.find("override")->array()[0].find("adc")->find("lookup_table"));
  CHECK(to_toml(with_todays_names(with_former_names(root))) == to_toml(root));
  CHECK(to_toml(with_former_names(root)).find("output_table = \"b.csv\"") != std::string::npos);
  const ConfigNode set =
      with_settings(parse_config("[methods.write_verify]\nfraction = 0.1\n", "c"),
                    {"methods.write_verify.share=0.3"});
  CHECK(std::get<double>(set.find("methods")->find("write_verify")->find("fraction")->value) ==
        0.3);
  CHECK(todays_key("methods.write_verify.share") == "methods.write_verify.fraction");
  CHECK(todays_key("override.fc.adc.output_table") == "override.fc.adc.lookup_table");
  CHECK(todays_key("adc.bits") == "adc.bits");
}

TEST_CASE("a key under both of its names is refused at the former one") {
  CHECK_THROWS_WITH_AS(
      with_todays_names(parse_config("[methods.write_verify]\nfraction = 0.1\nshare = 0.2\n", "c")),
      doctest::Contains("c:3:1: methods.write_verify.share is called fraction now"), ConfigError);
}
