#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk images boot: each to a line that its guest prints. What they hold, and that they are the same bytes anywhere, is
# tests/e2e/81-disk.t's.
. "$(dirname "$0")/../e2e/lib.sh"
. "$here/../e2e/boot.sh"

build() { # ARCH
    debian_inputs "disk-$1"
    run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -j2 -o "$work/$1"
    exits 0 "$1: the images are built"
}
build amd64
# dynamic-vhd is called as vhd is, so it cannot be in one recipe with it: the plan with that one parameter changed.
jq -cSj '(.steps[] | select(.id == "vhd") | .params.type) = "dynamic"' "$inputs_plan" >"$work/dynamic.json"
run "$assay" build "$work/dynamic.json" --store "$inputs_store" --work "$work/scratch" -o "$work/dynamic" --only disk.vhd
exits 0 "and a dynamic VHD"
tar xf "$work/amd64/disk.img.tar.gz" -C "$work"

amd64() { # NAME FILE FORMAT ARGUMENT…
    name=$1 drive=$(disk "$2" "$3")
    shift 3
    boot qemu-system-x86_64 -machine q35 -drive "$drive" "$@"
    found "^Hello from a disk on x86_64$" "$name boots"
}
amd64 raw-bios "$work/amd64/disk-bios.img" raw
amd64 qcow2-bios "$work/amd64/disk.qcow2" qcow2
amd64 vhd "$work/amd64/disk.vhd" vpc
amd64 dynamic-vhd "$work/dynamic/disk.vhd" vpc
amd64 vmdk "$work/amd64/disk.vmdk" vmdk
amd64 gcp "$work/disk.raw" raw
amd64 raw-efi "$work/amd64/disk-efi.img" raw -drive "$ovmf"
amd64 qcow2-efi "$work/amd64/disk-efi.qcow2" qcow2 -drive "$ovmf"

# The other architectures' firmware: EDK2 for arm64; for riscv64 OpenSBI and U-Boot, whose EFI is a second implementation.
build arm64
boot qemu-system-aarch64 -machine virt -cpu cortex-a57 -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd -drive "$(disk "$work/arm64/disk-efi.img" raw)"
found "^Hello from a disk on aarch64$" "raw-efi for arm64 boots"
# The card that rpi3's files are copied to, read by the U-Boot that is on it; only the firmware that loads U-Boot is QEMU's.
mkdir "$work/card"
tar xf "$work/arm64/disk.tar" -C "$work/card"
files=$(cd "$work/card" && find . -type f -printf '%P\n' | sort | jq -Rnc '[inputs] | to_entries | map({path: .value, input: .key})')
ok "the card's files become a volume" sh -c 'cd "$1/card" && "$2/encode_blob" "$1/store" encode.fat "{\"type\":\"fat32\",\"size\":0,\"cluster\":0,\"label\":\"CARD\",\"time\":0,\"hidden\":2048,\"files\":$3}" 2 ../card.fat $(find . -type f -printf "%P\n" | sort)' sh "$work" "$ASSAY_HELPERS" "$files"
ok "and the volume a card" "$ASSAY_HELPERS/encode_blob" "$work/store" encode.disk '{"table":"mbr","size":134217728,"partitions":[{"input":0,"type":12,"active":true}]}' 2 "$work/card.img" "$work/card.fat"
# This machine cannot be switched off: it is ended when it has said its line. It has clocks of its own, so it keeps the host's.
timeout "$patience" qemu-system-aarch64 -machine raspi3b -kernel "$work/card/u-boot.bin" -dtb "$work/card/dtb/broadcom/bcm2837-rpi-3-b.dtb" \
    -drive "if=sd,format=raw,snapshot=on,file=$work/card.img" -nodefaults -no-user-config -display none -monitor none -serial null -serial stdio -no-reboot \
    </dev/null >"$work/console" 2>&1 &
guest=$!
said() { tr -cd '\n -~' <"$work/console" | grep -qxF "Hello from a disk on aarch64"; }
said_or_ended() { said || ! kill -0 $guest; }
await said_or_ended
if said; then pass "rpi3 boots"; else fail "rpi3 boots" "$(tail -n 20 "$work/console")"; fi
kill $guest 2>/dev/null
wait $guest 2>/dev/null

build riscv64
boot qemu-system-riscv64 -machine virt -kernel /usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin -drive "$(disk "$work/riscv64/disk-efi.img" raw)"
found "^Hello from a disk on riscv64$" "raw-efi for riscv64 boots"
done_testing
