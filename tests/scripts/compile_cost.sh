#!/usr/bin/env bash
# What it costs to compile with posekit, in counts that do not depend on how busy the machine is: the lines
# that each area header comes to, and the functions and the memory of the README's first program. They
# depend on the compiler and its library: where these are not Debian 12's, nothing is judged.
# usage: compile_cost.sh SOURCE_DIR MEASURE_PROGRAM COMPILER FLAGS...
set -u
source=$1 measure=$2 compiler=$3
shift 3
if ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release 2>/dev/null || ! "$compiler" -dM -E -x c++ /dev/null | grep -q "^#define __VERSION__ \"12\."; then
  echo "skipped: the limits are those of g++ 12 on Debian 12"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=""
# judge WHAT COUNT LIMIT
judge() {
  local verdict=""
  if [ "$2" -gt "$3" ]; then
    verdict="too much"
    failed=yes
  fi
  printf '%-28s %8d of %8d  %s\n' "$1" "$2" "$3" "$verdict"
}

echo "lines after preprocessing:"
limits="attribution 230000
autodiff 159000
batches 152000
core 147000
data 189000
datasets 186000
evaluation 136000
graph 192000
heatmap 159000
image 144500
io 141000
models 247000
nn 197000
optim 157000
pose 196000
posekit 264000
synthetic 198000
testing 107000
training 150000
viz 118000"
for path in "$source"/include/posekit/*.hpp; do
  header=$(basename "$path" .hpp)
  limit=$(awk -v header="$header" '$1 == header { print $2 }' <<<"$limits")
  [ -n "$limit" ] || { echo "$header.hpp has no limit here"; exit 1; }
  echo "#include <posekit/$header.hpp>" >"$work/unit.cpp"
  "$compiler" -std=c++20 -I "$source/include" "$@" -E -P "$work/unit.cpp" -o "$work/unit.ii" || exit 1
  judge "posekit/$header.hpp" "$(wc -l <"$work/unit.ii")" "$limit"
done

# cost WHAT FUNCTIONS MEGABYTES FLAGS...: of compiling the README's first program without optimisation.
# The compiler collects its garbage by the machine's memory unless it is told when.
cost() {
  local what=$1 functions=$2 limit=$3 megabytes
  shift 3
  echo "tests/consumer/pose_ig.cpp without optimisation, $what:"
  "$measure" "$compiler" -std=c++20 -O0 --param ggc-min-expand=30 --param ggc-min-heapsize=131072 \
    -I "$source/include" "$@" -c "$source/tests/consumer/pose_ig.cpp" -o "$work/unit.o" >"$work/cost" || exit 1
  read -r _ megabytes <"$work/cost"
  judge functions "$(nm "$work/unit.o" | grep -c ' [TtWw] ')" "$functions"
  judge "megabytes of memory" "${megabytes%.*}" "$limit"
}
cost header-only 3950 1230 "$@"
isa=$(printf '#include <posekit/core/isa.hpp>\nPOSEKIT_ISA\n' | "$compiler" -std=c++20 -I "$source/include" "$@" -E -P -x c++ - | tail -1)
[ -n "$isa" ] || { echo "the instruction set was not found"; exit 1; }
cost "with posekit::compiled" 510 415 "-DPOSEKIT_COMPILED_FOR_$isa=1" "$@"
[ -z "$failed" ]
