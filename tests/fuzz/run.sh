#!/bin/sh
# Runs every fuzz target for a short while (FUZZ_SECONDS each, default 5) from its seeds: a smoke test
# that parsers survive hostile bytes; longer runs find more.
set -eu
dir=$1
shift
: "${FUZZ_SECONDS:=5}"
seeds=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/seeds
count=0
for name in "$@"; do
    corpus=$dir/corpus/$name
    mkdir -p "$corpus"
    set -- "$corpus"
    if [ -d "$seeds/${name#fuzz_}" ]; then set -- "$@" "$seeds/${name#fuzz_}"; fi
    if "$dir/$name" -max_total_time="$FUZZ_SECONDS" -rss_limit_mb=2048 -timeout=20 -max_len=65536 \
        -artifact_prefix="$corpus/../" -print_final_stats=1 "$@" >"$dir/$name.log" 2>&1; then
        printf 'ok %s: %s runs\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$dir/$name.log")"
    else
        tail -n 40 "$dir/$name.log"
        printf 'not ok %s\n' "$name"
        exit 1
    fi
    count=$((count + 1))
done
printf '%d passed, 0 failed\n' "$count"
