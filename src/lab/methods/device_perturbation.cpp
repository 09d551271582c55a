#include "lab/methods/device_perturbation.h"

#include "base/error.h"
#include "nn/perturbation.h"

namespace ohmic::lab {
namespace {

devices::Population population_of(Purpose purpose) {
  switch (purpose) {
    case Purpose::training_noise:
      return devices::Population::training;
    case Purpose::compensator_noise:
      return devices::Population::compensator;
    default:
      throw LogicError("a perturbation is drawn for training or compensators");
  }
}

}  // namespace

DevicePerturbation::DevicePerturbation(std::shared_ptr<const devices::DeviceModel> device,
                                       sim::Mapping mapping, double seconds)
    : device_(std::move(device)),
      rule_(mapping, device_->g_min(), device_->g_max(), device_->levels()),
      seconds_(seconds) {}

void DevicePerturbation::draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
                              ConstView<float> w, View<float> w_tilde,
                              View<float> dw_tilde_dw) const {
  const double scale = sim::weight_limit(w, 1.0);
  Matrix<float> u(w.rows(), w.columns());
  if (scale > 0)
    for (Index r = 0; r < w.rows(); ++r)
      for (Index c = 0; c < w.columns(); ++c) u(r, c) = static_cast<float>(w(r, c) / scale);
  const devices::ProgramContext context{.stream = &stream,
                                        .population = population_of(purpose),
                                        .chip = static_cast<Index>(draw.step),
                                        .programming = static_cast<Index>(draw.sub_batch),
                                        .layer = static_cast<Index>(draw.layer)};
  const sim::Array array =
      sim::program_array(device_, rule_, u, context, sim::Programming::drawn, seconds_);
  const bool multiplies = device_->acts_on_weights();
  for (Index r = 0; r < w.rows(); ++r)
    for (Index c = 0; c < w.columns(); ++c) {
      const double positive = array.conductance(0)(r, c);
      const double negative = array.polarities() == 2 ? array.conductance(1)(r, c) : 0.0;
      w_tilde(r, c) = static_cast<float>(rule_.weight({positive, negative}) * scale);
      // The factor is that of the weight the levels stand for; a weight of 0 keeps slope 1.
      const double clean = rule_.weight(rule_.target(u(r, c))) * scale;
      dw_tilde_dw(r, c) =
          multiplies && clean != 0 ? static_cast<float>(w_tilde(r, c) / clean) : 1.0f;
    }
}

void RangedPerturbation::draw(const RandomStream& stream, Purpose purpose, const TrainingDraw& draw,
                              ConstView<float> w, View<float> w_tilde,
                              View<float> dw_tilde_dw) const {
  // One uniform a sub-batch, at a part of its own.
  TrainingDraw at = draw;
  at.part = Purpose::pulse;
  at.layer = at.row = 0;
  double u = 0;
  stream.uniforms(training_address(purpose, at), 0, {&u, 1});
  nn::LogNormalPerturbation(low_ + (high_ - low_) * u)
      .draw(stream, purpose, draw, w, w_tilde, dw_tilde_dw);
}

}  // namespace ohmic::lab
