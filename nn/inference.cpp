#include "nn/inference.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "base/parallel.h"
#include "nn/fill_lanes.h"
#include "nn/pool.h"

namespace ohmic::nn {

Evaluation evaluate(const Network& network, const ParameterSet<float>& parameters,
                    const ImageList& images, const Normalisation& normalisation,
                    const Deployment* deployment, const EvaluationOptions& options) {
  ensure(options.batch > 0, "a block has images");
  std::vector<Score> scores(static_cast<std::size_t>(images.size()));
  Pool<Workspace<float>> pool(
      [&] { return std::make_unique<Workspace<float>>(network, Kept::live); });
  const PreparedParameters<float> prepared =
      deployment ? PreparedParameters<float>{} : prepare(network, parameters);
  for_each_block(block_count(images.size(), options.batch), [&](Index block) {
    const auto workspace = pool.borrow();
    ReadContext context =
        deployment && options.context_of ? options.context_of(block) : ReadContext{};
    const Index end = std::min(images.size(), (block + 1) * options.batch);
    for (Index first = block * options.batch; first < end; first += kLanes) {
      const Index samples = std::min<Index>(kLanes, end - first);
      std::array<Index, kLanes> lanes;
      std::iota(lanes.begin(), lanes.end(), first);
      std::array<Label, kLanes> labels;
      const auto n = static_cast<std::size_t>(samples);
      fill_lanes<float>(images, normalisation, {lanes.data(), n}, workspace->input(),
                        {labels.data(), n});
      const Pass pass{.samples = samples};
      context.first_sample = first;
      if (deployment)
        forward(network, parameters, *workspace, pass, *deployment, context);
      else
        forward(network, parameters, *workspace, pass, &prepared);
      softmax_cross_entropy<float>(workspace->output(network.layers() - 1), {labels.data(), n},
                                   {scores.data() + first, n});
    }
  });

  Evaluation result;
  result.images = images.size();
  std::vector<double> of_class(static_cast<std::size_t>(images.set->classes));
  result.class_accuracy.resize(of_class.size());
  for (Index i = 0; i < images.size(); ++i) {
    const Score& s = scores[static_cast<std::size_t>(i)];
    result.correct += s.rank == 0;
    result.is_correct.push_back(s.rank == 0);
    result.top5 += s.rank < 5;
    result.loss += s.loss;
    of_class[images.label(i)] += 1;
    result.class_accuracy[images.label(i)] += s.rank == 0;
  }
  for (std::size_t c = 0; c < of_class.size(); ++c)
    result.class_accuracy[c] = of_class[c] > 0 ? result.class_accuracy[c] / of_class[c]
                                               : std::numeric_limits<double>::quiet_NaN();
  const double n = static_cast<double>(images.size());
  result.accuracy = static_cast<double>(result.correct) / n;
  result.top5_accuracy = static_cast<double>(result.top5) / n;
  result.loss /= n;
  return result;
}

}  // namespace ohmic::nn
