# SPDX-License-Identifier: Apache-2.0
# Sourced by the demonstrations: a step's title, a command shown and run, where to look, a command that must be refused.
# $assay is the program.

step() {
    printf '\n== %s\n' "$*"
}
show() {
    printf '   $ assay %s\n' "$*"
    "$assay" "$@"
}
look() {
    printf '   look: %s\n' "$@"
}
# Runs a command that must be refused with the exit code given.
refused() {
    wanted=$1
    shift
    printf '   $ assay %s\n' "$*"
    got=0
    "$assay" "$@" || got=$?
    printf '   exit code %s\n' "$got"
    [ "$got" = "$wanted" ] || { echo "demo: expected exit code $wanted" >&2; exit 1; }
}
