#!/usr/bin/env bash
# Compiles every header alone, and twice in one translation unit, without warnings.
# usage: check_headers.sh SOURCE_DIR COMPILER FLAGS...
set -u
source=$1 compiler=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
check() {
  local header=$1
  shift
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$work/${header//\//_}.cpp"
  if ! "$@" -fsyntax-only "$work/${header//\//_}.cpp" >"$work/${header//\//_}.log" 2>&1 || [ -s "$work/${header//\//_}.log" ]; then
    echo "$header does not compile alone:"
    head -20 "$work/${header//\//_}.log"
    touch "$work/failed"
  fi
}
count=0
while read -r header; do
  check "$header" "$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -I "$source/include" "$@" &
  count=$((count + 1))
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
done < <(cd "$source/include" && find posekit -name '*.hpp' | sort)
wait
[ ! -e "$work/failed" ] || exit 1
echo "$count headers compile alone and twice"
