#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One fact in one place: media types and the names of OCI's annotations stand in base/media_types.h,
# once each; bytes become numbers, and numbers bytes, in base/byte_order.h.
#
#   facts.sh [DIRECTORY]    checks the tree (default: the one this script is in); first proves, on a
#                           planted tree, that each rule can fail
#
# Prints file:line: what is wrong; exits 1 when anything is. Tests are not looked at: what they
# expect they spell out.
set -u
LC_ALL=C
export LC_ALL
self=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/$(basename -- "$0")
types=base/media_types.h
order=base/byte_order.h
# The structs that libsquashfs takes are little-endian.
structs='formats/squashfs/squashfs_(write|xattr)\.c'
# Base 64 is a matter of bits.
bits='base/encoding\.c'

sources() {
    find base attest store formats net builder verifier runner service -name '*.[ch]' -type f 2>/dev/null | sort
}

# found PATTERN EXCEPT WHY: the lines that match, but in files that match EXCEPT.
found() {
    grep -nE -- "$1" $files /dev/null | grep -Ev "^($2):" |
        while IFS=: read -r file line rest; do echo "$file:$line: $3"; done
}

check() {
    files=$(sources)
    found '"[^"]*(application/[a-z]|vnd\.[a-z]|text/plain)' "$types" "a media type: $types has them"
    found '"[^"]*org\.opencontainers\.' "$types" "the name of an annotation: $types has them"
    found '<endian\.h>|<byteswap\.h>|<arpa/inet\.h>|hto[bl]e(16|32|64) *\(|[bl]e(16|32|64)toh *\(' \
        "$order|$structs" "the order of bytes: $order knows it"
    found '\] << (8|16|24|32|40|48|56)([^0-9]|$)' "$bits" "bytes put together: $order has getters"
    found '^[a-z][a-z0-9_ ]*[ *]([a-z]+_)*[bl]e_?(16|32|64) *\(' \
        "$order|base/buf\.[ch]" "a getter or a putter: $order has them"
    # In the header, each text once.
    [ -f "$types" ] && grep -oE '"[^"]*"' "$types" | sort | uniq -d | while read -r text; do
        line=$(grep -nF -- "$text" "$types" | sed -n '2s/:.*//p')
        echo "$types:$line: $text stands there twice"
    done
}

# ---- does it notice? ----

plant() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "$2" >"$1"
}

self_test() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-facts.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir" || exit 1
    bad=0
    plant base/media_types.h '#define MEDIA_TAR "application/x-tar"
#define MEDIA_OCI_INDEX "application/vnd.oci.image.index.v1+json"'
    plant base/byte_order.h '#include <endian.h>
static inline uint16_t get_le16(const uint8_t *p)'
    plant base/fine.c '/* application/x-tar is written as such */
x = get_le16(p); y = flags[2] << 4; put_le32(p, 8);'
    plant formats/squashfs/squashfs_write.c 'x = htole64(y);'
    plant tests/unit/test_x.c '"application/x-tar"'
    complaints=$(check)
    if [ -n "$complaints" ]; then
        printf 'self-test: complains about what is fine:\n%s\n' "$complaints"
        bad=1
    fi
    n=0
    while IFS='|' read -r file text; do
        n=$((n + 1))
        rm -rf "$dir"/*
        plant "$file" "$(printf '%b' "$text")"
        check | grep -q "^$file:[12]: " || {
            echo "self-test: does not notice in $file: $text"
            bad=1
        }
    done <<'PLANTED'
net/a.c|return strcmp(type, "application/vnd.oci.image.manifest.v1+json") == 0;
store/cas/a.c|"vnd.oci.image.index.v1+json\\",\\"schemaVersion\\":2}"
builder/a.h|#define T "text/plain"
runner/a.c|"say --type application/json to it"
builder/a.c|put(notes, "org.opencontainers.image.title", title);
base/media_types.h|#define A "application/gzip"\n#define B "application/gzip"
formats/fat/a.c|#include <endian.h>
formats/fat/a.c|x = be32toh(v);
formats/iso/a.c|sum += c[i] + (c[i + 1] << 8);
formats/iso/a.h|static inline uint32_t iso_le32(const uint8_t *p)
attest/a.c|static uint32_t le16(const uint8_t *p)
verifier/a.c|void put_be64(uint8_t *p, uint64_t v)
PLANTED
    [ "$n" -ge 12 ] || bad=1
    cd / && exit "$bad"
}

(self_test) || exit 1
cd "${1:-$(dirname -- "$self")/../..}" || exit 1
complaints=$(check)
if [ -n "$complaints" ]; then
    printf '%s\n' "$complaints"
    exit 1
fi
