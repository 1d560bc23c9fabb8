#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No symbol of ours is defined twice, nor in a library that we link with: which definition a program gets would depend on
# the order of the command, and the Makefile's records of what was linked (Makefile: link) could not be relied on.
#
#   symbols.sh COMPILER ARCHIVES… -lNAME…   our archives, and the libraries that programs are linked with
#
# First proves, on planted lists, that it can fail.
set -u
LC_ALL=C
export LC_ALL

# Reads `WHERE SYMBOL` a line, ours first; theirs begin with -l.
check() {
    awk '
    $1 ~ /^-l/ { if ($2 in ours && !told[$0]++) print ours[$2] ": " $2 ": " $1 " defines it, too"; next }
    $2 in ours { print $1 ": " $2 ": " ours[$2] " defines it, too"; next }
    { ours[$2] = $1 }'
}

self_test() {
    bad=0
    fine='a.o one
b.o two
-lx three
-lx four
-ly four'
    [ -z "$(printf '%s\n' "$fine" | check)" ] || { echo "self-test: complains about what is fine"; bad=1; }
    for planted in 'c.o one' '-lx two'; do
        [ "$(printf '%s\n%s\n' "$fine" "$planted" | check | wc -l)" = 1 ] || { echo "self-test: does not notice: $planted"; bad=1; }
    done
    return "$bad"
}

# The global symbols that a file defines, without their versions.
symbols() {
    nm "$@" -g --defined-only 2>/dev/null | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }'
}

compiler=$1
shift
listed=$(for item; do
    case $item in
    -l*)
        for kind in so a; do
            file=$($compiler -print-file-name="lib${item#-l}.$kind")
            { symbols "$file"; symbols -D "$file"; } | sed "s/^/$item /"
        done
        ;;
    *) nm -A -g --defined-only "$item" | awk 'NF == 3 { sub(/\.o:[^:]*$/, ".c", $1); sub(/^.*\/\.\.\/obj\//, "", $1); print $1, $3 }' ;;
    esac
done)
self_test || exit 1
[ "$(printf '%s\n' "$listed" | grep -c '^-l')" -gt 1000 ] && [ "$(printf '%s\n' "$listed" | grep -vc '^-l')" -gt 1000 ] ||
    { echo "symbols.sh: finds too few symbols; are the archives and libraries there?"; exit 1; }
found=$(printf '%s\n' "$listed" | check)
[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
