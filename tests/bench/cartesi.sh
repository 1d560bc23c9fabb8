#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Root hashes of stored machines: wall and CPU seconds and memory, the fastest path against a plain scalar
# loop, both functions, one and two threads, in turns in one run.
#
#   cartesi.sh BIN HELPERS
#
# Environment: BENCH_RUNS (3), BENCH_DIR (build/bench), BENCH_MIB ("128 1024": MiB of random RAM). Everything is
# read from a warm cache. Beside the rows of 128 MiB stands what the reference emulator needs on a 2-core machine;
# it, a tenth of the dense time for a sparse machine, and 64 MiB of memory are the goals. Exits with 1 when the
# paths' roots differ; a goal that is missed is said, for it may be the machine's fault.
set -eu
LC_ALL=C.UTF-8
export LC_ALL
bin=${1:?usage: cartesi.sh BIN HELPERS}
helpers=${2:?usage: cartesi.sh BIN HELPERS}
: "${BENCH_RUNS:=3}" "${BENCH_DIR:=build/bench}" "${BENCH_MIB:=128 1024}"
dir=$BENCH_DIR/cartesi
mkdir -p "$dir"
trap 'rm -rf "$dir"' EXIT

# best CMD…: the shortest of BENCH_RUNS runs: "WALL CPU KiB" in $dir/best, the output in $dir/root
best() {
    : >"$dir/times"
    for _ in $(seq "$BENCH_RUNS"); do
        /usr/bin/time -a -o "$dir/times" -f '%e %U %S %M' "$@" >"$dir/root" 2>/dev/null
    done
    sort -n "$dir/times" | awk 'NR == 1 { print $1, $2 + $3, $4 }' >"$dir/best"
}

# machine NAME FUNCTION MIB: a machine whose RAM is $dir/ram
machine() {
    rm -rf "${dir:?}/$1"
    printf '{"archive_version":7,"config":{"hash_tree":{"hash_function":"%s"},"ram":{"length":%d,"backing_store":{"data_filename":"ram"}}}}' \
        "$2" $(($3 * 1048576)) >"$dir/config.json"
    "$bin/assay" cartesi write -c "$dir/config.json" -i "$dir" -o "$dir/$1" >/dev/null 2>&1
}

row() {
    read -r wall cpu kib <"$dir/best"
    printf '%-34s %8s s wall %8s s CPU %8s KiB' "$1" "$wall" "$cpu" "$kib"
}

# goal WHAT FIELD LIMIT: field 1 is seconds, 3 is KiB
goal() {
    awk -v w="$1" -v f="$2" -v l="$3" '{ printf "%s%s %s", ($f <= l ? "  " : "  MISSED: "), w, l }' "$dir/best"
}

# What the reference takes for 128 MiB: one thread, two threads.
reference() {
    case $1.$2 in keccak256.1) echo 0.80 ;; keccak256.2) echo 0.50 ;; sha256.1) echo 0.62 ;; sha256.2) echo 0.33 ;; esac
}

printf 'processors %s, load %s\n' "$(nproc)" "$(cut -d' ' -f1 /proc/loadavg)"
for mib in $BENCH_MIB; do
    head -c $((mib * 1048576)) /dev/urandom >"$dir/ram"
    for function in keccak256 sha256; do
        machine dense "$function" "$mib"
        for jobs in 1 2; do
            best "$bin/assay" cartesi hash -j "$jobs" "$dir/dense"
            row "$mib MiB random, $function, -j $jobs"
            awk -v m="$mib" '{ printf "  %5.0f MiB/s a core", ($2 > 0 ? m / $2 : 0) }' "$dir/best"
            [ "$mib" != 128 ] || goal "reference, s:" 1 "$(reference "$function" "$jobs")"
            goal "KiB at most" 3 65536
            echo
            cp "$dir/best" "$dir/fast$jobs"
            [ "$jobs" != 1 ] || cp "$dir/best" "$dir/dense.$function.$mib"
        done
        # The plain loop, on the same bytes; its root must be the fastest path's.
        [ "$mib" -le 128 ] || continue
        case $function in keccak256) paths='scalar avx2 avx512' ;; *) paths='scalar sha-ni' ;; esac
        wanted=
        for path in $paths; do
            "$helpers/machine_root" "$function" "$path" 1 /dev/null >/dev/null 2>&1 || continue
            best "$helpers/machine_root" "$function" "$path" 1 "$dir/ram"
            [ -n "$wanted" ] || wanted=$(cat "$dir/root")
            [ "$wanted" = "$(cat "$dir/root")" ] || { echo "bench: $path gives another root" >&2; exit 1; }
            row "  by the $path path, -j 1"
            awk -v f="$(cut -d' ' -f2 "$dir/fast1")" '{ printf "  %5.1f times the CPU\n", (f > 0 ? $2 / f : 0) }' "$dir/best"
        done
    done
done
rm -f "$dir/ram"
head -c $((64 * 1048576)) /dev/urandom >"$dir/ram"
for function in keccak256 sha256; do
    machine sparse "$function" 1024
    best "$bin/assay" cartesi hash -j 1 "$dir/sparse"
    row "1 GiB, 64 MiB random, $function, -j 1"
    if [ -f "$dir/dense.$function.1024" ]; then
        goal "s: a tenth of the dense time," 1 "$(awk '{ print $1 / 10 }' "$dir/dense.$function.1024")"
    fi
    echo
done
