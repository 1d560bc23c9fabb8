#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Unusual archives, of docs/formats/tar.md's table: what umoci takes is taken, and is the same tree.
. "$(dirname "$0")/lib.sh"
dump=$ASSAY_HELPERS/tree_dump
LAYERS_PEER_PROBE=$work/probe
export LAYERS_PEER_PROBE
cases=$work/cases
mkdir "$cases"
python3 "$here/tar_rules.py" "$cases" || exit 1
same_tree() { # CASE
    python3 "$here/layers_peer.py" dump "$work/bundle/rootfs" >"$work/theirs" || return 1
    python3 "$here/layers_peer.py" compare "$work/theirs" "$work/stdout"
}
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless
while read -r case; do
    rm -rf "$work/bundle"
    # shellcheck disable=SC2086
    if umoci unpack $rootless --image "$cases/$case:t" "$work/bundle" >"$work/log" 2>&1; then
        run "$dump" "$work/store" "tar:$cases/$case.tar"
        exits 0 "$case: taken, as umoci does"
        ok "$case: the same tree" same_tree
    else
        run "$dump" "$work/store" "tar:$cases/$case.tar"
        # umoci knows no contiguous files, and of sparse ones not GNU's own.
        case $case in
        contiguous | sparse-gnu) exits 0 "$case: taken, which umoci does not know" ;;
        *) exits 5 "$case: refused, as umoci does" && one_line "$case: in one line" ;;
        esac
    fi
    grep -q "\`$case\`" "$top/docs/formats/tar.md" && ok "$case: is in the table" true || fail "$case: is in the table"
done <"$cases/cases"
done_testing
