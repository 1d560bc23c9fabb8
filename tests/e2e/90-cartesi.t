#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Stored Cartesi machines: every vector's root hash, config and files, byte for byte.
. "$(dirname "$0")/lib.sh"

cartesi="$assay cartesi"
own=$top/tests/data/cartesi
machines=$work/machines
mkdir "$machines"

# unpack ARCHIVE: into $machines, by zstd and tar, not by our own reader.
unpack() {
    zstd -qdc "$1" | tar -xf - -C "$machines"
}

# field INDEX ID NAME
field() {
    jq -r --arg id "$2" ".vectors[] | select(.id == \$id) | .$3" "$1"
}

hash_vector() {
    index=$1
    id=$2
    archive=$3
    wanted=$(field "$index" "$id" hash_function):$(field "$index" "$id" root_hash)
    run $cartesi hash "$machines/$id"
    is "$id: the root hash" "$(head -n 1 "$work/stdout")" "$wanted"
    is "$id: alone on standard output" "$(wc -l <"$work/stdout")" 1
    says 'uarch RAM' "$id: standard error says that the uarch RAM is not there"
    run $cartesi hash -j 1 "$archive"
    is "$id: the root hash of the tar" "$(cat "$work/stdout")" "$wanted"
}

each_vector() {
    action=$1
    for directory in "$own" "$ASSAY_SHARED/vectors/cartesi"; do
        [ -f "$directory/index.json" ] || continue
        for archive in "$directory"/*.tar.zst; do
            id=$(basename "$archive" .tar.zst)
            [ "$directory" = "$own" ] || [ ! -f "$own/$id.tar.zst" ] || continue
            [ -d "$machines/$id" ] || unpack "$archive"
            "$action" "$directory/index.json" "$id" "$archive"
        done
    done
}

# The machine written again from its config and the files its user gave: sizes of all files, bytes of
# all but the caches, modes.
write_vector() {
    index=$1
    id=$2
    rm -rf "$work/inputs" "$work/out"
    mkdir "$work/inputs"
    for file in "$machines/$id"/*.bin; do
        case $id:$(basename "$file") in
        *:0000000000*) ;;                      # shadow state, PMAs, uarch: from the config alone
        e01-*:000000007ff00000-*) ln "$file" "$work/inputs" ;; # a device tree of the user's own
        *:000000007ff00000-*) ;;
        *) ln "$file" "$work/inputs" ;;
        esac
    done
    run $cartesi write --config "$machines/$id/config.json" --inputs "$work/inputs" -o "$work/out"
    is "$id: written, its root hash" "$(cat "$work/stdout")" "$(field "$index" "$id" hash_function):$(field "$index" "$id" root_hash)"
    says 'will not load it' "$id: standard error says that the emulator will not load it"
    jq -r --arg id "$id" '.vectors[] | select(.id == $id) | .files | to_entries[] |
        select(.key != "0000000000600000-200000.bin") | "\(.value.size) \(.key)"' "$index" | sort >"$work/sizes"
    (cd "$work/out" && stat -c '%s %n' -- *) | sort >"$work/out.sizes"
    is "$id: files and sizes" "$(cat "$work/out.sizes")" "$(cat "$work/sizes")"
    jq -r --arg id "$id" '.vectors[] | select(.id == $id) | .files | to_entries[] |
        select(.key != "0000000000600000-200000.bin" and (.key | endswith(".bin") or . == "config.json")) |
        select(.value.size < 200000000) | "\(.value.sha256)  \(.key)"' "$index" >"$work/sums"
    ok "$id: config.json and .bin files byte for byte" sh -c "cd '$work/out' && sha256sum -c --quiet '$work/sums'"
    is "$id: the PMAs are read-only" "$(stat -c %a "$work/out/0000000000010000-1000.bin")" 444
}

each_vector hash_vector
each_vector write_vector
ok 'there were vectors' test -d "$machines/e01-custom-regs-dtb"

# ---- verify: a machine against itself ----
verify_vector() {
    id=$2
    run $cartesi verify --state-only "$machines/$id"
    case $id in
    e01-*)
        exits 5 "$id: a device tree that the config does not give is named"
        run $cartesi verify --state-only --custom-dtb "$machines/$id"
        ;;
    esac
    exits 0 "$id: config, state and caches agree"
    prints "^$(field "$1" "$id" hash_function):$(field "$1" "$id" root_hash)\$" "$id: verify prints the root hash"
    run $cartesi verify "$machines/$id"
    exits 5 "$id: without the uarch RAM it would not load"
}
each_vector verify_vector

cached=a02-min-sha256 # has the caches that the emulator made
spoil() { # FILE OFFSET: one byte becomes another
    rm -rf "$work/bad"
    cp -r --sparse=always "$machines/$cached" "$work/bad"
    chmod -R u+w "$work/bad"
    byte=$(od -An -tu1 -j "$2" -N 1 "$work/bad/$1")
    printf "\\$(printf %o $((byte ^ 64)))" | dd of="$work/bad/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}
wrong_in() { # NAME FILE OFFSET PATTERN
    spoil "$2" "$3"
    run $cartesi verify --state-only "$work/bad"
    exits 5 "verify: $1"
    one_line "verify, in one line: $1"
    prints "^wrong: $4" "verify names it: $1"
}
# The emulator believes its caches here and prints the old hash; we do not.
wrong_in 'RAM changed under its cache' 0000000080000000-10000.bin 20481 'cache of the ram: the hash of page 0x80005000 '
wrong_in 'the device tree changed under its cache' 000000007ff00000-100000.bin 100 'cache of the dtb: the hash of page 0x7ff00000 '
wrong_in 'and against the config' 000000007ff00000-100000.bin 100 'the device tree is not the one that config.json gives'
wrong_in 'a hash of a page' 0000000080000000-10000.dht 543 'cache of the ram: the hash of page 0x80000000 '
wrong_in 'a hash of an inner node' 0000000080000000-10000.dht 40 'cache of the ram: node 1 is not the hash'
wrong_in 'a page that is dirty in secret' 0000000080000000-10000.dpt 20 'cache of the ram: node 10 hides'
wrong_in 'the root in hash_tree.sht' hash_tree.sht 100 'hash_tree.sht: node 1 is not the hash'
wrong_in 'a range in hash_tree.sht' hash_tree.sht 620 'hash_tree.sht: the hash of the ram'
wrong_in 'the shape of hash_tree.sht' hash_tree.sht 640 'hash_tree.sht: node 10 is not where'
wrong_in 'a page in hash_tree.phtc' hash_tree.phtc 20000 'hash_tree.phtc: entry 1 '
wrong_in 'a register' 0000000000000000-8000.bin 80 'register x10 is 0x40, in config.json 0x0'
wrong_in 'x0' 0000000000000000-8000.bin 0 'register x0 is not 0'
wrong_in 'marchid' 0000000000000000-8000.bin 656 'mvendorid, marchid'
wrong_in 'the padding' 0000000000000000-8000.bin 1000 'shadow state: padding at 0x3e8'
wrong_in 'the revert root hash' 0000000000000000-8000.bin 4070 'revert root hash'
wrong_in 'the TLB' 0000000000000000-8000.bin 5000 'the TLB is not empty'
wrong_in 'the last page' 0000000000000000-8000.bin 30000 'shadow state: padding at 0x7530'
wrong_in 'the PMAs' 0000000000010000-1000.bin 16 'PMA 1: '
wrong_in 'the uarch state' 0000000000400000-1000.bin 8 'uarch register cycle'
wrong_in 'bootargs in config.json' config.json 860 ''
spoil config.json 0
cp "$machines/$cached/config.json" "$work/bad/config.json"
printf ' ' >>"$work/bad/config.json"
run $cartesi verify --state-only "$work/bad"
prints 'config.json is not in the bytes' 'verify: a config.json that is not canonical'
cp "$machines/$cached/config.json" "$work/bad/config.json"
touch "$work/bad/extra"
truncate -s 3 "$work/bad/hash_tree.sht"
rm "$work/bad/hash_tree.phtc"
run $cartesi verify "$work/bad"
prints "'extra' is no file of this machine" 'verify: a trailing file'
prints "'hash_tree.sht' has 3 bytes" 'verify: a cache of another size'
prints "'hash_tree.phtc' is missing" 'verify: a cache that is missing'
run $cartesi --json verify "$work/bad"
is 'verify --json counts' "$(jq '.result.count' "$work/stdout")" 4
spoil 0000000000000000-8000.bin 256 # mcycle
run $cartesi verify --state-only "$work/bad"
exits 0 'verify: a machine that has run, under the caches of before: the emulator hashes its registers again'
prints '^note: the machine has run to mcycle 64' 'verify says that it has run'
is 'verify: nothing is wrong then' "$(grep -c '^wrong: ' "$work/stdout")" 0
# Any single byte of the state, anywhere: another root, or refused.
before=$($cartesi hash "$machines/$cached" 2>/dev/null)
for place in 0000000000000000-8000:9000 0000000000010000-1000:4095 0000000000400000-1000:4000 \
    0000000060000000-200000:2097151 0000000060800000-200000:0 000000007ff00000-100000:1048575 0000000080000000-10000:65535; do
    spoil "${place%:*}.bin" "${place#*:}"
    run $cartesi hash "$work/bad"
    ok "a byte of ${place%:*} is another root" test "$(cat "$work/stdout")" != "$before"
    run $cartesi diff "$machines/$cached" "$work/bad"
    exits 1 "diff sees it"
    is "and it alone" "$(wc -l <"$work/stdout")" 1
done

# ---- diff and inspect ----
run $cartesi diff "$machines/$cached" "$machines/$cached"
exits 0 'a machine does not differ from itself'
spoil 0000000000000000-8000.bin 840
run $cartesi diff "$machines/$cached" "$work/bad"
prints '^register htif.iconsole: 0x2 and 0x42$' 'a register differs by its name'
# ---- diff of flash drives: by file, whatever the compressor did to the pages ----
mkdir -p "$work/a/etc" "$work/a/usr/bin" "$work/drive"
cp "$assay" "$work/a/usr/bin/program"
head -c 300000 /dev/zero >"$work/a/zeros"
for i in $(seq 300); do echo "$i" >"$work/a/etc/f$i"; done
echo hello >"$work/a/etc/motd"
ln -s ../x "$work/a/etc/link"
cp -a "$work/a" "$work/b"
echo hellp >"$work/b/etc/motd"
chmod 600 "$work/b/etc/f7"
rm "$work/b/etc/f9"
echo x >"$work/b/etc/new"
ln -sfn y "$work/b/etc/link"
printf X | dd of="$work/b/usr/bin/program" bs=1 seek=20000 conv=notrunc 2>/dev/null
echo '{"archive_version":7,"config":{"ram":{"length":4096},"flash_drive":[{"label":"root","start":2415919104,"length":16777216,"backing_store":{"data_filename":"drive"}}]}}' >"$work/drive.json"
drive() { # MACHINE TREE mksquashfs' options…
    name=$1
    tree=$2
    shift 2
    rm -rf "$work/drive/drive" "${work:?}/$name"
    mksquashfs "$tree" "$work/drive/drive" "$@" -all-root -all-time 0 -mkfs-time 0 -no-progress -quiet >/dev/null
    ok "a machine with the drive of $name" $cartesi write --config "$work/drive.json" --inputs "$work/drive" -o "$work/$name"
}
same_findings='flash drive 0 .root., file /etc/f7: mode 0644 and 0600
flash drive 0 .root., file /etc/f9: only in the first
flash drive 0 .root., file /etc/link: target .../x. and .y.
flash drive 0 .root., file /etc/motd: content: first at byte 4 of 6: 6f and 70
flash drive 0 .root., file /etc/new: only in the second
flash drive 0 .root., file /usr/bin/program: content: first at byte 20000 of [0-9]*: .. and 58'
drive zstd-a "$work/a" -comp zstd
for how in 'zstd' 'gzip' 'xz -b 65536' 'lz4 -no-fragments' 'zstd -noI -noF -noD'; do
    # shellcheck disable=SC2086 # several options
    drive other "$work/b" -comp $how
    run $cartesi diff "$work/zstd-a" "$work/other"
    exits 1 "by $how: they differ"
    is "by $how: the files that differ, and how" "$(grep ', file ' "$work/stdout" | grep -cx "$same_findings")" 6
    is "by $how: no other file and no page of the drive" "$(grep -c '^flash drive' "$work/stdout")" 7
    # shellcheck disable=SC2086
    drive other "$work/a" -comp $how
    run $cartesi diff "$work/zstd-a" "$work/other"
    is "by $how: no file of equal trees is named" "$(grep -c ', file ' "$work/stdout")" 0
done
cp -r "$work/zstd-a" "$work/damaged"
chmod -R u+w "$work/damaged"
printf '\377\377\377' | dd of="$work/damaged/0000000090000000-1000000.bin" bs=1 seek=70 conv=notrunc 2>/dev/null
run $cartesi diff "$work/zstd-a" "$work/damaged"
exits 1 "a damaged file system is a difference"
prints "^flash drive 0 'root': its files cannot be compared: .* damaged" "and the line says so, beside the pages"

run $cartesi diff "$machines/b03-flash-two-mixed" "$machines/$cached"
exits 1 'two machines'
prints "^flash drive 0 'root' at 0x80100000: only in the first" 'a drive of one only'
prints 'config .*hash_function: .keccak256. and .sha256.' 'a key of the config'
run $cartesi inspect "$machines/b03-flash-two-mixed"
exits 0 'inspect'
prints "0x0000000080100000 0x40000 +flash drive 0 'root', read-only" 'it has the ranges'
prints '^  htif.iyield +0x0000000000000003$' 'the registers'
prints "^   2 0x0000000080100000 0x40000 +M-R-- driver 3 flash drive 0 'root'" 'the PMAs'
prints '^ +scratch = "/pmem@80140000";' 'the device tree'
run $cartesi --json inspect "$machines/b03-flash-two-mixed"
is 'as JSON too' "$(jq -r '.registers.pc' "$work/stdout")" 0x80000000

# ---- proofs ----
machine=$machines/b03-flash-two-mixed
root=$($cartesi hash "$machine" 2>/dev/null)
dd if="$machine/0000000080000000-100000.bin" of="$work/page" bs=4096 count=1 2>/dev/null
run $cartesi proof "$machine" 0x80000000 12
exits 0 'a proof of the first page of RAM'
cp "$work/stdout" "$work/proof"
is 'it has 52 siblings' "$(jq '.sibling_hashes | length' "$work/proof")" 52
run $cartesi verify-proof "$work/proof" --root "$root" --data "$work/page"
exits 0 'it holds, with its page'
printf X | dd of="$work/page" bs=1 seek=77 conv=notrunc 2>/dev/null
run $cartesi verify-proof "$work/proof" --root "$root" --data "$work/page"
exits 3 'not with another page'
one_line 'said in one line'
run $cartesi verify-proof "$work/proof" --root "sha256:${root#*:}"
exits 3 'not for another machine'
jq '.sibling_hashes[7] = .sibling_hashes[8]' "$work/proof" >"$work/proof2"
run $cartesi verify-proof "$work/proof2" --root "$root"
exits 3 'not with another sibling'
for bad in 'del(.root_hash)' '.sibling_hashes += ["00"]' '.address = "0x80000001"' '.log2_size = 4' \
    '.extra = 1' '.target_hash = "XY"' '.sibling_hashes = .sibling_hashes[1:]' '.hash_function = "md5"' \
    '.address = "-1"' '.address = 5'; do
    jq "$bad" "$work/proof" >"$work/proof2"
    run $cartesi verify-proof "$work/proof2" --root "$root"
    exits 5 "a malformed proof is refused: $bad"
    one_line 'said in one line'
done
run $cartesi verify-proof "$work/proof"
exits 2 'without a root nothing is verified'
run $cartesi proof "$machine" 0x80000001 12
exits 2 'an address that is no node'
run $cartesi proof "$machine" 0x600000 12
exits 5 'a page of the uarch RAM cannot be proven without its file'
shared_proofs=$ASSAY_SHARED/vectors/cartesi/index.json
if [ -f "$shared_proofs" ]; then
    jq -c '.vectors[] | select(.kind == "proofs") | .base as $b | .proofs[] | . + {base: $b}' "$shared_proofs" >"$work/proofs"
    while read -r line; do
        base=$(printf '%s' "$line" | jq -r .base)
        address=$(printf '%s' "$line" | jq -r .address)
        log2=$(printf '%s' "$line" | jq -r .log2_size)
        run $cartesi proof "$machines/$base" "$address" "$log2"
        is "proof of $address, 2^$log2" "$(jq -cS 'del(.hash_function)' "$work/stdout")" \
            "$(printf '%s' "$line" | jq -cS 'del(.base)')"
    done <"$work/proofs"
fi

# ---- what is refused: exit 5, one line ----
copy() {
    rm -rf "$work/bad"
    cp -r "$machines/e01-custom-regs-dtb" "$work/bad"
    chmod -R u+w "$work/bad"
}
refuse() {
    run $cartesi hash "$work/bad"
    exits 5 "refused: $1"
    one_line "in one line: $1"
}
config() { # a jq program on config.json; 64-bit numbers are kept away from jq
    copy
    sed 's/18446744073709551615/"MAX"/g; s/\([0-9]\{17,20\}\)/"N\1"/g' "$work/bad/config.json" | jq -c "$1" |
        sed 's/"MAX"/18446744073709551615/g; s/"N\([0-9]*\)"/\1/g' >"$work/config"
    mv "$work/config" "$work/bad/config.json"
}
config .
run $cartesi hash "$work/bad"
exits 0 'the copy that is spoilt below is fine'
while IFS='|' read -r name program; do
    config "$program"
    refuse "$name"
done <<'TABLE'
another archive version|.archive_version = 6
no archive version|del(.archive_version)
a negative number|.config.ram.length = -4096
a fraction|.config.ram.length = 16384.5
a string for a number|.config.ram.length = "16384"
an unknown key|.config.ram.size = 1
an unknown register|.config.processor.registers.x32 = 0
an unknown register of a group|.config.processor.registers.htif.nothing = 0
a length that is no multiple of a page|.config.ram.length = 16385
no length|.config.ram.length = 0
RAM over 2 GiB|.config.ram.length = 2147487744
another emulator's marchid|.config.processor.registers.marchid = 20
an unreproducible machine|.config.processor.registers.iunrep = 1
x0 that is not 0|.config.processor.registers.x0 = 1
a VirtIO device|.config.virtio = [{}]
another hash function|.config.hash_tree.hash_function = "sha3"
phtc_size 0|.config.hash_tree.phtc_size = 0
nine drives|.config.flash_drive = [range(9) | {length: 4096}]
a bad label|.config.flash_drive = [{length: 4096, label: "Data"}]
a label of 32 bytes|.config.flash_drive = [{length: 4096, label: "abcdefghijklmnopqrstuvwxyzabcdef"}]
a label that the machine gives itself|.config.flash_drive = [{length: 4096, label: "nvram3"}]
a label that occurs twice|.config.flash_drive = [{length: 4096, label: "a"}] | .config.nvram = [{length: 4096, label: "a"}]
overlapping ranges|.config.flash_drive = [{length: 4096, start: 2147487744}]
a drive over a device|.config.flash_drive = [{length: 4096, start: 1073774592}]
a start that is no multiple of the length|.config.flash_drive = [{length: 8192, start: 4294971392}]
a drive beyond 2^56|.config.flash_drive = [{length: 4096, start: 72057594037927936}]
a drive that ends at 2^56|.config.flash_drive = [{length: 4096, start: 72057594037923840}]
a drive without its file|.config.flash_drive = [{length: 4096}]
bootargs over 4096 bytes|.config.dtb.bootargs = ("a" * 4097)
TABLE
copy
head -c 1000 "$machines/e01-custom-regs-dtb/config.json" >"$work/bad/config.json"
refuse 'a truncated config.json'
copy
sed -i 's/^{/{"archive_version":7,/' "$work/bad/config.json"
refuse 'a key that occurs twice'
copy
head -c 9000000 /dev/zero | tr '\0' ' ' >>"$work/bad/config.json"
refuse 'a config.json of 9 MB'
copy
awk 'BEGIN { for (i = 0; i < 100000; i++) printf "[" }' >"$work/bad/config.json"
refuse 'a config.json nested 100000 deep'
copy
rm "$work/bad/config.json"
refuse 'no config.json'
copy
rm "$work/bad/0000000080000000-4000.bin"
refuse 'no RAM'
copy
truncate -s 16383 "$work/bad/0000000080000000-4000.bin"
refuse 'RAM that is a byte too short'
copy
truncate -s 16385 "$work/bad/0000000080000000-4000.bin"
refuse 'RAM that is a byte too long'
copy
mv "$work/bad/0000000080000000-4000.bin" "$work/ram"
ln -s "$work/ram" "$work/bad/0000000080000000-4000.bin"
refuse 'RAM that is a symbolic link'
rm "$work/bad/0000000080000000-4000.bin"
mkfifo "$work/bad/0000000080000000-4000.bin"
refuse 'RAM that is a FIFO'
# ---- what write refuses ----
wrong() { # NAME JQ
    config "$2"
    run $cartesi write -c "$work/bad/config.json" -i "$work/bad" -o "$work/new"
    exits 5 "write refuses: $1"
    one_line "in one line: $1"
    is "nothing is left: $1" "$(find "$work" -maxdepth 1 -name new -o -maxdepth 1 -name '.assay-*' | wc -l)" 0
}
run $cartesi write -c "$machines/e01-custom-regs-dtb/config.json" -i "$machines/e01-custom-regs-dtb" -o "$work"
exits 2 'write does not replace a directory'
wrong 'a drive that ends at 2^56' '.config.flash_drive = [{length: 4096, start: 72057594037923840}]'
wrong 'a missing file' '.config.ram.backing_store.data_filename = "kernel"'
wrong 'a file longer than its range' '.config.ram.length = 8192 | .config.ram.backing_store.data_filename = "0000000000000000-8000.bin"'
wrong 'a shared file that is too short' '.config.ram.length = 65536 | .config.ram.backing_store |= (.shared = true | .data_filename = "0000000000000000-8000.bin")'
wrong 'a directory as a file' '.config.ram.backing_store.data_filename = "/."'
wrong 'a drive without a length or a file' '.config.flash_drive = [{}]'
wrong 'a uarch RAM of nobody' '.config.uarch.ram.backing_store.data_filename = "config.json"'
wrong 'a device tree over 1 MiB' '.config.dtb.backing_store.data_filename = "" | .config.dtb.init = ("a" * 1048000)'
config '.config.flash_drive = [{backing_store: {data_filename: "0000000000010000-1000.bin"}, label: "one"},
    {length: 12288}, {start: 4294967296, length: 4096}, {length: 4096}] | .config.nvram = [{length: 8192, read_only: true}]'
run $cartesi write -c "$work/bad/config.json" -i "$work/bad" -o "$work/new"
exits 0 'drives without lengths and starts are placed'
is 'where the rules say' "$(find "$work/new" -name '*.bin' | sed 's,.*/,,' | LC_ALL=C sort | tail -n 5 | tr '\n' ' ')" \
    '0000000080004000-1000.bin 0000000080008000-3000.bin 000000008000c000-1000.bin 000000008000e000-2000.bin 0000000100000000-1000.bin '
is 'the copy of a copy is the same' "$($cartesi write -c "$work/new/config.json" -i "$work/new" -o "$work/new2" 2>/dev/null)" "$(cat "$work/stdout")"
ok 'its config too' cmp "$work/new/config.json" "$work/new2/config.json"

run $cartesi hash "$work/nothing"
exits 5 'no such directory'
zstd -qdc "$own/e01-custom-regs-dtb.tar.zst" >"$work/whole.tar"
head -c 3000 "$work/whole.tar" >"$work/cut.tar"
run $cartesi hash "$work/cut.tar"
exits 5 'a truncated tar'
one_line 'said in one line'
head -c 3000 "$own/e01-custom-regs-dtb.tar.zst" >"$work/cut.tar.zst"
run $cartesi hash "$work/cut.tar.zst"
exits 5 'a truncated zstd stream'
mkdir "$work/links"
cp "$machines/e01-custom-regs-dtb"/* "$work/links"
ln -s config.json "$work/links/link"
tar -cf "$work/links.tar" -C "$work" links
run $cartesi hash "$work/links.tar"
exits 5 'a tar with a symbolic link'
rm "$work/links/link"
for format in ustar gnu pax; do
    tar --format=$format -czf "$work/links.tar.gz" -C "$work" links
    run $cartesi hash "$work/links.tar.gz"
    is "a tar.gz of the $format format" "$(cat "$work/stdout")" "$($cartesi hash "$machines/e01-custom-regs-dtb" 2>/dev/null)"
done
is 'nothing is left behind' "$(find "$TMPDIR" -mindepth 1 | wc -l)" 0

done_testing
