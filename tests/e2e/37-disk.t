#!/bin/sh
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

done_testing
