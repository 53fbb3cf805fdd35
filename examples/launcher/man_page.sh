#!/usr/bin/env bash
# Prints a page of the manual that says what a command's --help says.
# usage: man_page.sh VERSION NAME SUMMARY PROGRAM [SUBCOMMAND...]
set -euo pipefail
version=$1 name=$2 summary=$3 program=$4
shift 4
# as_is: text in which troff finds nothing to do
as_is() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\\([.']\\)/\\\\\\&\\1/"; }
printf '.TH %s 1 "" "posekit %s" "posekit"\n' "${name^^}" "$version"
printf '.SH NAME\n%s \\- %s\n' "$name" "$summary"
printf '.SH DESCRIPTION\n.nf\n'
"$program" --help | as_is
for subcommand in "$@"; do
  printf '.fi\n.SH %s\n.nf\n' "${subcommand^^}"
  "$program" "$subcommand" --help | as_is
done
printf '.fi\n.SH SEE ALSO\n'
[ "$name" = posekit ] || printf '.BR posekit (1)\n'
