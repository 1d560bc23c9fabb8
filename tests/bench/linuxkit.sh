#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One LinuxKit file, two images of 300 MiB in four gzip layers: to a tar and to squashfs, and again after one changed `files:` entry, in one run.
#
#   linuxkit.sh BIN     BIN holds Assay's programs
#
# Environment: BENCH_RUNS (3), BENCH_THREADS (2), BENCH_WAIT (10), BENCH_DIR (build/bench), BENCH_MIB (300), BENCH_CASE (zstd:15). The images are
# made once, without any input, and kept. Run as root for owners in the directory that mksquashfs reads.
set -eu
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${1:?usage: linuxkit.sh BIN}
: "${BENCH_RUNS:=3}" "${BENCH_THREADS:=2}" "${BENCH_WAIT:=10}" "${BENCH_DIR:=build/bench}" "${BENCH_MIB:=300}" "${BENCH_CASE:=zstd:15}"

for program in mksquashfs python3 gzip /usr/bin/time; do
    command -v "$program" >/dev/null || { echo "bench: $program is not installed (make deps)" >&2; exit 6; }
done
dir=$BENCH_DIR/linuxkit-$BENCH_MIB
if [ ! -e "$dir/layout/index.json" ]; then
    mkdir -p "$dir/layout"
    echo "making images of $BENCH_MIB MiB (once)"
    python3 "$here/linuxkit_image.py" "$dir/layout" "$BENCH_MIB"
fi
exec python3 "$here/linuxkit.py" --bin "$bin" --dir "$dir" --case "$BENCH_CASE" --runs "$BENCH_RUNS" \
    --threads "$BENCH_THREADS" --wait "$BENCH_WAIT"
