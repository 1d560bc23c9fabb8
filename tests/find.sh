#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# find.sh NAME: prints the path of the one test that NAME means (make test T=NAME). NAME is a path, a file's name with or
# without its ending and its prefix (test_ of a unit test, the number of an end-to-end test), or a part that only one
# path has. When it means none or several, these are listed on standard error, and the exit code is 1.
set -eu
LC_ALL=C
T=${1-}
export LC_ALL T
cd "$(dirname -- "$0")/.."
[ -n "$T" ] || { echo "which test? make test T=NAME runs one, make check all" >&2; exit 1; }
find tests/unit tests/e2e tests/slow -name 'test_*.c' -o -name '*.t' | sort | awk '
BEGIN {
    want = ENVIRON["T"]
    sub(/.*tests\//, "", want)
    sub(/\.[ct]$/, "", want)
}
{
    path = $0
    sub(/^tests\//, "", path)
    sub(/\.[ct]$/, "", path)
    name = path
    sub(/.*\//, "", name)
    folder = substr(path, 1, length(path) - length(name))
    bare = name
    sub(/^(test_|[0-9]+-)/, "", bare)
    nearness = path == want ? 1 : name == want || bare == want ? 2 : index(path, want) || index(folder bare, want) ? 3 : 4
    meant[nearness] = meant[nearness] $0 "\n"
    count[nearness]++
}
END {
    for (nearness = 1; nearness < 4 && !count[nearness]; nearness++)
        ;
    if (nearness < 4 && count[nearness] == 1) {
        printf "%s", meant[nearness]
        exit 0
    }
    printf "%s\n%s", (nearness < 4 ? "several tests are meant by" : "no test is called") " `" ENVIRON["T"] "`:", meant[nearness] | "cat >&2"
    exit 1
}'
