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

# ---- sparse files: every format that GNU tar writes is the same tree as an archive without ------
mkdir "$work/holes"
cd "$work/holes" || exit 1
truncate -s 300000000 empty
truncate -s 1000000 begin && printf x >>begin
printf x >end && truncate -s 1000001 end
python3 -c '
import os
f = os.open("many", os.O_WRONLY | os.O_CREAT)
for i in range(400):
    os.pwrite(f, b"piece %d" % i, i * 65536 + i % 7)
os.close(f)'
printf plain >plain
cd "$work" || exit 1
dump_of() { "$dump" "$work/$2" "$1:$work/$3"; }
tar_of() { tar -C "$work/holes" --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner "$@" .; }
tar_of --format=posix -cf plain.tar
dump_of tar plain-store plain.tar >plain.tree
is "the files are there" "$(grep -c ^f plain.tree)" 5
sparse_same() {
    dump_of "$1" "sparse-store" "$2" >sparse.tree && cmp plain.tree sparse.tree
}
for version in 0.0 0.1 1.0; do
    tar_of --format=posix --sparse --sparse-version=$version -cf "sparse-$version.tar"
    ok "pax $version has holes" test "$(stat -c %s "sparse-$version.tar")" -lt 4000000
    ok "pax $version: the same tree" sparse_same tar "sparse-$version.tar"
done
tar_of --format=gnu --sparse -cf sparse-old.tar
ok "GNU's old format: the same tree" sparse_same tar sparse-old.tar
gzip -k sparse-1.0.tar
ok "compressed: the same tree" sparse_same gzip sparse-1.0.tar.gz
is "and the same bytes" "$("$dump" -C "$work/sparse-store" tar:sparse-old.tar | sha256sum)" "$("$dump" -C "$work/plain-store" tar:plain.tar | sha256sum)"
ok "holes take no room in the store" test "$(du -sk "$work/sparse-store" | cut -f1)" -lt 80000
done_testing
