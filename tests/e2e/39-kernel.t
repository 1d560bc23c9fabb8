#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# kernel.decompress: every wrapping gives the kernel back, and damage is refused.
. "$(dirname "$0")/lib.sh"

unpack() { # FILE OUT
    "$ASSAY_HELPERS/encode_blob" "$ASSAY_STORE" kernel.decompress '{}' 2 "$2" "$1"
}
# Something like an arm64 Image, of several LZ4 chunks.
{
    printf 'MZ'
    head -c 54 /dev/zero
    printf 'ARM\144'
    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c 1000000
    head -c 9000000 /dev/zero
} >"$work/kernel"
size=$(stat -c %s "$work/kernel")
ok "a plain one" unpack "$work/kernel" "$work/out"
ok "comes back" cmp "$work/kernel" "$work/out"
for packing in 'gzip -9' 'xz --check=crc32' 'zstd -3' 'lz4 -l -q' 'xz --format=lzma'; do
    $packing -c "$work/kernel" >"$work/packed"
    ok "$packing: a file" unpack "$work/packed" "$work/out"
    ok "$packing: comes back" cmp "$work/kernel" "$work/out"
    for form in bzimage zboot; do
        appended=$size
        [ "$packing" = 'gzip -9' ] && appended=0
        python3 "$here/kernel_wrap.py" $form "$work/packed" "$appended" "$work/image"
        ok "$packing: a $form" unpack "$work/image" "$work/out"
        ok "$packing: comes back" cmp "$work/kernel" "$work/out"
        [ $appended = 0 ] && continue
        python3 "$here/kernel_wrap.py" $form "$work/packed" $((size + 1)) "$work/image"
        run unpack "$work/image" "$work/never"
        exits 5 "$packing: a $form that says another size"
    done
    head -c 300000 "$work/packed" >"$work/cut"
    run unpack "$work/cut" "$work/never"
    exits 5 "$packing: cut short"
    one_line "$packing: is one line"
    { cat "$work/packed"; printf 'more'; } >"$work/longer"
    run unpack "$work/longer" "$work/never"
    exits 5 "$packing: with bytes behind it"
done
head -c 1000 "$work/image" >"$work/cut"
run unpack "$work/cut" "$work/never"
exits 5 "a header without its payload"
says "exceeds" "is told"
echo hello >"$work/text"
run unpack "$work/text" "$work/never"
exits 5 "no kernel at all"
says "is no kernel" "is told"
done_testing
