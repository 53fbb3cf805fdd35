#!/usr/bin/env bash
# Checks which rooms include which (docs/design.md), and that each neighbour is included in one place.
# usage: check_layers.sh SOURCE_DIR
set -u
cd "$1/include/posekit" || exit 1
# room: the rooms it may include besides itself
declare -A allowed=(
  [core]=""
  [simd]="core"
  [kernels]="core simd"
  [autodiff]="core simd kernels"
  [testing]="core autodiff"
  [heatmap]="core simd kernels autodiff"
  [io]="core"
  [pose]="core simd kernels autodiff"
  [nn]="core autodiff io"
  [optim]="core simd autodiff"
  [image]="core"
  [batches]="core pose image"
  [datasets]="core io pose image batches"
  [evaluation]="core pose image datasets"
  [synthetic]="core io pose image batches"
  [viz]="core io pose"
  [graph]="core simd kernels autodiff io"
  [models]="core autodiff heatmap graph pose nn io image"
  [training]="core autodiff io viz nn optim"
  [attribution]="core simd kernels autodiff io pose image models"
)
failed=""
complain() {
  echo "$*"
  failed=yes
}
for header in $(find */ -name "*.hpp" | sort); do
  room=${header%%/*}
  [ -n "${allowed[$room]+x}" ] || complain "$header: the room $room is not in the table of check_layers.sh"
  while read -r included; do
    case "$included" in
      */*) ;;
      *) complain "$header includes the area header posekit/$included"; continue ;;
    esac
    other=${included%%/*}
    [ "$other" = "$room" ] && continue
    case " ${allowed[$room]-} " in
      *" $other "*) ;;
      *) complain "$header includes posekit/$included, but $room may not include $other" ;;
    esac
  done < <(sed -n 's/^ *# *include *<posekit\/\([^>]*\)>.*/\1/p' "$header")
done
# only WHAT FILES...: the pattern may stand in these files only.
only() {
  local pattern=$1
  shift
  local file
  for file in $(grep -rlE "^ *# *include *<$pattern" --include='*.hpp' .); do
    case " $* " in
      *" ${file#./} "*) ;;
      *) complain "${file#./} includes <$pattern...>, which is for $* only" ;;
    esac
  done
}
only 'xsimd' simd/batch.hpp
only 'xtensor' core/tensor.hpp
only 'omp.h' core/threads.hpp
only 'Eigen' core/linear_algebra.hpp
only 'stb' io/image.hpp
only 'nlohmann' io/json_document.hpp io/json_string.hpp io/parse_json.hpp io/safetensors.hpp io/safetensors_header.hpp
only 'immintrin' core/isa.hpp simd/batch.hpp
# Of each header what is no comment, with the file's name and the line's number before it.
code() { find . -name '*.hpp' | sort | while read -r file; do sed -e 's|//.*||' "$file" | grep -n '' | sed "s|^|${file#./}:|"; done; }
# forbidden WHY PATTERN: no line may match but those of static_assert and snprintf.
forbidden() {
  local lines
  lines=$(code | grep -E -- "$2" | grep -vE '\b(static_assert|snprintf) *\(')
  [ -z "$lines" ] || complain "$1"$'\n'"$lines"
}
forbidden "library code must not assert, abort or exit" '\b(assert|abort|exit|_Exit|quick_exit|terminate) *\('
forbidden "library code must not print" '\b(std::(cout|cerr|clog|print|println)|stdout|stderr|printf|fprintf|vprintf|vfprintf|puts|fputs|putchar|putc|fputc|fwrite|perror)\b'
# What is compiled for one instruction set must not share symbols with what is for another: only
# exceptions cross (tests/scripts/check_symbols.sh looks at the symbols themselves).
plain=$(code | grep -E ':[0-9]+: *namespace posekit(::[a-z_]+)* *\{' | grep -v '^core/error.hpp:')
[ -z "$plain" ] || complain "code outside of the namespace POSEKIT_ISA"$'\n'"$plain"
for header in $(find */ -name "*.hpp" | sort); do
  grep -q 'POSEKIT_ISA' "$header" || complain "$header does not use the namespace POSEKIT_ISA"
done
[ -z "$failed" ] || exit 1
echo "all includes follow the layers"
