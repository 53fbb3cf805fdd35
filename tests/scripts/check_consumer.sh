#!/usr/bin/env bash
# Builds a separate project against posekit in one way, and runs it. Programs are built twice, header-only and
# with posekit::compiled, and must give the same bits: with find_package all of them, for any processor; as a
# subdirectory one of them, optimised and where possible for AVX2.
# usage: check_consumer.sh SOURCE_DIR HOW COMPILER
set -eu
source=$1 how=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
common=(-DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O0)
run() { "$@" >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }; }
programs=(consumer)
if [ "$how" = find_package ]; then
  programs=(consumer pose_networks explain_network heatmaps evaluate margipose margipose_files progressive)
  # Installed files only: nothing of the checkout may be needed.
  run cmake -S "$source" -B "$work/posekit" "${common[@]}" -DPOSEKIT_NATIVE=OFF -DPOSEKIT_BUILD_EXAMPLES=OFF \
    -DPOSEKIT_BUILD_TESTS=OFF -DPOSEKIT_BUILD_BENCHMARKS=OFF
  run cmake --build "$work/posekit" -j 2
  run cmake --install "$work/posekit" --prefix "$work/prefix"
  rm -rf "$work/posekit"
  common+=(-DCMAKE_PREFIX_PATH="$work/prefix")
fi
twice=yes
case $how in
  FetchContent) twice="" ;;
  add_subdirectory)
    common+=(-DCMAKE_CXX_FLAGS_RELEASE=-O1)
    ! grep -qm1 '\<avx2\>' /proc/cpuinfo || common+=(-DPOSEKIT_AVX2=ON)
    ;;
esac
run cmake -S "$source/tests/consumer" -B "$work/build" "${common[@]}" -DPOSEKIT_HOW="$how" -DPOSEKIT_SOURCE="$source"
targets=("${programs[@]}")
[ -z "$twice" ] || targets+=("${programs[@]/%/_compiled}" consumer_mixed)
run cmake --build "$work/build" --target "${targets[@]}" -j 2

# run_all SUFFIX: of the programs' names; what they write and print ends in the folder of that name
run_all() {
  local golden=$source/tests/golden program=$work/build folder=$work/out$1
  mkdir "$folder"
  cd "$folder"
  "$program/consumer$1" >consumer.txt
  [ "$how" = find_package ] || return 0
  "$program/heatmaps$1" >heatmaps.txt
  "$program/evaluate$1" "$golden/poses/prediction.npy" "$golden/poses/truth.npy" "$golden/coco/truth.json" \
    "$golden/coco/results.json" >evaluate.txt
  grep -q '^0.314755 0.447149 0.362757 0.353523 0.316792 0.553659$' evaluate.txt
  "$program/margipose_files$1"
  "$program/margipose$1" net.safetensors image.npy truth.npy
  "$program/margipose_files$1" "$golden/margipose"
  "$program/progressive$1" "$source/examples/progressive/cmu_test.npz"
  if [ -s "$source/models/movenet-lightning.json" ]; then
    # An image of zeros, written here to need nothing else: 1 x 192 x 192 x 3 bytes behind an npy header.
    header="{'descr': '|u1', 'fortran_order': False, 'shape': (1, 192, 192, 3), }"
    { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header"; head -c 110592 /dev/zero; } >input.npy
    "$program/explain_network$1" "$source/models/movenet-lightning.json" input.npy \
      StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd y.npy g.npy
    [ -s y.npy ] && [ -s g.npy ]
    if [ -s "$source/photos/person.jpg" ]; then
      "$program/pose_networks$1" "$source/models" "$source/examples/margipose/small.safetensors" "$source/photos/person.jpg" 1 >pose_networks.txt
      [ "$(grep -c '^.* joints, first at [0-9.]* [0-9.]*, DI' pose_networks.txt)" = 3 ]
    fi
    ! "$program/explain_network$1" /nowhere.json a b c d 2>log
    grep -q 'no such file' log
  fi
}
run_all ""
if [ -n "$twice" ]; then
  run_all _compiled
  diff -r "$work/out" "$work/out_compiled" || { echo "FAILED: header-only and compiled differ"; exit 1; }
  "$work/build/consumer_mixed" | diff - "$work/out/consumer.txt" || { echo "FAILED: a mixed program differs"; exit 1; }
fi
if [ "$how" = find_package ]; then
  # What is in the library is not compiled again.
  nm -C "$work/build/CMakeFiles/explain_network_compiled.dir/explain_network.cpp.o" | grep -q ' U posekit::.*load_tfjs<float>' ||
    { echo "FAILED: load_tfjs is not the library's"; exit 1; }
  # With other -m flags: the headers, and a word about it.
  case $(uname -m) in
    x86_64)
      definition=$(sed -n 's/.*\(POSEKIT_COMPILED_FOR_isa_[a-z0-9_]*=1\).*/\1/p' "$work/prefix"/lib*/cmake/posekit/posekit-compiled-targets.cmake \
        "$work/prefix"/lib/*/cmake/posekit/posekit-compiled-targets.cmake 2>/dev/null | head -1)
      [ -n "$definition" ] || { echo "FAILED: the installed targets do not say what they are compiled for"; exit 1; }
      printf '#include <posekit/core/definitions.hpp>\n#if POSEKIT_DEFINES_HEATMAP\nint headers;\n#else\nint library;\n#endif\n' >"$work/unit.cpp"
      for flags in "" "-mavx2 -mfma"; do
        # shellcheck disable=SC2086
        "$compiler" -std=c++20 $flags -I "$work/prefix/include" -DPOSEKIT_COMPILED "-D$definition" -c "$work/unit.cpp" -o "$work/unit.o" 2>"$work/log"
        if [ -z "$flags" ]; then
          nm "$work/unit.o" | grep -q library && [ ! -s "$work/log" ] || { cat "$work/log"; echo "FAILED: the library's own flags are not recognised"; exit 1; }
        else
          nm "$work/unit.o" | grep -q headers && grep -q 'other -m flags' "$work/log" || { echo "FAILED: other flags use the library"; exit 1; }
        fi
      done
      ;;
  esac
fi
cat "$work/out"/*.txt
echo "$how works"
