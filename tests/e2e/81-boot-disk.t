#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk images boot: each to a line that its guest prints, under software emulation.
. "$(dirname "$0")/lib.sh"
# Where fsck.fat, sfdisk and sgdisk are, which an ordinary user's PATH may leave out.
PATH=$PATH:/usr/sbin:/sbin
# Seconds that a guest has: each needs 3 to 15, but the machine may have other things to do.
patience=400

debian_inputs disk-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" --no-cache -j2 -o "$work/amd64"
exits 0 "the images are built"

# boot NAME LINE EMULATOR ARGUMENT…: the guest prints LINE and ends.
boot() {
    name=$1
    line=$2
    shift 2
    timeout "$patience" "$@" -accel tcg -smp 1 -m 512 -nodefaults -no-user-config -display none -monitor none -serial stdio \
        -nic none -no-reboot </dev/null >"$work/console" 2>&1
    if tr -d '\r' <"$work/console" | grep -qxF "$line"; then pass "$name boots"; else fail "$name boots" "$(tail -n 20 "$work/console")"; fi
}
# disk FILE FORMAT: changes go nowhere.
disk() {
    printf 'file=%s,format=%s,if=virtio,snapshot=on' "$1" "$2"
}
hello="Hello from a disk on x86_64"
ovmf=/usr/share/OVMF/OVMF_CODE_4M.fd
bios() { # NAME FILE FORMAT
    boot "$1" "$hello" qemu-system-x86_64 -machine q35 -drive "$(disk "$work/amd64/$2" "$3")"
}
efi() {
    boot "$1" "$hello" qemu-system-x86_64 -machine q35 -drive "if=pflash,format=raw,unit=0,readonly=on,file=$ovmf" -drive "$(disk "$work/amd64/$2" "$3")"
}
# dynamic-vhd is called as vhd is, so it cannot be in one recipe with it: the plan with that one parameter changed.
jq -cSj '(.steps[] | select(.id == "vhd") | .params.type) = "dynamic"' "$inputs_plan" >"$work/dynamic.json"
run "$assay" build "$work/dynamic.json" --store "$inputs_store" --work "$work/scratch" -o "$work/dynamic" --only disk.vhd
exits 0 "and a dynamic VHD"
mv "$work/dynamic/disk.vhd" "$work/amd64/dynamic.vhd"
mkdir "$work/gcp"
ok "tar reads the tar for gcp" tar xf "$work/amd64/disk.img.tar.gz" -C "$work/gcp"
is "in which is disk.raw alone, of whole GiB" "$(cd "$work/gcp" && stat -c '%n %s' ./*)" "./disk.raw 1073741824"
mv "$work/gcp/disk.raw" "$work/amd64/gcp.raw"

bios raw-bios disk-bios.img raw
bios qcow2-bios disk.qcow2 qcow2
bios vhd disk.vhd vpc
bios dynamic-vhd dynamic.vhd vpc
bios vmdk disk.vmdk vmdk
bios gcp gcp.raw raw
ok "aws is raw-bios by another name" cmp "$work/amd64/disk-bios.img" "$work/amd64/disk.raw"
efi raw-efi disk-efi.img raw
efi qcow2-efi disk-efi.qcow2 qcow2

# The other architectures' firmware: EDK2 for arm64; for riscv64 OpenSBI and U-Boot, whose EFI is a second implementation.
other() { # ARCH
    debian_inputs "disk-$1"
    run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/$1"
    exits 0 "raw-efi is built for $1"
}
other arm64
boot "raw-efi for arm64" "Hello from a disk on aarch64" qemu-system-aarch64 -machine virt -cpu cortex-a57 -bios /usr/share/qemu-efi-aarch64/QEMU_EFI.fd \
    -drive "$(disk "$work/arm64/disk-efi.img" raw)"
# The card that rpi3's files are copied to, read by the U-Boot that is on it; only the firmware that loads U-Boot is QEMU's.
mkdir "$work/card"
ok "tar reads the tar for rpi3" tar xf "$work/arm64/disk.tar" -C "$work/card"
for image in kernel.uimg initrd.uimg boot.scr; do
    ok "mkimage reads $image" mkimage -l "$work/card/$image"
done
files=$(cd "$work/card" && find . -type f -printf '%P\n' | sort | jq -Rnc '[inputs] | to_entries | map({path: .value, input: .key})')
ok "the card's files become a volume" sh -c 'cd "$1/card" && "$2/encode_blob" "$1/store" encode.fat "{\"type\":\"fat32\",\"size\":0,\"cluster\":0,\"label\":\"CARD\",\"time\":0,\"hidden\":2048,\"files\":$3}" 2 ../card.fat $(find . -type f -printf "%P\n" | sort)' sh "$work" "$ASSAY_HELPERS" "$files"
ok "and the volume a card" "$ASSAY_HELPERS/encode_blob" "$work/store" encode.disk '{"table":"mbr","size":134217728,"partitions":[{"input":0,"type":12,"active":true}]}' 2 "$work/card.img" "$work/card.fat"
# This machine cannot be switched off: it is ended when it has said its line.
timeout "$patience" qemu-system-aarch64 -machine raspi3b -kernel "$work/card/u-boot.bin" -dtb "$work/card/dtb/broadcom/bcm2837-rpi-3-b.dtb" \
    -drive "if=sd,format=raw,snapshot=on,file=$work/card.img" -nodefaults -no-user-config -display none -monitor none -serial null -serial stdio -no-reboot \
    </dev/null >"$work/console" 2>&1 &
guest=$!
said() { tr -cd '\n -~' <"$work/console" | grep -qxF "Hello from a disk on aarch64"; }
while kill -0 $guest 2>/dev/null && ! said; do sleep 0.3; done
if said; then pass "rpi3 boots"; else fail "rpi3 boots" "$(tail -n 20 "$work/console")"; fi
kill $guest 2>/dev/null
wait $guest 2>/dev/null

other riscv64
boot "raw-efi for riscv64" "Hello from a disk on riscv64" qemu-system-riscv64 -machine virt -kernel /usr/lib/u-boot/qemu-riscv64_smode/u-boot.bin \
    -drive "$(disk "$work/riscv64/disk-efi.img" raw)"

# ---- what other programs say of them ----
ok "sfdisk: the MBR is fine" sh -c "sfdisk --verify '$work/amd64/disk-bios.img' 2>&1 | grep -q 'No errors'"
ok "sgdisk: the GPT is fine" sh -c "sgdisk -v '$work/amd64/disk-efi.img' | grep -q 'No problems found'"
bios_disk=$work/amd64/disk-bios.img
for spec in disk.qcow2:qcow2 disk.vhd:vpc dynamic.vhd:vpc disk.vmdk:vmdk gcp.raw:raw; do
    ok "${spec%:*} holds the very same disk" sh -c "qemu-img compare -q -f ${spec#*:} -F raw '$work/amd64/${spec%:*}' '$bios_disk'"
done
for spec in disk.qcow2:qcow2 disk-efi.qcow2:qcow2 disk.vmdk:vmdk; do
    ok "qemu-img check: ${spec%:*} is fine" qemu-img check -q -f "${spec#*:}" "$work/amd64/${spec%:*}"
done
size() { qemu-img info --output json -f "$2" "$work/amd64/$1" | jq '."virtual-size"'; }
is "a size that was asked for" "$(size disk-efi.qcow2 qcow2) $(size disk.vmdk vmdk)" "67108864 1073741824"
is "a VHD's size is its disk's" "$(size disk.vhd vpc) $(size dynamic.vhd vpc)" "16777216 16777216"
qemu-img convert -f qcow2 -O raw "$work/amd64/disk-efi.qcow2" "$work/efi.raw"
ok "sgdisk: the GPT of a disk that was asked to be larger is fine" sh -c "sgdisk -v '$work/efi.raw' | grep -q 'No problems found'"
for image in disk-bios disk-efi; do
    dd if="$work/amd64/$image.img" of="$work/volume" bs=1M skip=1 2>/dev/null
    ok "fsck.fat: the volume of $image is fine" sh -c "fsck.fat -n -v '$work/volume' >'$work/fsck' 2>&1 && ! grep -qi -e warning -e differ '$work/fsck'"
done
ok "an EFI system partition is FAT32" grep -q "32 bit entries" "$work/fsck"

# ---- the same bytes, whatever the host is like ----
same() {
    name=$1
    shift
    rm -rf "$work/again"
    run "$@"
    [ ! -e "$work/amd64/dynamic.vhd" ] || mv "$work/amd64/dynamic.vhd" "$work/dynamic.vhd"
    rm -f "$work/amd64/gcp.raw"
    is "$name" "$code $(cd "$work/again" && sha256sum ./*)" "0 $(cd "$work/amd64" && sha256sum ./*)"
}
debian_inputs disk-amd64
same "one thread, another zone, umask and path" env TZ=Pacific/Kiritimati LC_ALL=C sh -c 'umask 077; cd / && "$0" build "$1" --store "$2" --work "$3/longer path" --no-cache -j1 -o "$3/again"' "$assay" "$inputs_plan" "$inputs_store" "$work"

again() { # NAME PLAN OUTPUT FIRST
    run env TZ=Pacific/Kiritimati LC_ALL=C sh -c 'umask 077; cd / && "$0" build "$1" --store "$2" --work "$3/longer path" --no-cache -j1 -o "$3/more" --only "$4"' "$assay" "$2" "$inputs_store" "$work" "$3"
    ok "$1 as well" cmp "$work/more/$3" "$4"
}
again "a dynamic VHD" "$work/dynamic.json" disk.vhd "$work/dynamic.vhd"
debian_inputs disk-arm64
again "rpi3" "$inputs_plan" disk.tar "$work/arm64/disk.tar"

done_testing
