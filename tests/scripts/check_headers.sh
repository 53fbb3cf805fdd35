#!/usr/bin/env bash
# Compiles every header alone, and twice in one translation unit, without warnings: header-only, and (where
# that differs) as a program with posekit::compiled does.
# usage: check_headers.sh SOURCE_DIR COMPILER FLAGS...
#
# Other libraries are most of what there is to compile: those that a header reaches anyway come to it
# precompiled.
set -u
source=$1 compiler=$2
shift 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compile=("$compiler" -std=c++20 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -I "$source/include" "$@")
isa=$(printf '#include <posekit/core/isa.hpp>\nPOSEKIT_ISA\n' | "$compiler" -std=c++20 -I "$source/include" "$@" -E -P -x c++ - | tail -1)
[ -n "$isa" ] || { echo "FAILED: the instruction set was not found"; exit 1; }
in_parallel() { while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done; }

# Each header, and the headers of other libraries that it reaches: "posekit/a.hpp xtensor/b.hpp,...".
(cd "$source/include" && find posekit -name '*.hpp' | sort | xargs awk '
  match($0, /^ *#include <[^>]+>/) {
    name = substr($0, RSTART, RLENGTH)
    gsub(/.*<|>/, "", name)
    if (name ~ /^posekit\//) includes[FILENAME] = includes[FILENAME] " " name
    else if (name ~ /^(xtensor|xsimd|Eigen|nlohmann)\//) {
      if (!(name in others)) { others[name] = 1; other[++other_count] = name }
      includes[FILENAME] = includes[FILENAME] " " name
    }
  }
  FNR == 1 { headers[++count] = FILENAME }
  function reach(header, i, n, names) {
    if (header in seen) return
    seen[header] = 1
    n = split(includes[header], names, " ")
    for (i = 1; i <= n; ++i) reach(names[i])
  }
  END {
    for (h = 1; h <= count; ++h) {
      split("", seen)
      reach(headers[h])
      set = "-"
      for (i = 1; i <= other_count; ++i) if (other[i] in seen) set = set "," other[i]
      print headers[h], set
    }
  }') >"$work/headers"

number=0
declare -A precompiled
while read -r set; do
  number=$((number + 1))
  precompiled[$set]=$work/$number.hpp
  tr ',' '\n' <<<"${set#-}" | sed '/^$/d; s/.*/#if __has_include(<&>)\n#include <&>\n#endif/' >"$work/$number.hpp"
  "${compile[@]}" -x c++-header "$work/$number.hpp" -o "$work/$number.hpp.gch" || touch "$work/failed" &
  in_parallel
done < <(cut -d' ' -f2 "$work/headers" | sort -u)
wait
[ ! -e "$work/failed" ] || exit 1

check() {
  local header=$1 first=$2 unit=$work/${1//\//_}
  printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$unit.cpp"
  local way
  for way in header_only "COMPILED_FOR_$isa"; do
    [ $way = header_only ] || grep -q 'POSEKIT_DEFINES_\|^#include <posekit' "$source/include/$header" || continue
    if ! "${compile[@]}" "-DPOSEKIT_$way=1" -Winvalid-pch -include "$first" -fsyntax-only "$unit.cpp" >"$unit.log" 2>&1 || [ -s "$unit.log" ]; then
      echo "$header does not compile alone (-DPOSEKIT_$way=1):"
      head -20 "$unit.log"
      touch "$work/failed"
    fi
  done
}
count=0
while read -r header set; do
  check "$header" "${precompiled[$set]}" &
  count=$((count + 1))
  in_parallel
done <"$work/headers"
wait
[ ! -e "$work/failed" ] || exit 1
echo "$count headers compile alone and twice, with $number sets of other libraries"
