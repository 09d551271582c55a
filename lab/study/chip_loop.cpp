#include "lab/study/chip_loop.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>

#include "base/interrupt.h"

namespace ohmic::lab {

double for_each_chip(const ChipLoop& loop, const ChipLoopHooks& hooks, Progress& progress,
                     Activity* activity) {
  sim::ChipOptions options = loop.chips.as_configured();
  options.read_noise = options.converters = !loop.ideal_hardware;
  const auto start = std::chrono::steady_clock::now();
  Index programmed = 0;
  for (Index chip = 0; chip < loop.count; ++chip) {
    for (Index programming = 0; programming < loop.programmings; ++programming, ++programmed) {
      stop_if_interrupted(loop.how_to_go_on);
      const Chip made = loop.chips.make(chip, programming, options);
      for (Index read = 0; read < loop.reads; ++read) {
        stop_if_interrupted(loop.how_to_go_on);
        const nn::Evaluation e = evaluate_chip(
            made.network, made.parameters, loop.images, loop.data.normalisation, made.deployment,
            loop.chips.reader(chip, programming, read), loop.batch, activity);
        if (!std::isfinite(e.loss))
          throw ConfigError(fmt::format(
              "chip {}: the network's outputs are not finite; [device], [array] or [dac] ask for "
              "conductances, noise or ranges beyond single precision",
              chip));
        hooks.read(chip, e);
        progress.advance();
      }
      if (hooks.programmed) hooks.programmed(chip, programming, made);
    }
    if (hooks.enough && hooks.enough()) break;
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(programmed);
}

std::vector<double> chip_accuracies(const PreparedMethod& method, const Experiment& e,
                                    const nn::Data& data, const ChipRun& run,
                                    const Console& console, const SharedWork& shared) {
  const MethodChips chips(method, e, data, run.population, shared);
  std::vector<double> accuracy;
  Progress progress(method.set.name, run.chips, console.quiet);
  for_each_chip(
      {.chips = chips,
       .data = data,
       .images = run.images,
       .count = run.chips,
       .batch = e.evaluation.batch,
       .ideal_hardware = run.ideal_hardware},
      {.read = [&](Index, const nn::Evaluation& read) { accuracy.push_back(read.accuracy); }},
      progress);
  return accuracy;
}

}  // namespace ohmic::lab
