#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Random machines: what assay cartesi write stores, against a second writer in another language, byte for byte.
. "$(dirname "$0")/lib.sh"
seed=$top/tests/data/cartesi-run/rng-seed.bin

judge() { # COUNT SEED RNG-SEED-FILE: its TAP lines, numbered here
    rm -rf "$work/judge"
    mkdir "$work/judge"
    python3 "$here/cartesi_judge.py" "$1" "$2" "$work/judge" "$3" -- "$assay" >"$work/lines"
}

judge 80 20261122 "$seed"
while IFS= read -r line; do
    case $line in
    'ok - '*) pass "${line#ok - }" ;;
    'not ok - '*) fail "${line#not ok - }" ;;
    *) printf '%s\n' "$line" ;;
    esac
done <"$work/lines"
is "all of them were judged" "$(grep -c -- ' - machine ' "$work/lines")" 80

# The judge can say no: with another rng-seed no device tree is the same.
head -c 4096 /dev/zero >"$work/zeros"
judge 2 1 "$work/zeros"
is "with another seed in the judge's device tree it refuses both" "$(grep -c '^#   000000007ff00000-100000.bin differs' "$work/lines")" 2
done_testing
