#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Machines that the emulator's release before stored (archive version 6): their state is read, hashed and checked, and
# nothing of them is written.
. "$(dirname "$0")/lib.sh"

cartesi="$assay cartesi"
own=$top/tests/data/cartesi-v6
machines=$work/machines
mkdir "$machines"

while read -r id root; do
    zstd -qdc "$own/$id.tar.zst" | tar -xf - -C "$machines"
    # Its directories are as nobody but root can enter them.
    chmod -R u+rwX "$machines"
    run $cartesi hash "$machines/$id"
    is "$id: the root hash that its emulator printed" "$(cat "$work/stdout")" "$root"
    run $cartesi verify --state-only "$machines/$id"
    exits 0 "$id: verified by its state"
    is "$id: nothing is wrong" "$(grep -c '^wrong' "$work/stdout")" 0
    prints 'note: the caches are not judged: what emulator 0.20 makes of them is not known' "$id: what is not looked at is said"
done <"$own/roots"
new=$machines/new
prints 'note: the machine has run to mcycle 40' 'a machine that has run'
run $cartesi verify --state-only "$new"
prints "note: the device tree is not compared with emulator 0.20's" 'nor is the device tree'

spoil() { # FILE OFFSET
    rm -rf "$work/bad"
    cp -r "$new" "$work/bad"
    chmod -R u+w "$work/bad"
    printf '\125' | dd of="$work/bad/$1" bs=1 seek="$2" conv=notrunc status=none
}
wrong_in() { # NAME FILE OFFSET PATTERN
    spoil "$2" "$3"
    run $cartesi verify --state-only "$work/bad"
    exits 5 "verify: $1"
    one_line "verify, in one line: $1"
    prints "^wrong: $4" "verify names it: $1"
}
wrong_in 'a register' 0000000000000000-8000.bin 80 'register x10 is 0x55, in config.json 0x0'
wrong_in 'a register behind the one that is new in 0.21' 0000000000000000-8000.bin 840 'register htif.iyield is 0x55'
wrong_in 'marchid' 0000000000000000-8000.bin 656 'mvendorid, marchid and mimpid are not those of emulator 0.20'
wrong_in 'the padding begins where its registers end' 0000000000000000-8000.bin 848 'shadow state: padding at 0x350'
wrong_in 'the PMAs' 0000000000010000-1000.bin 16 'PMA 1: '
wrong_in 'the uarch state' 0000000000400000-1000.bin 0 'uarch register halt_flag'
printf ' ' >>"$work/bad/config.json"
run $cartesi verify --state-only "$work/bad"
prints '^wrong: config.json is not in the bytes' 'verify: a config.json that is not canonical'

run $cartesi proof "$new" 0x80000000 12
exits 0 'a proof'
cp "$work/stdout" "$work/proof"
run $cartesi verify-proof "$work/proof" --root "$(grep '^new ' "$own/roots" | cut -d' ' -f2)"
exits 0 'which holds'
run $cartesi inspect "$new"
prints '^emulator 0.20, keccak256' 'inspect tells the release'
is 'and does not know later registers' "$(grep -c imcyclemax "$work/stdout")" 0
spoil 0000000000000000-8000.bin 840
run $cartesi diff "$new" "$work/bad"
prints '^register htif.iyield: 0x3 and 0x55$' 'diff names its registers'
zstd -qdc "$top/tests/data/cartesi/a02-min-sha256.tar.zst" | tar -xf - -C "$machines"
run $cartesi diff "$new" "$machines/a02-min-sha256"
prints '^emulator: 0.20 and 0.21$' 'machines of two releases differ in that'

for command in "write -c $new/config.json -i $new -o $work/out" "unpack $new -o $work/out" "pack $new -o $work/out"; do
    # shellcheck disable=SC2086 # a command line
    run $cartesi $command
    exits 5 "${command%% *}: refused"
    is "${command%% *}: in one line" "$(grep -vc 'has no uarch RAM file' "$work/stderr")" 1
    says 'machines of emulator 0.20 are read, and not written' "${command%% *}: says why"
    ok "${command%% *}: nothing is left" test ! -e "$work/out"
done
done_testing
