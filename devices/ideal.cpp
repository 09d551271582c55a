#include "devices/ideal.h"

namespace ohmic::devices {

const char* const kIdealManual =
    R"(A cell that takes exactly the conductance it is told to: g = target. It still has a range, levels and, where asked
for, white read noise, so that the cost of the converters and of the reading can be told apart from the cost of
programming. Source: a definition.)";

void fields(FieldVisitor& f, IdealParams& p) { fields(f, p.cell); }

namespace {

class Ideal final : public GenericCell {
 public:
  explicit Ideal(const IdealParams& p) : GenericCell(p.cell), params_(p) {}
  void program(const ProgramContext&, ConstView<float> target, Cells& out) const override {
    out.target = Matrix<float>(target);
    out.programmed = out.target;
  }
  double mean(double g, double) const override { return g; }
  double sigma(double, double) const override { return 0.0; }
  ConfigNode parameters() const override { return with_model("ideal", write_fields(params_)); }

 private:
  IdealParams params_;
};

}  // namespace

std::shared_ptr<const DeviceModel> make_ideal(const IdealParams& params) {
  return std::make_shared<Ideal>(params);
}

}  // namespace ohmic::devices
