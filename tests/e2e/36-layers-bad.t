#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile layers: each is refused with exit code 5 and one line, and leaves nothing half-written behind.
. "$(dirname "$0")/lib.sh"

dump=$ASSAY_HELPERS/tree_dump
store=$work/store
python3 "$here/layers_bad.py" "$work" || exit 1

refused() {
    run "$dump" "$store" "$1:$work/$2"
    exits 5 "$2 is refused"
    one_line "$2: in one line"
    says "$3" "$2: that says why"
}

refused tar dotdot.tar "'\.\.'"
refused tar hardlink-out.tar "'\.\.'"
refused tar hardlink-absolute.tar "'etc/passwd', which is not there"
refused tar pax-path.tar "'\.\.'"
refused tar deep.tar "too long or too deep"
refused tar long-name.tar "too long or too deep"
refused tar whiteout-out.tar "whiteout of no name"
refused tar sparse.tar "sparse"
refused tar cut.tar "cut short"
refused tar cut-header.tar "cut short"
refused tar tail.tar "other bytes follow"
refused gzip cut.tar.gz "cut short"
refused gzip tail.tar.gz "other bytes follow"
refused gzip flipped.tar.gz "layer"
refused gzip good.tar "not gzip"
refused xz good.tar "not xz"
refused zstd good.tar "zstd"
refused deb good.tar "no Debian package"
refused tar cut.tar.gz "cut short|not a tar|tar at byte"

# Only the layers themselves are in the store: no pack of a refused one, no temporary file.
before=$(ls "$store/blobs/sha256" | wc -l)
refused gzip bomb.tar.gz "decompression bomb"
is "the bomb leaves only itself in the store" "$(ls "$store/blobs/sha256" | wc -l)" "$((before + 1))"
is "and no temporary file" "$(find "$store" -size +10M | wc -l)" 0

# Sparse files and sizes: what an archive says it holds takes no room.
for name in gnu pax00 pax01 star huge10 overlap10 endless10 behind10 many10 overlap01 past01 short01 count01 wrap01 half00 directory; do
    refused tar "sparse-$name.tar" "sparse"
done
refused tar huge.tar "cut short"
refused tar huge-pax.tar "cut short"
refused tar huge-64.tar "size"
refused tar negative.tar "size field"
is "none of them takes room" "$(find "$store" -size +1M -newer "$work/good.tar" ! -name "$(sha256sum <"$work/bomb.tar.gz" | cut -c1-64)" | wc -l)" 0

# What is taken stays inside.
taken() {
    run "$dump" "$store" "tar:$work/$1"
    exits 0 "$1 is taken"
    is "$1: as what it is" "$(sed '1,2d; s/ [0-9a-f]*$//' "$work/stdout")" "$2"
}
taken aufs.tar "f 0644 0 0 0 f 0"
taken absolute.tar "d 0755 0 0 9223372036854775807 etc
f 0644 0 0 0 etc/passwd 1"
taken pax-absolute.tar "d 0755 0 0 9223372036854775807 etc
f 0644 0 0 0 etc/passwd 0"
taken pax-acl.tar "f 0644 0 0 0 f 0"
taken huge-link.tar "l 0644 0 0 0 f x"

# Extended headers.
refused tar pax-twice.tar "pax key 'path'"
for name in short long zero minus wrap no-newline no-equals; do
    refused tar "pax-$name.tar" "pax record is not well formed"
done
refused tar pax-nul.tar "pax key 'path'"
refused tar pax-empty-path.tar "pax key 'path': empty"
refused tar pax-link-out.tar "'\.\.'"
for name in uid uid-text time time-far; do
    refused tar "pax-$name.tar" "pax key"
done
refused tar pax-global-path.tar "in a global header"
refused tar pax-global-size.tar "in a global header"
refused tar pax-pax.tar "two pax headers"
refused tar pax-alone.tar "without its entry"
refused tar pax-unknown.tar "pax key 'uname2'"
refused tar pax-volume.tar "pax key 'GNU.volume.label'"
refused tar pax-and-gnu.tar "both a pax path and a GNU long name"
refused tar pax-xattr-name.tar "not the name of an attribute"
refused tar pax-xattr-twice.tar "given twice"
refused tar pax-many.tar "more than 4096 records"
refused tar pax-big.tar "more than 1048576 bytes"
refused tar gnu-long.tar "more than 8190 bytes"
refused tar multi-volume.tar "type 'M'"
refused tar dump-dir.tar "type 'D'"
refused tar socket.tar "type 'Z'"
refused tar prefix-out.tar "'\.\.'"
refused tar checksum.tar "checksum"
run "$dump" "$store" "tar:$work/pax-odd.tar"
exits 0 "times before 1970 and names that are no UTF-8 are taken"
prints "^f 0644 0 0 -2 %ff%fe 0 " "as they are"

# Entries of one path.
gives() { # NAME LINES… : the lines of the tree less root, modes, owners and times
    name=$1
    shift
    run "$dump" "$store" "tar:$work/$name"
    exits 0 "$name is taken"
    is "$name: the later entry holds" "$(sed -n 's/^\([a-z]\) \(\([0-9]* \)\{4\}\)\{0,1\}/\1 /; 3,$p' "$work/stdout" | sed 's/ [0-9a-f]\{64\}$//')" \
        "$(printf '%s\n' "$@")"
}
gives twice.tar "f a 2"
gives dir-then-file.tar "f a 1"
gives file-then-dir.tar "d a" "f a/b 1"
gives link-then-dir.tar "d a" "f a/b 1" "d x"
gives link-then-file.tar "f a 1" "f x 1"
gives hard-then-file.tar "f a 1" "f x 1"
refused tar hard-self.tar "hard link to itself"
refused tar hard-circle.tar "which is not there"
refused tar hard-dir.tar "which is a directory"
refused tar hard-via-link.tar "which is not there"
refused tar loop.tar "symbolic links"
refused tar through-file.tar "not a directory"
refused tar root-file.tar "root is not a directory"
refused tar root-link.tar "root is not a directory"

# Whiteouts speak of lower layers, and of nothing outside the image.
for name in self dot dotdot; do
    refused tar "wh-$name.tar" "whiteout of no name"
done
refused tar wh-slash.tar "a whiteout is no directory"
refused tar wh-below.tar "below a whiteout"
refused tar wh-up.tar "'\.\.'"
over() { # NAME LINES… : the same, over base.tar
    name=$1
    shift
    run "$dump" "$store" "tar:$work/base.tar" "tar:$work/$name"
    exits 0 "$name is taken"
    is "$name: what is left" "$(sed -n 's/^\([a-z]\) \(\([0-9]* \)\{4\}\)\{0,1\}/\1 /; 3,$p' "$work/stdout" | sed 's/ [0-9a-f]\{64\}$//' | grep -v '^l ')" \
        "$(printf '%s\n' "$@")"
}
over wh-link-kind.tar "d d" "d e" "f e/c 1"
over wh-through-link.tar "d d" "d e" "f e/c 1"
over wh-own.tar "d d" "f d/a 3" "f d/b 1" "d e" "f e/c 1"
over wh-opaque.tar "d d" "f d/n 3" "f e 10"
over wh-root.tar "f only 1"
over wh-parent.tar "d d" "f d/a 5" "d e" "f e/c 1"

# Ten million entries: refused when they take too much, in bounded memory; half a million are nothing special.
"$ASSAY_HELPERS/tar_many" 10000000 | zstd -q -1 -o "$work/many.tar.zst"
run /usr/bin/time -o "$work/peak" -f '%M' "$dump" "$work/many" "zstd:$work/many.tar.zst"
exits 5 "ten million entries are refused"
one_line "in one line"
says "too many entries" "that says why"
ok "with less than 640 MiB of memory" test "$(tail -n 1 "$work/peak")" -lt 655360
rm -rf "$work/many" "$work/many.tar.zst"
"$ASSAY_HELPERS/tar_many" 300000 1 | zstd -q -1 -o "$work/many.tar.zst"
run "$dump" "$work/many" "zstd:$work/many.tar.zst"
exits 0 "300,000 entries in one directory are taken"
is "all of them" "$(wc -l <"$work/stdout")" 300003
# Bombs of other kinds: runs of zeros that zstd and xz make nothing of, and frames one after another.
head -c 314572800 /dev/zero | zstd -q -1 -o "$work/bomb.zst"
refused zstd bomb.zst "decompression bomb"
cat "$work/bomb.zst" "$work/bomb.zst" "$work/bomb.zst" >"$work/bombs.zst"
refused zstd bombs.zst "decompression bomb"

# Symbolic links lead nowhere but into the image.
run "$dump" "$store" "tar:$work/inside.tar"
exits 0 "links to /etc are followed inside the image"
prints "^f 0644 0 0 0 etc/passwd 13 " "the file is in the image's etc"
prints "^f 0644 0 0 0 etc/shadow 4 " "also through .."
run "$dump" "$store" "tar:$work/good.tar"
exits 0 "and the next good layer is taken"
prints "^f 0644 0 0 0 etc/motd 600 " "whole"
done_testing
