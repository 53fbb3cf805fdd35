#!/usr/bin/env bash
# Compiles all of posekit for two instruction sets, links both into one program and runs it. Of posekit's
# own symbols the two may share the exceptions alone, and these must be code that any processor runs:
# the linker keeps one copy of what is shared.
# usage: check_symbols.sh SOURCE_DIR COMPILER FLAGS...
set -eu
source=$1 compiler=$2
shift 2
case $(uname -m) in
  x86_64) ;;
  *) echo "skipped: the two instruction sets are those of x86-64"; exit 77 ;;
esac
case $("$compiler" --version) in
  *clang*) keep="" ;;  # it has no such flag
  *) keep=-fkeep-inline-functions ;;
esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
common=(-std=c++20 -O0 -I "$source/include" "$@")
compile() {
  local name=$1
  shift
  "$compiler" "${common[@]}" $keep "$@" -DENTRY="use_$name" -c "$source/tests/symbols/everything.cpp" -o "$work/$name.o"
}
compile baseline &
compile avx2 -mavx2 -mfma
wait $!
"$compiler" "${common[@]}" "$source/tests/symbols/main.cpp" "$work/baseline.o" "$work/avx2.o" -pthread -Wl,--gc-sections -o "$work/program"
"$work/program" || { echo "FAILED: the program of both ended with $?"; exit 1; }

for name in baseline avx2; do
  nm "$work/$name.o" | awk '$(NF - 1) ~ /^[WVu]$/ { print $NF }' | sort >"$work/$name.weak"
done
comm -12 "$work/baseline.weak" "$work/avx2.weak" | grep 7posekit >"$work/shared" || true
for name in baseline avx2; do
  grep -q 7posekit "$work/$name.weak" || { echo "FAILED: $name has no symbols of posekit's"; exit 1; }
done
exceptions='7posekit(5Error|10ShapeError|10ValueError|9FileError|10GraphError|9Cancelled)[CDE]'
if grep -vE "$exceptions" "$work/shared" >"$work/wrong"; then
  echo "FAILED: shared by two instruction sets:"
  c++filt <"$work/wrong" | head -30
  exit 1
fi
# Of each shared function its own section, as disassembling all takes minutes.
mapfile -t sections < <(readelf -SW "$work/avx2.o" | grep -oE "\.text\.[A-Za-z_0-9]*$exceptions[A-Za-z_0-9]*" | sort -u)
[ ${#sections[@]} -gt 5 ] || { echo "FAILED: the exceptions' code was not found"; exit 1; }
objdump -d --no-show-raw-insn -w "${sections[@]/#/-j}" "$work/avx2.o" |
  awk '/^[0-9a-f]+ <.*>:$/ { name = $2 } $2 ~ /^v[a-z]/ && $2 !~ /^ver/ { print name }' | sort -u >"$work/vectors"
if [ -s "$work/vectors" ]; then
  echo "FAILED: shared, and code for newer processors:"
  c++filt <"$work/vectors"
  exit 1
fi
echo "$(grep -c 7posekit "$work/avx2.weak") symbols of one instruction set, $(grep -c 7posekit "$work/baseline.weak") of the other, $(wc -l <"$work/shared") shared: the exceptions"
