#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Disk images without booting them: what fsck.fat, mtools, sfdisk, sgdisk and qemu-img say of them.
. "$(dirname "$0")/lib.sh"

# step KIND PARAMS OUT INPUT…
step() {
    out=$3
    kind=$1
    params=$2
    shift 3
    "$ASSAY_HELPERS/encode_blob" "$ASSAY_STORE" "$kind" "$params" 2 "$out" "$@"
}
# What mtools reads of a volume, with contents.
contents() {
    mkdir "$2" && mcopy -s -n -m -i "$1" ::/ "$2"
}

# ---- FAT ----
head -c 3000000 /dev/urandom >"$work/kernel"
printf 'default linux\n' >"$work/config"
files='{"path":"kernel","input":0},{"path":"EFI/BOOT/BOOTX64.EFI","input":1},{"path":"loader/entries/a long name.conf","text":"title x\n"},{"path":"empty","text":""},{"path":"Mixed.Case","input":1}'
fat() { # TYPE SIZE CLUSTER OUT
    step encode.fat "{\"type\":\"$1\",\"size\":$2,\"cluster\":$3,\"label\":\"ASSAY\",\"time\":1700000000,\"hidden\":2048,\"files\":[$files]}" "$4" "$work/kernel" "$work/config"
}
mkdir -p "$work/wanted/EFI/BOOT" "$work/wanted/loader/entries"
cp "$work/kernel" "$work/wanted/kernel"
cp "$work/config" "$work/wanted/EFI/BOOT/BOOTX64.EFI"
cp "$work/config" "$work/wanted/Mixed.Case"
: >"$work/wanted/empty"
printf 'title x\n' >"$work/wanted/loader/entries/a long name.conf"
for spec in auto:0:0:12 fat12:0:0:12 fat16:0:0:16 fat32:0:0:32 fat16:0:2048:16 auto:5000192:0:12 auto:20000256:0:16 auto:600000000:0:32 fat32:300000256:4096:32; do
    type=${spec%%:*}
    rest=${spec#*:}
    size=${rest%%:*}
    rest=${rest#*:}
    run fat "$type" "$size" "${rest%:*}" "$work/fat.img"
    exits 0 "$spec is made"
    ok "$spec: fsck.fat finds no fault" sh -c "fsck.fat -n -v '$work/fat.img' | tee '$work/fsck' && ! grep -qi -e warning -e differ -e wrong -e invalid '$work/fsck'"
    ok "$spec: FAT${rest#*:}" grep -q "2 FATs, ${rest#*:} bit entries" "$work/fsck"
    contents "$work/fat.img" "$work/got"
    ok "$spec: mtools reads what was put in" diff -r "$work/wanted" "$work/got"
    is "$spec: and its times" "$(TZ=UTC0 stat -c %Y "$work/got/kernel")" 1700000000
    rm -rf "$work/got"
done
run fat fat12 0 0 "$work/one.img"
run env TZ=Pacific/Kiritimati LC_ALL=C sh -c "umask 077; exec \"\$@\"" sh "$ASSAY_HELPERS/encode_blob" "$work/other" encode.fat "{\"files\":[$files],\"hidden\":2048,\"time\":1700000000,\"label\":\"ASSAY\",\"cluster\":0,\"size\":0,\"type\":\"fat12\"}" 1 "$work/two.img" "$work/kernel" "$work/config"
ok "the same again, elsewhere" cmp "$work/one.img" "$work/two.img"
serial=$(minfo -i "$work/one.img" :: | grep -i '^serial')
printf 'x' >>"$work/config"
fat fat12 0 0 "$work/three.img" >/dev/null
if [ "$serial" = "$(minfo -i "$work/three.img" :: | grep -i '^serial')" ]; then fail "other contents, another serial"; else pass "other contents, another serial"; fi

bad() { # NAME PATTERN PARAMS
    run step encode.fat "$3" "$work/never" "$work/kernel"
    exits 5 "$1"
    one_line "$1: one line"
    says "$2" "$1: says why"
    ok "$1: nothing is written" test ! -e "$work/never"
}
common='"type":"auto","size":0,"cluster":0,"label":"A","time":0,"hidden":0'
bad "two names" "case does not count" "{$common,\"files\":[{\"path\":\"a\",\"input\":0},{\"path\":\"A\",\"input\":0}]}"
bad "a path that escapes" "no path that a FAT volume can have" "{$common,\"files\":[{\"path\":\"../a\",\"input\":0}]}"
bad "an input that is not there" "no such input" "{$common,\"files\":[{\"path\":\"a\",\"input\":1}]}"
bad "an input that nothing uses" "nothing is made of input 0" "{$common,\"files\":[{\"path\":\"a\",\"text\":\"\"}]}"
bad "too large" "do not go into" "{\"type\":\"auto\",\"size\":1048576,\"cluster\":0,\"label\":\"A\",\"time\":0,\"hidden\":0,\"files\":[{\"path\":\"a\",\"input\":0}]}"
bad "no installer" "SYSLINUX installer" "{$common,\"files\":[],\"syslinux\":0}"

# ---- tables and containers ----
# 70 MiB with holes, which begin and end at odd places; containers of up to 40 GiB around it.
for place in 0 65535 1048576 2097000 40000000 73400319; do
    printf 'here is %s' "$place" | dd of="$work/disk.raw" bs=1 seek="$place" conv=notrunc 2>/dev/null
done
dd if="$work/kernel" of="$work/disk.raw" bs=1000 seek=20000 conv=notrunc 2>/dev/null
truncate -s 73401856 "$work/disk.raw"
container() { # KIND PARAMS FORMAT SIZE
    name="encode.$1 $2"
    run step "encode.$1" "$2" "$work/container" "$work/disk.raw"
    exits 0 "$name"
    is "$name: its size" "$(qemu-img info --output json -f "$3" "$work/container" | jq '."virtual-size"')" "$4"
    ok "$name: the same disk" sh -c "qemu-img compare -f $3 -F raw '$work/container' '$work/disk.raw' | grep -q 'Images are identical'"
    case $3 in vpc | raw) ;; *) ok "$name: qemu-img check" qemu-img check -q -f "$3" "$work/container" ;; esac
}
container qcow2 '{"size":0}' qcow2 73401856
container qcow2 '{"size":42949672960}' qcow2 42949672960
container vhd '{"type":"fixed","size":0,"time":0}' vpc 74448896
container vhd '{"type":"dynamic","size":0,"time":0}' vpc 74448896
container vhd '{"type":"dynamic","size":26843545600,"time":0}' vpc 26843545600
container vdi '{"type":"dynamic","size":0}' vdi 73401856
container vdi '{"type":"fixed","size":0}' vdi 73401856
container vdi '{"type":"dynamic","size":26843545600}' vdi 26843545600
container vmdk '{"size":0}' vmdk 73465856
container vmdk '{"size":42949672960}' vmdk 42949672960
for size in 0 12884901888; do
    run step encode.gcp "{\"compressor\":\"gzip\",\"level\":1,\"size\":$size,\"time\":1700000000}" "$work/container" "$work/disk.raw"
    exits 0 "encode.gcp $size"
    rm -rf "$work/unpacked"
    mkdir "$work/unpacked"
    ok "encode.gcp $size: tar unpacks it" tar xzf "$work/container" -C "$work/unpacked"
    is "encode.gcp $size: disk.raw" "$(stat -c '%n %s %a %Y' "$work/unpacked/disk.raw")" "$work/unpacked/disk.raw $([ $size = 0 ] && echo 1073741824 || echo $size) 644 1700000000"
    ok "encode.gcp $size: the same disk" sh -c "qemu-img compare -f raw -F raw '$work/unpacked/disk.raw' '$work/disk.raw' | grep -q 'Images are identical'"
    is "encode.gcp $size: Python reads it too" "$(python3 -c 'import sys, tarfile
t = tarfile.open(sys.argv[1])
m = t.next()
f = t.extractfile(m)
f.seek(40000000)
print(m.name, m.size, f.read(16).decode())' "$work/container")" "disk.raw $([ $size = 0 ] && echo 1073741824 || echo $size) here is 40000000"
done
parts='{"input":0,"type":"0fc63daf-8483-4772-8e79-3d69d8477de4","name":"one","attributes":0},{"input":1,"type":"c12a7328-f81f-11d2-ba4b-00a0c93ec93b","name":"two","attributes":4}'
for size in 0 104857600; do
    run step encode.disk "{\"table\":\"gpt\",\"size\":$size,\"partitions\":[$parts]}" "$work/gpt.img" "$work/kernel" "$work/config"
    exits 0 "a GPT, $size"
    ok "sgdisk finds no fault" sh -c "sgdisk -v '$work/gpt.img' | grep -q 'No problems found'"
    ok "sfdisk neither" sh -c "sfdisk --verify '$work/gpt.img' 2>&1 | grep -q 'No errors detected'"
    is "the partitions" "$(sfdisk --json "$work/gpt.img" | jq -c '.partitiontable.partitions | map([.start, .size, .name, .attrs])')" '[[2048,6144,"one",null],[8192,2048,"two","LegacyBIOSBootable"]]'
done
# sgdisk can find fault: one bit of the table.
printf 'X' | dd of="$work/gpt.img" bs=1 seek=1100 conv=notrunc 2>/dev/null
if sgdisk -v "$work/gpt.img" 2>&1 | grep -q 'No problems found'; then fail "a planted fault is found"; else pass "a planted fault is found"; fi
run step encode.disk '{"table":"mbr","size":0,"partitions":[{"input":0,"type":131,"active":false},{"input":1,"type":12,"active":true}]}' "$work/mbr.img" "$work/kernel" "$work/config"
exits 0 "an MBR"
ok "sfdisk finds no fault in it" sh -c "sfdisk --verify '$work/mbr.img' 2>&1 | grep -q 'No errors detected'"
is "its partitions" "$(sfdisk --json "$work/mbr.img" | jq -c '.partitiontable.partitions | map([.start, .size, .type, .bootable])')" '[[2048,6144,"83",null],[8192,2048,"c",true]]'

# ---- U-Boot images: what mkimage makes ----
gzip -9n <"$work/config" >"$work/config.gz"
uimage() { # TYPE COMPRESSION FILE
    run step encode.uimage "{\"arch\":\"arm64\",\"type\":\"$1\",\"load\":524288,\"entry\":524288,\"time\":1700000000,\"name\":\"a name\"}" "$work/image" "$3"
    SOURCE_DATE_EPOCH=1700000000 mkimage -A arm64 -O linux -T "$1" -C "$2" -a 0x80000 -e 0x80000 -n 'a name' -d "$3" "$work/wanted.image" >/dev/null
    ok "encode.uimage of a $1 ($2) is mkimage's" cmp "$work/image" "$work/wanted.image"
}
uimage kernel none "$work/kernel"
uimage kernel gzip "$work/config.gz"
uimage ramdisk none "$work/kernel"
uimage script none "$work/config"

done_testing
