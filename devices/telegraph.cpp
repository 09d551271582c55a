#include "devices/telegraph.h"

#include <cmath>

#include "base/elementary.h"
#include "devices/decorated_model.h"

namespace ohmic::devices {

const char* const kTelegraphManual =
    R"(Random telegraph noise, explicit (a two-level signal is not Gaussian): a fraction telegraph_share of the cells has a trap, and while it is full the cell conducts

    g (1 - telegraph_amplitude)

The trap is full for telegraph_trapped of the time. A block of reads is all reads of one image by one layer; a state starts stationary and then
goes on as a Markov chain: at every read it is drawn anew with probability 1 - exp(-1 / telegraph_correlation_reads), else it stays, so the correlation after k
reads is exp(-k / telegraph_correlation_reads). Reads of other images are independent. Which cells have a trap is fixed when the chip is made.
Costs a draw for every cell and read, so it is slow: fewer evaluation.images help. Source: a definition (two-state Markov process);
amplitudes of 1 to 50 % are reported for filamentary cells, telling them is up to the user.)";

void fields(FieldVisitor& f, TelegraphParams& p) {
  f.field({.key = "telegraph_share",
           .meaning = "fraction of the cells that show telegraph noise; 0: none",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .when_read = true},
          p.fraction);
  const std::string_view idle = p.fraction > 0 ? "" : "telegraph_share is 0";
  f.field({.key = "telegraph_amplitude",
           .meaning = "fraction of its conductance that such a cell loses while its trap is full",
           .unit = "fraction of g",
           .low = 0,
           .high = 1,
           .when_read = true,
           .idle = idle},
          p.amplitude);
  f.field({.key = "telegraph_trapped",
           .meaning = "fraction of time for which the trap is full",
           .unit = "fraction",
           .low = 0,
           .high = 1,
           .when_read = true,
           .idle = idle},
          p.trapped);
  f.field({.key = "telegraph_correlation_reads",
           .meaning = "reads after which the state's correlation is 1/e",
           .unit = "reads",
           .low = 0,
           .high = 1e9,
           .low_open = true,
           .when_read = true,
           .idle = idle},
          p.correlation_reads);
}

namespace {

constexpr const char* kPlane = "telegraph_trap";

class Telegraph final : public DecoratedModel, private CellReads {
 public:
  Telegraph(std::shared_ptr<const DeviceModel> base, const TelegraphParams& params)
      : DecoratedModel(std::move(base)),
        params_(params),
        stays_(elementary::exp(-1 / params.correlation_reads)) {}

  void program(const ProgramContext& context, ConstView<float> target, Cells& out) const override {
    base().program(context, target, out);
    Matrix<float>& trap = out.plane_of(kPlane);
    ProgramContext made = context;  // a trap is there from the start, whatever is programmed
    made.programming = made.attempt = 0;
    std::vector<double> u(static_cast<std::size_t>(target.columns()));
    for (Index r = 0; r < target.rows(); ++r) {
      made.uniforms(Purpose::telegraph, r, u);
      for (Index c = 0; c < target.columns(); ++c)
        trap(r, c) = u[static_cast<std::size_t>(c)] < params_.fraction ? 1.0f : 0.0f;
    }
  }
  const CellReads* cell_reads() const override { return this; }
  void apply(const Cells& cells, double seconds, const CellRead& read, CellMemory& memory,
             View<float> g) const override {
    if (const CellReads* below = base().cell_reads()) below->apply(cells, seconds, read, memory, g);
    const ConstView<float> trap = cells.plane(kPlane);
    if (memory.full.rows() != g.rows() || memory.full.columns() != g.columns())
      memory = {.full = Matrix<std::uint8_t>(g.rows(), g.columns()), .next = 0, .draws = {}};
    if (memory.next > read.position) memory.next = 0;
    CellRead at = read;
    for (at.position = memory.next; at.position <= read.position; ++at.position)
      advance(trap, at, memory);
    memory.next = read.position + 1;
    const auto left = static_cast<float>(1 - params_.amplitude);
    for (Index r = 0; r < g.rows(); ++r)
      for (Index c = 0; c < g.columns(); ++c)
        if (memory.full(r, c)) g(r, c) *= left;
  }
  ConfigNode parameters() const override {
    return merged(base().parameters(), write_fields(params_));
  }

 private:
  /// One uniform serves both decisions: below stays_ the state stays, the rest is stretched to
  /// (0, 1) for the new state.
  void advance(ConstView<float> trap, const CellRead& at, CellMemory& memory) const {
    const double stays = at.position == 0 ? 0.0 : stays_;
    const double full_below = stays + (1 - stays) * params_.trapped;
    std::vector<double>& u = memory.draws;
    u.resize(static_cast<std::size_t>(trap.columns()));
    for (Index r = 0; r < trap.rows(); ++r) {
      at.uniforms(r, u);
      for (Index c = 0; c < trap.columns(); ++c) {
        const double own = u[static_cast<std::size_t>(c)];
        if (own >= stays) memory.full(r, c) = trap(r, c) > 0 && own < full_below;
      }
    }
  }

  TelegraphParams params_;
  double stays_;
};

}  // namespace

std::shared_ptr<const DeviceModel> with_telegraph(std::shared_ptr<const DeviceModel> base,
                                                  const TelegraphParams& params) {
  return std::make_shared<Telegraph>(std::move(base), params);
}

}  // namespace ohmic::devices
