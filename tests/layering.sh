#!/bin/bash
# Reads the includes of the rooms and fails on an arrow that points up or sideways, a third-party header behind the wrong door,
# a circle of units, or a forward declaration of another room's type. Usage: layering.sh SOURCE_ROOT
#
# A unit is a header with its source, or either alone. A sub-room (lab/study) is a room; cli is the only room that the others do
# not see, tests and bench may look at everything.
set -u
root=${1:?usage: layering.sh SOURCE_ROOT}
cd "$root" || exit 2

declare -A below=(  # what a room may look at, besides itself
  [base]=""
  [io]="base"
  [devices]="io base"
  [sim]="devices io base"
  [nn]="io base"
  [rl]="io base"
  [lab/plots]="base"
  [lab/methods]="sim nn devices io base"
  [lab/experiment]="lab/methods sim nn rl devices io base"
  [lab/study]="lab/experiment lab/methods sim nn rl devices io base"
  [lab/results]="lab/study lab/experiment lab/methods sim nn rl devices io base"
  [lab/sweep]="lab/results lab/study lab/experiment lab/methods sim nn rl devices io base"
  [lab/report]="lab/results lab/plots lab/study lab/experiment lab/methods sim nn rl devices io base"
  [cli]="lab/report lab/sweep lab/results lab/plots lab/study lab/experiment lab/methods sim nn rl devices io base"
)
# What the loops that are compiled once per level may include: anything else could leave code of one level to all
# (conventions, 28).
level_files='^base/kernels(_(levels|loops|polynomials|vector|generic|v[0-9]+))?\.(h|cpp)$|^base/kernels_v[0-9]+\.cpp$'
level_headers=' cstddef cstdint string_view immintrin.h '

failures=0
report() {
  echo "$1" >&2
  failures=$((failures + 1))
}

# room_of FILE: sets `room` to the longest room that the path lies in; empty where there is none.
room_of() {
  room=${1%/*}
  while [[ -n $room && -z ${below[$room]+x} ]]; do
    [[ $room == */* ]] && room=${room%/*} || room=""
  done
}

# door HEADER FILE WHERE: third-party header HEADER was found in FILE.
door() {
  local header=$1 file=$2 where=$3 wanted=""
  case $header in
    toml++/*) [[ $file == io/config.cpp ]] || wanted="io/config.cpp" ;;
    hdf5.h | hdf5_hl.h | H5*.h | H5Cpp.h | highfive/*) [[ $file == io/h5* ]] || wanted="io/h5*" ;;
    zip.h) [[ $file == io/zip_file.cpp ]] || wanted="io/zip_file.cpp" ;;
    omp.h) [[ $file == base/parallel.cpp ]] || wanted="base/parallel.cpp" ;;
    CLI/*) [[ $file == cli/* ]] || wanted="cli" ;;
  esac
  [[ -z $wanted ]] || report "$where: <$header> stays behind the door $wanted"
}

rooms=()
for room in "${!below[@]}"; do
  [[ -d ${room%%/*} ]] && rooms+=("${room%%/*}")
done
mapfile -t rooms < <(printf '%s\n' "${rooms[@]}" | sort -u)

declare -A needs  # unit -> units that it includes
files=0
include_pattern='^([^:]+):([0-9]+):[[:space:]]*#[[:space:]]*include[[:space:]]*([<"])([^>"]+)[>"]'
while IFS= read -r line; do
  [[ $line =~ $include_pattern ]] || continue
  file=${BASH_REMATCH[1]} where="${BASH_REMATCH[1]}:${BASH_REMATCH[2]}" bracket=${BASH_REMATCH[3]} header=${BASH_REMATCH[4]}
  room_of "$file" && from=$room
  if [[ -z $from ]]; then
    report "$where: ${file%/*} is no room"
    continue
  fi
  room_of "$header" && to=$room
  is_level_file=false
  [[ $file =~ $level_files ]] && is_level_file=true
  if [[ $header == */* && -n $to ]]; then
    unit=${file%.*} other=${header%.*}
    [[ $unit == "$other" ]] || needs[$unit]+=" $other"
    [[ $to == "$from" || " ${below[$from]} " == *" $to "* ]] ||
      report "$where: $from -> $to ($header) is no arrow that points down"
    $is_level_file && [[ ! $header =~ ^base/kernels ]] &&
      report "$where: $header in a file that is compiled once per level"
  elif [[ $bracket == '"' ]]; then
    report "$where: \"$header\" names no room, expected \"$from/$header\""
  else
    door "$header" "$file" "$where"
    $is_level_file && [[ $level_headers != *" $header "* ]] &&
      report "$where: <$header> in a file that is compiled once per level"
  fi
done < <(grep -rnE --include='*.h' --include='*.cpp' '^[[:space:]]*#[[:space:]]*include' "${rooms[@]}" | LC_ALL=C sort)
files=$(find "${rooms[@]}" -name '*.h' -o -name '*.cpp' | wc -l)

while IFS= read -r line; do
  [[ ${line%%:*} == base/parallel.cpp ]] || report "$line stays behind the door base/parallel.cpp"
done < <(grep -rnoE --include='*.h' --include='*.cpp' '(#[[:space:]]*pragma|_Pragma\(")[[:space:]]*omp' "${rooms[@]}")

# A type that is named here and made elsewhere hides an arrow from the includes.
declare -A home  # type -> rooms that define it
while IFS=: read -r file line; do
  room_of "$file"
  [[ $line =~ (class|struct)[[:space:]]+([A-Za-z0-9_]+) ]] && home[${BASH_REMATCH[2]}]+=" $room"
done < <(grep -rE --include='*.h' --include='*.cpp' '^[[:space:]]*(class|struct)[[:space:]]+[A-Za-z0-9_]+[^;]*$' "${rooms[@]}")
while IFS=: read -r file number line; do
  [[ $line =~ (class|struct)[[:space:]]+([A-Za-z0-9_]+)\; ]] || continue
  room_of "$file"
  type=${BASH_REMATCH[2]}
  [[ -z ${home[$type]-} || " ${home[$type]} " == *" $room "* ]] ||
    report "$file:$number: $type is declared here and defined in${home[$type]}: include it"
done < <(grep -rnE --include='*.h' --include='*.cpp' '^[[:space:]]*(class|struct)[[:space:]]+[A-Za-z0-9_]+;' "${rooms[@]}")

# Depth first: a unit that is met while it is open closes a circle.
declare -A state
visit() {
  local unit=$1 path=$2 next
  state[$unit]=open
  for next in ${needs[$unit]-}; do
    case ${state[$next]-new} in
      open) report "circle of units: ${path#"${path%%"$next"*}"} -> $next" ;;
      new) visit "$next" "$path -> $next" ;;
    esac
  done
  state[$unit]=done
}
for unit in "${!needs[@]}"; do
  [[ ${state[$unit]-new} == new ]] && visit "$unit" "$unit"
done

if ((failures > 0)); then
  echo "layering: $failures fault(s)" >&2
  exit 1
fi
echo "layering: $files files in ${#below[@]} rooms, every arrow points down"
