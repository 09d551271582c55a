#pragma once

#include "devices/device_model.h"

namespace ohmic::devices {

/// A model with something added to it: whatever the addition does not change is the base's.
class DecoratedModel : public DeviceModel {
 public:
  explicit DecoratedModel(std::shared_ptr<const DeviceModel> base) : base_(std::move(base)) {}

  double g_min() const override { return base_->g_min(); }
  double g_max() const override { return base_->g_max(); }
  std::optional<std::int64_t> levels() const override { return base_->levels(); }
  bool perturb_weights(const ProgramContext& context, ConstView<float> w,
                       View<float> w_tilde) const override {
    return base_->perturb_weights(context, w, w_tilde);
  }
  bool acts_on_weights() const override { return base_->acts_on_weights(); }
  double mean_of_weight_cell(double base, double slope) const override {
    return base_->mean_of_weight_cell(base, slope);
  }
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
  bool changes_with_time() const override { return base_->changes_with_time(); }
  double latest_seconds() const override { return base_->latest_seconds(); }
  bool needs_cell_reads() const override { return base_->needs_cell_reads(); }
  void cell_read(const Cells& cells, double seconds, const CellRead& read, CellMemory& memory,
                 View<float> g) const override {
    base_->cell_read(cells, seconds, read, memory, g);
  }
  double mean(double g, double seconds) const override { return base_->mean(g, seconds); }
  double sigma(double g, double seconds) const override { return base_->sigma(g, seconds); }
  ConfigNode parameters() const override { return base_->parameters(); }

 protected:
  const DeviceModel& base() const { return *base_; }

 private:
  std::shared_ptr<const DeviceModel> base_;
};

}  // namespace ohmic::devices
