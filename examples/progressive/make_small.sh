#!/usr/bin/env bash
# Trains the small network that comes along (small.safetensors) with posekit-progressive.
# usage: make_small.sh PROGRAM [WORK_DIR]      stopped, it goes on where it was
set -eu
program=$1 work=${2:-out/progressive/small}
here=$(cd "$(dirname "$0")" && pwd)
poses=(--poses "$here/cmu_train.npz" --test-poses "$here/data/cmu_test.npz")
"$program" train --stage multi "${poses[@]}" --size 128 --features 64 --heatmap-weight 0.5 --learning-rate 1e-3 \
  --epochs 60 --output "$work/multi"
"$program" train --stage lift --width 128 --attribute-errors 0.3 --noise 0.02 --output "$work/lift"
"$program" train --stage joint "${poses[@]}" --multi "$work/multi/best.safetensors" --lift "$work/lift/best.safetensors" \
  --epochs 20 --output "$work/joint"
"$program" shrink --weights "$work/joint/best.safetensors" --output "$here/small.safetensors"
size=$(stat -c %s "$here/small.safetensors")
[ "$size" -le 2000000 ] || { echo "small.safetensors has $size bytes, expected at most 2,000,000" >&2; exit 1; }
