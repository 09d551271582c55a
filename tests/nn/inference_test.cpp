#include "nn/inference.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <set>

#include "base/parallel.h"
#include "synthetic.h"

namespace ohmic::nn {
namespace {

/// Adds a number that belongs to the sample's place in the list: what read noise with addresses
/// does.
class NoisyOperator final : public LinearOperator {
 public:
  explicit NoisyOperator(const Mac& mac) : mac_(mac) {}
  Index inputs() const override { return mac_.patch.inputs(); }
  Index outputs() const override { return mac_.outputs; }
  bool adds_bias() const override { return false; }
  void apply(const PatchView& x, const ReadContext& context, const OutputView& y) const override {
    for (Index o = 0; o < outputs(); ++o)
      for (Index s = 0; s < x.samples; ++s)
        for (Index p = 0; p < x.positions(); ++p)
          y.data[o * y.output_stride + s * y.sample_stride + p * y.position_stride] =
              static_cast<float>((context.first_sample + s) * 7919 % 101 * (o + 1) % 13);
  }

 private:
  Mac mac_;
};

void check_equal(const Evaluation& a, const Evaluation& b) {
  CHECK(a.correct == b.correct);
  CHECK(a.top5 == b.top5);
  CHECK(a.loss == b.loss);
  CHECK(a.class_accuracy == b.class_accuracy);
}

TEST_CASE("an evaluation depends on neither batch nor threads, deployed or not") {
  const int before = threads();
  const Network network = testing::small_network({1, 6, 6}, 7);
  const ParameterSet<float> parameters = initial_parameters(network, 3);
  const Data data = testing::synthetic_data(600, {1, 6, 6}, 7);
  Deployment deployment;
  for (std::size_t k = 0; k < network.mac_layers().size(); ++k)
    deployment.macs.push_back(k == 2 ? std::make_shared<NoisyOperator>(network.mac(2)) : nullptr);
  for (const Deployment* hardware :
       {static_cast<const Deployment*>(nullptr), static_cast<const Deployment*>(&deployment)}) {
    const Evaluation reference =
        evaluate(network, parameters, data.test, data.normalisation, hardware);
    CHECK(reference.images == 300);
    for (Index batch : {1, 37, 1000})
      for (int count : {1, 2}) {
        set_threads(count);
        check_equal(reference, evaluate(network, parameters, data.test, data.normalisation,
                                        hardware, {.batch = batch}));
      }
  }
  set_threads(before);
}

TEST_CASE("an evaluation adds up: classes, top-5 and the mean loss") {
  const Network network = testing::small_network({1, 6, 6}, 7);
  const Data data = testing::synthetic_data(200, {1, 6, 6}, 7);
  const Evaluation e =
      evaluate(network, initial_parameters(network, 3), data.test, data.normalisation);
  double sum = 0;
  std::vector<int> count(7);
  for (Index i = 0; i < data.test.size(); ++i) ++count[data.test.label(i)];
  for (std::size_t c = 0; c < 7; ++c) sum += e.class_accuracy[c] * count[c];
  CHECK(sum == doctest::Approx(static_cast<double>(e.correct)));
  CHECK(e.accuracy == static_cast<double>(e.correct) / 100);
  CHECK(e.top5 > e.correct);
  CHECK(e.loss > 0);
  const ImageList some = data.test.first(1);
  CHECK(std::isnan(evaluate(network, initial_parameters(network, 3), some, data.normalisation)
                       .class_accuracy[some.label(0) == 0 ? 1 : 0]));
}

TEST_CASE("every block is read with a context of its own") {
  const Network network = testing::small_network();
  const Data data = testing::synthetic_data(400);
  Deployment deployment;
  deployment.macs.resize(network.mac_layers().size());
  std::atomic<Index> blocks{0};
  EvaluationOptions options{.batch = 70};
  options.context_of = [&](Index) {
    ++blocks;
    return ReadContext{};
  };
  evaluate(network, initial_parameters(network, 1), data.test, data.normalisation, &deployment,
           options);
  CHECK(blocks == 3);
}

}  // namespace
}  // namespace ohmic::nn
