#include "rl/action_table.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "folder.h"
#include "golden_table.h"
#include "messages.h"

using namespace ohmic;
using namespace ohmic::rl;

namespace {

const std::string kHeader = "ratio_a,ratio_b,compensator_weights,accuracy_percent,sd_over_chips\n";
const std::string kWhole = kHeader +
                           "0,0,0,70,2\n"
                           "0,0.5,10,75,1\n"
                           "1,0,20,80,1\n"
                           "1,0.5,30,85,0.5\n";

/// What is said of a file with these contents, after its name.
std::string fault_in(const std::string& contents) {
  const testing::Folder folder("action-table");
  const auto file = folder.write("t.csv", contents);
  const std::string message = testing::message_of<FileError>([&] { read_action_table(file); });
  return message.starts_with(file.string()) ? message.substr(file.string().size()) : message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  text.replace(text.find(from), from.size(), to);
  return text;
}

}  // namespace

TEST_CASE("an action table is read whole, in any order of its rows") {
  const testing::Folder folder("action-table");
  const ActionTable table = read_action_table(folder.write("t.csv", kWhole));
  CHECK(table.decisions == std::vector<std::string>{"a", "b"});
  CHECK(table.ratios == std::vector<std::vector<double>>{{0, 1}, {0, 0.5}});
  CHECK(table.choices() == std::vector<int>{2, 2});
  CHECK(table.row({0, 1}).compensator_weights == 10);
  CHECK(table.row({1, 0}).accuracy == doctest::Approx(0.8).epsilon(1e-15));
  CHECK(table.row({1, 1}).deviation == doctest::Approx(0.005).epsilon(1e-15));
  const ActionTable other =
      read_action_table(folder.write("u.csv", "# " + kHeader +
                                                  "1,0.5,30,85,0.5\n1,0,20,80,1\n0,0,0,70,2\n"
                                                  "# a note\n0,0.5,10,75,1\n"));
  CHECK(other.row({0, 1}).compensator_weights == 10);
  CHECK(other.row({1, 1}).accuracy == table.row({1, 1}).accuracy);
}

TEST_CASE("the golden table has 625 actions, its stated optimum and seven near it") {
  const testing::GoldenProblem golden;
  CHECK(golden.table.decisions == std::vector<std::string>{"conv1", "conv2", "fc1", "fc2"});
  CHECK(golden.table.ratios == std::vector<std::vector<double>>(4, {0, 0.125, 0.25, 0.5, 1}));
  CHECK(golden.problem.space_size() == 625);
  const SearchResult all = exhaustive_search(golden.problem, 625);
  CHECK(all.best.action == Action{4, 4, 1, 0});
  CHECK(all.best.outcome.reward == doctest::Approx(0.8774).epsilon(5e-5 / 0.8774));
  int near = 0, beyond = 0;
  for (const Evaluation& e : all.history) {
    near += e.outcome.reward >= golden.optimum - 0.002;
    beyond += !e.outcome.evaluated;
  }
  CHECK(near == 7);
  CHECK(beyond == 425);
}

TEST_CASE("a table with holes names the first missing action") {
  CHECK(fault_in(replaced(kWhole, "0,0.5,10,75,1\n", "")) ==
        ": no row for a = 0, b = 0.5; 1 of 4 actions is missing");
  CHECK(fault_in(replaced(replaced(kWhole, "0,0.5,10,75,1\n", ""), "1,0,20,80,1\n", "")) ==
        ": no row for a = 0, b = 0.5; 2 of 4 actions are missing");
}

TEST_CASE("an action that appears twice is named") {
  CHECK(fault_in(kWhole + "1,0,20,80,1\n") ==
        ":6:1: two rows for a = 1, b = 0; an action has one row");
}

TEST_CASE("columns that are unknown, missing, twice there or in another order are named") {
  const std::string expected =
      "; expected ratio_NAME for each decision, then compensator_weights, accuracy_percent, "
      "sd_over_chips";
  CHECK(fault_in(replaced(kWhole, "ratio_b", "ration_b")) ==
        ":1:9: unknown column 'ration_b'" + expected);
  CHECK(fault_in("ratio_a,ratio_b,compensator_weights,accuracy_percent\n0,0,0,70\n") ==
        ":1:1: no column 'sd_over_chips'" + expected);
  CHECK(fault_in("ratio_a,compensator_weights,accuracy_percent,sd_over_chips,accuracy_percent\n"
                 "0,0,70,2,70\n") == ":1:60: two columns 'accuracy_percent'" + expected);
  CHECK(fault_in(replaced(kWhole, "ratio_b", "ratio_a")) ==
        ":1:9: two columns 'ratio_a'" + expected);
  CHECK(fault_in("compensator_weights,accuracy_percent,sd_over_chips\n1,2,3\n") ==
        ":1:1: no column of ratios" + expected);
  CHECK(fault_in(replaced(kWhole, "ratio_b,compensator_weights", "compensator_weights,ratio_b")) ==
        ":1:1: columns in another order" + expected);
}

TEST_CASE("rows of another length, words and impossible numbers are refused") {
  CHECK(fault_in(kHeader + "0,0,0,70\n") == ":2:7: a row of 4, expected 5 as in line 1");
  CHECK(fault_in(replaced(kWhole, "75", "x")) == ":3:10: 'x' is not a number");
  CHECK(fault_in(replaced(kWhole, "0,0.5,10", "0,-0.5,10")) ==
        ":3:3: b = -0.5, expected a ratio of 0 or more");
  CHECK(fault_in(replaced(kWhole, "0,0.5,10", "0,inf,10")) == ":3:3: 'inf' is not a finite number");
  CHECK(fault_in(replaced(kWhole, "75", "175")) ==
        ":3:7: 10, 175, 1 at a = 0, b = 0.5; expected weights and a deviation of 0 or more, and an "
        "accuracy of 0 .. 100 %");
  CHECK(fault_in(replaced(kWhole, "75", "nan")) == ":3:10: 'nan' is not a finite number");
  CHECK(fault_in(kHeader) == ": holds no numbers");
}
