#include "lab/study/cell_planes.h"

#include <algorithm>

namespace ohmic::lab {

void gather_cells(const sim::Crossbar& crossbar, Index outputs, Index inputs, Index chip,
                  Index chips, CellPlanes& planes) {
  planes.polarities = static_cast<Index>(crossbar.tiles().front().array().polarities());
  const auto all = static_cast<std::size_t>(chips * planes.polarities * outputs * inputs);
  const auto place = [&](std::vector<float>& to, const sim::Tile& tile, Index polarity,
                         ConstView<float> from) {
    to.resize(all);
    for (Index o = 0; o < from.rows(); ++o)
      std::copy_n(
          from.row(o), from.columns(),
          to.data() +
              ((chip * planes.polarities + polarity) * outputs + tile.place().columns.begin + o) *
                  inputs +
              tile.place().rows.begin);
  };
  for (const sim::Tile& tile : crossbar.tiles())
    for (Index p = 0; p < planes.polarities; ++p) {
      const auto polarity = static_cast<std::size_t>(p);
      const devices::Cells& cells = tile.array().cells(polarity);
      place(planes.target, tile, p, cells.target);
      place(planes.programmed, tile, p, cells.programmed);
      place(planes.after_drift, tile, p, tile.array().conductance(polarity));
      const auto keep = [&](const std::string& name, ConstView<float> values) {
        auto found = std::find_if(planes.state.begin(), planes.state.end(),
                                  [&](auto& s) { return s.first == name; });
        if (found == planes.state.end()) found = planes.state.insert(found, {name, {}});
        place(found->second, tile, p, values);
      };
      for (const devices::NamedPlane& plane : cells.state) keep(plane.name, plane.values);
      const sim::BrokenCells& broken = tile.array().broken();
      if (broken.faults.empty()) continue;
      Matrix<float> stuck(cells.target.rows(), cells.target.columns(), -1.0f);
      for (Index i = 0; i < stuck.size(); ++i)
        if (const auto fault = static_cast<devices::Fault>(broken.faults[polarity].data()[i]);
            fault != devices::Fault::none)
          stuck.data()[i] = static_cast<float>(
              devices::broken_conductance(fault, broken.params, tile.array().device()));
      keep("broken", stuck);
    }
}

}  // namespace ohmic::lab
