#!/bin/bash
# The figures of the main job that take longer than a test should: 400 chips of the golden network, and three trainings each on
# Fashion-MNIST and (where OHMIC_DATA has it) MNIST. About 2 minutes on 2 cores.
#   bench/must_show.sh [PROGRAM]
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
program=${1:-$here/build/ohmic}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
accuracy() { grep -A1 "^accuracy of" | tail -n 1; }
ideal=(--set dac.bits=ideal --set adc.bits=ideal --set device.read_noise=0 --set evaluation.budget_images=0
       --set evaluation.error_images=0 --quiet)
for sigma in 0.3 0.5; do
  echo "golden network, sigma $sigma, 400 chips (golden: 82.72 +- 3.66 and 71.80 +- 8.21 %):"
  "$program" run "$here/data/experiments/lenet5_fashion.toml" -o "$out/g$sigma" --set chips=400 --set device.sigma=$sigma \
    --set network.weights="$here/tests/golden/networks/lenet5_fashion.npz" "${ideal[@]}" | accuracy
done
for set in fashion mnist; do
  for seed in 1 2 3; do
    echo "lenet5_$set, training seed $seed, 25 chips at sigma 0.5:"
    "$program" run "$here/data/experiments/lenet5_$set.toml" -o "$out/$set$seed" --set training.seed=$seed "${ideal[@]}" | accuracy ||
      echo "  (no such data set here)"
  done
done
