#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every fuzz target for a short while (FUZZ_SECONDS each, default 5) from its seeds, as many at a time as
# there are cores: a smoke test that parsers survive hostile bytes; longer runs find more.
set -eu
dir=$1
shift
: "${FUZZ_SECONDS:=5}"
seeds=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/seeds
export FUZZ_SECONDS dir seeds

# shellcheck disable=SC2016 # the variables are the inner shell's
printf '%s\n' "$@" | xargs -n 1 -P "$(nproc)" sh -eu -c '
    name=$1
    corpus=$dir/corpus/$name
    mkdir -p "$corpus"
    set -- "$corpus"
    if [ -d "$seeds/${name#fuzz_}" ]; then set -- "$@" "$seeds/${name#fuzz_}"; fi
    if "$dir/$name" -max_total_time="$FUZZ_SECONDS" -rss_limit_mb=2048 -timeout=20 -max_len=65536 \
        -artifact_prefix="$corpus/../$name-" -print_final_stats=1 "$@" >"$dir/$name.log" 2>&1; then
        printf "ok %s: %s runs\n" "$name" "$(sed -n "s/^stat::number_of_executed_units: *//p" "$dir/$name.log")"
    else
        tail -n 40 "$dir/$name.log"
        printf "not ok %s\n" "$name"
        exit 255
    fi' fuzz
printf '%d passed, 0 failed\n' "$#"
