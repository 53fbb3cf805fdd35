#!/usr/bin/env bash
# Runs the heatmap example as a user does.
# usage: check_heatmaps.sh SOURCE_DIR PROGRAM
set -u
source=$1 program=$2
. "$source/tests/command/real_input.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$models" "$photo" "$work/heatmaps.png" >"$work/out" || { echo "FAILED: it ended with $?"; exit 1; }
[ -s "$work/heatmaps.png" ] || { echo "FAILED: no picture was written"; exit 1; }
[ "$(wc -l <"$work/out")" = 18 ] || { echo "FAILED: expected 17 joints, found: $(cat "$work/out")"; exit 1; }
# The readings of a clear joint lie close together, but for plain soft-argmax, which is pulled to the middle.
awk '$1 == "left_shoulder" {
  gsub(/[(),]/, " ")
  for (i = 4; i <= 10; i += 2) {
    far = ($i - $2) ^ 2 + ($(i + 1) - $3) ^ 2 > 100
    if (far != (i == 8)) exit 1
  }
}' "$work/out" || { echo "FAILED: the readings of left_shoulder: $(grep left_shoulder "$work/out")"; exit 1; }
"$program" "$work/nowhere" "$photo" "$work/x.png" >"$work/out" 2>"$work/err" && { echo "FAILED: a missing network was no error"; exit 1; }
grep -q 'no such file' "$work/err" || { echo "FAILED: said $(cat "$work/err")"; exit 1; }
echo "the example runs"
