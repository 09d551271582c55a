#pragma once

#include "lab/report/data.h"

namespace ohmic::lab {

/// Something to choose: what it adds to the network and how accurate it is.
struct Offer {
  std::string name;
  double weights, macs;     ///< digital ones added, over those of the network; NaN: not told
  double accuracy;          ///< a fraction
  Interval interval;        ///< of the accuracy; unknown where there is none
  std::string others = {};  ///< what it costs besides: "3,074 verified, 2 copies"; or ""
};

/// Offers side by side, by what they add of one kind.
struct Tradeoff {
  std::string name;   ///< "config hardware"; "" where there is one only
  std::string where;  ///< what they have in common, as a sentence; or ""
  std::vector<Offer> offers;
  bool is_named = false;  ///< few, and known by their names
  double Offer::*overhead = &Offer::weights;
  std::string what() const { return overhead == &Offer::weights ? "weights" : "MACs"; }
  /// The offers that no other one beats: from the smallest overhead on, each more accurate.
  std::vector<Offer> front() const;
};

/// Overhead against accuracy, of weights and of multiply-accumulates: of a comparison the methods
/// at its first point, for each hardware; of a sweep its points, where their overhead differs; of a
/// search its placements.
std::vector<Tradeoff> tradeoffs_of(const ReportData& report);

}  // namespace ohmic::lab
