#!/bin/bash
# The longer figures of `ohmic sweep`, from a build in build/. Prints what it measures.
#   bench/sweep.sh kills      200 kill -9 at random moments (needs build/tests/test_cli)
#   bench/sweep.sh overhead   1,000 tiny points: scheduler and merge on tmpfs, fsync on a disk
#   bench/sweep.sh lenet      sigma x ADC bits of LeNet-5 against separate runs
#   bench/sweep.sh disk       a tmpfs that fills up (needs root)
#   bench/sweep.sh mpirun     four ranks against one process (Debian: openmpi-bin)
#   bench/sweep.sh slurm      an array of four on this machine (Debian: slurm-wlm; needs root, replaces slurm.conf)
set -euo pipefail
cd "$(dirname "$0")/.."
ohmic=$PWD/build/ohmic
config=$PWD/data/experiments/sweep_fashion.toml
work=$(mktemp -d)
fast=$(mktemp -d /dev/shm/ohmic-sweep.XXXX)
trap 'rm -rf "$work" "$fast"' EXIT
export PATH=$PWD/build:$PATH OHMIC_CACHE=$work/cache

seconds() { python3 -c "import time; print(f'{time.time():.3f}')"; }
since() { python3 -c "print(f'{$(seconds) - $1:.2f}')"; }
small=("$config" --set chips=1 --set evaluation.images=64 --set evaluation.calibration_images=64 --quiet)
# 250 x 4 points of a perceptron that was trained on few images.
tiny=("${small[@]}" --set network.model=mlp --set data.train_images=640 --set training.epochs=1
      --set 'sweep.axes=[{key="device.sigma",from=0,to=0.5,count=250},{key="adc.bits",values=[4,5,6,8]}]')
# 16 points of it, for comparisons.
few=("${small[@]}" --set network.model=mlp --set data.train_images=640 --set training.epochs=1
     --set 'sweep.axes=[{key="device.sigma",from=0,to=0.3,step=0.1},{key="adc.bits",values=[4,5,6,8]}]')
same() { /usr/bin/python3 - "$1/results.h5" "$2/results.h5" <<'PY'
import sys, h5py, numpy
a, b = (h5py.File(name) for name in sys.argv[1:])
names = []
a.visit(names.append)
for name in names:
    if isinstance(a[name], h5py.Dataset) and not name.startswith("provenance"):
        assert a[name][()].tobytes() == b[name][()].tobytes(), name
print("equal in", len(names), "objects")
PY
}

case ${1-} in
kills)
  OHMIC_REPEATS=200 build/tests/test_cli -tc='kill*' ;;
overhead)
  for folder in "$fast" "$work"; do
    "$ohmic" sweep "${tiny[@]}" -o "$folder/t" --points 0..0 --threads 1 > "$folder/log"  # the training
    start=$(seconds)
    "$ohmic" sweep "${tiny[@]}" -o "$folder/t" --threads 1 > "$folder/log"
    wall=$(since "$start")
    start=$(seconds)
    "$ohmic" sweep "${tiny[@]}" -o "$folder/t" --merge > "$folder/log"
    merge=$(since "$start")
    /usr/bin/python3 - "$folder" "$wall" "$merge" <<'PY'
import glob, sys, h5py
folder, wall, merge = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
own = sum(h5py.File(f)["provenance/wall_seconds"][0] for f in glob.glob(folder + "/t/points/*.h5"))
print(f"{folder}: 1,000 points {wall} s, {own:.2f} s of it measuring: {wall - own:.2f} ms per point besides; "
      f"start, check and merge of 1,000 points alone {merge} s")
PY
  done ;;
lenet)
  "$ohmic" run "$config" -o "$work/train" --quiet --set evaluation.budget_images=0 --set evaluation.error_images=0 > "$work/log"
  start=$(seconds)
  "$ohmic" sweep "$config" -o "$work/sweep" --quiet | tail -1
  sweep=$(since "$start")
  start=$(seconds)
  for sigma in 0 0.1 0.2 0.3 0.4 0.5 0.6 0.7; do
    for bits in 3 4 5 6 7 8; do
      "$ohmic" run "$config" -o "$work/r$sigma-$bits" --quiet --set device.sigma=$sigma --set adc.bits=$bits \
        --set evaluation.budget_images=0 --set evaluation.error_images=0 > "$work/log"
    done
  done
  runs=$(since "$start")
  echo "48 points x 10 chips x 2,000 images: sweep $sweep s, 48 runs (training cached) $runs s: $(python3 -c "print(f'{$runs/$sweep:.2f}')") times" ;;
disk)
  mount -t tmpfs -o size=100k tmpfs "$work"
  trap 'umount "$work"; rm -rf "$work" "$fast"' EXIT
  export OHMIC_CACHE=$fast/cache
  "$ohmic" sweep "${few[@]}" -o "$fast/whole" > "$fast/log"
  status=0
  "$ohmic" sweep "${few[@]}" -o "$work/s" --set 'sweep.measure=["accuracy","layers"]' > "$fast/log" || status=$?
  echo "exit status $status"
  "$ohmic" sweep --status "$work/s"
  mount -o remount,size=40m "$work"
  "$ohmic" sweep "${few[@]}" -o "$work/s" --set 'sweep.measure=["accuracy","layers"]' | tail -1 ;;
mpirun)
  "$ohmic" sweep "${few[@]}" -o "$work/one" > "$work/log"
  mpirun --allow-run-as-root --oversubscribe -np 4 "$ohmic" sweep "${few[@]}" -o "$work/four" --threads 1 > "$work/log"
  same "$work/one" "$work/four" ;;
slurm)
  host=$(hostname -s)
  mkdir -p /var/spool/slurm/ctld /var/spool/slurm/d /run/munge
  chown munge: /run/munge
  cat > /etc/slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$host
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmUser=root
StateSaveLocation=/var/spool/slurm/ctld
SlurmdSpoolDir=/var/spool/slurm/d
ReturnToService=2
NodeName=$host CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
CONF
  pgrep munged > /dev/null || su -s /bin/bash munge -c /usr/sbin/munged
  pgrep slurmctld > /dev/null || slurmctld
  pgrep slurmd > /dev/null || slurmd
  sleep 5
  sed 's/ --threads/ --set chips=2 --threads/' examples/slurm/sweep.sbatch > "$work/sweep.sbatch"
  cd "$work"
  "$ohmic" sweep "$config" -o "$work/one" --set chips=2 --quiet > "$work/log"
  sbatch --wait sweep.sbatch "$config" "$work/four"
  cd - > /dev/null
  same "$work/one" "$work/four" ;;
*)
  sed -n '2,9p' "$0"; exit 2 ;;
esac
