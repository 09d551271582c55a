#!/bin/bash
# Shows that layering.sh passes a sound tree and catches each kind of bad include. Usage: layering_catches.sh LAYERING_SH
set -eu
check=${1:?usage: layering_catches.sh LAYERING_SH}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# sound_tree: one small file a room, every arrow down.
sound_tree() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/{base,devices,sim,nn,rl,lab}
  echo '#include <vector>' >"$tree/base/matrix.h"
  echo '#include "base/matrix.h"' >"$tree/devices/model.h"
  echo '#include "devices/model.h"' >"$tree/sim/tile.h"
  echo '#include "base/matrix.h"' >"$tree/nn/layer.h"
  echo '#include "nn/layer.h"' >"$tree/rl/policy.h"
  printf '#include <CLI/CLI.hpp>\n#include "sim/tile.h"\n#include "rl/policy.h"\n' >"$tree/lab/main.cpp"
  echo '#include <toml++/toml.h>' >"$tree/base/config.cpp"
  echo '#include <hdf5.h>' >"$tree/base/h5_reader.cpp"
  printf '#include <omp.h>\n#pragma omp parallel for\n' >"$tree/base/parallel.cpp"
  echo '#include <immintrin.h>' >"$tree/base/kernels_vector.h"
}

# catches EXPECTED FILE LINE: with LINE appended to FILE the check fails and says EXPECTED.
catches() {
  sound_tree
  echo "$3" >>"$tree/$2"
  if said=$("$check" "$tree" 2>&1); then
    echo "not caught in $2: $3" >&2
    failures=$((failures + 1))
  elif [[ $said != *"$1"* ]]; then
    echo "$2 with '$3' should say '$1' and says: $said" >&2
    failures=$((failures + 1))
  fi
}

sound_tree
"$check" "$tree" >/dev/null || { echo "a sound tree is refused" >&2; exit 1; }

catches 'base/matrix.h:2: base -> sim (sim/tile.h)' base/matrix.h '#include "sim/tile.h"'
catches 'sim/tile.h:2: sim -> nn (nn/layer.h)' sim/tile.h '#include "nn/layer.h"'
catches 'nn/layer.h:2: nn -> sim (sim/tile.h)' nn/layer.h '  #  include <sim/tile.h>'
catches 'nn/layer.h:2: nn -> devices (devices/model.h)' nn/layer.h '#include "devices/model.h"'
catches 'devices/model.h:2: devices -> lab (lab/main.cpp)' devices/model.h '#include "lab/main.cpp"'
catches 'rl/policy.h:2: rl -> sim (sim/tile.h)' rl/policy.h '#include "sim/tile.h"'
catches '"matrix.h" names no room' sim/tile.h '#include "matrix.h"'
catches '<toml++/toml.h> stays behind the door base/config.cpp' lab/main.cpp '#include <toml++/toml.h>'
catches '<hdf5.h> stays behind the door base/h5*' nn/layer.h '#include <hdf5.h>'
catches '<omp.h> stays behind the door base/parallel.cpp' sim/tile.h '#include <omp.h>'
catches 'pragma omp stays behind the door base/parallel.cpp' sim/tile.h '#pragma omp parallel for'
catches '<CLI/CLI.hpp> stays behind the door lab' base/matrix.h '#include <CLI/CLI.hpp>'
catches '<vector> in a file that is compiled once a level' base/kernels_vector.h '#include <vector>'
catches 'base/matrix.h in a file that is compiled once a level' base/kernels_vector.h '#include "base/matrix.h"'
catches 'cycle of includes: base/matrix.h -> base/matrix.h' base/matrix.h '#include "base/matrix.h"'
sound_tree
echo '#include "sim/array.h"' >>"$tree/sim/tile.h"
echo '#include "sim/tile.h"' >"$tree/sim/array.h"
said=$("$check" "$tree" 2>&1) && { echo "a cycle of two files is not caught" >&2; failures=1; }
[[ $said == *'cycle of includes: sim/'*' -> sim/'*' -> sim/'* ]] || { echo "a cycle says: $said" >&2; failures=1; }
exit $((failures > 0))
