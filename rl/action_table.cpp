#include "rl/action_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/error.h"
#include "base/matrix.h"
#include "io/config.h"
#include "io/text_table.h"

namespace ohmic::rl {
namespace {

constexpr std::string_view kRatio = "ratio_";
constexpr std::array<std::string_view, 3> kMeasured{"compensator_weights", "accuracy_percent",
                                                    "sd_over_chips"};

/// The names in the first row, or in a comment in the first line.
std::vector<std::string> column_names(const TextTable& table) {
  std::vector<std::string> names;
  for (const TableField& field : table.header().empty() ? table.first_comment() : table.header())
    names.emplace_back(field.text);
  return names;
}

/// The decisions' names, after a look at the other columns.
std::vector<std::string> check_columns(const TextTable& table,
                                       const std::vector<std::string>& names) {
  const TableRow& header = !table.header().empty()          ? table.header()
                           : !table.first_comment().empty() ? table.first_comment()
                                                            : table.rows().front();
  const auto fail = [&](const std::string& what, std::size_t column = 0) {
    table.fail(header[column], fmt::format("{}; expected ratio_NAME for each decision, then {}",
                                           what, fmt::join(kMeasured, ", ")));
  };
  std::vector<std::string> decisions;
  for (const std::string& name : names) {
    if (name.starts_with(kRatio) && name.size() > kRatio.size())
      decisions.push_back(name.substr(kRatio.size()));
    else if (std::find(kMeasured.begin(), kMeasured.end(), name) == kMeasured.end())
      fail(fmt::format("unknown column '{}'", name), static_cast<std::size_t>(&name - &names[0]));
  }
  for (std::string_view name : kMeasured)
    if (std::find(names.begin(), names.end(), name) == names.end())
      fail(fmt::format("no column '{}'", name));
  if (decisions.empty()) fail("no column of ratios");
  for (auto name = names.begin(); name != names.end(); ++name)
    if (std::find(names.begin(), name, *name) != name)
      fail(fmt::format("two columns '{}'", *name), static_cast<std::size_t>(name - names.begin()));
  if (!std::equal(kMeasured.begin(), kMeasured.end(), names.end() - kMeasured.size()))
    fail("columns in another order");
  return decisions;
}

/// "conv1 = 0.5, conv2 = 0"
std::string in_words(const ActionTable& table, const Action& action) {
  std::vector<std::string> words;
  for (std::size_t d = 0; d < action.size(); ++d)
    words.push_back(fmt::format("{} = {}", table.decisions[d],
                                shortest(table.ratios[d][static_cast<std::size_t>(action[d])])));
  return fmt::format("{}", fmt::join(words, ", "));
}

std::size_t place_of(const std::vector<std::vector<double>>& ratios, const Action& action) {
  std::size_t place = 0;
  for (std::size_t d = 0; d < ratios.size(); ++d)
    place = place * ratios[d].size() + static_cast<std::size_t>(action[d]);
  return place;
}

Action action_at(const std::vector<std::vector<double>>& ratios, std::size_t place) {
  Action action(ratios.size());
  for (std::size_t d = ratios.size(); d-- > 0; place /= ratios[d].size())
    action[d] = static_cast<int>(place % ratios[d].size());
  return action;
}

[[noreturn]] void fail(const TextTable& text, const std::string& what) {
  throw FileError(fmt::format("{}: {}", text.file().string(), what));
}

const TableField& field(const TextTable& text, Index row, Index column) {
  return text.rows()[static_cast<std::size_t>(row)][static_cast<std::size_t>(column)];
}

/// All rows as numbers, one column per name.
Matrix<double> numbers_of(const TextTable& text, const std::vector<std::string>& names) {
  if (text.columns() != names.size())
    text.fail(field(text, 0, 0), fmt::format("{} numbers per row under {} column names",
                                             text.columns(), names.size()));
  Matrix<double> values(static_cast<Index>(text.rows().size()), static_cast<Index>(names.size()));
  for (Index r = 0; r < values.rows(); ++r)
    for (Index c = 0; c < values.columns(); ++c) values(r, c) = text.number(field(text, r, c));
  return values;
}

/// The ratios that occur in a decision's column, ascending.
std::vector<double> options_of(const TextTable& text, const Matrix<double>& values, Index column,
                               const std::string& decision) {
  std::vector<double> options;
  for (Index r = 0; r < values.rows(); ++r) {
    options.push_back(values(r, column));
    if (options.back() < 0)
      text.fail(field(text, r, column), fmt::format("{} = {}, expected a ratio of 0 or more",
                                                    decision, shortest(options.back())));
  }
  std::sort(options.begin(), options.end());
  options.erase(std::unique(options.begin(), options.end()), options.end());
  return options;
}

/// Fills the table's ratios and makes room for a row per action.
void read_ratios(const TextTable& text, const Matrix<double>& values, ActionTable& table) {
  std::int64_t actions = 1;
  for (std::size_t d = 0; d < table.decisions.size(); ++d) {
    table.ratios.push_back(options_of(text, values, static_cast<Index>(d), table.decisions[d]));
    actions *= static_cast<std::int64_t>(table.ratios.back().size());
    // Beyond this the holes outnumber the rows a thousandfold: no table was meant.
    if (actions > 1000 * values.rows())
      fail(text, fmt::format("{} rows for more than {} actions", values.rows(), actions - 1));
  }
  table.rows.resize(static_cast<std::size_t>(actions));
}

/// The action of a row of the file.
Action action_in(const Matrix<double>& values, Index row,
                 const std::vector<std::vector<double>>& ratios) {
  Action action;
  for (const std::vector<double>& options : ratios) {
    const double ratio = values(row, static_cast<Index>(action.size()));
    action.push_back(static_cast<int>(std::lower_bound(options.begin(), options.end(), ratio) -
                                      options.begin()));
  }
  return action;
}

/// What a row of the file says of its action.
ActionTable::Row measured_row(const TextTable& text, const Matrix<double>& values, Index row,
                              const ActionTable& table, const Action& action) {
  const auto decisions = static_cast<Index>(table.decisions.size());
  const double weights = values(row, decisions), accuracy = values(row, decisions + 1),
               deviation = values(row, decisions + 2);
  if (weights < 0 || !(accuracy >= 0 && accuracy <= 100) || deviation < 0)
    text.fail(field(text, row, decisions),
              fmt::format("{}, {}, {} at {}; expected weights and a deviation of 0 or more, and an "
                          "accuracy of 0 .. 100 %",
                          shortest(weights), shortest(accuracy), shortest(deviation),
                          in_words(table, action)));
  return {weights, accuracy / 100, deviation / 100};
}

/// FileError where an action has no row.
void check_holes(const TextTable& text, const ActionTable& table, const std::vector<bool>& met) {
  const auto holes = std::count(met.begin(), met.end(), false);
  if (holes == 0) return;
  const auto first = std::find(met.begin(), met.end(), false) - met.begin();
  fail(text, fmt::format("no row for {}; {} of {} actions {} missing",
                         in_words(table, action_at(table.ratios, static_cast<std::size_t>(first))),
                         holes, met.size(), holes == 1 ? "is" : "are"));
}

}  // namespace

std::vector<int> ActionTable::choices() const {
  std::vector<int> choices;
  for (const auto& options : ratios) choices.push_back(static_cast<int>(options.size()));
  return choices;
}

const ActionTable::Row& ActionTable::row(const Action& action) const {
  return rows[place_of(ratios, action)];
}

ActionTable read_action_table(const std::filesystem::path& file) {
  const TextTable text(file);
  const std::vector<std::string> names = column_names(text);
  ActionTable table;
  table.decisions = check_columns(text, names);
  const Matrix<double> values = numbers_of(text, names);
  read_ratios(text, values, table);
  std::vector<bool> met(table.rows.size(), false);
  for (Index r = 0; r < values.rows(); ++r) {
    const Action action = action_in(values, r, table.ratios);
    const std::size_t place = place_of(table.ratios, action);
    if (met[place])
      text.fail(field(text, r, 0),
                fmt::format("two rows for {}; an action has one row", in_words(table, action)));
    met[place] = true;
    table.rows[place] = measured_row(text, values, r, table, action);
  }
  check_holes(text, table, met);
  return table;
}

Problem table_problem(const ActionTable& table, const RewardRule& rule, double network_weights) {
  return {table.choices(), [&table, rule, network_weights](const Action& action) {
            const ActionTable::Row& row = table.row(action);
            return rule.judge({.weights = row.compensator_weights / network_weights},
                              [&row] { return row.accuracy; });
          }};
}

}  // namespace ohmic::rl
