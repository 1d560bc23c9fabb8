#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every source of ours says its licence in its first line, or in its second where the first is #!.
#
#   spdx.sh [DIRECTORY]    checks the tree (default: the one this script is in); first proves, on a
#                          planted tree, that it notices
#
# Left out are the files whose bytes something has a digest or a copy of: tests' data and seeds, the
# recipes and the script that tests lock, schemas/log.sql. JSON has no comments.
set -u
LC_ALL=C
export LC_ALL
self=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)/$(basename -- "$0")
tag='SPDX-License-Identifier: Apache-2.0'

# The tracked files, or all of them where there is no git (an unpacked tarball).
files() {
    if [ -e .git ]; then git ls-files; else find . -type f | sed 's|^\./||'; fi |
        grep -E '\.(c|h|sh|py|t|mk|pl|js)$|(^|/)(Makefile|rules)$|^\.ci/|^\.clang-(format|tidy)$|^examples/.*\.yml$' |
        grep -Ev '^(build|out|tests/data|tests/fuzz/seeds|tests/inputs)/|(^|/)node_modules/|^tests/peers/debian/' | sort
}

check() {
    files | while IFS= read -r file; do
        [ -f "$file" ] || continue
        case $file in
        *.[ch]) line="/* $tag */" ;;
        *.js) line="// $tag" ;;
        *) line="# $tag" ;;
        esac
        awk -v line="$line" 'NR == 1 && /^#!/ { next } { ok = $0 == line; exit } END { exit !ok }' "$file" ||
            echo "$file:1: no line '$line'"
    done
}

self_test() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-spdx.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir" || exit 1
    bad=0
    mkdir -p base tests/data tests/inputs examples .ci
    printf '/* %s */\nint x;\n' "$tag" >base/fine.c
    printf '#!/bin/sh\n# %s\ntrue\n' "$tag" >.ci/run
    printf '# %s\nall:\n' "$tag" >Makefile
    printf '// %s\n' "$tag" >examples/fine.js
    printf 'int x;\n' >tests/data/x.c
    printf 'name: x\n' >tests/inputs/x.yml
    found=$(check)
    if [ -n "$found" ]; then
        printf 'self-test: complains about what is fine:\n%s\n' "$found"
        bad=1
    fi
    while IFS='|' read -r file text; do
        printf '%b' "$text" >"$file"
        check | grep -q "^$file:1: " || {
            echo "self-test: does not notice in $file: $text"
            bad=1
        }
        rm -f "$file"
    done <<PLANTED
base/a.c|int x;\n
base/a.h|
base/b.c|int x;\n/* $tag */\n
base/c.c|# $tag\n
base/d.c|/* SPDX-License-Identifier: MIT */\n
.ci/run|#!/bin/sh\ntrue\n# $tag\n
base/a.py|"""x"""\n
examples/a.yml|name: x\n
Makefile|all:\n
PLANTED
    cd / && exit "$bad"
}

(self_test) || exit 1
cd "${1:-$(dirname -- "$self")/../..}" || exit 1
found=$(check)
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 1
fi
