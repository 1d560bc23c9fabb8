#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Layers: random stacks flattened by Assay and by umoci are the same tree, for any number of threads.
. "$(dirname "$0")/lib.sh"

dump=$ASSAY_HELPERS/tree_dump
LAYERS_PEER_PROBE=$work/probe
export LAYERS_PEER_PROBE
same_tree() {
    dir=$work/$1
    python3 "$here/layers_peer.py" make "$1" "$dir" || return 1
    layers=
    for tar in "$dir"/[0-9].tar; do layers="$layers tar:$tar"; done
    # shellcheck disable=SC2086
    "$dump" "$work/store" $layers >"$dir/ours" || return 1
    rootless=
    [ "$(id -u)" = 0 ] || rootless=--rootless
    # shellcheck disable=SC2086
    umoci unpack $rootless --image "$dir/image:t" "$dir/bundle" >"$dir/log" 2>&1 || { cat "$dir/log"; return 1; }
    python3 "$here/layers_peer.py" dump "$dir/bundle/rootfs" >"$dir/theirs" || return 1
    python3 "$here/layers_peer.py" compare "$dir/theirs" "$dir/ours" || return 1
    "$dump" -j 3 "$work/store" $layers | cmp - "$dir/ours"
}

for seed in $(seq 1 24); do
    ok "stack $seed is the same as umoci's" same_tree "$seed"
done
done_testing
