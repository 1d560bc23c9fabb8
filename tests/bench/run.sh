#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make bench: a Debian minbase root file system into squashfs, by Assay and by its peers, in one run.
#
#   run.sh BIN          BIN holds Assay's programs
#
# Environment: BENCH_RUNS (3), BENCH_THREADS (2), BENCH_WAIT (10), BENCH_CASES ("zstd:15 gzip:9 zstd:3"), BENCH_DIR (build/bench),
# BENCH_TAR (a tar to use instead of making one). The tar is made once and kept; everything is read from a warm cache.
set -eu
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${1:?usage: run.sh BIN}
: "${BENCH_RUNS:=3}" "${BENCH_THREADS:=2}" "${BENCH_WAIT:=10}" "${BENCH_CASES:=zstd:15 gzip:9 zstd:3}"
: "${BENCH_DIR:=build/bench}" "${BENCH_TAR:=$BENCH_DIR/rootfs.tar}"

for program in mksquashfs unsquashfs tar2sqfs python3 pkg-config /usr/bin/time; do
    command -v "$program" >/dev/null || { echo "bench: $program is not installed (make deps)" >&2; exit 6; }
done
mkdir -p "$BENCH_DIR"

if [ ! -e "$BENCH_TAR" ]; then
    echo "making $BENCH_TAR: Debian bookworm, minbase and a few packages (once)"
    # The mirrors are the machine's own; only Debian's own suites of that release are taken.
    apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        grep -E '^deb [^ ]+ bookworm(-updates|-security)? main$' | sort -u >"$BENCH_DIR/sources.list"
    grep -q ' bookworm main$' "$BENCH_DIR/sources.list" || {
        echo "bench: the machine's apt sources have no bookworm; give a tar of your own as BENCH_TAR" >&2
        exit 6
    }
    mmdebstrap --quiet --variant=minbase \
        --include=python3,perl,curl,ca-certificates,iproute2,openssh-server \
        --format=tar bookworm "$BENCH_TAR.part" "$BENCH_DIR/sources.list"
    mv "$BENCH_TAR.part" "$BENCH_TAR"
fi

# mksquashfs was made for directories: give it one as well, if its owners can be kept.
tree=
if [ "$(id -u)" = 0 ]; then
    tree=$BENCH_DIR/rootfs
    if [ ! -e "$tree.done" ]; then
        rm -rf "$tree"
        mkdir "$tree"
        tar -C "$tree" --xattrs --xattrs-include='*' --numeric-owner -xpf "$BENCH_TAR"
        : >"$tree.done"
    fi
    find "$tree" -type f -exec cat {} + >/dev/null
fi
cat "$BENCH_TAR" >/dev/null

exec python3 "$here/bench.py" --bin "$bin" --tar "$BENCH_TAR" --tree "$tree" --out "$BENCH_DIR" \
    --runs "$BENCH_RUNS" --threads "$BENCH_THREADS" --wait "$BENCH_WAIT" --cases "$BENCH_CASES"
