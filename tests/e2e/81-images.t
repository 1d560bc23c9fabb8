#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A Debian kernel boots, and finds in file-system images the tree that was described. And every format is the same bytes,
# however it is built. Other firmware, media and architectures are tests/slow/boot-images.t's.
. "$(dirname "$0")/lib.sh"
. "$here/boot.sh"

agree="python3 $here/images_agree.py"

# build ARCH: the plan's outputs, in $work/ARCH.
build() {
    debian_inputs "images-$1"
    ok "$1: the plan builds" "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/$1"
}
# image FILE: the argument of -drive for an image that is only read.
image() {
    printf '%s' "if=virtio,format=raw,readonly=on,file=$1"
}

# ---- formats of one tree, mounted by Linux ----
tree=$work/tree.txt
cat >"$tree" <<'END'
dir . 755 0 0 1700000000
dir .a 755 0 0 0
file !first 644 0 0 0 text:sorts\x20before\x20the\x20dot
dir bin 755 0 0 1700000001
file bin/busybox 4755 0 0 1600000000 random:1:300000
hard bin/sh bin/busybox
symlink bin/ls 777 0 0 1600000001 busybox
dir dev 755 0 0 2
block dev/disk 660 0 6 1 8 200
block dev/large 660 0 6 1 259 70000
char dev/null 666 0 0 1 1 3
fifo dev/pipe 600 1 2 3
dir etc 2775 0 50 1700000002
symlink etc/abs 777 0 0 1 /absolute/target
symlink etc/slashes 777 0 0 1 //a//../b/
file etc/copy 644 0 0 9 random:1:300000
file etc/empty 644 0 0 5 text:
file etc/hello 644 70000 4294967290 2147483648 text:hello\x0a
hard etc/linked etc/hello
file etc/na\xc3\xafve 600 1 1 7 text:utf8
file etc/sp\x20ace 600 1 1 7 text:space
file etc/sparse 644 0 0 4294967295 zero:300000
file etc/holes 644 0 0 9 spots:3000001:700000
file etc/zeros 644 0 0 9 zero:1048577
file etc/block 644 0 0 9 random:3:4096
file etc/block-and 644 0 0 9 random:3:4097
file etc/tail 644 0 0 9 random:1:4095
dir tmp 1777 0 0 9
dir usr 755 0 0 9
dir usr/a 755 0 0 9
dir usr/many 755 0 0 9
many usr/many 700
END
long=$(printf 'segment%03d/' {1..300} | head -c 3000)
printf 'symlink etc/long 777 0 0 1 %s\n' "$long" >>"$tree"
printf 'file etc/%0253d 600 0 0 9 text:long\n' 7 >>"$tree"
# This Linux reads times of an ISO image as 32 bits.
sed 's/ 2147483648 / 2147483647 /; s/ 4294967295 / 0 /' "$tree" | awk '/^symlink etc\/long / { $0 = substr($0, 1, length("symlink etc/long 777 0 0 1 ") + 1023) } { print }' >"$work/iso.txt"
for kind in erofs ext4 iso; do
    params='{"time":9,"uuid":"derived","xattrs":true,"exclude":[]}'
    [ $kind = ext4 ] && params='{"size":0,"time":9,"label":"","uuid":"derived","xattrs":true,"exclude":[]}'
    [ $kind = iso ] && params='{"volume":"T","time":0,"joliet":true,"exclude":[]}'
    ok "$kind: of a described tree" "$ASSAY_HELPERS/encode_tree" "$work/store" "$([ $kind = iso ] && echo "$work/iso.txt" || echo "$tree")" encode.$kind "$params" 2 "$work/tree.$kind"
done
expected=$($agree expected "$tree")

build amd64
boot qemu-system-x86_64 -kernel "$work/amd64/images-amd64-kernel" -initrd "$work/amd64/images-amd64-initrd.img" \
    -append "console=ttyS0 quiet panic=-1 look=vda:squashfs look=vdb:erofs look=vdc:erofs look=vdd:iso9660 look=vde:ext4 look=vdf:ext4" \
    -drive "$(image "$work/amd64/images-amd64-squashfs.img")" -drive "$(image "$work/amd64/images-amd64-erofs.img")" \
    -drive "$(image "$work/tree.erofs")" -drive "$(image "$work/tree.iso")" -drive "$(image "$work/tree.ext4")" \
    -drive "$(image "$work/amd64/images-amd64.ext4")"
found "look: a program of squashfs says hello" "amd64: kernel+squashfs: Linux mounts it and runs a program of it"
found "^look: a program of erofs says hello" "amd64: kernel+erofs: the same"
is "amd64: both have one tree" "$(sed -n 's/.*look: squashfs //p' "$work/console" | tr -d '\r')" "$(sed -n 's/^look: erofs //p' "$work/console" | head -n 1 | tr -d '\r')"
found "^look: erofs $expected" "erofs: Linux finds the tree that was described"
found "^look: ext4 $expected" "ext4: Linux finds the tree that was described"
found "^look: a program of ext4 says hello" "amd64: ext4: Linux mounts it and runs a program of it"
found "^look: iso9660 $($agree expected "$work/iso.txt")" "iso: Linux finds the tree that was described"
found "^Hello on x86_64" "amd64: kernel+initrd: boots"

# ---- what others say of them ----
amd64=$work/amd64/images-amd64
root() { cat "$amd64-$1.img.root-hash"; }
offset=$(jq .hashOffset "$amd64-squashfs.img.verity.json")
ok "kernel+squashfs: veritysetup verifies it" veritysetup verify "$amd64-squashfs.img" "$amd64-squashfs.img" --hash-offset="$offset" "$(root squashfs)"
ok "kernel+erofs: veritysetup verifies it by the tree beside it" veritysetup verify "$amd64-erofs.img" "$amd64-erofs.img.verity" "$(root erofs)"
offset=$(jq .hashOffset "$amd64.ext4.verity.json")
ok "ext4: veritysetup verifies it" veritysetup verify "$amd64.ext4" "$amd64.ext4" --hash-offset="$offset" "$(cat "$amd64.ext4.root-hash")"
ok "ext4: e2fsck finds no fault" e2fsck -fn "$amd64.ext4"
ok "kernel+erofs: fsck.erofs finds no fault" fsck.erofs "$amd64-erofs.img"
is "tar-kernel-initrd: has what kernel+initrd has" "$(tar -xOf "$amd64-initrd.tar" | sha256sum)" \
    "$(cat "$amd64-cmdline" "$amd64-initrd.img" "$amd64-kernel" | sha256sum)"
is "docker: is a context for docker build" "$(tar -xOf "$amd64.docker" Dockerfile)" "
FROM scratch
COPY . ./
ENTRYPOINT [\"/bin/rc.init\"]"
ok "docker: with the system in it" sh -c 'tar -tf "$1" | grep -qx usr/bin/busybox' sh "$amd64.docker"

# ---- one format of several ----
debian_inputs images-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/one" --format kernel+squashfs
exits 0 "--format: builds"
is "--format: that format's outputs and no others" "$(ls "$work/one" | tr '\n' ' ')" \
    "images-amd64-cmdline images-amd64-kernel images-amd64-squashfs.img images-amd64-squashfs.img.root-hash images-amd64-squashfs.img.verity.json "
ok "--format: the same bytes" cmp "$work/one/images-amd64-squashfs.img" "$amd64-squashfs.img"
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/one" --format vmdk
exits 2 "--format: one that the plan does not build"

# ---- the same bytes, whatever the host is like ----
cp "$inputs_plan" "$work/plan"
count=0
listing() { (cd "$1" && sha256sum ./*); }
for variation in 'umask 077; TZ=Pacific/Kiritimati LANG=tr_TR.UTF-8 "$@" -j1' 'umask 000; cd / && SOURCE_DATE_EPOCH=5 "$@" -j5'; do
    out=$work/a/rather/longer/path/out$((++count))
    mkdir -p "$out"
    run sh -c "$variation" sh "$assay" build "$work/plan" --no-cache --store "$inputs_store" --work "$work/scratch2" -o "$out"
    is "amd64: every format again, by ${variation%% \"*}" "$(listing "$out")" "$(listing "$work/amd64")"
done
done_testing
