# SPDX-License-Identifier: Apache-2.0
# Sourced by every end-to-end test: TAP output, a private work directory, and runs whose exit code,
# standard output and standard error are kept apart.
#
#   run CMD…            runs it; $code, $work/stdout, $work/stderr hold what came of it; never fails itself
#   exits N NAME        the last run exited with N
#   one_line NAME       the last run printed exactly one line on stderr
#   says PATTERN NAME   the last run's stderr has a line that matches (extended regular expression)
#   prints PATTERN NAME the same of stdout
#   ok NAME CMD…        CMD succeeds
#   is NAME GOT WANTED  the two strings are equal
#   debian_inputs NAME  the plan locked from tests/inputs/NAME.yml: $inputs_plan, and $inputs_store with its packages
#   done_testing        prints the plan; must be the last line

set -u
LC_ALL=C.UTF-8
export LC_ALL
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
: "${ASSAY_BIN:=$top/build/bin}"
: "${ASSAY_HELPERS:=$top/build/tests/helpers}"
: "${ASSAY_SHARED:=$top/../shared}"
assay=$ASSAY_BIN/assay
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-test.XXXXXX")
ASSAY_STORE=$work/store
export ASSAY_BIN ASSAY_HELPERS ASSAY_SHARED ASSAY_STORE
tests=0
code=0

finish() {
    status=$?
    # Read-only directories that a test made must not keep their contents.
    chmod -R u+rwx "$work" 2>/dev/null
    rm -rf "$work"
    exit $status
}
trap finish EXIT
trap 'exit 1' INT TERM HUP

pass() {
    tests=$((tests + 1))
    printf 'ok %d - %s\n' "$tests" "$1"
}

fail() {
    tests=$((tests + 1))
    printf 'not ok %d - %s\n' "$tests" "$1"
    shift
    for line in "$@"; do
        printf '%s\n' "$line" | sed 's/^/#   /'
    done
}

run() {
    code=0
    "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
}

context() {
    printf 'exit code %s\nstdout:\n%s\nstderr:\n%s\n' "$code" "$(head -c 2000 "$work/stdout")" \
        "$(head -c 2000 "$work/stderr")"
}

exits() {
    if [ "$code" = "$1" ]; then pass "$2"; else fail "$2" "wanted exit code $1" "$(context)"; fi
}

one_line() {
    if [ "$(wc -l <"$work/stderr")" = 1 ]; then pass "$1"; else fail "$1" "wanted one line" "$(context)"; fi
}

says() {
    if grep -Eq -- "$1" "$work/stderr"; then pass "$2"; else fail "$2" "wanted on stderr: $1" "$(context)"; fi
}

prints() {
    if grep -Eq -- "$1" "$work/stdout"; then pass "$2"; else fail "$2" "wanted on stdout: $1" "$(context)"; fi
}

ok() {
    name=$1
    shift
    if "$@" >"$work/ok.out" 2>&1; then pass "$name"; else fail "$name" "failed: $*" "$(head -c 2000 "$work/ok.out")"; fi
}

is() {
    if [ "$2" = "$3" ]; then pass "$1"; else fail "$1" "got:    $2" "wanted: $3"; fi
}

debian_inputs() {
    inputs_plan=${ASSAY_INPUTS:=$top/build/tests/inputs}/$1.plan.json
    inputs_store=$ASSAY_INPUTS/store
    [ -f "$inputs_plan" ] || { echo "Bail out! $inputs_plan is missing: run 'make inputs'"; exit 1; }
}

done_testing() {
    printf '1..%d\n' "$tests"
}
