#!/usr/bin/env bash
# The peak memory of a run must not depend on the number of steps.
# usage: check_memory.sh MEASURE_PROGRAM MEMORY_PROBE
set -u
export OMP_NUM_THREADS=1  # so that it does not matter which thread had how much to do
few=$("$1" "$2" 10) || exit 1
many=$("$1" "$2" 1000) || exit 1
echo "10 steps: ${few#* } MB, 1000 steps: ${many#* } MB"
awk "BEGIN { exit !(${many#* } <= 1.05 * ${few#* }) }"
