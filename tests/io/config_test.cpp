#include "io/config.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "folder.h"
#include "messages.h"

using namespace ohmic;
using testing::first_line_of;
using testing::message_of;

namespace {

/// Equal values, whatever the order of keys and the origins.
bool same(const ConfigNode& a, const ConfigNode& b) {
  if (a.value.index() != b.value.index()) return false;
  if (a.is_table()) {
    if (a.table().size() != b.table().size()) return false;
    for (const auto& [key, child] : a.table()) {
      const ConfigNode* other = b.find(key);
      if (!other || !same(child, *other)) return false;
    }
    return true;
  }
  if (a.is_array()) {
    if (a.array().size() != b.array().size()) return false;
    for (std::size_t i = 0; i < a.array().size(); ++i)
      if (!same(a.array()[i], b.array()[i])) return false;
    return true;
  }
  if (const auto* x = std::get_if<double>(&a.value))
    return std::bit_cast<std::uint64_t>(*x) ==
           std::bit_cast<std::uint64_t>(std::get<double>(b.value));
  if (const auto* x = std::get_if<std::string>(&a.value))
    return *x == std::get<std::string>(b.value);
  if (const auto* x = std::get_if<bool>(&a.value)) return *x == std::get<bool>(b.value);
  return std::get<std::int64_t>(a.value) == std::get<std::int64_t>(b.value);
}

template <class T>
T get(const ConfigNode& root, std::initializer_list<std::string_view> path) {
  const ConfigNode* node = &root;
  for (std::string_view key : path) {
    node = node->find(key);
    REQUIRE(node != nullptr);
  }
  return std::get<T>(node->value);
}

std::string setting_error(const std::string& text, const std::string& setting) {
  ConfigNode root = parse_config(text, "run.toml");
  return message_of<ConfigError>([&] { apply_setting(root, setting); });
}

constexpr const char* kConfig = R"(# a comment
seed = 1
method = "plain"
[device]
model = "lognormal"   # a name
sigma = 0.5
[[override]]
name = "first"
layers = ["conv1"]
adc.bits = 10
[[override]]
name = "second"
analog = false
[methods.correctnet]
overhead_limit = 0.03
[sweep]
axes = [ { key = "device.sigma", values = [0.0, 0.5] }, { key = "adc.bits", from = 4, to = 10 } ]
mixed = [1, { a = 1 }, "x"]
nothing = []
)";

}  // namespace

TEST_CASE("a config keeps the order of the file and the place of every key") {
  const ConfigNode root = parse_config(kConfig, "run.toml");
  CHECK(root.table()[0].first == "seed");
  CHECK(root.table()[1].first == "method");
  CHECK(root.table()[2].first == "device");
  CHECK(root.table()[3].first == "override");
  CHECK(root.find("seed")->origin.place == "run.toml:2:1");
  CHECK(root.find("seed")->origin.source_line == "seed = 1");
  CHECK(root.find("device")->origin.place == "run.toml:4:2");
  CHECK(root.find("device")->find("sigma")->origin.place == "run.toml:6:1");
  const ConfigNode& first = root.find("override")->array()[0];
  CHECK(first.find("adc")->find("bits")->origin.place == "run.toml:10:5");
  CHECK(first.find("layers")->array()[0].origin.place == "run.toml:9:11");
  CHECK(get<double>(root, {"methods", "correctnet", "overhead_limit"}) == 0.03);
  CHECK(get<bool>(root.find("override")->array()[1], {"analog"}) == false);
}

TEST_CASE("a config error shows its place, the line and a caret") {
  const ConfigNode root = parse_config("a = 1\n\t\"µ\" = \"é\"\n\t\"ä\".bits = 20\r\n", "x.toml");
  CHECK(message_of<ConfigError>([&] {
          fail_at(root.find("ä")->find("bits")->origin, "too many");
        }) == "x.toml:3:6: too many\n  \t\"ä\".bits = 20\n  \t    ^");
  CHECK(message_of<ConfigError>([&] { fail_at(Origin{}, "no place"); }) == "no place");
}

TEST_CASE("anything that is not TOML is a config error with its place") {
  const auto error = [](const std::string& text) {
    return first_line_of<ConfigError>([&] { parse_config(text, "x.toml"); });
  };
  CHECK(error("a = 1\nb = \n").starts_with("x.toml:2:5: is not TOML: error while parsing"));
  CHECK(error("a = 1\na = 2\n").starts_with("x.toml:2:5: is not TOML: "));
  CHECK(error("a = \"\\\xff\"\n") ==
        "x.toml:1:7: is not TOML: a byte that is not UTF-8; save the file as UTF-8");
  CHECK(error("a = 99999999999999999999\n").starts_with("x.toml:1:"));
  CHECK(error("a = \"\xff\"\n").starts_with("x.toml:1:"));
  CHECK(error(std::string("a = 1\0", 6)) == "x.toml: is a binary file, expected TOML");
  CHECK(error("") == "x.toml: the config is empty");
  CHECK(error("# nothing\n\n") == "x.toml: the config is empty");
  CHECK(error("a = 1\nday = 2024-01-01\n") ==
        "x.toml:2:1: a date or time, which no key takes (a word needs quotes)");
  CHECK(error("a = [12:00:00]") ==
        "x.toml:1:6: a date or time, which no key takes (a word needs quotes)");
  std::string deep = "a";
  for (int i = 0; i < 100; ++i) deep += ".a";
  CHECK(error(deep + " = 1") == "x.toml:1:128: a key of more than 64 parts");
}

TEST_CASE("text that no TOML file holds is refused before the library reads it") {
  const auto error = [](const std::string& text) {
    return first_line_of<ConfigError>([&] { parse_config(text, "x.toml"); });
  };
  CHECK(
      error("a = 1\n\xef\xbb\x9f") ==
      "x.toml:2:1: is not TOML: '\xef\xbb\x9f' stands outside of strings and comments, where TOML "
      "knows ASCII only");
  CHECK(error("\xef\xbb\x9f"
              "a = 1")
            .starts_with("x.toml:1:1: is not TOML: "));
  CHECK(error("# gr\xfc\xdf\x65\na = 1\n")
            .starts_with("x.toml:1:5: is not TOML: a byte that is not "
                         "UTF-8"));
  CHECK(error("a = \"\xc0\x80\"").starts_with("x.toml:1:6: is not TOML: a byte"));  // overlong
  CHECK(error("\xc3\xbc = 1").starts_with("x.toml:1:1: is not TOML: "));
  // A byte-order mark, strings of every kind and comments hold what they like.
  const ConfigNode root = parse_config(
      "\xef\xbb\xbf# \xc3\xbc.\na = \"\xc3\xbc # \\\" '\"\nb = '\xc3\xbc \"'\nc = \"\"\"\n\xc3\xbc "
      "\"quoted\" "
      "\n\"\"\"\nd = '''\xe2\x82\xac\n''' # \xc3\xbc\ne = [1.5, 2.5]\n",
      "x.toml");
  CHECK(std::get<std::string>(root.find("a")->value) == "\xc3\xbc # \" '");
  CHECK(std::get<std::string>(root.find("d")->value) == "\xe2\x82\xac\n");
  CHECK(root.find("e")->array().size() == 2);
  std::string parts = "a";
  for (int i = 0; i < 300000; ++i) parts += ".a";
  CHECK(error(parts + " = 1").ends_with("a key of more than 64 parts"));
  CHECK(error("[" + parts + "]").ends_with("a key of more than 64 parts"));
  CHECK(error("a = { " + parts + " = 1 }").ends_with("a key of more than 64 parts"));
  std::string many = "a = [";
  for (int i = 0; i < 200; ++i) many += "0.5, ";
  const ConfigNode list = parse_config(many + "1.0]", "x");
  CHECK(list.find("a")->array().size() == 201);  // dots of numbers
}

TEST_CASE("a setting of too many parts or of no UTF-8 is refused, whatever its length") {
  ConfigNode root;
  const auto refused = [&](const std::string& setting) {
    try {
      apply_setting(root, setting);
    } catch (const ConfigError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  std::string parts = "a";
  for (int i = 0; i < 30000; ++i) parts += ".a";
  CHECK(refused(parts + "=1").ends_with("a key of more than 64 parts"));
  CHECK(refused("a={" + parts + "=1}").find("at most 64 parts") != std::string::npos);
  CHECK(refused("a=\xff").ends_with("the value is not UTF-8"));
  CHECK(refused("a=\"\\\xff\"").ends_with("the value is not UTF-8"));
  CHECK(refused("a.\xff=1").ends_with("the key is not UTF-8"));
  CHECK(refused("a=\xc3\xbc") == "");  // a bare word
  CHECK(std::get<std::string>(root.find("a")->value) == "\xc3\xbc");
}

TEST_CASE("a config that cannot be read is a file error that names the file") {
  const testing::Folder folder("config");
  const auto error = [](const std::filesystem::path& file) {
    return message_of<FileError>([&] { read_config(file); });
  };
  CHECK(error("no/such.toml") == "no/such.toml: no such file");
  CHECK(error(folder.path()) == folder.path().string() + ": is a folder, expected a file");
  const auto file = folder.write("plain", "x = 1\n");
  CHECK(error(file / "below") == file.string() + "/below: cannot be read (Not a directory)");
  CHECK(get<std::int64_t>(read_config(file), {"x"}) == 1);
  const ConfigNode root = read_config(file);
  CHECK(root.find("x")->origin.place == file.string() + ":1:1");
}

TEST_CASE("a config file of more than 16 MiB is refused at once") {
  const testing::Folder folder("large-config");
  const auto file = folder.write("large.toml", "x = 1\n");
  std::filesystem::resize_file(file, std::uintmax_t{5} << 30);  // takes no place on the disk
  CHECK(message_of<FileError>([&] { read_config(file); }) ==
        file.string() + ": has 5120 MiB, and at most 16 MiB are read of such a file");
}

TEST_CASE("--set takes any TOML value, and a bare word is a string") {
  ConfigNode root = parse_config(kConfig, "run.toml");
  apply_setting(root, "device.levels=3");
  apply_setting(root, "device.model=wan2022");
  apply_setting(root, "adc.bits=\"ideal\"");
  apply_setting(root, " compare.training_seeds = [1, 2] ");
  apply_setting(root, "device.sigma=1e-3");
  apply_setting(root, "method=injection+ridge");
  apply_setting(root, "data.path=/tmp/a b=c");
  apply_setting(root, "dac={ bits = 4 }");
  apply_setting(root, "array.wires=true");
  CHECK(get<std::int64_t>(root, {"device", "levels"}) == 3);
  CHECK(get<std::string>(root, {"device", "model"}) == "wan2022");
  CHECK(get<std::string>(root, {"adc", "bits"}) == "ideal");
  CHECK(get<ConfigNode::Array>(root, {"compare", "training_seeds"}).size() == 2);
  CHECK(get<double>(root, {"device", "sigma"}) == 1e-3);
  CHECK(get<std::string>(root, {"method"}) == "injection+ridge");
  CHECK(get<std::string>(root, {"data", "path"}) == "/tmp/a b=c");
  CHECK(get<std::int64_t>(root, {"dac", "bits"}) == 4);
  CHECK(get<bool>(root, {"array", "wires"}));
  CHECK(root.find("device")->find("levels")->origin.place == "--set device.levels=3");
  CHECK(root.find("device")->find("levels")->origin.column == 0);
}

TEST_CASE("--set enters an array of tables by name, then by index") {
  ConfigNode root = parse_config(kConfig, "run.toml");
  apply_setting(root, "override.first.adc.bits=6");
  apply_setting(root, "override.1.dac.bits=7");
  const ConfigNode::Array& overrides = root.find("override")->array();
  CHECK(get<std::int64_t>(overrides[0], {"adc", "bits"}) == 6);
  CHECK(get<std::int64_t>(overrides[1], {"dac", "bits"}) == 7);
}

TEST_CASE("--set finds a name with dots, with quotes or without: the longest that leaves a key") {
  const std::string config = R"(
[[network.layers]]
name = "features.0"
filters = 4
[[network.layers]]
name = "features.0.norm"
filters = 5
[[network.layers]]
name = "features"
filters = 6
[[network.layers]]
name = "a.filters"
filters = 7
[[network.layers]]
name = "a"
filters = 8
)";
  const auto changed = [&](const std::string& setting) {
    ConfigNode root = parse_config(config, "run.toml");
    apply_setting(root, setting + "=1");
    const ConfigNode::Array& layers = root.find("network")->find("layers")->array();
    for (std::size_t i = 0; i < layers.size(); ++i)
      if (get<std::int64_t>(layers[i], {"filters"}) == 1) return static_cast<int>(i);
    return -1;
  };
  CHECK(changed("network.layers.features.0.filters") == 0);
  CHECK(changed("network.layers.\"features.0\".filters") == 0);
  CHECK(changed("network.layers.features.0.norm.filters") == 1);
  CHECK(changed("network.layers.features.filters") == 2);
  // "a.filters" is a name, too, but nothing would be left to set.
  CHECK(changed("network.layers.a.filters") == 4);
  CHECK(changed("network.layers.a.filters.filters") == 3);
  // Quoted parts are names by themselves: key 0 of "features".
  CHECK(changed("network.layers.\"features\".0.filters") == -1);
  CHECK(changed("network.layers.0.filters") == 0);  // an index
  ConfigNode root = parse_config(config, "run.toml");
  apply_setting(root, "network.layers.a.filters={ name = \"b.c\", filters = 9 }");
  CHECK(get<std::int64_t>(root.find("network")->find("layers")->array()[3], {"filters"}) == 9);
  REQUIRE(find_at(root, "network.layers.b.c.filters"));
  CHECK(std::get<std::int64_t>(find_at(root, "network.layers.b.c.filters")->value) == 9);
  CHECK(find_at(root, "network.layers.b.c.kernel") == nullptr);
  CHECK(find_at(root, "network.layers.b.d.filters") == nullptr);
  CHECK(find_at(root, "network..layers") == nullptr);
  CHECK(setting_error(config, "network.layers.feature.0.filters=8") ==
        "--set network.layers.feature.0.filters=8: network.layers has no element of name or index "
        "'feature.0' (did you mean 'features.0'?)");
}

TEST_CASE("a --set that cannot be used says why") {
  CHECK(setting_error(kConfig, "device.levels") == "--set device.levels: expected KEY=VALUE");
  CHECK(setting_error(kConfig, "device.levels=") ==
        "--set device.levels=: the value is missing (an empty word is \"\")");
  CHECK(setting_error(kConfig, "device..levels=3") ==
        "--set device..levels=3: the key has an empty part");
  CHECK(setting_error(kConfig, "=3") == "--set =3: the key has an empty part");
  CHECK(setting_error(kConfig, "device.sigma.x=3") ==
        "--set device.sigma.x=3: device.sigma is a float, expected a table");
  CHECK(setting_error(kConfig, "override.frist.adc.bits=6") ==
        "--set override.frist.adc.bits=6: override has no element of name or index 'frist' "
        "(did you mean 'first'?)");
  CHECK(setting_error(kConfig, "override.2.adc.bits=6") ==
        "--set override.2.adc.bits=6: override has no element of name or index '2'");
  CHECK(setting_error(kConfig, "a=[1, 2").starts_with("--set a=[1, 2: the value is not TOML: "));
  CHECK(setting_error(kConfig, "a=2024-01-01").ends_with("(a word needs quotes)"));
}

TEST_CASE("values of one config go over those of another, table by table") {
  const ConfigNode base = parse_config("a = 1\n[t]\nx = 1\ny = [1, 2]\n[t.u]\nz = 1\n", "base");
  const ConfigNode over = parse_config("b = 2\n[t]\ny = [3]\nu.w = 5\n", "over");
  CHECK(same(merged(base, over),
             parse_config("a = 1\nb = 2\nt = { x = 1, y = [3], u = { z = 1, w = 5 } }", "both")));
}

TEST_CASE("a config that is written as TOML reads back the same") {
  ConfigNode root = parse_config(kConfig, "run.toml");
  apply_setting(
      root, "odd.\"a key.with dots\"=\"quote \\\" slash \\\\ line \\n tab \\t bell \\u0007 µ\"");
  apply_setting(root, "odd.empty_table={}");
  apply_setting(root, "odd.tables_in_tables=[{ a = [{ b = 1 }, { b = 2 }], c = { d = 1 } }, {}]");
  apply_setting(root, "odd.flags=[[true], [], [{ x = 1 }, 2]]");
  apply_setting(root, "odd.big=-9223372036854775807");
  ConfigNode::Table numbers;
  for (double x :
       {0.0, -0.0, 3.0, 1e22, 1e-7, 0.1, 1.0 / 3.0, 5e-324, -1.7976931348623157e308,
        std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()})
    numbers.emplace_back(std::string(numbers.size() + 1, 'n'),
                         ConfigNode{.value = x, .origin = {}});
  root.put("numbers", {.value = numbers, .origin = {}});
  const std::string text = to_toml(root);
  CAPTURE(text);
  const ConfigNode again = parse_config(text, "again");
  CHECK(same(root, again));
  CHECK(to_toml(again) == text);
}

TEST_CASE("TOML text is written plainly") {
  CHECK(to_toml(parse_config("[b.c]\nx=1.0\n[a]\n[[l]]\nk=[1,2]\nq.r='s'\n[[l]]\nk=[]", "x")) ==
        "[b]\n\n[b.c]\nx = 1.0\n\n[a]\n\n[[l]]\nk = [1, 2]\n\n[l.q]\nr = \"s\"\n\n[[l]]\nk = []\n");
  CHECK(shortest(0.5) == "0.5");
  CHECK(shortest(1e-7) == "1e-07");
  CHECK(shortest(100000) == "100000");
  CHECK(shortest(std::nan("")) == "nan");
  CHECK(shortest(-std::nan("")) == "nan");
}

TEST_CASE("the nearest word is suggested only where it is near") {
  const std::vector<std::string> keys{"levels",        "g_min_uS", "g_max_uS", "read_noise",
                                      "read_noise_of", "sigma",    "n"};
  CHECK(nearest("levles", keys) == "levels");
  CHECK(nearest("level", keys) == "levels");
  CHECK(nearest("g_min", keys) == "g_min_uS");
  CHECK(nearest("g_max_us", keys) == "g_max_uS");
  CHECK(nearest("read_nois", keys) == "read_noise");
  CHECK(nearest("Sigma", keys) == "sigma");
  CHECK(nearest("colour", keys) == "");
  CHECK(nearest("x", keys) == "");
  CHECK(nearest("", keys) == "");
  CHECK(nearest("sigma", {}) == "");
}
