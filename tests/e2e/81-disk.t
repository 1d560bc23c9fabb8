#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk images of recipes, judged by other programs, and the same bytes whatever the host is like. One of them boots;
# tests/slow/boot-disk.t boots all.
. "$(dirname "$0")/lib.sh"
. "$here/boot.sh"

debian_inputs disk-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" --no-cache -j2 -o "$work/amd64"
exits 0 "the images are built"
# dynamic-vhd is called as vhd is, so it cannot be in one recipe with it: the plan with that one parameter changed.
jq -cSj '(.steps[] | select(.id == "vhd") | .params.type) = "dynamic"' "$inputs_plan" >"$work/dynamic.json"
run "$assay" build "$work/dynamic.json" --store "$inputs_store" --work "$work/scratch" -o "$work/dynamic" --only disk.vhd
exits 0 "and a dynamic VHD"
mv "$work/dynamic/disk.vhd" "$work/amd64/dynamic.vhd"
mkdir "$work/gcp"
ok "tar reads the tar for gcp" tar xf "$work/amd64/disk.img.tar.gz" -C "$work/gcp"
is "in which is disk.raw alone, of whole GiB" "$(cd "$work/gcp" && stat -c '%n %s' ./*)" "./disk.raw 1073741824"
mv "$work/gcp/disk.raw" "$work/amd64/gcp.raw"
ok "aws is raw-bios by another name" cmp "$work/amd64/disk-bios.img" "$work/amd64/disk.raw"
boot qemu-system-x86_64 -machine q35 -drive "$(disk "$work/amd64/disk-bios.img" raw)"
found "^Hello from a disk on x86_64$" "raw-bios boots"

debian_inputs disk-arm64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/arm64"
exits 0 "raw-efi and rpi3 are built for arm64"
mkdir "$work/card"
ok "tar reads the tar for rpi3" tar xf "$work/arm64/disk.tar" -C "$work/card"
for image in kernel.uimg initrd.uimg boot.scr; do
    ok "mkimage reads $image" mkimage -l "$work/card/$image"
done

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
