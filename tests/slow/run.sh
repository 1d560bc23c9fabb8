#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs slow tests by the table of README.md, which says for each what change runs it in CI.
#
#   run.sh all       every test
#   run.sh changed   those that have not passed with what is there now: here (STAMPS), or as recorded (passed)
#   run.sh record    runs nothing: writes to passed what passed with what is there now
#   run.sh list      the tests, each with its paths
#
# STAMPS, a directory, keeps what passed here. What is there now: the bytes of the test's paths, of itself and of what it sources.
# First proves, on a planted table, that a change runs a test.
set -eu
LC_ALL=C
export LC_ALL

list() {
    sed -n 's/^| `\([a-z0-9-]*\.t\)` |.*|\([^|]*\)|$/\1 \2/p' tests/slow/README.md | tr -d '`,'
}
# now TEST PATH…: the digest of what is there.
now() {
    for path; do
        [ -e "$path" ] || { echo "tests/slow/README.md names $path, which is not there" >&2; return 1; }
    done
    find "$@" tests/e2e/lib.sh tests/e2e/boot.sh -type f | sort -u | xargs sha256sum | sha256sum | cut -c 1-32
}
# each COMMAND: calls it with the test, its line in passed, and its stamp.
each() {
    list | while read -r name paths; do
        # shellcheck disable=SC2086 # paths are words
        digest=$(now "tests/slow/$name" $paths) || exit 1
        "$1" "$name" "$name $digest"
    done
}
knows() { # TEST LINE
    grep -qxF "$2" tests/slow/passed || [ "$(cat "$STAMPS/$1" 2>/dev/null)" = "$2" ]
}
changed() {
    knows "$@" || echo "$1"
}
recorded() {
    ! knows "$@" || echo "$2"
}
# What is there before the tests run is what passes.
stamp() {
    case " $ran " in *" $1 "*) mkdir -p "$STAMPS" && printf '%s\n' "$2" >"$STAMPS/$1.new" ;; esac
}
keep() {
    for name in $ran; do mv "$STAMPS/$name.new" "$STAMPS/$name"; done
}

self_test() (
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-slow.XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    cd "$dir"
    STAMPS=$dir/stamps
    mkdir -p tests/slow tests/e2e here there
    touch tests/e2e/lib.sh tests/e2e/boot.sh tests/slow/passed tests/slow/one.t tests/slow/two.t here/a there/b
    # shellcheck disable=SC2016 # backticks are text
    printf '| file | what | when |\n|---|---|---|\n| `one.t` | x | `here/` |\n| `two.t` | y | `there/b`, `here/a` |\n| `run.sh` | z | |\n' >tests/slow/README.md
    expect() {
        got=$(each changed | tr '\n' ' ')
        [ "$got" = "$2" ] || { echo "self-test: $1: would run '$got', not '$2'"; exit 1; }
        ran='one.t two.t'
        each stamp
        keep
        each recorded >tests/slow/passed
        rm -r stamps
    }
    expect 'nothing has passed' 'one.t two.t '
    expect 'nothing changed' ''
    touch here/c
    expect 'a file is added' 'one.t '
    echo x >here/a
    expect 'a file of both changed' 'one.t two.t '
    rm here/c
    expect 'a file is removed' 'one.t '
    echo x >tests/slow/two.t
    expect 'a test changed' 'two.t '
    echo x >tests/e2e/lib.sh
    expect 'what all source changed' 'one.t two.t '
    rm there/b
    ! (each changed) >/dev/null 2>&1 || { echo "self-test: does not miss a path of the table"; exit 1; }
)

self_test
cd "$(dirname -- "$0")/../.."
: "${STAMPS:=build/tests/slow/passed}"
unlisted=$(for file in tests/slow/*.t; do list | grep -q "^$(basename "$file") " || echo "$file"; done)
[ -z "$unlisted" ] || { echo "tests/slow/README.md does not say what change runs $unlisted" >&2; exit 1; }
case ${1-} in
list) list && exit ;;
record) each recorded >"$STAMPS.new" && mv "$STAMPS.new" tests/slow/passed && exit ;;
all) ran=$(list | cut -d' ' -f 1 | tr '\n' ' ') ;;
changed) ran=$(each changed | tr '\n' ' ') ;;
*) echo "usage: run.sh all|changed|record|list" >&2 && exit 2 ;;
esac
echo "tests that are slow: ${ran:-none, all have passed with what is there}"
[ -n "$ran" ] || exit 0
# needs TEST PACKAGE…: what a test needs beside packages.txt
needs() {
    name=$1
    shift
    case " $ran" in *" $name "*) ${SUDO-} apt-get install -q -y --no-install-recommends "$@" ;; esac
}
needs iso-kernel.t flex bison bc libelf-dev
needs boot-system.t openssh-client
needs diff-page.t chromium fonts-dejavu-core
each stamp
# shellcheck disable=SC2046,SC2086 # names are words
prove -j2 --timer $(printf 'tests/slow/%s ' $ran)
keep
