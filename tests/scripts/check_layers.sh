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
  [pose]="core autodiff"
  [nn]="core autodiff io"
  [optim]="core simd autodiff"
  [data]="core io pose"
  [synthetic]="core io pose data"
  [viz]="core io pose"
  [graph]="core simd kernels autodiff io"
  [models]="core autodiff heatmap graph pose nn"
  [training]="core autodiff io viz nn optim"
  [attribution]="core simd kernels autodiff"
)
failed=""
complain() {
  echo "$*"
  failed=yes
}
for header in */*.hpp; do
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
only 'nlohmann' io/json_string.hpp io/parse_json.hpp io/safetensors.hpp io/safetensors_header.hpp
only 'immintrin' core/isa.hpp simd/batch.hpp
if grep -rnE '\b(assert|abort|exit|printf|std::cout|std::cerr)\b *\(' --include='*.hpp' . | grep -vE 'static_assert|snprintf|//'; then
  complain "library code must not assert, abort, print or exit"
fi
# What compiles differently for each instruction set must not share symbols between them.
for header in simd/*.hpp kernels/*.hpp autodiff/*.hpp heatmap/*.hpp graph/*.hpp models/*.hpp; do
  grep -q 'POSEKIT_ISA' "$header" || complain "$header does not use the namespace POSEKIT_ISA"
done
[ -z "$failed" ] || exit 1
echo "all includes follow the layers"
