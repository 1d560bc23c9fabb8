#!/bin/sh
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

refused tar absolute.tar "absolute path"
refused tar dotdot.tar "'\.\.'"
refused tar hardlink-out.tar "'\.\.'"
refused tar hardlink-absolute.tar "absolute path"
refused tar pax-path.tar "'\.\.'"
refused tar deep.tar "too long or too deep"
refused tar long-name.tar "too long or too deep"
refused tar whiteout-out.tar "whiteout of no name"
refused tar sparse.tar "sparse"
refused tar cut.tar "cut short"
refused tar no-end.tar "end mark is missing"
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

# Symbolic links lead nowhere but into the image.
run "$dump" "$store" "tar:$work/inside.tar"
exits 0 "links to /etc are followed inside the image"
prints "^f 0644 0 0 0 etc/passwd 13 " "the file is in the image's etc"
prints "^f 0644 0 0 0 etc/shadow 4 " "also through .."
run "$dump" "$store" "tar:$work/good.tar"
exits 0 "and the next good layer is taken"
prints "^f 0644 0 0 0 etc/motd 600 " "whole"
done_testing
