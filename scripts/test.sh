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
  # Files of one room are compiled together: what they have in common is then compiled once.
  cmake -S "$root" -B "$build" -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0 "$@" >"$build.log" 2>&1 || { cat "$build.log" >&2; die "cmake failed"; }
  cmake --build "$build" -j "$processors" >>"$build.log" 2>&1 || { tail -60 "$build.log" >&2; die "the build failed"; }
  if grep -q 'warning: ' "$build.log"; then
    grep 'warning: ' "$build.log" >&2
    die "the build gave warnings"
  fi
  say "running the tests"
  (cd "$build" && ctest --output-on-failure -j "$processors") || die "tests failed"
}

if [ -z "$sanitize" ]; then
  run_tests test
else
  # By clang, which compiles checked code several times faster than g++ does.
  need_packages clang-14 libomp-14-dev libclang-rt-14-dev
  checked=(-DCMAKE_CXX_COMPILER=clang++-14 -DCMAKE_BUILD_TYPE=RelWithDebInfo
    -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 -DPOSEKIT_BUILD_BENCHMARKS=OFF)
  run_tests asan "${checked[@]}" -DPOSEKIT_SANITIZE=address,undefined
  run_tests tsan "${checked[@]}" -DPOSEKIT_SANITIZE=thread -DPOSEKIT_BUILD_EXAMPLES=OFF \
    "-DPOSEKIT_TEST_ROOMS=core;kernels;autodiff;heatmap;nn;optim;attribution;pose;data;synthetic;training"
fi
say "all tests passed"
