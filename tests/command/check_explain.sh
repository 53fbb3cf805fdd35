#!/usr/bin/env bash
# Runs posekit-explain as a user does: well, and with every mistake we could think of.
# usage: check_explain.sh SOURCE_DIR PROGRAM
set -u
source=$1 program=$2
. "$source/tests/command/real_input.sh"
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
failures=0
complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
export POSEKIT_MODELS=$models
explain() { "$program" "$@"; }

# A run that ends well.
explain --image "$photo" --annotations "$source/examples/poseig/person.json" --steps 3 --output "$work/good" >"$work/out" 2>"$work/err" ||
  complain "a plain run ended with $?: $(cat "$work/err")"
[ -s "$work/err" ] && complain "a plain run in a pipe wrote to standard error: $(head -c 200 "$work/err")"
for file in overview.png report.json report.csv attributions.npy joint-nose.png joint-right_ankle.png; do
  [ -s "$work/good/$file" ] || complain "$file was not written"
done
[ "$(ls "$work/good" | wc -l)" = 21 ] || complain "expected 21 files, found: $(ls "$work/good")"
[ -z "$(ls -A "$work/good" | grep '^\.')" ] || complain "unfinished files were left behind"
[ "$(wc -l <"$work/good/report.csv")" = 18 ] || complain "report.csv has $(wc -l <"$work/good/report.csv") lines"
[ "$(awk -F, '{print NF}' "$work/good/report.csv" | sort -u)" = 16 ] || complain "the rows of report.csv differ in length"
grep -q '"fi": [0-9]' "$work/good/report.json" || complain "report.json has no FI"

# The same run gives the same bits, whatever the number of threads.
explain --image "$photo" --annotations "$source/examples/poseig/person.json" --steps 3 --output "$work/again" --threads 1 --quiet >"$work/out" 2>&1 || complain "a quiet run failed"
[ -s "$work/out" ] && complain "a quiet run printed something"
cmp -s "$work/good/attributions.npy" "$work/again/attributions.npy" || complain "one thread gives other bits"

# Options.
explain --image "$photo" --joints left_wrist,nose --path straight --baseline mean --steps 2 --rule gauss-legendre --box 180,90,100,300 \
  --likelihood distance --space photo --noise-samples 2 --mask none --output "$work/options" >"$work/out" 2>&1 || complain "options: $(cat "$work/out")"
[ "$(ls "$work/options" | wc -l)" = 6 ] || complain "two joints: $(ls "$work/options")"
grep -q 'n/a' "$work/out" || complain "without a mask FI should be n/a"
explain --image "$photo" --truth "$source/examples/poseig/person.json" --steps 2 --output "$work/truth" >"$work/out" 2>&1 || complain "truth: $(cat "$work/out")"
[ "$(grep -c . "$work/truth/report.csv")" = 14 ] || complain "13 joints are labelled: $(cat "$work/truth/report.csv")"
"$program" --help >"$work/out" 2>&1 || complain "--help ended with $?"
grep -q 'Examples:' "$work/out" || complain "--help has no examples"
"$program" --list-models | grep -q '^movenet-lightning' || complain "--list-models"

# A folder of annotated photos, and whether the maps mean anything.
mkdir "$work/photos"
cp "$photo" "$work/photos/$(sed -n 's/.*"file_name": *"\([^"]*\)".*/\1/p' "$source/examples/poseig/person.json" | head -1)"
explain --image "$work/photos" --annotations "$source/examples/poseig/person.json" --steps 2 --output "$work/folder" >"$work/out" 2>&1 ||
  complain "a folder: $(cat "$work/out")"
[ "$(wc -l <"$work/folder/attributions.csv")" = 14 ] || complain "13 joints are labelled: $(cat "$work/folder/attributions.csv")"
[ "$(awk -F, '{print NF}' "$work/folder/attributions.csv" | sort -u)" = 9 ] || complain "the rows of attributions.csv differ in length"
grep -q '"keypoints"' "$work/folder/results.json" || complain "a folder: no results.json"
explain --image "$photo" --joints left_wrist,right_knee --steps 2 --sanity --output "$work/sanity" >"$work/out" 2>&1 || complain "sanity: $(cat "$work/out")"
[ "$(ls "$work/sanity" | grep -c '^sanity')" = 2 ] || complain "sanity: $(ls "$work/sanity")"
grep -q '^sanity: with random weights in all 65 layers' "$work/out" || complain "sanity: said $(cat "$work/out")"
[ "$(grep -c '^error by fraction' "$work/sanity/sanity.csv")" = 100 ] || complain "sanity.csv: $(wc -l <"$work/sanity/sanity.csv") lines"

# A network that posekit trained: three coordinates, and no name.
"$program" --model "$source/examples/margipose/small.safetensors" --image "$photo" --joints left_wrist --steps 2 --sanity --output "$work/trained" \
  >"$work/out" 2>&1 || complain "trained weights: $(cat "$work/out")"
grep -q '^sanity: with random weights in all 191 layers' "$work/out" || complain "sanity of trained weights: said $(cat "$work/out")"

# mistake PATTERN ARGUMENTS...: one line on standard error, exit status 1, nothing written.
mistake() {
  local pattern=$1 status=0
  shift
  rm -rf "$work/bad"
  explain --steps 2 --output "$work/bad" "$@" >"$work/out" 2>"$work/err" || status=$?
  [ "$status" = 1 ] || complain "$*: ended with $status, expected 1"
  [ "$(wc -l <"$work/err")" = 1 ] || complain "$*: $(wc -l <"$work/err") lines on standard error: $(head -c 300 "$work/err")"
  grep -qE -- "$pattern" "$work/err" || complain "$*: said '$(cat "$work/err")', expected /$pattern/"
  [ -e "$work/bad" ] && complain "$*: left $(ls -A "$work/bad") behind"
}
printf 'not an image' >"$work/text.png"
: >"$work/empty.png"
head -c 20000 "$photo" >"$work/half.jpg"
printf '{"images": [], "annotations": []}' >"$work/nobody.json"
printf '{' >"$work/broken.json"
mistake 'is required'
mistake 'gone.jpg: no such file' --image "$work/gone.jpg"
mistake 'is needed: a COCO file with the people' --image "$work"
mistake 'is no PNG or JPEG' --image "$work/text.png"
mistake 'is empty' --image "$work/empty.png"
mistake 'no model named' --image "$photo" --model bodynet
mistake 'no such file' --image "$photo" --models "$work/nowhere"
mistake "has no joint 'tail'" --image "$photo" --joints tail
mistake 'lies outside the photo' --image "$photo" --box 700,10,50,50
mistake 'is empty' --image "$photo" --box 10,10,0,50
mistake 'expected auto, photo or x,y,width,height' --image "$photo" --box 1,2,three,4
mistake 'no such file' --image "$photo" --truth "$work/gone.json"
mistake 'is not valid JSON' --image "$photo" --truth "$work/broken.json"
mistake 'has 0 annotations' --image "$photo" --truth "$work/nobody.json"
# Of several people in the photo each is named, those of other photos are not counted.
sed -e 's/"annotations": *\[/&{"id": 7, "image_id": 1, "bbox": [1, 2, 30, 40]}, {"id": 8, "image_id": 2, "bbox": [0, 0, 9, 9]}, /' \
  -e 's/"images": *\[/&{"id": 2, "file_name": "other.jpg", "width": 10, "height": 10}, /' "$source/examples/poseig/person.json" >"$work/several.json"
mistake 'has 2 annotations of person.jpg, say which with --annotation ID: 7 \(box 1,2,30,40\); 1 ' --image "$photo" --truth "$work/several.json"
mistake 'no annotation with id 5' --image "$photo" --truth "$source/examples/poseig/person.json" --annotation 5
mistake 'has no label for the joint nose' --image "$photo" --truth "$source/examples/poseig/person.json" --joints nose
mistake 'is needed' --image "$photo" --mask annotation
mistake 'the mask is' --image "$photo" --mask "$source/tests/command/mask.png"
mistake 'sigma: is -1' --image "$photo" --sigma -1
mistake 'takes images of 192 pixels, not of 200' --image "$photo" --size 200
mistake '--path' --image "$photo" --path curved
mistake '--steps' --image "$photo" --steps 0
mistake '--steps' --image "$photo" --steps many
mistake 'expected a positive number' --image "$photo" --c 0
mistake 'the picture' --image "$photo" --path straight --baseline "$source/tests/command/mask.png"
mistake 'not expected|ExtrasError|were not' --image "$photo" --frobnicate

mistake 'names nose twice' --image "$photo" --joints nose,nose
mistake 'no effect without --path straight' --image "$photo" --baseline mean
mistake 'no effect without --noise-samples' --image "$photo" --seed 4
mistake 'expected a positive number' --image "$photo" --c inf
mistake 'expected a number from 1e-12' --image "$photo" --beta -3
mistake 'expected a number from 0 to 100' --image "$photo" --noise-samples 1 --noise-sigma -1
mistake 'fetch_models.sh --all' --image "$photo" --model posenet --models "$work/nowhere"
sed 's/"width": [0-9]*/"width": 100/' "$source/examples/poseig/person.json" >"$work/other.json"
mistake 'belongs to an image' --image "$photo" --truth "$work/other.json"
sed 's/"bbox": \[[^]]*\]/"bbox": [50000, 50000, 100, 100]/' "$source/examples/poseig/person.json" >"$work/far.json"
mistake 'lies outside the photo' --image "$photo" --truth "$work/far.json"
explain --image "$work/gone.jpg" --output "$work/deep/deeper" >"$work/out" 2>&1
[ -e "$work/deep" ] && complain "folders were left behind"

# A second run into the same folder replaces the first, all of it.
explain --image "$photo" --joints nose --steps 2 --output "$work/twice" --quiet || complain "first run"
explain --image "$photo" --joints left_wrist --steps 2 --output "$work/twice" --quiet || complain "second run"
[ -e "$work/twice/joint-nose.png" ] && complain "a picture of the first run stands beside the second's report"
mkdir "$work/blocked" "$work/blocked/report.csv"
status=0
explain --image "$photo" --joints nose --steps 2 --output "$work/blocked" >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 1 ] && [ "$(ls "$work/blocked")" = report.csv ] || complain "a folder in the way: $status $(ls "$work/blocked")"

# Where nothing can be written.
touch "$work/file"
status=0
explain --image "$photo" --steps 2 --output "$work/file" >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 1 ] && grep -q 'output folder cannot be made' "$work/err" || complain "output in a file's way: $status $(cat "$work/err")"
if [ "$(id -u)" != 0 ]; then
  mkdir "$work/locked" && chmod a-w "$work/locked"
  status=0
  explain --image "$photo" --steps 2 --output "$work/locked" >"$work/out" 2>"$work/err" || status=$?
  [ "$status" = 1 ] && grep -q 'cannot be written' "$work/err" || complain "unwritable folder: $status $(cat "$work/err")"
fi

# Photos that cannot be reached.
ln -s loop.jpg "$work/loop.jpg"
mistake 'loop.jpg: cannot be read: ' --image "$work/loop.jpg"
mistake ': (cannot be read|no such file)' --image "$work/$(printf 'n%.0s' {1..300}).jpg"
mistake ': (cannot be read: Not a directory|no such file)' --image "$work/text.png/photo.jpg"
if [ "$(id -u)" != 0 ]; then
  mkdir -p "$work/forbidden" && chmod a-rx "$work/forbidden"
  mistake 'cannot be read: Permission denied' --image "$work/forbidden/photo.jpg"
fi

# Numbers that mean nothing.
for option in --sigma --c --beta --baseline-value; do
  for number in nan inf -inf 1e400; do
    case $option in --baseline-value) path=(--path straight --baseline constant) ;; *) path=() ;; esac
    mistake "$option: is $number, expected" --image "$photo" "${path[@]}" $option $number
  done
done
mistake 'baseline-value: is 2, expected a number from 0 to 1' --image "$photo" --path straight --baseline constant --baseline-value 2

# What a file says does not reach the terminal as commands.
sed -e 's/"width": [0-9]*/"width": 100/' -e 's/"file_name": "/&\\u001b[2J/' "$source/examples/poseig/person.json" >"$work/escape.json"
mistake '\\x1b\[2J' --image "$photo" --truth "$work/escape.json"
grep -q $'\x1b' "$work/err" && complain "an escape sequence of a file reached standard error"

# A standard output that takes nothing.
if [ -e /dev/full ]; then
  full() {
    status=0
    "$program" "$@" >/dev/full 2>"$work/err" || status=$?
    [ "$status" = 1 ] && grep -q 'the standard output cannot be written' "$work/err" ||
      complain "a full standard output ($*): $status $(cat "$work/err")"
  }
  full --help
  full --list-models
  full --image "$photo" --joints nose --steps 2 --output "$work/full"
fi

# started FOLDER: waits until the run in the background has begun to work.
started() {
  until compgen -G "$1/.unfinished-*" >/dev/null; do
    kill -0 $process 2>/dev/null || return 1
    sleep 0.1
  done
}
# Ctrl-C and the like: a clear word, status 130, nothing left.
for signal in INT TERM HUP; do
  # A shell's background jobs ignore Ctrl-C.
  env --default-signal=INT "$program" --image "$photo" --steps 100000 --output "$work/stopped" >"$work/out" 2>"$work/err" &
  process=$!
  started "$work/stopped" || complain "$signal: it ended before it was stopped: $(cat "$work/err")"
  kill -$signal $process
  status=0
  wait $process || status=$?
  [ "$status" = 130 ] && grep -q 'stopped; nothing was written' "$work/err" || complain "$signal: $status $(cat "$work/err")"
  [ -e "$work/stopped" ] && complain "$signal left $(ls -A "$work/stopped") behind"
done
# What a run that was killed left goes with the next; what one that lives has stays.
"$program" --image "$photo" --steps 100000 --output "$work/killed" >"$work/out" 2>&1 &
process=$!
started "$work/killed"
kill -KILL $process
wait $process 2>/dev/null
"$program" --image "$photo" --steps 100000 --output "$work/killed" >"$work/out" 2>&1 &
process=$!
until ! kill -0 $process 2>/dev/null || compgen -G "$work/killed/.unfinished-$process-*" >/dev/null; do sleep 0.1; done
explain --image "$photo" --joints nose --steps 2 --output "$work/killed" --quiet || complain "beside a run: ended with $?"
[ "$(ls -A "$work/killed" | grep -c '^\.unfinished')" = 1 ] || complain "killed: $(ls -A "$work/killed")"
kill -TERM $process
wait $process
ls -A "$work/killed" | grep -q '^\.unfinished' && complain "stopped: $(ls -A "$work/killed")"

[ "$failures" = 0 ] && echo "posekit-explain does what it says"
exit $((failures > 0))
