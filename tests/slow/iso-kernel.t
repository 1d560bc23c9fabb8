#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# iso-efi and iso-bios without an initrd: the kernel itself finds the CD and the system on it. Debian's kernels have their
# drivers for that in modules, so this one is compiled: Debian's source, no module, what a CD needs.
. "$(dirname "$0")/../e2e/lib.sh"

cache=$top/build/tests/slow
mkdir -p "$cache"
kernel=$cache/kernel
if [ ! -e "$kernel" ]; then
    (
        set -e
        cd "$cache"
        rm -rf source && mkdir source && cd source
        apt-get download -q linux-source-6.1
        dpkg-deb --fsys-tarfile linux-source-6.1_*.deb | tar -xO ./usr/src/linux-source-6.1.tar.xz | tar -xJ --strip-components=1
        make -s ARCH=x86_64 tinyconfig
        for option in 64BIT PRINTK TTY SERIAL_8250 SERIAL_8250_CONSOLE BINFMT_ELF BINFMT_SCRIPT BLOCK BLK_DEV PCI ATA ATA_SFF ATA_BMDMA ATA_PIIX \
            SATA_AHCI SCSI BLK_DEV_SR BLK_DEV_SD ISO9660_FS JOLIET EFI EFI_STUB ACPI PROC_FS SYSFS DEVTMPFS DEVTMPFS_MOUNT MULTIUSER \
            FUTEX POSIX_TIMERS KERNEL_GZIP; do
            ./scripts/config -e $option
        done
        ./scripts/config -d KERNEL_XZ
        make -s ARCH=x86_64 olddefconfig
        make -s ARCH=x86_64 -j"$(nproc)" bzImage
        cp arch/x86/boot/bzImage "$kernel"
        cd .. && rm -rf source
    ) >"$work/compile.log" 2>&1 || { tail -n 20 "$work/compile.log"; echo "Bail out! the kernel does not compile"; exit 1; }
fi

mkdir "$work/kernel"
cp "$kernel" "$work/kernel/kernel"
cat >"$work/assay.yml" <<'END'
name: iso
arch: amd64
images:
  kernel: {directory: {path: kernel}}
  busybox:
    debian: {suite: bookworm, packages: [busybox-static]}
    include: [usr/bin/busybox]
system:
  kernel: {image: kernel, cmdline: "console=ttyS0 panic=-1 init=/init", tar: none}
  init: [busybox]
  files:
    - {path: dev, directory: true, mode: "0755"}
    - {path: proc, directory: true, mode: "0755"}
    - {path: init, source: start, mode: "0755"}
artifacts: [iso-efi, iso-bios]
END
cat >"$work/start" <<'END'
#!/usr/bin/busybox sh
b=/usr/bin/busybox
$b mount -t proc proc /proc
echo "Hello on $($b uname -m), / is of $($b awk '$2 == "/" {print $3}' /proc/mounts)" >/dev/console
$b poweroff -f
END
cd "$work" || exit 1
run "$assay" lock assay.yml -o plan.json -q
exits 0 "the recipe is locked"
run "$assay" build plan.json -o out -q
exits 0 "and built"

boot() {
    timeout "$patience" qemu-system-x86_64 -m 512 -vga none -nographic -nodefaults -no-reboot -net none "$@" -serial "file:$work/console" </dev/null >"$work/qemu.out" 2>&1
}
found() {
    if grep -aq "^Hello on x86_64, / is of iso9660" "$work/console"; then pass "$1"; else fail "$1" "$(tail -c 1500 "$work/console")" "$(tail -c 500 "$work/qemu.out")"; fi
}
boot -cdrom out/iso.iso
found "iso-bios without an initrd: SeaBIOS boots it from a CD, and the kernel runs the system on it"
cp /usr/share/OVMF/OVMF_VARS_4M.fd vars
boot -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd -drive if=pflash,format=raw,file=vars -cdrom out/iso-efi.iso
found "iso-efi: OVMF boots it from a CD, and the kernel runs the system on it"
done_testing
