#!/bin/sh
# Disk images boot: each to a line that its guest prints, under software emulation.
. "$(dirname "$0")/lib.sh"

debian_inputs disk-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" --no-cache -j2 -o "$work/amd64"
exits 0 "the images are built"

# boot NAME LINE EMULATOR ARGUMENT…: the guest prints LINE and ends.
boot() {
    name=$1
    line=$2
    shift 2
    timeout 120 "$@" -accel tcg -smp 1 -m 512 -nodefaults -no-user-config -display none -monitor none -serial stdio \
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
bios raw-bios disk-bios.img raw
efi raw-efi disk-efi.img raw
ok "aws is raw-bios by another name" cmp "$work/amd64/disk-bios.img" "$work/amd64/disk.raw"

# ---- what other programs say of them ----
ok "sfdisk: the MBR is fine" sh -c "sfdisk --verify '$work/amd64/disk-bios.img' 2>&1 | grep -q 'No errors'"
ok "sgdisk: the GPT is fine" sh -c "sgdisk -v '$work/amd64/disk-efi.img' | grep -q 'No problems found'"
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
    is "$name" "$code $(cd "$work/again" && sha256sum ./*)" "0 $(cd "$work/amd64" && sha256sum ./*)"
}
same "one thread, another zone, umask and path" env TZ=Pacific/Kiritimati LC_ALL=C sh -c 'umask 077; cd / && "$0" build "$1" --store "$2" --work "$3/longer path" --no-cache -j1 -o "$3/again"' "$assay" "$inputs_plan" "$inputs_store" "$work"

done_testing
