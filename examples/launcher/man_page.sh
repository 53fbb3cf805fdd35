#!/usr/bin/env bash
# Writes a page of the manual, compressed, that says what a command's --help says.
# usage: man_page.sh PAGE.gz VERSION NAME SUMMARY PROGRAM [SUBCOMMAND...]
set -euo pipefail
page=$1 version=$2 name=$3 summary=$4 program=$5
shift 5
# as_is: text in which troff finds nothing to do
as_is() { sed -e 's/\\/\\e/g' -e 's/-/\\-/g' -e "s/^\\([.']\\)/\\\\\\&\\1/"; }
{
  printf '.TH %s 1 "" "posekit %s" "posekit"\n' "${name^^}" "$version"
  printf '.SH NAME\n%s \\- %s\n' "$name" "$summary"
  printf '.SH DESCRIPTION\n.nf\n'
  "$program" --help | as_is
  for subcommand in "$@"; do
    printf '.fi\n.SH %s\n.nf\n' "${subcommand^^}"
    "$program" "$subcommand" --help | as_is
  done
  printf '.fi\n.SH SEE ALSO\n.BR posekit (1)\n'
} | gzip -9n >"$page.part"
mv "$page.part" "$page"
