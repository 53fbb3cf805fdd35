#!/usr/bin/env bash
# Runs posekit-margipose as a user does, on tiny networks: trains, kills, resumes, measures, draws.
# usage: check_margipose.sh SOURCE_DIR PROGRAM [KILLS]
set -u
source=$1 program=$2 kills=${3:-6}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=""
complain() {
  echo "FAILED: $*"
  failed=yes
}
tiny=(--size 32 --images 128 --batch 16 --test-images 16)
# start_training FOLDER THREADS WIDTH: in place of the shell that runs it
start_training() {
  exec "$program" train "${tiny[@]}" --stages 1 --checkpoint-every 1 --epochs 12 --output "$1" --threads "${2:-1}" --width "${3:-8}"
}
train() { (start_training "$@"); }

train whole >out || complain "train ended with $?"
grep -q '^the network  ' out || complain "train prints no result: $(cat out)"
[ "$(grep -c 'PA-MPJPE .* mm' out)" -ge 12 ] || complain "expected a line for each epoch: $(cat out)"
for file in checkpoint.safetensors best.safetensors log.csv log.json loss.png; do
  [ -s "whole/$file" ] || complain "train wrote no $file"
done
[ "$(wc -l <whole/log.csv)" = 97 ] || complain "expected 96 steps in log.csv, found $(wc -l <whole/log.csv) lines"

# Killed at any moment, and started again until it is done: the same bits.
count=0
for ((i = 0; i < kills; ++i)); do
  start_training killed >killed.log 2>&1 &
  job=$!
  # The first one while it surely works.
  while [ "$i" = 0 ] && [ ! -s killed/checkpoint.safetensors ] && kill -0 $job 2>/dev/null; do sleep 0.01; done
  [ "$i" = 0 ] || sleep "0.$(printf %02d $((RANDOM % 20 + 5)))"
  kill -9 $job 2>/dev/null && count=$((count + 1))
  wait $job 2>/dev/null
done
[ "$count" -gt 0 ] || complain "no training was killed"
train killed >killed.log 2>&1 || complain "a training that was killed does not resume: $(cat killed.log)"
cmp -s whole/checkpoint.safetensors killed/checkpoint.safetensors || complain "a killed training has other bits"
cmp -s whole/log.csv killed/log.csv || complain "a killed training has another log"
# Interrupted: the step is finished and saved.
start_training stopped >stopped.log 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && [ ! -s stopped/checkpoint.safetensors ]; do sleep 0.02; done
kill -TERM $job
wait $job || complain "an interrupted training ended with $?: $(cat stopped.log)"
train stopped 2 >/dev/null || complain "an interrupted training does not resume"
cmp -s whole/checkpoint.safetensors stopped/checkpoint.safetensors || complain "an interrupted training has other bits"

weights=whole/best.safetensors
"$program" eval --weights $weights --images 8 --output measured >out || complain "eval ended with $?"
grep -q 'the mean pose' out && [ -s measured/prediction.npy ] || complain "eval: $(cat out)"
"$program" eval --weights $weights --images 4 --ten-crop >out || complain "eval --ten-crop ended with $?"
"$program" predict --weights $weights --example 2 --output drawn >out || complain "predict ended with $?"
[ -s drawn/prediction.png ] && [ "$(wc -l <out)" = 20 ] || complain "predict: $(cat out)"
"$program" explain --weights $weights --steps 4 --output drawn >out || complain "explain ended with $?"
[ -s drawn/explanation.png ] && [ -s drawn/attributions.npy ] || complain "explain: $(cat out)"
"$program" ablate "${tiny[@]}" --stages 2 --width 8 --threads 1 --epochs 1 --seeds 2 --output ablation >out || complain "ablate ended with $?"
[ "$(wc -l <ablation/ablation.csv)" = 9 ] && [ -s ablation/figure7.png ] || complain "ablate: $(cat out)"
"$program" ablate --size 32 --images 4 --batch 2 --test-images 1 --stages 1 --width 8 --threads 1 --epochs 1 --seeds 1 --output one >out || complain "ablate of one picture ended with $?"

# The weights that come along.
if [ -s "$source/examples/margipose/small.safetensors" ]; then
  "$program" predict --weights "$source/examples/margipose/small.safetensors" --output shipped --quiet ||
    complain "predict ended with $? on the weights that come along"
fi

# wrong TEXT ARGUMENTS...: ends with 1, says TEXT in one line.
wrong() {
  local text=$1
  shift
  "$program" "$@" >out 2>err
  [ $? = 1 ] || complain "$*: expected exit status 1"
  [ "$(wc -l <err)" = 1 ] && grep -qF -- "$text" err || complain "$*: expected '$text', said: $(cat err)"
}
# refused TEXT ARGUMENTS...: the same, and nothing is written.
refused() {
  wrong "$@" --output nothing
  [ ! -e nothing ] || complain "$* left something"
}
refused 'no such file' predict --weights nowhere.safetensors
head -c 100 $weights >short.safetensors
refused 'short.safetensors' predict --weights short.safetensors
refused 'image_size' predict --weights whole/checkpoint.safetensors
refused "no joint 'elbow'" predict --weights $weights --joint elbow
refused '--box' predict --weights $weights --image "$source/docs/overview.jpg" --box 1,2,3
echo 'not a picture' >text.jpg
refused 'text.jpg' predict --weights $weights --image text.jpg
wrong 'is of a training with width 8, this one has width 16' train "${tiny[@]}" --stages 1 --epochs 12 --width 16 --output whole
wrong "no feature extractor 'vgg'" train --extractor vgg
train whole >out || complain "a training that is done ended with $?"
grep -q 'has all 96 steps of this training already' out || complain "a training that is done: $(cat out)"

wrong 'this one has learning_rate 0.1' train "${tiny[@]}" --stages 1 --epochs 12 --width 8 --learning-rate 0.1 --output whole
wrong 'width 28 does not go with images of 64 pixels' train --size 64 --width 28 --output sizes
wrong 'multiple of 8, as of width 32' train --size 128 --output sizes
wrong 'a multiple of 32' train --size 100 --output sizes
wrong 'more than the 4 of an epoch' train --size 96 --images 4 --batch 16 --output sizes
wrong 'seed 32343' train --seed 32343 --output sizes
wrong '--seed' train --seed -1 --output sizes
wrong '--bogus' train --bogus
wrong 'subcommand' --
wrong 'the output folder cannot be made: Not a directory' train "${tiny[@]}" --output text.jpg/out
wrong 'the output folder cannot be made: Not a directory' ablate "${tiny[@]}" --output text.jpg/out
[ ! -e sizes ] || complain "a training that cannot be left something"
while read -r box text; do
  refused "--box $text" predict --weights $weights --image "$source/docs/overview.jpg" --box $box
done <<'END'
nan,0,10,10 nan,0,10,10 is not finite
0,0,inf,inf 0,0,inf,inf is not finite
100000,100000,10,10 100000,100000,10,10 lies outside the photo
0,0,1e12,1e12 0,0,1e12,1e12 lies outside the photo
0,0,-5,10 0,0,-5,10 is empty
1,2,3,4,5 is '1,2,3,4,5', expected x,y,width,height
END
wrong '--box: has no effect without --image' predict --weights $weights --box 0,0,10,10
cat >tiny.bvh <<'END'
HIERARCHY
ROOT Hips
{
  OFFSET 0 0 0
  CHANNELS 1 Xrotation
  End Site
  {
    OFFSET 0 1 0
  }
}
MOTION
Frames: 1
Frame Time: 0.1
0
END
refused 'has no joint for' predict --weights $weights --poses tiny.bvh
for number in nan inf -1 1e400; do
  wrong "--2d: is $number, expected a share from 0 to 1" train "${tiny[@]}" --2d $number --output fresh/out
  wrong "--unit: is $number, expected 0 or a positive number" train "${tiny[@]}" --unit $number --output fresh/out
  wrong "--learning-rate: is $number, expected 0 or a positive number" train "${tiny[@]}" --learning-rate $number --output fresh/out
done
wrong '' train "${tiny[@]}" --patience -1
[ "$(wc -c <err)" -lt 200 ] || complain "a message of $(wc -c <err) characters: $(cat err)"
wrong 'a batch of 16 pictures' train --size 32 --images 8 --batch 16 --test-images 16 --output fresh/out
wrong 'no optimizer' train "${tiny[@]}" --optimizer fast --output fresh/out
wrong 'no such file' train "${tiny[@]}" --poses gone.bvh --output fresh/out
[ ! -e fresh ] || complain "a training that failed left $(find fresh)"

# Two into one folder.
"$program" train --size 32 --images 100000 --batch 16 --test-images 16 --stages 1 --width 8 --epochs 100 --checkpoint-every 1 --output shared >/dev/null 2>&1 &
job=$!
while kill -0 $job 2>/dev/null && [ ! -s shared/checkpoint.safetensors ]; do sleep 0.02; done
wrong 'another training is writing into this folder' train "${tiny[@]}" --stages 1 --width 8 --output shared
kill -HUP $job
wait $job || complain "a training whose terminal went away ended with $?"
[ "$(ls -A shared | grep -c '^\.')" = 0 ] || complain "a training left $(ls -A shared)"

if [ -e /dev/full ]; then
  "$program" predict --weights $weights --output full >/dev/full 2>err
  [ $? = 1 ] && grep -q 'the standard output cannot be written' err || complain "a full standard output: $(cat err)"
fi
[ -z "$failed" ] || exit 1
echo "train, eval, predict, explain and ablate work; $count trainings were killed"
