#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the emulator would make of a machine's caches: honest ones of every kind are accepted, lies are not, and each
# field is judged as a second model judges it.
. "$(dirname "$0")/lib.sh"

cartesi="$assay cartesi"
own=$top/tests/data/cartesi-caches
machines=$work/machines
mkdir "$machines"

# ---- stored by the reference, before and after it hashed, ran, wrote ----
while read -r id root; do
    zstd -qdc "$own/$id.tar.zst" | tar -xf - -C "$machines"
    # Its directories are as nobody but root can enter them.
    chmod -R u+rwX "$machines"
    run $cartesi verify --state-only "$machines/$id"
    exits 0 "$id: accepted"
    is "$id: the root hash that the reference printed" "$(head -n 1 "$work/stdout")" "$root"
    is "$id: nothing is wrong" "$(grep -c '^wrong' "$work/stdout")" 0
done <"$own/roots"
is "there were some" "$(wc -l <"$own/roots")" 7

# ---- every field, one after the other ----
for id in hashed-written hashed-run replaced; do
    python3 "$here/cartesi_caches.py" "$machines/$id" "$work/$id" -- "$assay" >"$work/lines" 2>"$work/trace" ||
        fail "$id: the model's program ends well" "$(tail -3 "$work/trace")"
    while IFS= read -r line; do
        case $line in
        'ok - '*) pass "$id: ${line#ok - }" ;;
        'not ok - '*) fail "$id: ${line#not ok - }" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$work/lines"
    is "$id: every kind of field was judged" "$(grep -c -- ' - ' "$work/lines")" 17
    ok "$id: some of them give a false root" grep -q 'hash in .dht.* [1-9][0-9]* with a false root' "$work/lines"
done

# ---- lies: what a byte of state is worth under each cache ----
state() { # ID FILE OFFSET: one byte of the state becomes another
    rm -rf "$work/bad"
    cp -r "$machines/$1" "$work/bad"
    chmod -R u+w "$work/bad"
    printf '\125' | dd of="$work/bad/$2" bs=1 seek="$3" conv=notrunc status=none
}
state hashed 0000000080000000-5000.bin 9000
run $cartesi verify --state-only "$work/bad"
exits 5 'a byte of RAM under clean caches'
prints "^wrong: with these caches the emulator's root hash is $(grep '^hashed ' "$own/roots" | cut -d' ' -f2)" 'the false root is named'
state new 0000000080000000-5000.bin 9000
run $cartesi verify --state-only "$work/bad"
exits 0 'the same byte where nothing has been hashed: the emulator computes all'
state hashed-run 0000000000000000-8000.bin 8
run $cartesi verify --state-only "$work/bad"
exits 0 'a register of a machine that has run: its pages are always hashed again'
state hashed 0000000000400000-1000.bin 8
run $cartesi verify --state-only "$work/bad"
exits 5 'a uarch cycle that was counted without a step'
one_line 'said in one line'
printf '\4' | dd of="$work/bad/0000000000400000-1000.bin" bs=1 seek=16 conv=notrunc status=none
run $cartesi hash "$work/bad"
exits 5 'within an instruction the uarch RAM is needed'
says 'steps into an instruction, and its uarch RAM is not there' 'and its absence is said'

# ---- the cases that the trials left ----
cases=$ASSAY_SHARED/cases/cartesi
for archive in "$cases"/honest-refused/*.tar.zst "$cases/cache-lies/honest-base.tar.zst"; do
    [ -f "$archive" ] || continue
    run $cartesi verify "$archive"
    exits 0 "honest: $(basename "$archive" .tar.zst)"
done
for archive in "$cases"/cache-lies/*.tar.zst; do
    [ -f "$archive" ] && [ "$(basename "$archive")" != honest-base.tar.zst ] || continue
    run $cartesi verify "$archive"
    exits 5 "a lie: $(basename "$archive" .tar.zst)"
    one_line "in one line"
done
done_testing
