#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Root hashes of machines that have run: the reference emulator's checkpoints of four programs (tests/data/cartesi-run),
# against what assay cartesi hash says of the same machines when a plain interpreter, written from the
# specification in another language, has run them that far.
. "$(dirname "$0")/lib.sh"
vectors=$top/tests/data/cartesi-run

[ "$(wc -l <"$vectors/checkpoints")" = 52 ] || { echo "Bail out! not the vectors that this test knows"; exit 1; }

machine=
while read -r base requested mcycle root; do
    if [ "$machine" != "$work/$base" ]; then
        [ -z "$machine" ] || rm -rf "$machine"
        machine=$work/$base
        tar --zstd -xf "$vectors/$base.tar.zst" -C "$work"
    fi
    reached=$(python3 "$here/cartesi_run.py" "$machine" "$requested") || reached=failed
    is "$base, run($requested): mcycle" "${reached%% *}" "$mcycle"
    is "$base at mcycle $mcycle: root hash" "$("$assay" cartesi hash "$machine" 2>/dev/null | head -n 1)" "keccak256:$root"
done <"$vectors/checkpoints"
run "$assay" cartesi verify "$machine"
prints "has run to mcycle 3458" "assay cartesi verify says how far the machine has run"
is "it finds nothing wrong but the files that the vectors leave out" \
    "$(grep '^wrong: ' "$work/stdout" | grep -cv 'is missing')" 0
done_testing
