#!/usr/bin/env bash
# Runs posekit-evaluate as a user does: well, and with the mistakes people make.
# usage: check_evaluate.sh SOURCE_DIR PROGRAM
set -u
source=$1 program=$2
golden=$source/tests/golden
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}

# People.
"$program" --truth "$golden/coco/truth.json" --results "$golden/coco/results.json" --output "$work/people" --figures "$work/figures" \
  >"$work/out" 2>"$work/err" || complain "people: ended with $?: $(cat "$work/err")"
[ -s "$work/err" ] && complain "people: standard error has $(head -c 200 "$work/err")"
grep -q '^precision *0.315 *0.447 *0.363 *0.354 *0.317$' "$work/out" || complain "precision: $(grep precision "$work/out")"
grep -q '^recall *0.554 *0.659 *0.610 *0.583 *0.680$' "$work/out" || complain "recall: $(grep recall "$work/out")"
grep -q '^41 people looked for, 30 found by 82 detections$' "$work/out" || complain "people: $(head -1 "$work/out")"
[ "$(ls "$work/people")" = "$(printf 'evaluation.csv\nevaluation.json')" ] || complain "written: $(ls -A "$work/people")"
[ "$(ls "$work/figures" | wc -l)" = 4 ] || complain "figures: $(ls -A "$work/figures")"
[ "$(wc -l <"$work/people/evaluation.csv")" = 22 ] || complain "evaluation.csv has $(wc -l <"$work/people/evaluation.csv") lines"
[ "$(awk -F, '{print NF}' "$work/people/evaluation.csv" | sort -u)" = 6 ] || complain "the rows of evaluation.csv differ in length"
grep -q '"ap75": 0.36' "$work/people/evaluation.json" || complain "evaluation.json has no ap75"

# A thing in the way of a picture keeps all from being written.
mkdir -p "$work/way/pck.png"
"$program" --truth "$golden/coco/truth.json" --results "$golden/coco/results.json" --output "$work/half" --figures "$work/way" >"$work/out" 2>&1 &&
  complain "a folder in the way was no error"
[ -e "$work/half" ] && complain "half of the results were written: $(ls -A "$work/half")"

# Both into one folder.
"$program" --truth "$golden/coco/truth.json" --results "$golden/coco/results.json" --output "$work/one" --figures "$work/one" --quiet \
  >"$work/out" 2>&1 || complain "one folder: ended with $?"
[ -s "$work/out" ] && complain "a quiet run printed $(cat "$work/out")"
[ "$(ls -A "$work/one" | wc -l)" = 6 ] || complain "one folder: $(ls -A "$work/one")"

# Errors beside indices.
{
  echo "annotation,joint,fi,li,di"
  for id in 1 2 3 4 5 6 7 8; do
    for joint in nose left_wrist left_knee left_hip; do echo "$id,$joint,0.$id,${#joint},"; done
  done
} >"$work/indices.csv"
"$program" --truth "$golden/coco/truth.json" --results "$golden/coco/results.json" --attributions "$work/indices.csv" --output "$work/related" \
  --figures "$work/figures2" >"$work/out" 2>&1 || complain "indices: $(cat "$work/out")"
grep -qE '^Error against LI: rank correlation -?[01]\.[0-9]+ over [0-9]+ joints$' "$work/out" || complain "indices: $(grep against "$work/out")"
grep -qE '^Low interpretability \(error up to [0-9.]+ px with FI up to 0.[0-9]+\): [0-9.]+ % of the joints, leaf' "$work/out" ||
  complain "low interpretability: $(cat "$work/out")"
[ -s "$work/figures2/error-against-fi.png" ] || complain "figures: $(ls -A "$work/figures2")"

# Arrays.
"$program" --truth "$golden/poses/truth.npy" --results "$golden/poses/prediction.npy" --visible "$golden/poses/visible.npy" \
  --skeleton mpi_inf_3dhp_17 --output "$work/poses" --figures "$work/pose_figures" >"$work/out" 2>&1 || complain "poses: $(cat "$work/out")"
grep -q 'MPJPE mm *N-MPJPE mm *PA-MPJPE mm *PCK@150mm % *AUC %' "$work/out" || complain "poses: $(cat "$work/out")"
"$program" --truth "$golden/poses/truth.npy" --results "$golden/poses/prediction.npz" --visible "$golden/poses/visible.npy" \
  --skeleton mpi_inf_3dhp_17 --output "$work/archive" >"$work/out" 2>&1 || complain "npz: $(cat "$work/out")"
cmp -s "$work/poses/evaluation.csv" "$work/archive/evaluation.csv" || complain "npz: other numbers than of the npy"
"$program" --truth "$golden/poses/truth.npy" --results "$golden/poses/truth.npy" --skeleton margipose_17 --output "$work/perfect" >"$work/out" 2>&1
"$program" --truth "$golden/poses/truth.npy" --results "$golden/poses/truth.npy" --skeleton margipose_17 --unit m --output "$work/metres" | grep -qE '^all *221 *0.00 *0.00 *0.00 *100.0 *96.8$' ||
  complain "metres"
grep -qE '^all *221 *0.00 *0.00 *0.00 *100.0 *96.8$' "$work/out" || complain "a perfect pose: $(grep ^all "$work/out")"
# A mask [13, 17] that hides the third pose's pelvis.
{
  printf '\x93NUMPY\x01\x00\x76\x00'
  printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': (13, 17), }"
  head -c 48 /dev/zero | tr '\0' '\1'
  printf '\0'
  head -c 172 /dev/zero | tr '\0' '\1'
} >"$work/mask.npy"
"$program" --truth "$golden/poses/truth.npy" --results "$golden/poses/truth.npy" --skeleton margipose_17 --visible "$work/mask.npy" >"$work/out" 2>&1
grep -q '^1 of them without a visible root' "$work/out" && grep -qE '^all *204 *0.00 *0.00 *0.00 *100.0 *96.8$' "$work/out" ||
  complain "a hidden root: $(cat "$work/out")"
"$program" --help | grep -q 'Examples:' || complain "--help has no examples"

# mistake PATTERN ARGUMENTS...: one line on standard error, exit status 1, nothing written.
mistake() {
  local pattern=$1 status=0
  shift
  rm -rf "$work/bad"
  "$program" --output "$work/bad" --figures "$work/bad" "$@" >"$work/out" 2>"$work/err" || status=$?
  [ "$status" = 1 ] || complain "$*: ended with $status, expected 1"
  [ "$(wc -l <"$work/err")" = 1 ] || complain "$*: standard error has $(head -c 300 "$work/err")"
  grep -qE -- "$pattern" "$work/err" || complain "$*: said '$(cat "$work/err")', expected /$pattern/"
  [ -e "$work/bad" ] && complain "$*: left $(ls -A "$work/bad") behind"
}
truth=$golden/coco/truth.json results=$golden/coco/results.json
mistake 'nowhere.json: no such file' -t "$work/nowhere.json" -r "$results"
echo '{"a": [' >"$work/broken.json"
mistake 'broken.json: is not valid JSON' -t "$truth" -r "$work/broken.json"
mistake 'results.json: holds no JSON object' -t "$results" -r "$results"
mistake 'truth.json: holds no JSON array' -t "$truth" -r "$truth"
echo '[{"image_id": 5, "category_id": 1, "score": 1, "keypoints": [1, 2, 3]}]' >"$work/stranger.json"
mistake 'result 0 is of image 5, which the truth does not list' -t "$truth" -r "$work/stranger.json"
mistake "--unit is 'feet', expected mm, cm or m" -t "$golden/poses/truth.npy" -r "$golden/poses/truth.npy" --skeleton margipose_17 --unit feet
mistake 'different kinds' -t "$truth" -r "$golden/poses/truth.npy"
mistake 'the poses have 17 joints; say with --skeleton which' -t "$golden/poses/truth.npy" -r "$golden/poses/truth.npy"
mistake "there is no skeleton 'dog'; there are coco_17" -t "$golden/poses/truth.npy" -r "$golden/poses/truth.npy" --skeleton dog
mistake 'prediction has 17 joints .*, the skeleton mpii_16 has 16' -t "$golden/poses/truth.npy" -r "$golden/poses/truth.npy" --skeleton mpii_16
mistake "has no column 'annotation'" -t "$truth" -r "$results" --attributions "$work/people/evaluation.csv"
printf 'annotation,joint,fi,li,di\n1,nose,x,1,1\n' >"$work/words.csv"
mistake "row 1, column 'fi' holds 'x', expected a number" -t "$truth" -r "$results" --attributions "$work/words.csv"
printf 'annotation,joint,fi,li,di\n1,nose\n' >"$work/short.csv"
mistake 'line 2 has 2 fields, expected 5' -t "$truth" -r "$results" --attributions "$work/short.csv"
for number in nan inf 0 -3 1e400; do
  mistake "--epsilon: is $number, expected a positive number" -t "$truth" -r "$results" --epsilon $number
done
{ printf '[%.0s' {1..100000}; } >"$work/deep.json"
mistake 'deep.json: its JSON is nested 100000 deep' -t "$work/deep.json" -r "$results"
ln -s loop.json "$work/loop.json"
mistake 'loop.json: cannot be read: ' -t "$work/loop.json" -r "$results"
printf 'annotation,joint,fi,li,di\n1,nose,\033[2J,1,1\n' >"$work/escape.csv"
mistake 'holds .\\x1b\[2J., expected a number' -t "$truth" -r "$results" --attributions "$work/escape.csv"
if [ -e /dev/full ]; then
  status=0
  "$program" --truth "$truth" --results "$results" --output "$work/full" >/dev/full 2>"$work/err" || status=$?
  [ "$status" = 1 ] && grep -q 'the standard output cannot be written' "$work/err" || complain "a full standard output: $status $(cat "$work/err")"
fi
[ "$failures" = 0 ] || exit 1
echo "posekit-evaluate works"
