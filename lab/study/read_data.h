#pragma once

#include "lab/experiment/experiment.h"

namespace ohmic::lab {

/// What a command needs of its data set.
struct DataNeeds {
  bool images = true;     ///< false: sizes are enough (--dry-run)
  bool digests = true;    ///< false: empty where keep_digests() has not kept them
  bool use_cache = true;  ///< without images, digests come from the cache
};

/// The data set of a config; FileError, and ConfigError at the key.
nn::Data read_data(const Experiment& experiment, const DataNeeds& needs = {});

/// Keeps the digests of data that were read, for outlines of the same files, where the cache can be
/// written: it only spares a dry run the reading.
void keep_digests(const nn::Data& data);

}  // namespace ohmic::lab
