#pragma once

#include "lab/report/data.h"

namespace ohmic::lab {

/// Something to choose: what it adds to the network and how accurate it is.
struct Offer {
  std::string name;
  double overhead, accuracy;  ///< fractions
  Interval interval;          ///< of the accuracy; NaN where there is none
};

/// Offers side by side.
struct Tradeoff {
  std::string name;   ///< "config hardware"; "" where there is one only
  std::string where;  ///< what they have in common, as a sentence; or ""
  std::vector<Offer> offers;
  bool is_named = false;  ///< few, and known by their names
  /// The offers that no other one beats: from the smallest overhead on, each more accurate.
  std::vector<Offer> front() const;
};

/// Overhead against accuracy: of a comparison the methods at its first point, one trade-off per
/// hardware; of a sweep its points, where their overhead differs; of a search its placements.
std::vector<Tradeoff> tradeoffs_of(const ReportData& report);

}  // namespace ohmic::lab
