#!/usr/bin/env bash
# Trains the small network that comes along (small.safetensors), in some 40 minutes of one core.
# usage: make_small.sh PROGRAM [WORK_DIR]      stopped, it goes on where it was
set -eu
program=$1 work=${2:-out/progressive/small}
here=$(cd "$(dirname "$0")" && pwd)
"$program" train --stage multi --features 96 --epochs 90 --output "$work/multi"
"$program" train --stage lift --width 128 --noise 0.03 --attribute-errors 0.35 --output "$work/lift"
"$program" train --stage joint --multi "$work/multi/best.safetensors" --lift "$work/lift/best.safetensors" --epochs 16 \
  --output "$work/joint"
"$program" shrink --weights "$work/joint/best.safetensors" --output "$here/small.safetensors"
size=$(stat -c %s "$here/small.safetensors")
[ "$size" -le 2500000 ] || { echo "small.safetensors has $size bytes, expected at most 2,500,000" >&2; exit 1; }
