# SPDX-License-Identifier: Apache-2.0
# Sourced, after lib.sh, by tests that boot what was built, in QEMU without anybody's hardware.
#
#   boot PROGRAM ARGUMENT…   starts a guest and waits until it ends; what it prints is in $work/console
#   found PATTERN NAME       the console has a line that matches (extended regular expression)
#   disk FILE FORMAT         the argument of -drive for a disk; changes go nowhere
#   ovmf, aavmf              arguments of -drive for UEFI firmware of amd64 and arm64, without its variables

# The guest's clock counts its instructions, and does not wait: how much else the machine does changes nothing that the guest sees
# (a Linux that loses the first interrupts of its timer gives up).
clock='-accel tcg -smp 1 -icount shift=4,sleep=off'

boot() {
    rm -f "$work/console"
    # shellcheck disable=SC2086 # the clock is several words
    timeout "$patience" "$@" $clock -m 512 -nodefaults -no-user-config -display none -monitor none -nic none -no-reboot \
        -serial "file:$work/console" </dev/null >"$work/qemu.out" 2>&1
}
found() {
    if tr -d '\r' <"$work/console" | grep -Eaq -- "$1"; then
        pass "$2"
    else
        fail "$2" "wanted: $1" "$(tail -c 1500 "$work/console")" "$(tail -c 500 "$work/qemu.out")"
    fi
}
disk() {
    printf 'file=%s,format=%s,if=virtio,snapshot=on' "$1" "$2"
}
ovmf='if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd'
aavmf='if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/AAVMF/AAVMF_CODE.fd'
