#!/bin/bash
# Installs a build, moves it, and uses it as a stranger does: the program finds its experiments from any folder, and
# examples/crossbar is built against the package and computes y = W x. Usage: installed.sh BUILD_FOLDER
set -euo pipefail
build=$(cd "${1:?usage: installed.sh BUILD_FOLDER}" && pwd)
work=$build/installed
rm -rf "$work"
mkdir -p "$work/elsewhere"
cmake --install "$build" --prefix "$work/first" > "$work/install.log"
mv "$work/first" "$work/moved"
cd "$work/elsewhere"
share=$work/moved/share/ohmic

# expect WANTED FOUND WHAT
expect() { [[ $2 == "$1" ]] || { printf '%s: expected\n%s\nfound\n%s\n' "$3" "$1" "$2" >&2; exit 1; }; }

if grep -rlF "$work/first" "$work/moved/lib" "$share"; then
  echo "the files above know where they were installed" >&2
  exit 1
fi
said=$("$work/moved/bin/ohmic" run data/experiments/quick.toml --dry-run)
expect "disk      about 0.8 MB in ohmic-quick" "$(tail -n 1 <<< "$said")" "an experiment by its short name"
"$work/moved/bin/ohmic" run data/presets/wan2022.toml --dry-run > /dev/null
[[ -e $share/examples/analysis.py ]]
# What the user has himself comes first; what nobody has is refused by the name he gave.
mkdir -p data/experiments && echo 'chips = "many"' > data/experiments/quick.toml
! refused=$("$work/moved/bin/ohmic" run data/experiments/quick.toml --dry-run 2>&1)
expect 'ohmic: data/experiments/quick.toml:1:1: chips = "many" is a string, expected an integer' "$(head -n 1 <<< "$refused")" "the user's own"
! refused=$("$work/moved/bin/ohmic" run data/experiments/none.toml --dry-run 2>&1)
expect "ohmic: data/experiments/none.toml: no such file" "$(head -n 1 <<< "$refused")" "no config"

cmake -S "$share/examples/crossbar" -B example -DCMAKE_PREFIX_PATH="$work/moved" -DCMAKE_BUILD_TYPE=Release > configure.log
cmake --build example > build.log
grep -q "$work/moved" example/CMakeCache.txt  # and no other Ohmic of this machine
found=$(example/crossbar)
expect "ideal: y = 3.5000 -2.5000" "$(head -n 1 <<< "$found")" "examples/crossbar"
[[ $(tail -n 1 <<< "$found") =~ ^lognormal:\ y\ =\ (.*)$ && ${BASH_REMATCH[1]} != "3.5000 -2.5000" ]]
echo "installed: $(wc -l < "$share/examples/crossbar/crossbar.cpp") lines, $(tr '\n' ';' <<< "$found")"
