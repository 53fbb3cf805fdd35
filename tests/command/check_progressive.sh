#!/usr/bin/env bash
# Runs posekit-progressive as a user does: attributes, trainings that are killed and go on, their measures, an
# ablation that is stopped, and what comes along with it.
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

# From pictures: both stages that see them, killed and gone on with, and everything that their weights are for.
# start_multi FOLDER OPTIONS...
start_multi() {
  exec "$program" train --stage multi --poses "$recordings" --features 8 --images 64 --epochs 6 --test-images 8 \
    --checkpoint-every 1 --output "$@"
}
(start_multi multi) >said || complain "train --stage multi ended with $?: $(cat said)"
grep -q '^night ' said && grep -q 'the commonest: lab' said || complain "train --stage multi prints no result: $(cat said)"
for file in checkpoint.safetensors best.safetensors log.csv log.json loss.png domains.csv domains.png; do
  [ -s "multi/$file" ] || complain "train --stage multi wrote no $file"
done
touch killed.log
start_multi killed --workers 0 >killed.log 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && ! grep -q 'epoch  *2/' killed.log; do sleep 0.01; done
kill -9 $job 2>/dev/null
wait $job 2>/dev/null
grep -q 'epoch  *6/' killed.log && complain "the training on pictures was over before it was killed"
(start_multi killed --threads 2) >/dev/null || complain "a killed training on pictures does not resume"
for file in checkpoint.safetensors domains.csv; do
  cmp -s "multi/$file" "killed/$file" || complain "a killed training on pictures has another $file"
done
"$program" train --stage joint --poses "$recordings" --multi multi/best.safetensors --lift whole/best.safetensors \
  --images 32 --epochs 1 --test-images 8 --output joint >said || complain "train --stage joint ended with $?: $(cat said)"
grep -q '^before:' said && grep -q 'PA-MPJPE' said || complain "train --stage joint prints no result: $(cat said)"
"$program" shrink --weights joint/best.safetensors --output half.safetensors || complain "shrink ended with $?"
[ "$(stat -c %s half.safetensors)" -lt "$(stat -c %s joint/best.safetensors)" ] || complain "shrink made nothing smaller"
for weights in multi/best.safetensors half.safetensors; do
  "$program" eval --weights "$weights" --images 8 --poses "$recordings" >said || complain "eval $weights ended with $?"
  grep -q '^wild ' said || complain "eval $weights: $(cat said)"
done
grep -q '3510 pairs' said || complain "an image lifter's own lifter is not measured: $(cat said)"
adapt() {
  exec "$program" adapt --poses "$recordings" --features 8 --images 32 --epochs 1 --test-images 8 --seeds 2 --output adapted
}
touch adapt.log
(adapt) >adapt.log 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && ! grep -q 'mixed' adapt.log; do sleep 0.01; done
kill -9 $job 2>/dev/null
wait $job 2>/dev/null
(adapt) >said || complain "adapt ended with $?: $(cat said)"
[ "$(wc -l <adapted/adaptation.csv)" = 19 ] || complain "expected 3 trainings, 2 seeds and 3 domains: $(cat adapted/adaptation.csv)"
[ "$(wc -l <adapted/domains.csv)" = 4 ] || complain "expected one evaluation of 3 trainings: $(cat adapted/domains.csv)"
[ -s adapted/adaptation.png ] && [ -s adapted/domains.png ] || complain "adapt drew nothing"

# With the weights that come along, at once.
"$program" predict --example 3 --output predicted >said || complain "predict ended with $?"
[ -s predicted/prediction.png ] && [ "$(wc -l <predicted/joints.csv)" = 17 ] || complain "predict wrote no results"
grep -q 'MPJPE .* mm' said || complain "predict prints no error: $(cat said)"
grep -q '"front"' predicted/joints.json || complain "joints.json has no attributes"
"$program" explain --domain lab --joints left_wrist,head --plane zy --steps 10 --output explained >said || complain "explain ended with $?"
[ -s explained/explanation.png ] && [ -s explained/attributions.npy ] || complain "explain wrote no results"
grep -q '^left_wrist' said && grep -q '^head' said || complain "explain: $(cat said)"
"$program" eval --images 64 >said || complain "eval ended with $?"
# Better than always the commonest class, and than a pose of no depth.
awk '/^lab / { right = $3 + 0; error = $(NF - 3) } /commonest/ { sub(/.*lab /, ""); least = $1 + 0 }
  END { exit !(right > least + 2 && error < 130) }' said || complain "what comes along measures: $(cat said)"

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
mistake 'architecture\|no .architecture' eval --weights "$source/examples/margipose/small.safetensors"
mistake 'expected 200 to 1000; --unit' train --stage multi --poses "$recordings" --unit 0.001 --output no
mistake 'a batch of 4000 pictures is more' train --stage multi --batch 4000 --images 100 --output no
mistake 'seed 32343 draws' train --stage multi --seed 32343 --output no
mistake 'seed 32343 draws' train --seed 32343 --output no
mistake '.middle., expected lab or mixed' train --stage multi --sources middle --output no
mistake 'is required' train --stage joint
mistake "weights of 'progressive_pose', expected pose_attribute_net" train --stage joint --multi whole/best.safetensors \
  --lift whole/best.safetensors --output no
mistake "weights of 'pose_attribute_net', expected image_lifter" predict --weights multi/best.safetensors --output no
mistake "no domain 'moon', expected one of lab, wild" predict --domain moon --output no
mistake "'left_fin'" explain --joints left_fin --output no
mistake 'plane is .yy., expected xy, zy or xz' explain --plane yy --output no
mistake 'does not lift poses' eval --weights multi/best.safetensors --output no
mistake 'no such file' shrink --weights missing.safetensors --output no
[ ! -e no ] || complain "a training that did not begin leaves a folder"
[ -z "$failed" ] && echo "posekit-progressive does what its help says"
[ -z "$failed" ]
