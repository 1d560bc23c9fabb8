#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay run test: boots a guest of 44 bytes (riscv64, SBI calls only) that prints what follows it
# and powers off.
. "$(dirname -- "$0")/lib.sh"

# kernel TEXT: text is for printf.
#     auipc s0, 0; addi s0, s0, 44
#  1: lbu a0, 0(s0); beqz a0, 2f; li a7, 1; ecall (print); addi s0, s0, 1; j 1b
#  2: li a7, 8; ecall (power off); 3: j 3b
kernel() {
    {
        printf '\027\004\000\000\023\004\304\002\003\105\004\000\143\012\005\000'
        printf '\223\010\020\000\163\000\000\000\023\004\024\000\157\360\337\376'
        printf '\223\010\200\000\163\000\000\000\157\000\000\000'
        # shellcheck disable=SC2059 # the text is a format
        printf "$1"
        printf '\000'
    } >"$work/kernel"
}

seconds=60
boot() {
    run "$assay" run test --arch riscv64 --kernel "$work/kernel" --initrd "$work/initrd" --timeout "$seconds" "$@"
}

echo initrd >"$work/initrd"
kernel 'Hello from below\r\nand \033[31mmore\r\n'

boot --expect 'Hello from below'
exits 0 'a guest prints the expected line'
prints "^the riscv64 guest printed 'Hello from below' after [0-9.]+ s$" 'and the line is told'
boot --expect 'Hello from'
exits 1 'a part of a line is not the line'
one_line 'said in one line'
says "ended without printing 'Hello from'" 'that names it'
boot
exits 0 'without --expect the end is what is wanted'
boot -v --expect nothing
says '^Hello from below$' 'with -v the console is shown'
says '^and \?\[31mmore$' 'but not its control characters'
boot --json --expect 'Hello from below'
ok 'the document' jq -e '.arch == "riscv64" and .passed and .end == "expected" and .milliseconds > 0' "$work/stdout"
boot --json --expect nothing
exits 1 'a failed test with --json'
ok 'has the document beside the error' jq -e '.error.exit == 1 and .result.passed == false and .result.end == "ended"' "$work/stdout"

# A guest that neither prints nor ends: its first instruction jumps to itself.
printf '\157\000\000\000' >"$work/kernel"
seconds=2
boot --expect never
exits 1 'a guest that hangs is given up'
says 'within 2 seconds' 'after the timeout'
is 'and its emulator is gone' "$(grep -l "$work/kerne[l]" /proc/[0-9]*/cmdline 2>/dev/null | wc -l)" 0

seconds=60
kernel x
run "$assay" run test --arch riscv64 --kernel "$work/none" --initrd "$work/initrd"
exits 5 'a kernel that is not there'
one_line 'gives one line'
run "$assay" run test --arch riscv64 --kernel "$work/kernel" --initrd "$work"
exits 5 'an initrd that is a directory'
run "$assay" run test --arch vax --kernel "$work/kernel" --initrd "$work/initrd"
exits 2 'an unknown architecture'
run "$assay" run test --arch riscv64 --kernel "$work/kernel"
exits 2 'no initrd'
boot --expect "$(printf 'a\tb')"
exits 2 'a line that cannot be compared'
seconds=0
boot
exits 2 'no time'
if ! command -v qemu-system-aarch64 >/dev/null; then
    run "$assay" run test --arch arm64 --kernel "$work/kernel" --initrd "$work/initrd"
    exits 6 'an emulator that is not installed'
    says 'Debian package qemu-system-arm' 'and what has it'
fi

done_testing
