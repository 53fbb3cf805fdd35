#!/usr/bin/env bash
# Installs the commands as a packager does, and uses them from there.
# usage: check_install.sh SOURCE_DIR BUILD_DIR
set -u
source=$1 build=$2
. "$source/tests/command/real_input.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
complain() {
  echo "FAILED: $*"
  failures=$((failures + 1))
}
cmake --install "$build" --prefix "$work/prefix" --component commands >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
posekit=$work/prefix/bin/posekit
cd "$work" || exit 1
unset POSEKIT_MODELS XDG_DATA_HOME
export HOME=$work/home
mkdir "$HOME"

"$posekit" --help >out 2>err || complain "--help ended with $?"
for command in explain evaluate margipose fetch; do
  grep -q "^  $command " out || complain "--help does not list $command: $(cat out)"
  [ -s "prefix/share/man/man1/posekit-$command.1.gz" ] || complain "there is no page of the manual for $command"
  "$posekit" $command --help >one 2>&1 || complain "$command --help ended with $?: $(cat one)"
  "prefix/bin/posekit-$command" --help >two 2>&1 || complain "posekit-$command --help ended with $?"
  cmp -s one two || complain "posekit $command and posekit-$command differ"
done
[ -s err ] && complain "--help wrote to standard error: $(cat err)"
zgrep -q 'steps COUNT' prefix/share/man/man1/posekit-explain.1.gz || complain "the page of posekit-explain has no options"
[ -s prefix/share/man/man1/posekit.1.gz ] || complain "there is no page for posekit"
"$posekit" --version | grep -q '^posekit [0-9]' || complain "--version"

# mistake STATUS PATTERN ARGUMENTS...
mistake() {
  local status=$1 pattern=$2
  shift 2
  "$posekit" "$@" >out 2>err
  [ $? = "$status" ] || complain "$*: ended with another status than $status"
  grep -q "$pattern" err || complain "$*: said $(cat err)"
}
mistake 1 'Usage: posekit COMMAND'
mistake 1 "there is no command 'nosuch'" nosuch
mistake 1 'there is no command' ../bin/posekit
mistake 1 'neither in models nor .*/home/.local/share/posekit/models' explain --image "$photo" --output out-a
"$posekit" --help >/dev/full 2>/dev/null && complain "a full standard output ended with 0"

# Networks are found in the user's folder, and before it in the current one; weights come along.
mkdir -p "$HOME/.local/share/posekit"
ln -s "$models" "$HOME/.local/share/posekit/models"
"$posekit" explain --image "$photo" --joints nose --steps 1 --output out-b >out 2>&1 || complain "the user's folder: $(cat out)"
mkdir models
cp "$models/movenet-lightning.json" models/
mistake 1 'models/movenet-lightning.bin' explain --image "$photo" --joints nose --steps 1 --output out-c
POSEKIT_MODELS=$models "$posekit" explain --image "$photo" --joints nose --steps 1 --output out-d >out 2>&1 || complain "POSEKIT_MODELS: $(cat out)"
"$posekit" explain --models "$models" --image "$photo" --joints nose --steps 1 --output out-e >out 2>&1 || complain "--models: $(cat out)"
"$posekit" margipose predict --example 1 --output out-f >out 2>&1 || complain "margipose predict: $(cat out)"
[ "$failures" = 0 ] || exit 1
echo "the installed commands work"
