#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Debian minbase root file system, out of packages that are already here, into a tar: by Assay and by mmdebstrap, in one run.
#
#   debian.sh BIN       BIN holds Assay's programs
#
# Environment: BENCH_RUNS (3), BENCH_THREADS (2), BENCH_WAIT (10), BENCH_DIR (build/bench), BENCH_SUITE (trixie). The packages are
# locked and fetched once (the machine's mirror) and kept; both read them from a warm cache. mmdebstrap, in its mode
# that only extracts, gets them through an archive on disk, made here of the same files.
set -eu
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
bin=${1:?usage: debian.sh BIN}
: "${BENCH_RUNS:=3}" "${BENCH_THREADS:=2}" "${BENCH_WAIT:=10}" "${BENCH_DIR:=build/bench}" "${BENCH_SUITE:=trixie}"

for program in mmdebstrap python3 dpkg-deb /usr/bin/time; do
    command -v "$program" >/dev/null || { echo "bench: $program is not installed (make deps)" >&2; exit 6; }
done
dir=$BENCH_DIR/debian
mkdir -p "$dir"
if [ ! -e "$dir/minbase.plan.json" ]; then
    cat >"$dir/minbase.yml" <<E
name: minbase
arch: $(dpkg --print-architecture)
epoch: 4294967295
images:
  root:
    debian:
      suite: $BENCH_SUITE
      packages: [apt, base-files, base-passwd, bash, bsdutils, coreutils, dash, debconf, debianutils, diffutils, dpkg, findutils,
        grep, gzip, hostname, init-system-helpers, libc-bin, libpam-runtime, login, mawk, mount, ncurses-base, ncurses-bin, passwd,
        perl-base, sed, sysvinit-utils, tar, tzdata, util-linux]
      dependencies: all
      rootfs: true
artifacts: [tar]
E
    "$bin/assay" lock "$dir/minbase.yml" -q --store "$dir/store" -o "$dir/minbase.plan.json"
fi
exec python3 "$here/debian.py" --bin "$bin" --dir "$dir" --suite "$BENCH_SUITE" --runs "$BENCH_RUNS" \
    --threads "$BENCH_THREADS" --wait "$BENCH_WAIT"
