#!/usr/bin/env bash
# Builds and runs the tests.
#   --packaging  instead those that only compile, and take minutes: every header alone, projects that use
#                posekit, symbols, costs, benchmarks; and what computes, at full optimisation.
#   --sanitize   the rooms under AddressSanitizer and UndefinedBehaviorSanitizer, and what has threads
#                under ThreadSanitizer.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

usage="usage: scripts/test.sh [--packaging | --sanitize]"
[ $# -le 1 ] || die "$usage"

# run_tests PRESET: of CMakePresets.json; its folder is build/PRESET
run_tests() {
  local build=$root/build/$1 log=$root/build/$1.log status=0
  say "building the tests in build/$1"
  mkdir -p "$root/build"
  (cd "$root" && cmake --preset "$1") >"$log" 2>&1 || { cat "$log" >&2; die "cmake failed"; }
  cmake --build "$build" -j "$processors" >>"$log" 2>&1 || { tail -60 "$log" >&2; die "the build failed"; }
  if grep -q 'warning: ' "$log"; then
    grep 'warning: ' "$log" >&2
    cmake --build "$build" --target clean  # or it would not give them again
    die "the build gave warnings"
  fi
  say "running the tests"
  (cd "$root" && ctest --preset "$1" -j "$processors") || status=$?
  sed -n 's/^skipped: /not tested: /p' "$build/Testing/Temporary/LastTest.log" | sort -u
  [ "$status" -eq 0 ] || die "tests failed"
}

need_compiler
case "${1:-}" in
  "")
    need_packages catch2
    "$root/scripts/fetch_models.sh"
    "$root/scripts/fetch_photo.sh"
    run_tests test
    ;;
  --packaging)
    need_packages catch2 libbenchmark-dev
    run_tests packaging
    ;;
  --sanitize)
    need_packages catch2
    need_sanitizers
    "$root/scripts/fetch_models.sh"
    "$root/scripts/fetch_photo.sh"
    run_tests asan
    run_tests tsan
    ;;
  *) die "$usage" ;;
esac
say "all tests passed"
