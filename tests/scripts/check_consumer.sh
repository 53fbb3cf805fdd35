#!/usr/bin/env bash
# Builds a separate project against posekit in one way, and runs it.
# usage: check_consumer.sh SOURCE_DIR BUILD_DIR HOW COMPILER
set -eu
source=$1 build=$2 how=$3 compiler=$4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
arguments=(-DPOSEKIT_HOW="$how" -DPOSEKIT_SOURCE="$source" -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release
  -DCMAKE_CXX_FLAGS_RELEASE=-O0)
if [ "$how" = find_package ]; then
  cmake --install "$build" --prefix "$work/prefix" >/dev/null
  # Installed headers only: nothing of the checkout may be needed.
  arguments+=(-DCMAKE_PREFIX_PATH="$work/prefix")
fi
cmake -S "$source/tests/consumer" -B "$work/build" "${arguments[@]}" >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
targets=(--target consumer)
[ "$how" = find_package ] && targets+=(--target explain_network heatmaps evaluate margipose margipose_files)
cmake --build "$work/build" "${targets[@]}" -j 2 >"$work/log" 2>&1 || { tail -40 "$work/log"; exit 1; }
"$work/build/consumer"
[ "$how" != find_package ] || "$work/build/heatmaps"
if [ "$how" = find_package ]; then
  golden=$source/tests/golden
  "$work/build/evaluate" "$golden/poses/prediction.npy" "$golden/poses/truth.npy" "$golden/coco/truth.json" \
    "$golden/coco/results.json" | tee "$work/log"
  (cd "$work" && build/margipose_files && build/margipose net.safetensors image.npy truth.npy &&
    build/margipose_files "$golden/margipose")
  tail -1 "$work/log" | grep -q '^0.314755 0.447149 0.362757 0.353523 0.316792 0.553659$'
fi
if [ "$how" = find_package ] && [ -s "$source/models/movenet-lightning.json" ]; then
  # An image of zeros, written here to need nothing else: 1 x 192 x 192 x 3 bytes behind an npy header.
  header="{'descr': '|u1', 'fortran_order': False, 'shape': (1, 192, 192, 3), }"
  { printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$header"; head -c 110592 /dev/zero; } >"$work/input.npy"
  "$work/build/explain_network" "$source/models/movenet-lightning.json" "$work/input.npy" \
    StatefulPartitionedCall/kpt_heatmap_0/conv2d_5/BiasAdd "$work/y.npy" "$work/g.npy"
  [ -s "$work/y.npy" ] && [ -s "$work/g.npy" ]
  ! "$work/build/explain_network" /nowhere.json a b c d 2>"$work/log"
  grep -q 'no such file' "$work/log"
fi
echo "$how works"
