#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The order of the floors and the banned functions.
#
#   floors.sh [DIRECTORY]    checks the tree (default: the one this script is in); first proves, on a
#                            planted tree, that each rule can fail
#
# Prints file:line: what is wrong; exits 1 when anything is.
set -u
LC_ALL=C
export LC_ALL
self=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/$(basename -- "$0")
floors='base attest store formats net builder verifier runner'

# What a floor's includes may name. verifier/ and runner/ never name builder/; runner/ stands on base
# and store only.
may_include() {
    case $1 in
    base) echo base ;;
    attest) echo base attest ;;
    store) echo base attest store ;;
    formats) echo base store formats ;;
    net) echo base store formats net ;;
    builder) echo base attest store formats net builder ;;
    verifier) echo base attest store formats net verifier ;;
    runner) echo base store formats runner ;;
    esac
}

sources() {
    find "$@" -name '*.[ch]' -type f 2>/dev/null | sort
}

# Quoted includes name a path from the top; "../x.h" or "x.h" would get round the check.
check_includes() {
    for floor in $floors; do
        [ -d "$floor" ] || continue
        allowed=" $(may_include "$floor") "
        sources "$floor" | while read -r file; do
            grep -n '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' "$file" |
                sed 's/^\([0-9]*\):[^"]*"\([^"]*\)".*/\1 \2/' |
                while read -r line header; do
                    top=${header%%/*}
                    case $allowed in
                    *" $top "*) ;;
                    *) echo "$file:$line: $floor/ may not include \"$header\" (only:$allowed)" ;;
                    esac
                    case $header in
                    *..*) echo "$file:$line: an include that climbs: \"$header\"" ;;
                    esac
                done
        done
    done
}

# Comments and strings are blanked, lines kept, so that a word in a sentence is no call.
strip() {
    awk '
    BEGIN { quote = sprintf("%c", 39) }
    {
        out = ""; line = $0; n = length(line); i = 1
        while (i <= n) {
            two = substr(line, i, 2); c = substr(line, i, 1)
            if (inside) {
                if (two == "*/") { inside = 0; i += 2 } else i++
            } else if (two == "/*") { inside = 1; i += 2; out = out " "
            } else if (two == "//") { break
            } else if (c == "\"" || c == quote) {
                mark = c; out = out c; i++
                while (i <= n && (c = substr(line, i, 1)) != mark) i += (c == "\\") ? 2 : 1
                out = out mark; i++
            } else { out = out c; i++ }
        }
        print FILENAME ":" FNR ":" out
    }' "$1"
}

# refuse WORDS WHY EXCEPT FILE…: none of the words as a call, but in files that match EXCEPT.
refuse() {
    words=$1
    why=$2
    except=$3
    printf '%s\n' "$stripped" | grep -E "^[^:]*:[0-9]+:(.*[^A-Za-z0-9_>.])?($words)[[:space:]]*\(" |
        grep -Ev "^($except):" | while IFS=: read -r file line rest; do
        call=$(printf '%s\n' "$rest" | grep -oE "(^|[^A-Za-z0-9_>.])($words)[[:space:]]*\(" | head -n 1 |
            tr -dc 'A-Za-z0-9_')
        echo "$file:$line: $call: $why"
    done
}

check_calls() {
    stripped=$(for file in $(sources $floors); do strip "$file"; done)
    refuse 'strcpy|strcat|sprintf|vsprintf|strtok|gets|atoi|atol|atoll|alloca' \
        'banned (docs: base/README.md)' 'none'
    refuse 'gmtime|localtime|ctime|asctime|mktime' 'banned: base/host.h formats times' 'none'
    refuse 'system|popen|mktemp|tmpnam|tempnam' 'banned: base/process.h runs programs' 'none'
    refuse 'rand|srand|random|srandom|drand48|rand_r' 'banned: randomness comes through base/host.h' 'none'
    refuse 'setlocale|newlocale|uselocale' 'banned: the locale must not reach an artifact' 'none'
    refuse 'time|clock_gettime|gettimeofday' 'the clock comes through base/host.h' \
        'base/host\.c|base/capture\.c|base/process\.c|base/progress\.c|base/sandbox/[a-z_]*\.c|runner/[a-z_/]*\.c'
    refuse 'getenv|secure_getenv|setenv|putenv' 'the environment comes through cli_env' 'base/cli\.c'
    printf '%s\n' "$stripped" | grep -E '^[^:]*:[0-9]+:(.*[^A-Za-z0-9_])?environ([^A-Za-z0-9_]|$)' |
        grep -v '^base/cli\.c:' | while IFS=: read -r file line rest; do
        echo "$file:$line: environ: the environment comes through cli_env"
    done
}

check() {
    check_includes
    check_calls
}

# ---- does it notice? ----

plant() {
    mkdir -p "$(dirname "$1")"
    printf '%s\n' "$2" >"$1"
}

self_test() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-floors.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir" || exit 1
    bad=0
    # Fine things stay fine: words in comments and strings, members, longer names, the allowed files.
    plant base/fine.c '#include "base/err.h"
/* strcpy(a, b) is banned; so is
   getenv("X") */
const char *s = "system(1) \" atoi(2)"; // rand()
int f(void) { return my_system(1) + x->brand + strand(2) + updated_time(3) + json_atoi(1); }'
    plant base/cli.c 'extern char **environ; char *g(void) { return getenv("HOME"); }'
    plant base/host.c 'int h(void) { return clock_gettime(0, 0); }'
    plant store/cas/fine.c '#include "store/cas/cas.h"
#include "base/buf.h"
#include <time.h>'
    plant runner/fine.c '#include "store/cas/cas.h"'
    found=$(check)
    if [ -n "$found" ]; then
        echo "self-test: complains about what is fine:"
        echo "$found"
        bad=1
    fi
    n=0
    while IFS='|' read -r file text; do
        n=$((n + 1))
        rm -rf "$dir"/*
        plant "$file" "$text"
        if ! check | grep -q "^$file:1: "; then
            echo "self-test: does not notice in $file: $text"
            bad=1
        fi
    done <<'PLANTED'
base/a.c|#include "store/cas/cas.h"
base/a.h|# include "attest/key.h"
attest/a.c|#include "store/log/log.h"
store/log/a.c|#include "verifier/policy/policy.h"
verifier/a.c|#include "builder/plan/plan.h"
runner/a.c|#include "builder/plan/plan.h"
runner/a.c|#include "attest/key.h"
builder/a.c|#include "verifier/x.h"
builder/plan/a.c|#include "plan.h"
builder/plan/a.c|#include "builder/../verifier/x.h"
base/a.c|x = strcpy(a, b);
base/a.c|strcat (a, b);
store/a.c|if (sprintf(a, b)) {
base/a.c|p = strtok(a, b);
base/a.c|gets(a);
base/a.c|return atoi(a);
base/a.c|p = alloca(3);
base/a.c|t = gmtime(&x);
base/a.c|t=localtime(&x);
runner/a.c|system("x");
builder/a.c|f = popen("x", "r");
base/a.c|mktemp(x);
base/a.c|n = rand();
base/a.c|setlocale(LC_ALL, "");
base/a.c|now = time(NULL);
builder/a.c|clock_gettime(CLOCK_REALTIME, &ts);
store/a.c|v = getenv("HOME");
store/a.c|extern char **environ;
PLANTED
    [ "$n" -ge 28 ] || bad=1
    cd / && exit "$bad"
}

(self_test) || exit 1
cd "${1:-$(dirname -- "$self")/../..}" || exit 1
found=$(check)
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 1
fi
