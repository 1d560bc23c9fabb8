#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The front program and what all programs have in common.
. "$(dirname "$0")/lib.sh"

run "$assay" --help
exits 0 "help succeeds"
for part in lock plan build attest verify log cartesi store run; do
    run "$assay" --help
    prints "^  $part " "help names $part"
    run "$assay" "$part" --help
    exits 0 "assay $part --help succeeds"
    prints '^Usage: assay '"$part" "assay $part --help shows its usage"
    run "$assay" "$part" --help-json
    ok "assay $part --help-json is JSON" jq -e ".program == \"assay-$part\"" "$work/stdout"
    run "$assay" "$part" --help-man
    cp "$work/stdout" "$work/man.1"
    ok "assay $part has a manual page without errors" mandoc -Tlint -W error "$work/man.1"
    run "$assay" "$part" --help-bash
    cp "$work/stdout" "$work/completion"
    ok "assay $part has a completion that bash reads" bash -n "$work/completion"
    run "$assay" "$part" --version
    prints "^assay-$part [0-9]+\.[0-9]+\.[0-9]+$" "assay $part --version"
    run "$assay" "$part" --no-such-option
    exits 2 "assay $part refuses an unknown option"
    one_line "assay $part says so in one line"
    run "$assay" "$part" --json --no-such-option
    ok "assay $part --json reports the error as JSON" jq -e '.error.code == "usage" and .error.exit == 2' "$work/stdout"
    run "$assay" "$part"
    exits 2 "assay $part alone is a usage error"
done

run "$assay"
exits 2 "no command is a usage error"
one_line "said in one line"
run "$assay" nonsense
exits 2 "an unknown command is a usage error"
one_line "said in one line"

# A full device under stdout must not look like success.
if [ -c /dev/full ]; then
    code=0
    "$assay" build --version >/dev/full 2>"$work/stderr" || code=$?
    : >"$work/stdout"
    exits 7 "output that cannot be written is a host error"
fi

done_testing
