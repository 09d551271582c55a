#pragma once

#include "devices/device_model.h"

namespace ohmic::devices {

/// A model with something added to it: whatever the addition does not change is the base's.
class DecoratedModel : public DeviceModel {
 public:
  explicit DecoratedModel(std::shared_ptr<const DeviceModel> base)
      : DeviceModel(base->range()), base_(std::move(base)) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    base_->program(context, target, out);
  }
  void put(Cells& cells, Index row, Index column, float g) const override {
    base_->put(cells, row, column, g);
  }
  void conductance(const Cells& cells, double seconds, View<float> out) const override {
    base_->conductance(cells, seconds, out);
  }
  void read_sigma(const Cells& cells, ConstView<float> g, double seconds,
                  View<float> out) const override {
    base_->read_sigma(cells, g, seconds, out);
  }
  std::optional<double> uniform_read_sigma() const override { return base_->uniform_read_sigma(); }
  TimeRange time_range() const override { return base_->time_range(); }
  double mean(double g, double seconds) const override { return base_->mean(g, seconds); }
  double sigma(double g, double seconds) const override { return base_->sigma(g, seconds); }
  ConfigNode parameters() const override { return base_->parameters(); }
  // Not read_out(): cells that were read out take no additions.
  const WeightModel* weights() const override { return base_->weights(); }
  const CellReads* cell_reads() const override { return base_->cell_reads(); }

 protected:
  const DeviceModel& base() const { return *base_; }

 private:
  std::shared_ptr<const DeviceModel> base_;
};

}  // namespace ohmic::devices
