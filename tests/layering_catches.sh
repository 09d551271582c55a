#!/bin/bash
# Shows that layering.sh passes a sound tree and catches each kind of bad arrow. Usage: layering_catches.sh LAYERING_SH
set -eu
check=${1:?usage: layering_catches.sh LAYERING_SH}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
failures=0

# sound_tree: one small file per room, every arrow down.
sound_tree() {
  rm -rf "${tree:?}"/*
  mkdir -p "$tree"/{base,io,devices,sim,nn,rl,cli} "$tree"/lab/{plots,methods,experiment,study/kept,results,sweep,report}
  printf '#include <vector>\nstruct Matrix {\n};\n' >"$tree/base/matrix.h"
  printf '#include "base/matrix.h"\nclass Table;\n' >"$tree/io/table.h"
  printf '#include <hdf5.h>\n#include "io/table.h"\nclass Table {\n};\n' >"$tree/io/h5_reader.cpp"
  echo '#include <toml++/toml.h>' >"$tree/io/config.cpp"
  echo '#include "io/table.h"' >"$tree/devices/model.h"
  echo '#include "devices/model.h"' >"$tree/sim/tile.h"
  echo '#include "io/table.h"' >"$tree/nn/layer.h"
  echo '#include "base/matrix.h"' >"$tree/rl/policy.h"
  echo '#include "base/matrix.h"' >"$tree/lab/plots/lines.h"
  printf '#include "sim/tile.h"\n#include "nn/layer.h"\n#include "rl/policy.h"\n' >"$tree/lab/experiment/tree.h"
  echo '#include "lab/experiment/tree.h"' >"$tree/lab/study/chips.h"
  echo '#include "lab/study/chips.h"' >"$tree/lab/study/kept/cells.h"
  echo '#include "lab/study/kept/cells.h"' >"$tree/lab/results/schema.h"
  printf '#include "sim/tile.h"\n#include "nn/layer.h"\n' >"$tree/lab/methods/ridge.h"
  echo '#include "lab/results/schema.h"' >"$tree/lab/sweep/points.h"
  printf '#include "lab/results/schema.h"\n#include "lab/plots/lines.h"\n' >"$tree/lab/report/page.h"
  printf '#include <CLI/CLI.hpp>\n#include "lab/sweep/points.h"\n#include "lab/report/page.h"\n' >"$tree/cli/main.cpp"
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

# Arrows between rooms and sub-rooms, up and sideways.
catches 'base/matrix.h:4: base -> io (io/table.h)' base/matrix.h '#include "io/table.h"'
catches 'io/table.h:3: io -> devices (devices/model.h)' io/table.h '#include "devices/model.h"'
catches 'sim/tile.h:2: sim -> nn (nn/layer.h)' sim/tile.h '#include "nn/layer.h"'
catches 'nn/layer.h:2: nn -> sim (sim/tile.h)' nn/layer.h '  #  include <sim/tile.h>'
catches 'nn/layer.h:2: nn -> devices (devices/model.h)' nn/layer.h '#include "devices/model.h"'
catches 'devices/model.h:2: devices -> lab/study (lab/study/chips.h)' devices/model.h '#include "lab/study/chips.h"'
catches 'rl/policy.h:2: rl -> nn (nn/layer.h)' rl/policy.h '#include "nn/layer.h"'
catches 'lab/plots/lines.h:2: lab/plots -> io (io/table.h)' lab/plots/lines.h '#include "io/table.h"'
catches 'lab/experiment/tree.h:4: lab/experiment -> lab/study (lab/study/chips.h)' lab/experiment/tree.h \
  '#include "lab/study/chips.h"'
catches 'lab/methods/ridge.h:3: lab/methods -> lab/experiment (lab/experiment/tree.h)' lab/methods/ridge.h \
  '#include "lab/experiment/tree.h"'
catches 'lab/study/kept/cells.h:2: lab/study -> lab/results (lab/results/schema.h)' lab/study/kept/cells.h \
  '#include "lab/results/schema.h"'
catches 'lab/results/schema.h:2: lab/results -> lab/sweep (lab/sweep/points.h)' lab/results/schema.h \
  '#include "lab/sweep/points.h"'
catches 'lab/report/page.h:3: lab/report -> lab/sweep (lab/sweep/points.h)' lab/report/page.h '#include "lab/sweep/points.h"'
catches 'lab/sweep/points.h:2: lab/sweep -> lab/plots (lab/plots/lines.h)' lab/sweep/points.h '#include "lab/plots/lines.h"'
catches 'lab/report/page.h:3: lab/report -> cli (cli/console.h)' lab/report/page.h '#include "cli/console.h"'
catches '"matrix.h" names no room' sim/tile.h '#include "matrix.h"'

# Third-party headers.
catches '<toml++/toml.h> stays behind the door io/config.cpp' cli/main.cpp '#include <toml++/toml.h>'
catches '<hdf5.h> stays behind the door io/h5*' nn/layer.h '#include <hdf5.h>'
catches '<omp.h> stays behind the door base/parallel.cpp' sim/tile.h '#include <omp.h>'
catches 'pragma omp stays behind the door base/parallel.cpp' sim/tile.h '#pragma omp parallel for'
catches '<CLI/CLI.hpp> stays behind the door cli' base/matrix.h '#include <CLI/CLI.hpp>'
catches '<vector> in a file that is compiled once per level' base/kernels_vector.h '#include <vector>'
catches 'base/matrix.h in a file that is compiled once per level' base/kernels_vector.h '#include "base/matrix.h"'

# Types of other rooms without their header.
catches 'base/matrix.h:4: Table is declared here and defined in io: include it' base/matrix.h 'class Table;'
catches 'lab/report/page.h:3: Matrix is declared here and defined in base: include it' lab/report/page.h 'struct Matrix;'

# Circles: of two headers, and of two units none of whose headers is in one.
sound_tree
echo '#include "sim/array.h"' >>"$tree/sim/tile.h"
echo '#include "sim/tile.h"' >"$tree/sim/array.h"
said=$("$check" "$tree" 2>&1) && { echo "a circle of two headers is not caught" >&2; failures=1; }
[[ $said == *'circle of units: sim/'*' -> sim/'*' -> sim/'* ]] || { echo "a circle says: $said" >&2; failures=1; }
sound_tree
touch "$tree/sim/array.h"
echo '#include "sim/array.h"' >"$tree/sim/tile.cpp"
echo '#include "sim/tile.h"' >"$tree/sim/array.cpp"
said=$("$check" "$tree" 2>&1) && { echo "a circle of two units is not caught" >&2; failures=1; }
[[ $said == *'circle of units: sim/'* ]] || { echo "a circle of units says: $said" >&2; failures=1; }
exit $((failures > 0))
