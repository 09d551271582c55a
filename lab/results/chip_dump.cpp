#include "lab/results/chip_dump.h"

#include "lab/results/scaled_group.h"
#include "lab/study/cell_planes.h"

namespace ohmic::lab {

void write_chip(const std::filesystem::path& path, const RunSetting& s, Index index,
                const ResultsIdentity& identity, const Provenance& provenance) {
  if (s.method.set.find("copies"))
    throw ConfigError(
        "--dump-chip: method copies has several matrices per layer; dump a chip without it");
  for (const Override& over : s.experiment.overrides)
    if (over.table.find("device"))
      throw ConfigError(
          "--dump-chip: an [[override]] gives some layers another device, and a chip "
          "file names one");
  const Chip chip = s.chips.make(index, 0, s.chips.as_configured());
  h5::Writer file(path);
  write_header(file, s.experiment, identity, provenance);
  file.attribute("/", "device", to_toml(s.experiment.hardware.device->parameters()));
  file.attribute("/", "chip", std::int64_t{index});
  file.attribute("/", "time_s", s.experiment.time.at);
  for (std::size_t k = 0; k < chip.programmed.size(); ++k) {
    if (!chip.programmed[k]) continue;
    const sim::Crossbar crossbar =
        chip.programmed[k]->members().front().after_drift(s.experiment.time.at);
    const Index inputs = s.plan().layers[k]->mapped.columns(), outputs = crossbar.outputs();
    CellPlanes planes;
    gather_cells(crossbar, outputs, inputs, 0, 1, planes);
    const std::string group =
        "/layers/" + s.trained().network.name(s.trained().network.mac_layers()[k]);
    ScaledGroup layer(file, "chip", group);
    layer.count("polarity", planes.polarities);
    layer.count("output", outputs);
    layer.count("input", inputs);
    layer.write("target", planes.target);
    layer.write("programmed", planes.programmed);
    layer.write("aged", planes.after_drift);
    // The planes alone lie in /state, which whoever reads a chip takes as a whole.
    for (const auto& [name, values] : planes.state)
      layer.write_along("state/" + name, {"polarity", "output", "input"}, values);
    file.attribute(group, "layer", static_cast<std::int64_t>(k));
  }
  file.commit();
}

}  // namespace ohmic::lab
