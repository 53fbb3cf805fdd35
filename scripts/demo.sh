#!/usr/bin/env bash
# Explains a real network on a real photo: installs what is missing, fetches network and photo,
# builds posekit-explain and writes out/demo/.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
[ $# -eq 0 ] || die "usage: scripts/demo.sh (posekit-explain itself takes options: build/demo/examples/poseig/posekit-explain --help)"

need_compiler
"$root/scripts/fetch_models.sh"
"$root/scripts/fetch_photo.sh"

say "building posekit-explain"
build demo posekit-explain posekit-evaluate -- -DPOSEKIT_BUILD_TESTS=OFF -DPOSEKIT_BUILD_BENCHMARKS=OFF \
  -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=0

say "explaining movenet-lightning on photos/person.jpg"
"$root/build/demo/examples/poseig/posekit-explain" \
  --model movenet-lightning --models "$root/models" --image "$root/photos/person.jpg" \
  --annotations "$root/examples/poseig/person.json" --steps 200 --output "$root/out/demo"
