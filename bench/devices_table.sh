#!/bin/bash
# The table of docs/devices.md: LeNet-5 on Fashion-MNIST on every published device, 25 chips, after a second, a day and a month (or
# the last time that the device was measured at): plain, CorrectNet and injection trained for that device. About an hour on two cores.
#   bench/devices_table.sh PROGRAM FOLDER [MODEL...]
set -euo pipefail
program=$1 folder=$2
shift 2
config=$(dirname "$0")/../data/experiments/devices_fashion.toml
day=86400
declare -A times=([wan2022]="1, $day, 172800" [sonos]="1, $day, 432000" [milo2021]="1" [gaussian]="1" [uniform]="1" [lognormal]="1")
models=("$@")
((${#models[@]})) || models=(wan2022 cmo_hfox milo2021 pcm_like hermes hermes_single state_independent sonos)
for model in "${models[@]}"; do
  at=${times[$model]:-"1, $day, 2592000"}
  "$program" compare "$config" -o "$folder/$model" --set device.model="$model" \
    --set "compare.axes=[{ key = \"time.at_s\", values = [$at] }]"
  rm -rf "$folder/$model/points"
done
