#!/usr/bin/env bash
# Fuzzes everything that reads what somebody else wrote, and the kernels, under AddressSanitizer and
# UndefinedBehaviorSanitizer: some seconds each, from the inputs in tests/fuzz/corpus/ on. What is found
# goes to build/fuzz/findings/; new inputs that reach new code to build/fuzz/corpus/.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

seconds=${1:-60}
[[ $seconds =~ ^[1-9][0-9]*$ ]] || die "usage: scripts/fuzz.sh [SECONDS [READER...]] (readers: image, npy, ..., kernels: tests/fuzz/)"
shift || true
readers=("$@")
[ ${#readers[@]} -gt 0 ] || mapfile -t readers < <(ls "$root/tests/fuzz/corpus")

need_compiler
need_sanitizers
build=$root/build/fuzz
mkdir -p "$build"
say "building the fuzzers in build/fuzz"
(cd "$root" && cmake --preset fuzz) >"$build.log" 2>&1 || { cat "$build.log" >&2; die "cmake failed"; }
cmake --build "$build" -j "$processors" --target "${readers[@]/#/fuzz_}" >>"$build.log" 2>&1 || { tail -60 "$build.log" >&2; die "the build failed"; }

found="" fuzzer=none
trap 'rm -rf "/dev/shm/posekit-fuzz-$fuzzer"' EXIT
trap 'kill "$fuzzer" 2>/dev/null; wait; die "stopped"' INT TERM
for reader in "${readers[@]}"; do
  mkdir -p "$build/corpus/$reader" "$build/findings/$reader"
  say "fuzzing: $reader, $seconds s"
  UBSAN_OPTIONS=print_stacktrace=1 "$build/tests/fuzz/fuzz_$reader" "$build/corpus/$reader" "$root/tests/fuzz/corpus/$reader" \
    -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 -max_len=8192 -print_final_stats=1 \
    -artifact_prefix="$build/findings/$reader/" >"$build/$reader.log" 2>&1 &
  fuzzer=$!
  wait $fuzzer || {
    tail -40 "$build/$reader.log" >&2
    found="$found $reader"
  }
  rm -rf "/dev/shm/posekit-fuzz-$fuzzer"  # where it ended without its own end
  sed -n 's/^stat::number_of_executed_units: */    executions: /p' "$build/$reader.log"
done
[ -z "$found" ] || die "there are findings in build/fuzz/findings:$found"
say "nothing was found"
