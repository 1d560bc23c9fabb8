#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay run test: boots a guest of 44 bytes (riscv64, SBI calls only) that prints what follows it
# and powers off; and some that end otherwise, on each machine.
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
says "powered off without printing 'Hello from'" 'that names it'
boot
exits 0 'without --expect a power-off is what is wanted'
prints '^the riscv64 guest powered off after [0-9.]+ s$' 'and it is told'
boot -v --expect nothing
says '^Hello from below$' 'with -v the console is shown'
says '^and \?\[31mmore$' 'but not its control characters'
boot --json --expect 'Hello from below'
ok 'the document' jq -e '.arch == "riscv64" and .passed and .end == "expected" and .milliseconds > 0' "$work/stdout"
boot --json --expect nothing
exits 1 'a failed test with --json'
ok 'has the document beside the error' jq -e '.error.exit == 1 and .result.passed == false and .result.end == "powered-off"' "$work/stdout"

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

# ---- how a guest ends: a power-off, a reset and a panic are told apart on every machine

# riscv64 TEXT: assembled, with what the firmware and the machine's devices are asked.
riscv64() {
    printf '.option norvc\n%s\n1: j 1b\n' "$1" | riscv64-linux-gnu-as -o "$work/guest.o" - &&
        riscv64-linux-gnu-objcopy -O binary -j .text "$work/guest.o" "$work/kernel"
}
# amd64 TEXT: a multiboot header, which says where it goes (0x100000) and begins (0x100020), and the text.
amd64() {
    {
        printf '\002\260\255\033\000\000\001\000\376\117\121\344\000\000\020\000'
        printf '\000\000\020\000\000\000\000\000\000\000\000\000\040\000\020\000'
        # shellcheck disable=SC2059 # the text is a format
        printf "$1"
        printf '\364\353\375' # 1: hlt; jmp 1b
    } >"$work/kernel"
}
# arm64 BYTE: movz w0, 0x8400, lsl 16; movk w0, …, whose lowest byte that is; hvc 0; 1: b 1b
arm64() {
    # shellcheck disable=SC2059 # the number is a byte of a format
    printf '\000\200\260\122'"$1"'\001\200\162\002\000\000\324\000\000\000\024' >"$work/kernel"
}
# ends ARCH END WITHOUT WITH: how it ended, and the exit codes without --expect and with it
ends() {
    run "$assay" run test --arch "$1" --kernel "$work/kernel" --initrd "$work/initrd" --timeout 60 --json
    exits "$3" "$1: $2"
    is "$1: told so" "$(jq -r '(.result // .).end' "$work/stdout")" "$2"
    run "$assay" run test --arch "$1" --kernel "$work/kernel" --initrd "$work/initrd" --timeout 60 --expect x
    exits "$4" "$1: $2, when a line is expected"
}
seconds=60
riscv64 'li a7, 8; ecall'
ends riscv64 powered-off 0 1
riscv64 'li a0, 1; li a1, 0; li a6, 0; li a7, 0x53525354; ecall'
ends riscv64 reset 1 1
one_line 'in one line'
says 'reset itself without printing' 'which says how'
riscv64 'li t0, 0x30008000; li t1, 0x40000000; sw t1, 0x10(t0); li t2, 2; sh t2, 4(t0); li t2, 1; sb t2, 0(t1)'
ends riscv64 panicked 1 1
one_line 'in one line'
says 'panicked without printing' 'which says how'
riscv64 'li t0, 0x100000; li t1, 0x73333; sw t1, 0(t0)' # the machine's test device: a failure of status 7
ends riscv64 panicked 1 1
# The line counts, whatever comes after it.
riscv64 'li a7, 1; li a0, 120; ecall; li a0, 10; ecall; li a0, 1; li a1, 0; li a6, 0; li a7, 0x53525354; ecall'
ends riscv64 reset 1 0
amd64 '\146\272\004\006\146\270\000\040\146\357' # ACPI: mov 0x604, dx; mov 0x2000, ax; out ax, dx
ends amd64 powered-off 0 1
amd64 '\146\272\144\000\260\376\356' # the keyboard's controller: mov 0x64, dx; mov 0xfe, al; out al, dx
ends amd64 reset 1 1
amd64 '\017\013' # ud2, without a handler: a triple fault
ends amd64 reset 1 1
amd64 '\146\272\005\005\260\001\356' # pvpanic: mov 0x505, dx; mov 1, al; out al, dx
ends amd64 panicked 1 1
arm64 '\000' # SYSTEM_OFF is 8: its bits go to bit 5
ends arm64 powered-off 0 1
arm64 '\040' # SYSTEM_RESET, 9
ends arm64 reset 1 1

# ---- what is not a guest, and what the host cannot do

amd64() { run "$assay" run test --arch amd64 --kernel "$work/kernel" --initrd "$work/initrd" --timeout 60 "$@"; }
head -c 4096 /dev/zero >"$work/kernel"
amd64
exits 5 'what the emulator refuses to boot'
one_line 'is told in one line'
says "cannot boot '.*/kernel' with '.*/initrd': .*kernel" 'with its reason'
truncate -s 600M "$work/large"
run "$assay" run test --arch arm64 --kernel "$work/kernel" --initrd "$work/large" --timeout 60
exits 5 'an initrd that the memory does not hold'
code=0
(ulimit -v 3000000 && exec "$assay" run test --arch amd64 --kernel "$work/kernel" --initrd "$work/initrd" --memory 65536) \
    >"$work/stdout" 2>"$work/stderr" || code=$?
exits 7 'memory that the host does not have'
one_line 'is told in one line'
riscv64 ''
for signal in TERM KILL; do
    "$assay" run test -a riscv64 -k "$work/kernel" -i "$work/initrd" -t 60 >"$work/stdout" 2>"$work/stderr" &
    pid=$!
    emulator=
    until [ -n "$emulator" ]; do
        emulator=$(grep -lz "^$work/kerne[l]" /proc/[0-9]*/cmdline 2>/dev/null | tr '\n' '\000' |
            xargs -0 grep -lz '^qemu-system-' 2>/dev/null | sed 's/[^0-9]//g' | head -n 1)
    done
    kill -$signal "$emulator"
    code=0
    wait $pid || code=$?
    exits 7 "an emulator that somebody ends with SIG$signal"
    says 'the emulator failed' 'is no verdict on the guest'
done
if ! command -v qemu-system-aarch64 >/dev/null; then
    run "$assay" run test --arch arm64 --kernel "$work/kernel" --initrd "$work/initrd"
    exits 6 'an emulator that is not installed'
    says 'Debian package qemu-system-arm' 'and what has it'
fi

done_testing
