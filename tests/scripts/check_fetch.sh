#!/usr/bin/env bash
# A network that is damaged on disk is not taken for one that is there.
# usage: check_fetch.sh SOURCE_DIR
set -u
source=$1
models=${POSEKIT_MODELS:-$source/models}
network=movenet-lightning
[ -s "$models/$network.bin" ] && [ -s "$models/handlandmark-lite.bin" ] ||
  { echo "skipped: the networks are not there (scripts/fetch_models.sh)"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/models" "$work/bin"
cp -r "$source/scripts" "$work/scripts"
for name in $network handlandmark-lite; do cp "$models/$name.json" "$models/$name.bin" "$work/models/"; done
# Nothing is to be fetched by a test.
printf '#!/bin/sh\nexit 1\n' >"$work/bin/npm"
chmod +x "$work/bin/npm"
fetch() { PATH=$work/bin:$PATH "$work/scripts/fetch_models.sh" >"$work/out" 2>&1; }
fail() {
  echo "FAILED: $*: $(cat "$work/out")"
  exit 1
}
fetch || fail "networks that are there were not taken"
# One bit, and nearly everything.
cp "$work/models/$network.bin" "$work/whole"
printf '\x01' | dd of="$work/models/$network.bin" bs=1 seek=5000 conv=notrunc 2>/dev/null
cmp -s "$work/whole" "$work/models/$network.bin" && fail "the bit was set before"
fetch && fail "a flipped bit was not noticed"
grep -q "models/$network is damaged" "$work/out" || fail "a flipped bit is not said"
grep -q '^error: npm could not fetch' "$work/out" || fail "that npm fails is not said"
compgen -G "$work/models/.fetching-*" >/dev/null && fail "a folder is left behind: $(ls -A "$work/models")"
head -c 10 "$work/whole" >"$work/models/$network.bin"
fetch && fail "a file of 10 bytes was taken"
cp "$work/whole" "$work/models/$network.bin"
fetch || fail "networks that are there again were not taken"
echo "networks are what they should be"
