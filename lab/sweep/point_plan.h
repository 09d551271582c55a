#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lab/experiment/experiment.h"
#include "lab/study/read_data.h"

/// What the engine needs to know of a point before it is measured, whatever command asks for it.
namespace ohmic::lab {

/// A point, checked.
struct PointPlan {
  std::string words;     ///< "device.sigma 0.3, adc.bits 6"
  std::string digest;    ///< of everything that its results depend on: the name of its file
  std::string training;  ///< equal where points need the same trainings
  std::string network;   ///< equal where the method prepares the same network from them
  std::string cells;     ///< equal where their chips hold the same programmed cells
  std::vector<std::string> notes;  ///< on keys that cannot act there
};

/// What is done at a point.
struct PointWork {
  Experiment measured;                     ///< its run.method, chips and hardware
  std::optional<Experiment> trained = {};  ///< what its network is trained as; none: `measured`
  bool ideal_hardware = false;             ///< ideal converters and no read noise
  Index selection_chips = 0;               ///< besides, for choosing among points
  Index selection_images = 0;              ///< validation images for that
  const Experiment& training() const { return trained ? *trained : measured; }
};
using WorkOf = std::function<PointWork(std::size_t point)>;

/// Says which trainings, network and cells a point shares with others.
void name_shared_work(PointPlan& plan, const PointWork& work);
/// The digests of points, one per line: what the answer to all of them depends on.
std::string digest_lines(const std::vector<PointPlan>& plans);

/// All points in their order: a grid (the last axis changing fastest) or a drawn sample. The values
/// point into axes that outlive this.
struct PointValues {
  bool is_sampled = false;
  std::vector<std::vector<PointValue>> points;
};

/// Data sets, read once each.
class DataSets {
 public:
  explicit DataSets(const DataNeeds& needs) : needs_(needs) {}
  /// What the experiment reads. FileError, ConfigError (at its key). Unknown digests are
  /// words of their own for each set.
  const nn::Data& of(const Experiment& experiment);

  /// Keeps their digests (keep_digests()).
  void keep() const;

 private:
  DataNeeds needs_;
  std::map<std::string, std::unique_ptr<nn::Data>> loaded_;
};

}  // namespace ohmic::lab
