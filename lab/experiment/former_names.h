#pragma once

#include "io/config.h"

/// Keys that had another name once: configs of then are read, and digests of trainings and results
/// stay those of then.
namespace ohmic::lab {

struct FormerName {
  std::string_view table, former, today;  ///< "methods.write_verify", "share", "fraction"
};
const std::vector<FormerName>& former_names();

/// A dotted key under today's name.
std::string todays_key(const std::string& key);

/// The tree of a config under today's names, [[override]] tables too. ConfigError where a key
/// stands under both, unless `former_wins`: it was set later.
ConfigNode with_todays_names(ConfigNode root, bool former_wins = false);
/// The tree with assignments "a.b=3" (apply_setting()), under today's names.
ConfigNode with_settings(ConfigNode root, const std::vector<std::string>& settings);
/// The other way round: what digests are made of.
ConfigNode with_former_names(ConfigNode root);

}  // namespace ohmic::lab
