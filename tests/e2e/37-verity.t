#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# encode.verity makes what `veritysetup format` makes, and `veritysetup verify` finds no fault in it.
. "$(dirname "$0")/lib.sh"

salt=00112233445566778899aabbccddeeff
uuid=00112233-4455-6677-8899-aabbccddeeff
params() { # APPEND SALT UUID
    printf '{"append":%s,"salt":"%s","uuid":"%s"}' "$1" "$2" "$3"
}
encode() { # APPEND OUT DATA
    "$ASSAY_HELPERS/encode_blob" "$ASSAY_STORE" encode.verity "$(params "$1" $salt $uuid)" 2 "$2" "$3"
}
extract() { # APPENDED FORM OUT INPUT...
    appended=$1 form=$2 out=$3
    shift 3
    "$ASSAY_HELPERS/encode_blob" "$ASSAY_STORE" extract.verity "{\"appended\":$appended,\"form\":\"$form\"}" 1 "$out" "$@"
}
# Bytes that differ from block to block, and are the same in every run.
make_data() { # SIZE FILE
    openssl enc -aes-128-ctr -K 00 -iv 00 -in /dev/zero 2>/dev/null | head -c "$1" >"$2"
}
make_data 67125248 "$work/all" # 16388 blocks: three levels

for blocks in 1 2 127 128 129 1000 16384 16385 16388; do
    data=$work/data hash=$work/hash
    head -c $((blocks * 4096)) "$work/all" >"$data"
    ok "$blocks blocks: veritysetup makes a tree" veritysetup format "$data" "$work/theirs" --salt=$salt --uuid=$uuid --root-hash-file="$work/theirs.root"
    ok "$blocks blocks: so does the step" encode false "$hash" "$data"
    ok "$blocks blocks: they are the same" cmp "$hash" "$work/theirs"
    ok "$blocks blocks: the root hash is told" extract false root-hash "$work/root" "$hash" "$data"
    ok "$blocks blocks: and is the same" cmp "$work/root" "$work/theirs.root"
    ok "$blocks blocks: appended" encode true "$work/both" "$data"
    offset=$(stat -c %s "$data")
    ok "$blocks blocks: is data and tree" sh -c 'cat "$1" "$2" | cmp - "$3"' sh "$data" "$hash" "$work/both"
    ok "$blocks blocks: its root hash is told" extract true root-hash "$work/root" "$work/both"
    ok "$blocks blocks: and is the same" cmp "$work/root" "$work/theirs.root"
    ok "$blocks blocks: veritysetup verifies it" veritysetup verify "$work/both" "$work/both" --hash-offset="$offset" "$(cat "$work/root")"
done

# Changed data is found, so verifying means something.
cp "$work/both" "$work/changed"
printf X | dd of="$work/changed" bs=1 seek=5000000 conv=notrunc 2>/dev/null
run veritysetup verify "$work/changed" "$work/changed" --hash-offset="$offset" "$(cat "$work/root")"
if [ "$code" != 0 ]; then pass "a changed byte is found"; else fail "a changed byte is found"; fi

# Sizes that are no whole blocks.
for size in 1 511 512 4095 4097 524800; do
    head -c $size "$work/all" >"$work/odd"
    ok "$size bytes: appended" encode true "$work/both" "$work/odd"
    padded=$(((size + 4095) / 4096 * 4096))
    ok "$size bytes: padded with zeros" sh -c '{ cat "$1"; head -c $3 /dev/zero; } | cmp - "$2" -n $4' sh "$work/odd" "$work/both" $((padded - size)) $padded
    ok "$size bytes: what there is to know" extract true json "$work/json" "$work/both"
    is "$size bytes: where the tree is" "$(jq .hashOffset "$work/json")" $padded
    ok "$size bytes: veritysetup verifies it" veritysetup verify "$work/both" "$work/both" --hash-offset=$padded "$(jq -r .rootHash "$work/json")"
done
run encode false "$work/never" "$work/odd"
exits 5 "a tree of its own needs whole blocks"
one_line "which is said in one line"
: >"$work/empty"
run encode true "$work/never" "$work/empty"
exits 5 "no data has no tree"
says "no data" "which is said"

# Salt and UUID out of another step's output: what a machine's hash gives (the first 32 digits).
head -c 65536 "$work/all" >"$work/data"
printf 'keccak256:c0ffee00112233445566778899aabbccddeeff00112233445566778899aabbcc\n' >"$work/id"
derived() { # OUT INPUT...
    out=$1
    shift
    "$ASSAY_HELPERS/encode_blob" "$ASSAY_STORE" encode.verity "$(params true derived derived)" 2 "$out" "$@"
}
ok "ids of another blob" derived "$work/ours" "$work/data" "$work/id"
cp "$work/data" "$work/theirs"
ok "veritysetup, as the pipeline runs it" veritysetup format "$work/theirs" "$work/theirs" --hash-offset=65536 \
    --salt=c0ffee00112233445566778899aabbcc --uuid=c0ffee00-1122-3344-5566-778899aabbcc
ok "are what veritysetup gives" cmp "$work/ours" "$work/theirs"
for bad in 'keccak256:c0ffee' 'keccak256:C0FFEE00112233445566778899AABBCC' 'c0ffee00112233445566778899aabbcc x' ''; do
    printf '%s' "$bad" >"$work/id"
    run derived "$work/never" "$work/data" "$work/id"
    exits 5 "ids of '$bad' are refused"
done
ok "ids of the data" derived "$work/ours" "$work/data"
ok "are written" extract true json "$work/json" "$work/ours"
ok "a UUID of version 8, a salt of 32 bytes" jq -e '(.uuid | test("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")) and (.salt | length) == 64 and .dataBlocks == 16 and .hashType == 1' "$work/json"
printf X | dd of="$work/data" bs=1 conv=notrunc 2>/dev/null
ok "ids of other data" derived "$work/ours" "$work/data"
ok "are written" extract true json "$work/json2" "$work/ours"
if [ "$(jq .uuid "$work/json")" != "$(jq .uuid "$work/json2")" ]; then pass "and are others"; else fail "and are others"; fi

# A damaged superblock and a cut file are refused.
cp "$work/ours" "$work/changed"
printf X | dd of="$work/changed" bs=1 seek=$((65536 + 8)) conv=notrunc 2>/dev/null
run extract true root-hash "$work/never" "$work/changed"
exits 5 "a damaged superblock"
head -c 69632 "$work/ours" >"$work/changed"
run extract true root-hash "$work/never" "$work/changed"
exits 5 "a cut tree"

# One result for any number of threads.
first=
for jobs in 1 2 5; do
    digest=$("$ASSAY_HELPERS/encode_blob" "$work/store.$jobs" encode.verity "$(params true derived derived)" $jobs "$work/both" "$work/all")
    [ -n "$first" ] || first=$digest
    is "$jobs threads" "$digest" "$first"
done
done_testing
