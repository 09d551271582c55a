#!/bin/bash
# Reads the includes under a source root and fails on an arrow that points up or sideways, a third-party header behind the
# wrong door, or a cycle of includes. Usage: layering.sh SOURCE_ROOT
set -u
root=${1:?usage: layering.sh SOURCE_ROOT}
cd "$root" || exit 2

declare -A below=(  # what a room may look at, besides itself
  [base]="" [devices]="base" [sim]="devices base" [nn]="base" [rl]="nn base" [lab]="base devices sim nn rl"
)
# What the loops that are compiled once a level may include: anything else could leave code of one level to all
# (conventions, 28).
level_files='^base/kernels(_(levels|loops|polynomials|vector|generic|v[0-9]+))?\.(h|cpp)$|^base/kernels_v[0-9]+\.cpp$'
level_headers=' cstddef cstdint string_view immintrin.h '
level_choice='base/kernels.cpp'  # chooses among the levels and is compiled for one

failures=0
report() {
  echo "$1" >&2
  failures=$((failures + 1))
}

# door HEADER FILE WHERE: third-party header HEADER was found in FILE.
door() {
  local header=$1 file=$2 where=$3 wanted=""
  case $header in
    toml++/*) [[ $file == base/config.cpp ]] || wanted="base/config.cpp" ;;
    hdf5.h | hdf5_hl.h | H5*.h | H5Cpp.h | highfive/*) [[ $file == base/h5* ]] || wanted="base/h5*" ;;
    omp.h) [[ $file == base/parallel.cpp ]] || wanted="base/parallel.cpp" ;;
    CLI/*) [[ $file == lab/* ]] || wanted="lab" ;;
  esac
  [[ -z $wanted ]] || report "$where: <$header> stays behind the door $wanted"
}

declare -A includes  # file -> the project's files that it includes
include_pattern='^([^:]+):([0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]+)[>"]'
while IFS= read -r line; do
  [[ $line =~ $include_pattern ]] || continue
  file=${BASH_REMATCH[1]#./} where="${BASH_REMATCH[1]#./}:${BASH_REMATCH[2]}"
  bracket=${BASH_REMATCH[3]} header=${BASH_REMATCH[4]}
  from=${file%%/*} to=${header%%/*}
  if [[ -z ${below[$from]+x} ]]; then
    report "$where: $from is no room"
    continue
  fi
  is_level_file=false
  [[ $file =~ $level_files && $file != "$level_choice" ]] && is_level_file=true
  if [[ -n ${below[$to]+x} && $header == */* ]]; then
    includes[$file]+=" $header"
    [[ $to == "$from" || " ${below[$from]} " == *" $to "* ]] ||
      report "$where: $from -> $to ($header) is no arrow that points down"
    $is_level_file && [[ ! $header =~ ^base/kernels ]] &&
      report "$where: $header in a file that is compiled once a level"
  elif [[ $bracket == '"' ]]; then
    report "$where: \"$header\" names no room, expected \"$from/$header\""
  else
    door "$header" "$file" "$where"
    $is_level_file && [[ $level_headers != *" $header "* ]] &&
      report "$where: <$header> in a file that is compiled once a level"
  fi
done < <(grep -rnE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' . | LC_ALL=C sort)

while IFS= read -r line; do
  file=${line%%:*}
  [[ ${file#./} == base/parallel.cpp ]] || report "${line#./} stays behind the door base/parallel.cpp"
done < <(grep -rnoE --include='*.h' --include='*.cpp' '(#[[:space:]]*pragma|_Pragma\(")[[:space:]]*omp' .)

# Depth first: a file that is met while it is open closes a cycle.
declare -A state
visit() {
  local file=$1 path=$2 next
  state[$file]=open
  for next in ${includes[$file]-}; do
    case ${state[$next]-new} in
      open) report "cycle of includes: ${path#"${path%%"$next"*}"} -> $next" ;;
      new) visit "$next" "$path -> $next" ;;
    esac
  done
  state[$file]=done
}
for file in "${!includes[@]}"; do
  [[ ${state[$file]-new} == new ]] && visit "$file" "$file"
done

if ((failures > 0)); then
  echo "layering: $failures fault(s)" >&2
  exit 1
fi
echo "layering: ${#includes[@]} files, every arrow points down"
