#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# clang-tidy over one source, unless it passed with exactly this input: the source with every header preprocessed into it,
# ours and the system's, the flags, the checks, and the version of clang-tidy.
#
#   tidy.sh SOURCE STAMP RECORD FLAG…   STAMP keeps `SOURCE DIGEST` of the input that passed here last; RECORD (tests/lint/tidy.passed)
#                                       has such lines of inputs that passed anywhere, or is /dev/null
#   tidy.sh --version                   of clang-tidy; in TIDY_VERSION it need not be asked for each source
#   tidy.sh --comments FILE…            refuses files in which comments turn checks off; first proves, on planted sources,
#                                       what all this notices
#
# TIDY_AGAIN, a hexadecimal digit, checks again what is recorded with a digest that begins with it: CI takes the commit's, so
# that sixteen commits check the whole record. Comments are not in the digest, so none may turn a check off (--comments).
set -eu
LC_ALL=C
export LC_ALL

version() {
    clang-tidy --version | sed -n 's/.*version //p'
}

# comments FILE…: what a comment turns off.
comments() {
    ! grep -Hn NOLINT "$@" || { echo "a check is turned off in .clang-tidy, with its reason, not in a comment"; return 1; }
}

check() {
    source=$1 stamp=$2 record=$3
    shift 3
    digest=$({ echo "${TIDY_VERSION:-$(version)} $*" && cat .clang-tidy && clang -E -P "$@" "$source"; } | sha256sum)
    passed="$source $(printf '%.32s' "$digest")"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$passed" ]; then
        return 0
    fi
    case ${TIDY_AGAIN:-none} in
    "$(printf '%.1s' "$digest")") record=/dev/null ;;
    esac
    if ! grep -qxF "$passed" "$record"; then
        printf '  %-6s %s\n' TIDY "$source"
        clang-tidy --quiet "$source" -- "$@" 2>/dev/null || return 1
    fi
    mkdir -p "$(dirname "$stamp")"
    printf '%s\n' "$passed" >"$stamp"
}

# expect WHAT RESULT: check of a.c is `checks`, `knows` or `refuses`.
expect() {
    rm -f stamp
    if found=$(check a.c stamp record -std=gnu17 ${flags-}); then
        case $found in
        '') got=knows ;;
        *) got=checks ;;
        esac
        cp stamp ok
    else
        got=refuses
    fi
    [ "$got" = "$2" ] || { echo "self-test: $1: $got it instead: $found"; bad=1; }
}

self_test() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-tidy.XXXXXX")
    trap 'rm -rf "$dir"' EXIT
    cp .clang-tidy "$dir"
    cd "$dir"
    bad=0
    : >record
    echo '#define N 2' >a.h
    printf '#include "a.h"\nint f(int x)\n{\n    return x + N; /* adds */\n}\n' >a.c
    expect 'what was never checked' checks
    cp ok record
    expect 'what is recorded' knows
    sed -i 's/adds/sums/' a.c
    expect 'another comment' knows
    TIDY_AGAIN=$(cut -d' ' -f2 ok | cut -c 1)
    expect 'what is to be checked again' checks
    TIDY_AGAIN=none
    echo '#define N 3' >a.h
    expect 'another header' checks
    cp ok record
    flags=-DM=1
    expect 'other flags' checks
    flags=
    sed -i 's/^Checks: >/&\n  -android-*,/' .clang-tidy
    expect 'other checks' checks
    printf 'int f(int x)\n{\n    int *p = 0;\n    return x ? *p : 0;\n}\n' >a.c
    expect 'a null pointer that is read' refuses
    [ ! -e stamp ] || { echo "self-test: keeps a stamp of what fails"; bad=1; }
    comments a.c a.h || bad=1
    echo '// NOLINTNEXTLINE' >>a.h
    ! comments a.c a.h >/dev/null || { echo "self-test: does not see the comment"; bad=1; }
    exit $bad
}

case $1 in
--version) version ;;
--comments)
    (self_test)
    shift
    comments "$@"
    ;;
*) check "$@" ;;
esac
