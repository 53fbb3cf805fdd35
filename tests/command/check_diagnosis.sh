#!/usr/bin/env bash
# Runs the diagnosis example as a user does.
# usage: check_diagnosis.sh SOURCE_DIR PROGRAM
set -u
source=$1 program=$2
. "$source/tests/command/real_input.sh"
for model in posenet blazepose-lite; do
  [ -s "$models/$model.json" ] || { echo "skipped: $model is not there (scripts/fetch_models.sh --all)"; exit 77; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$program" "$models" "$photo" "$source/examples/poseig/person.json" "$work/diagnosis" >"$work/out" 2>"$work/err" ||
  { echo "FAILED: it ended with $?: $(cat "$work/err")"; exit 1; }
grep -q '^skipped: no folder of annotated COCO photos' "$work/out" || { echo "FAILED: it does not say that photos are missing"; exit 1; }
[ "$(grep -c '^PoseIG finds' "$work/out")" = 4 ] || { echo "FAILED: $(cat "$work/out")"; exit 1; }
[ "$(ls "$work/diagnosis" | grep -c '^joint-.*png$')" -ge 10 ] || { echo "FAILED: pictures: $(ls "$work/diagnosis")"; exit 1; }
grep -q 'nan' "$work/out" && { echo "FAILED: $(grep nan "$work/out")"; exit 1; }
"$program" "$models" "$work/nothing.jpg" "$source/examples/poseig/person.json" "$work/bad" >"$work/out" 2>"$work/err" &&
  { echo "FAILED: a missing photo was no error"; exit 1; }
grep -q 'no such file' "$work/err" || { echo "FAILED: said $(cat "$work/err")"; exit 1; }
[ -e "$work/bad" ] && { echo "FAILED: left $(ls -A "$work/bad") behind"; exit 1; }
echo "the example runs"
