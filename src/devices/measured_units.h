#pragma once

#include <string>
#include <vector>

namespace ohmic::devices {

/// [S] of one `unit`: S, mS, uS or nS. ConfigError beginning with `where` for another one.
double conductance_unit(const std::string& unit, const std::string& where);

/// The words of a CSV line without blanks around them: between semicolons where it has one, else
/// commas.
std::vector<std::string> csv_words(const std::string& line);

}  // namespace ohmic::devices
