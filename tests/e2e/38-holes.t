#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files with holes: what they cost follows their data, in the store and in artifacts, and what comes out depends on their bytes only.
. "$(dirname "$0")/lib.sh"

agree="python3 $here/images_agree.py"
step="$ASSAY_HELPERS/encode_blob"
kib() { du -sk "$1" | cut -f 1; }
# small NAME FILE KIB: no more than that is taken on the disk.
small() { ok "$1: takes $(kib "$2") KiB, of at most $3" test "$(kib "$2")" -le "$3"; }
describe() { printf 'name: holes\narch: amd64\nimages: {files: {directory: {path: %s}}}\nartifacts: [tar, squashfs, ext4, erofs, {oci: {compressor: none}}]\n' "$1"; }
cd "$work" || exit 1

# 64 MiB and a bit, with data in the middle and at the end; nothing but a hole; zeros that are there.
mkdir sparse dense
truncate -s 67108871 sparse/big
printf data | dd of=sparse/big bs=1 seek=33554430 conv=notrunc 2>/dev/null
printf end | dd of=sparse/big bs=1 seek=67108868 conv=notrunc 2>/dev/null
truncate -s 20000001 sparse/hole
head -c 3000000 /dev/zero >sparse/zeros
echo text >sparse/text
cp --sparse=never sparse/* dense
small "the input" sparse 4000

for kind in sparse dense; do
    describe $kind >$kind.yml
    run "$assay" lock --quiet --store "$kind.store" "$kind.yml" -o $kind.json
    exits 0 "$kind: is locked"
    small "$kind: the store" "$kind.store" 512
done
is "the tree is the same with and without holes" "$(jq -c '[.inputs[].digest]' sparse.json)" "$(jq -c '[.inputs[].digest]' dense.json)"
run "$assay" build sparse.json --quiet --store sparse.store -o out
exits 0 "builds"
small "and the store is as small" sparse.store 2048
for artifact in tar:300 squashfs:64 ext4:1024 erofs:1024 oci:300; do
    small "${artifact%:*}" "out/holes.${artifact%:*}" "${artifact#*:}"
done
# In an image they take no room even where the file is written in full.
for artifact in squashfs ext4 erofs; do
    ok "$artifact: has at most 2 MiB" test "$(stat -c %s "out/holes.$artifact")" -le 2097152
done
run "$assay" build dense.json --quiet --store dense.store -o again
exits 0 "builds without holes, too"
for artifact in tar squashfs ext4 erofs; do
    ok "$artifact: the same bytes" cmp "out/holes.$artifact" "again/holes.$artifact"
done
ok "--no-cache: the same, and as small" sh -c '"$1" build sparse.json --quiet --no-cache --store sparse.store -o third --format tar && cmp out/holes.tar third/holes.tar && [ "$(du -sk third/holes.tar | cut -f 1)" -le 300 ]' sh "$assay"

mkdir unpacked
tar -xSf out/holes.tar -C unpacked
for file in big hole zeros text; do
    ok "tar: $file is what it was" cmp "sparse/$file" "unpacked/$file"
    ok "ext4: $file is what it was" sh -c 'debugfs -R "dump $1 got" out/holes.ext4 2>/dev/null && cmp got "sparse/$1"' sh "$file"
    ok "squashfs: $file is what it was" sh -c 'unsquashfs -cat out/holes.squashfs "$1" | cmp - "sparse/$1"' sh "$file"
done
rm -f got
ok "erofs: fsck.erofs unpacks it" fsck.erofs --extract=erofs.tree out/holes.erofs
ok "erofs: what it was" diff -r sparse erofs.tree

# Stores and what goes in and out.
run "$assay" store add --store files sparse/big
exits 0 "a file is stored"
digest=$(cat "$work/stdout")
is "by its bytes" "$digest" "sha256:$(sha256sum dense/big | cut -d' ' -f 1)"
small "a stored file" files 256
ok "comes out" "$assay" store get --store files "$digest" -o back
ok "as it was" cmp back sparse/big
small "what came out" back 128
ok "the store is sound" "$assay" store verify --store files

# Containers of disks: what is empty is not there.
for container in 'qcow2 {"size":0}' 'vhd {"type":"dynamic","size":0,"time":0}' 'vdi {"type":"dynamic","size":0}' 'vmdk {"size":0}'; do
    run "$step" "$ASSAY_STORE" "encode.${container%% *}" "${container#* }" 2 disk sparse/big
    exits 0 "${container%% *}: is made"
    ok "${container%% *}: has at most 8 MiB" test "$(stat -c %s disk)" -le 8388608
done

# A layer with sparse files, in each format of GNU tar.
for format in gnu 0.0 0.1 1.0; do
    case $format in gnu) how=--format=gnu ;; *) how="--format=posix --sparse-version=$format" ;; esac
    # shellcheck disable=SC2086 # options are words
    tar -cSf layer.tar $how -C sparse big hole text
    rm -rf tree.store
    run "$ASSAY_HELPERS/tree_dump" tree.store tar:layer.tar
    exits 0 "layer, $format: is read"
    grep -q "$(sha256sum sparse/big | cut -d' ' -f 1)" "$work/stdout" && pass "layer, $format: a file is what its bytes are" || fail "layer, $format: a file is what its bytes are" "$(context)"
    small "layer, $format: the store" tree.store 512
done
done_testing
