#!/usr/bin/env bash
# Runs posekit-progressive as a user does: attributes, a training that is killed and goes on, its measures, an
# ablation that is stopped.
# usage: check_progressive.sh SOURCE_DIR PROGRAM
set -u
source=$1 program=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=""
complain() {
  echo "FAILED: $*"
  failed=yes
}
recordings=$source/examples/progressive/cmu_test.npz  # 3,510 frames

# Attributes of what comes along, and of a file that is named.
"$program" attributes --output attributes >said || complain "attributes ended with $?"
[ "$(wc -l <attributes/attributes.csv)" = 3511 ] || complain "expected a line for each of 3,510 frames"
head -2 attributes/attributes.csv | tail -1 | grep -qE '^0,basketball/basketball_1,ok,(front|back|on_plane),-?[0-9]' ||
  complain "attributes.csv begins with $(head -2 attributes/attributes.csv)"
[ -s attributes/planes.png ] || complain "attributes drew no planes"
grep -q '^left_wrist ' said && grep -q '^all ' said || complain "attributes prints no shares: $(cat said)"
"$program" attributes "$recordings" --threshold 5000 --output flat | grep -q '^all  *0.0 %  *0.0 %  *100.0 %' ||
  complain "within 5 m of the plane is not all on it"

# start_training FOLDER: in place of the shell that runs it
start_training() {
  exec "$program" train --poses "$recordings" --width 16 --epochs 20 --batch 512 --attribute-errors 0.2 --output "$1"
}
train() { (start_training "$@"); }
train whole >said || complain "train ended with $?: $(cat said)"
grep -q 'MPJPE .* mm  (P1' said && grep -q 'washwindow' said || complain "train prints no result: $(cat said)"
for file in checkpoint.safetensors best.safetensors log.csv log.json loss.png; do
  [ -s "whole/$file" ] || complain "train wrote no $file"
done
train whole | grep -q 'has all 120 steps' || complain "a training that is complete is done again"
# Interrupted at some step: that is finished and saved, and the rest has the same bits.
touch stopped.log
start_training stopped >stopped.log 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && ! grep -q epoch stopped.log; do sleep 0.01; done
kill -TERM $job
wait $job || complain "an interrupted training ended with $?: $(cat stopped.log)"
grep -q 'the same command goes on' stopped.log || complain "the training was over before it was interrupted"
(exec "$program" train --poses "$recordings" --width 16 --epochs 20 --batch 512 --attribute-errors 0.2 --threads 2 \
  --output stopped) >/dev/null || complain "an interrupted training does not resume"
cmp -s whole/checkpoint.safetensors stopped/checkpoint.safetensors || complain "an interrupted training has other bits"

"$program" eval --weights whole/best.safetensors --noise 0.02 --cameras 2 --output measured >said ||
  complain "eval ended with $?"
grep -q '^7020 pairs of 3510' said && grep -q 'by freedom:  torso' said || complain "eval: $(cat said)"
[ -s measured/prediction.npy ] && [ -s measured/truth.npy ] || complain "eval wrote no poses"

# An ablation that is stopped goes on; its tables have every row and seed.
ablate() { exec "$program" ablate --poses "$recordings" --width 64 --epochs 1 --batch 512 --seeds 1 --output table; }
touch ablation.log
(ablate) >ablation.log 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && ! grep -q 'baseline' ablation.log; do sleep 0.01; done
kill -9 $job 2>/dev/null
wait $job 2>/dev/null
(ablate) >said || complain "ablate ended with $?: $(cat said)"
[ "$(wc -l <table/ablation.csv)" = 13 ] || complain "expected 12 rows of a seed: $(cat table/ablation.csv)"
[ "$(wc -l <table/ablation.txt)" = 13 ] || complain "expected 12 rows: $(cat table/ablation.txt)"
# All networks without attributes are of one size, to 1 %.
awk -F, 'NR > 1 && $1 !~ /true|predicted/ { if (!first) first = $3; d = $3 / first - 1; if (d > 0.01 || d < -0.01) bad = 1 }
  END { exit bad }' table/ablation.csv && : || complain "sizes differ: $(cut -d, -f1-3 table/ablation.csv)"

# What is wrong is said in one line.
mistake() {
  local expected=$1
  shift
  "$program" "$@" >said 2>err && complain "$* is accepted"
  [ "$(wc -l <err)" = 1 ] && grep -q -- "$expected" err || complain "$*: expected one line with '$expected': $(cat err)"
}
printf 'x' >broken.npz
mistake 'broken.npz' attributes broken.npz
mistake 'no such file\|No such file\|missing\|cannot' attributes missing.npz
mistake 'ends in .\.txt' attributes notes.txt
mistake '1 says how many mm\|expected 200 to 1000; --unit' attributes "$recordings" --unit 0.001
mistake 'a batch of 60000 pairs is more' train --poses "$recordings" --batch 60000 --output no
mistake 'TERSE\|expected a number from 0 to 1\|a share from 0 to 1' train --attribute-errors 2 --output no
mistake 'is required' eval
mistake 'architecture\|no .architecture' eval --weights "$source/examples/margipose/small.safetensors"
[ ! -e no ] || complain "a training that did not begin leaves a folder"
[ -z "$failed" ] && echo "posekit-progressive does what its help says"
[ -z "$failed" ]
