#!/usr/bin/env bash
# Builds and runs the tests. With --sanitize, under AddressSanitizer and UndefinedBehaviorSanitizer,
# and the threaded parts under ThreadSanitizer.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

sanitize=""
case "${1:-}" in
  "") ;;
  --sanitize) sanitize=yes ;;
  *) die "usage: scripts/test.sh [--sanitize]" ;;
esac

need_compiler
need_packages catch2 libbenchmark-dev
"$root/scripts/fetch_models.sh"
"$root/scripts/fetch_photo.sh"

# run_tests NAME CMAKE_ARGUMENTS...
run_tests() {
  local build=$root/build/$1
  shift
  say "building the tests in ${build#"$root/"}"
  mkdir -p "$root/build"
  cmake -S "$root" -B "$build" "$@" >"$build.log" 2>&1 || { cat "$build.log" >&2; die "cmake failed"; }
  cmake --build "$build" -j "$processors" >>"$build.log" 2>&1 || { tail -60 "$build.log" >&2; die "the build failed"; }
  if grep -q 'warning: ' "$build.log"; then
    grep 'warning: ' "$build.log" >&2
    die "the build gave warnings"
  fi
  say "running the tests"
  (cd "$build" && ctest --output-on-failure) || die "tests failed"
}

if [ -z "$sanitize" ]; then
  run_tests test
else
  run_tests asan -DPOSEKIT_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo \
    -DPOSEKIT_BUILD_BENCHMARKS=OFF
  need_packages clang-14 libomp-14-dev libclang-rt-14-dev
  run_tests tsan -DPOSEKIT_SANITIZE=thread -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_CXX_COMPILER=clang++-14 \
    -DPOSEKIT_BUILD_BENCHMARKS=OFF
fi
say "all tests passed"
