#!/bin/bash
# What batch-norm should normalise by while weights vary: VGG16 of a quarter of the width on CIFAR-10, trained through log-normal
# weights (sigma 0.5) with each training.batch_norm_statistics, then 10 chips without converters; also with statistics measured
# again on every chip. About 15 minutes on two cores.
#   bench/batch_norm_statistics.sh PROGRAM FOLDER
set -euo pipefail
program=$1 folder=$2
config=$(dirname "$0")/../data/experiments/vgg16_cifar10.toml
for statistics in batch group fixed; do
  more=()
  [[ $statistics == fixed ]] && more=(--set training.batch_norm_fixed_after_epochs=12)
  "$program" compare "$config" -o "$folder/$statistics" --set network.width=0.25 --set training.epochs=16 \
    --set network.fold_batch_norm=false --set training.batch_norm_statistics="$statistics" "${more[@]}" \
    --set 'compare={methods=["injection", "injection+bn_reestimation"], hardware=["ideal"], sigmas=[0.5]}'
done
