#!/usr/bin/env bash
# Makes a Debian package of the commands and the library, build/posekit_<version>_<architecture>.deb. On x86-64
# the commands are in it three times: for any such processor, for AVX2 and for AVX-512.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || die "usage: scripts/package.sh"

need_compiler
need_packages dpkg-dev file gzip

options=(-DPOSEKIT_BUILD_TESTS=OFF -DPOSEKIT_BUILD_BENCHMARKS=OFF -DPOSEKIT_NATIVE=OFF -DCMAKE_INSTALL_PREFIX=/usr
  -DCMAKE_SKIP_INSTALL_ALL_DEPENDENCY=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0)
with=""
if [ "$(uname -m)" = x86_64 ]; then
  # examples/launcher/posekit.cpp asks the processor for these.
  declare -A flags=([avx2]="-mavx2 -mfma" [avx512]="-mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl -mfma")
  for instructions in avx2 avx512; do
    say "building in build/package-$instructions"
    build "package-$instructions" posekit-explain posekit-evaluate posekit-margipose -- "${options[@]}" \
      "-DCMAKE_CXX_FLAGS=${flags[$instructions]}" -DPOSEKIT_COMMANDS_FOR=$instructions
    with+="${with:+;}$root/build/package-$instructions"
  done
fi
say "building in build/package"
build package -- "${options[@]}" "-DPOSEKIT_PACKAGE_WITH=$with"
say "packing"
(cd "$root/build/package" && cpack) >"$root/build/package.log" 2>&1 || { tail -20 "$root/build/package.log" >&2; die "cpack failed"; }
rm -f "$root"/build/posekit_*.deb
mv "$root"/build/package/*.deb "$root/build/"
say "made $(cd "$root" && ls build/posekit_*.deb)"
