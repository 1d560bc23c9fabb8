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
#   await CMD…          waits until CMD succeeds; fails when it never does
#   debian_inputs NAME  the plan locked from tests/inputs/NAME.yml: $inputs_plan, and $inputs_store with its packages
#   done_testing        prints the plan; must be the last line

set -u
# The environment of every test is made here, once. Of the caller's there are only the places below and where programs are.
for name in $(env | sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
    case $name in
    PATH | TMPDIR | ASSAY_BIN | ASSAY_HELPERS | ASSAY_INPUTS | ASSAY_SHARED | ASSAY_ARM64) ;;
    *) unset "$name" ;;
    esac
done
# Where fsck.fat, e2fsck, veritysetup, … are, which an ordinary user's PATH may leave out.
PATH=$PATH:/usr/sbin:/sbin
LC_ALL=C.UTF-8
TZ=UTC
GIT_CONFIG_NOSYSTEM=1
PYTHONDONTWRITEBYTECODE=1
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
: "${ASSAY_BIN:=$top/build/bin}"
: "${ASSAY_HELPERS:=$top/build/tests/helpers}"
: "${ASSAY_SHARED:=$top/../shared}"
assay=$ASSAY_BIN/assay
work=$(mktemp -d "${TMPDIR:-/tmp}/assay-test.XXXXXX")
ASSAY_STORE=$work/store
HOME=$work/home
TMPDIR=$work/tmp
XDG_RUNTIME_DIR=$work/run
mkdir "$HOME" "$TMPDIR"
chmod 1777 "$TMPDIR"
mkdir -m 0700 "$XDG_RUNTIME_DIR"
export ASSAY_BIN ASSAY_HELPERS ASSAY_SHARED ASSAY_STORE GIT_CONFIG_NOSYSTEM HOME LC_ALL PATH PYTHONDONTWRITEBYTECODE TMPDIR TZ XDG_RUNTIME_DIR
# Seconds after which what a test waits for hangs: far more than a busy machine needs, so no test's outcome hangs on them.
patience=600
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

await() {
    deadline=$(($(date +%s) + patience))
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -lt $deadline ] || return 1
        sleep 0.05
    done
}

debian_inputs() {
    inputs_plan=${ASSAY_INPUTS:=$top/build/tests/inputs}/$1.plan.json
    inputs_store=$ASSAY_INPUTS/store
    [ -f "$inputs_plan" ] || { echo "Bail out! $inputs_plan is missing: run 'make inputs'"; exit 1; }
}

done_testing() {
    printf '1..%d\n' "$tests"
}
