#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# packages.txt names each package once, in one of its forms; docs/dependencies.md has a licence for
# each library that programs are linked with; the Debian package builds with the same libraries.
#
#   packages.sh PACKAGES DEPENDENCIES CONTROL -lNAME...   the three files, and what the Makefile links
#
# First proves, on planted files, that each rule can fail.
set -u
LC_ALL=C
export LC_ALL

check_list() {
    awk '
    /^#/ || /^$/ { next }
    !/^[a-z0-9][a-z0-9+.-]*( unpacked| (unless|or) [a-z0-9+.-]+)?$/ { printf "%s:%d: not a package: %s\n", FILENAME, FNR, $0; next }
    $1 in line { printf "%s:%d: %s is in line %d already\n", FILENAME, FNR, $1, line[$1]; next }
    { line[$1] = FNR }' "$1"
}

# The table of licences is the one whose first column has the names in backticks: | `libNAME` | …
check_licences() {
    dependencies=$1
    shift
    for library; do
        grep -q "^|.*\`lib${library#-l}\`.*|.*|" "$dependencies" ||
            echo "$dependencies:1: says nothing of the licence of \`lib${library#-l}\`, which programs are linked with"
    done
}

# Libraries for building stand in packages.txt before the first section that is not about building.
check_build_depends() {
    sed '/^# Locking/,$d' "$1" | grep -E '^(lib|zlib).*-dev$' | grep -vx libc6-dev | while read -r library; do
        grep -qE "^(Build-Depends:.*)? ?$library( <!nocheck>)?,?\$" "$2" ||
            echo "$2:1: builds without $library, which $1 names"
    done
}

self_test() {
    dir=$(mktemp -d "${TMPDIR:-/tmp}/assay-packages.XXXXXX") || exit 1
    trap 'rm -rf "$dir"' EXIT
    cd "$dir" || exit 1
    bad=0
    printf '# Tools\n\ngcc\nnodejs unless node\ndocker-registry unpacked\nlibstdc++6\ncc1 or cc2\n' >fine
    # shellcheck disable=SC2016 # backticks are text
    printf '| library | licence |\n|---|---|\n| `libz`, `libzstd` | free |\n' >table
    found=$(check_list fine && check_licences table -lz -lzstd)
    if [ -n "$found" ]; then
        printf 'self-test: complains about what is fine:\n%s\n' "$found"
        bad=1
    fi
    for planted in 'gcc' 'node unless nodejs' 'docker-registry' 'two words' 'Capital' 'x unless' 'x or' ' blank'; do
        # Each of these stands once already, or has a form of its own.
        printf 'gcc\nnode\ndocker-registry unpacked\n%s\n' "$planted" >list
        check_list list | grep -q '^list:4: ' || {
            echo "self-test: does not notice: $planted"
            bad=1
        }
    done
    check_licences table -llz | grep -q 'liblz' || {
        echo "self-test: does not notice a library without a licence"
        bad=1
    }
    printf '# Building\ngcc\nlibc6-dev\nlibz-dev\nzlib1g-dev\n# Locking Debian packages\nliblater-dev\n' >list
    printf 'Build-Depends: debhelper,\n libz-dev,\n zlib1g-dev\n' >control
    check_build_depends list control | grep . && bad=1
    printf 'Build-Depends: debhelper,\n libz-dev-more,\n zlib1g-dev\n' >control
    check_build_depends list control | grep -q ' libz-dev,' || {
        echo "self-test: does not notice a library that the package builds without"
        bad=1
    }
    cd / && exit "$bad"
}

(self_test) || exit 1
list=$1
dependencies=$2
control=$3
shift 3
found=$(check_list "$list" && check_licences "$dependencies" "$@" && check_build_depends "$list" "$control")
if [ -n "$found" ]; then
    printf '%s\n' "$found"
    exit 1
fi
