#!/usr/bin/env bash
# Prints what it costs to include each area header with -O2, and fails where that is more than a user
# should be asked to pay: 7 s, and for everything 15 s and 1.25 GB. A noisy machine gets three attempts.
# usage: compile_cost.sh SOURCE_DIR MEASURE_PROGRAM COMPILER FLAGS...
set -u
source=$1 measure=$2 compiler=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=""
printf '%-28s %8s %8s\n' header seconds MB
for path in "$source"/include/posekit/*.hpp; do
  header=posekit/$(basename "$path")
  echo "#include <$header>" >"$work/unit.cpp"
  limit=7
  [ "$header" = posekit/posekit.hpp ] && limit=15
  for attempt in 1 2 3; do
    read -r seconds megabytes < <("$measure" "$compiler" -std=c++20 -O2 -I "$source/include" "$@" -c "$work/unit.cpp" -o "$work/unit.o") ||
      { echo "$header does not compile"; exit 1; }
    awk "BEGIN { exit !($seconds <= $limit && $megabytes <= 1280) }" && break
  done
  verdict=""
  if [ "$attempt" = 3 ] && ! awk "BEGIN { exit !($seconds <= $limit && $megabytes <= 1280) }"; then
    verdict="too much (limit $limit s, 1280 MB)"
    failed=yes
  fi
  printf '%-28s %8s %8s  %s\n' "$header" "$seconds" "$megabytes" "$verdict"
done
[ -z "$failed" ]
