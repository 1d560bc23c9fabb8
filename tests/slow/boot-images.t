#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What recipes make boots from every medium and on every architecture: SeaBIOS, OVMF, AAVMF, OpenSBI. What the images hold is
# tests/e2e/81-images.t's.
. "$(dirname "$0")/../e2e/lib.sh"
. "$here/../e2e/boot.sh"

# build ARCH: the plan's outputs, in $work/ARCH.
build() {
    debian_inputs "images-$1"
    ok "$1: the plan builds" "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/$1"
}
# image FILE: the argument of -drive for an image that is only read.
image() {
    printf '%s' "if=virtio,format=raw,readonly=on,file=$1"
}

build amd64
# ---- media ----
boot qemu-system-x86_64 -cdrom "$work/amd64/images-amd64.iso"
found "^look: a program of iso9660 says hello" "amd64: iso-bios: SeaBIOS boots it from a CD, and Linux finds the system on it"
found "^Hello on x86_64" "amd64: iso-bios: its initrd runs"
boot qemu-system-x86_64 -drive "file=$work/amd64/images-amd64.iso,format=raw,if=ide,snapshot=on"
found "^Hello on x86_64" "amd64: iso-bios: SeaBIOS boots the same file from a disk"
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars"
boot qemu-system-x86_64 -drive "$ovmf" -drive "if=pflash,format=raw,unit=1,file=$work/vars" -cdrom "$work/amd64/images-amd64-efi-initrd.iso"
found "^Hello on x86_64" "amd64: iso-efi-initrd: OVMF boots it from a CD"
# Without an initrd it needs a kernel that has the drivers built in: this one has not, and says so; tests/slow/iso-kernel.t has one.
cp /usr/share/OVMF/OVMF_VARS_4M.fd "$work/vars"
boot qemu-system-x86_64 -drive "$ovmf" -drive "if=pflash,format=raw,unit=1,file=$work/vars" -cdrom "$work/amd64/images-amd64-efi.iso"
found 'Cannot open root device "sr0"|Unable to mount root fs' "amd64: iso-efi: OVMF boots it; the kernel looks for /dev/sr0"
build arm64
cp /usr/share/AAVMF/AAVMF_VARS.fd "$work/vars"
boot qemu-system-aarch64 -M virt -cpu cortex-a57 -drive "$aavmf" -drive "if=pflash,format=raw,unit=1,file=$work/vars" \
    -drive "$(image "$work/arm64/images-arm64-efi-initrd.iso")"
found "^Hello on aarch64" "arm64: iso-efi-initrd: AAVMF boots it"
build riscv64
boot qemu-system-riscv64 -M virt -kernel "$work/riscv64/images-riscv64-kernel" -initrd "$work/riscv64/images-riscv64-initrd.img" \
    -append "console=ttyS0 quiet panic=-1 look=vda:squashfs look=vdb:erofs" \
    -drive "$(image "$work/riscv64/images-riscv64-squashfs.img")" -drive "$(image "$work/riscv64/images-riscv64-erofs.img")"
found "^look: a program of squashfs says hello" "riscv64: kernel+squashfs: OpenSBI starts a kernel that mounts it"
found "^look: a program of erofs says hello" "riscv64: kernel+erofs: the same"
found "^Hello on riscv64" "riscv64: kernel+initrd: boots"

done_testing
