#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An image of about 300 MB, four layers, from a docker-registry on loopback: fetched by `assay lock`, `assay fetch`
# and `assay pull`, pushed, and flattened; against skopeo and umoci, in turns in one run.
#
#   registry.sh BIN     BIN holds Assay's programs (make peers first: the registry)
#
# Environment: BENCH_RUNS (3), BENCH_WAIT (10: seconds to wait, at most, for the machine to be idle before each run),
# BENCH_DIR (build/bench), BENCH_MIB (300). Everything is read from a warm cache, everything that is written is new.
# Exits with 1 when what was fetched or flattened differs.
set -eu
LC_ALL=C.UTF-8
TZ=UTC
export LC_ALL TZ
umask 022
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
top=$(CDPATH='' cd -- "$here/../.." && pwd)
bin=$(CDPATH='' cd -- "${1:?usage: registry.sh BIN}" && pwd)
: "${BENCH_RUNS:=3}" "${BENCH_WAIT:=10}" "${BENCH_DIR:=build/bench}" "${BENCH_MIB:=300}"
program=$top/tests/peers/debian/docker-registry/usr/bin/docker-registry
for p in skopeo umoci python3 jq /usr/bin/time "$program"; do
    command -v "$p" >/dev/null || { echo "bench: $p is not there (make deps)" >&2; exit 6; }
done
unset http_proxy https_proxy all_proxy DOCKER_CONFIG ASSAY_STORE
mkdir -p "$BENCH_DIR"
dir=$(CDPATH='' cd -- "$BENCH_DIR" && pwd)/registry
chmod -R u+rwx "$dir" 2>/dev/null || :
rm -rf "$dir"
mkdir -p "$dir/home"
HOME=$dir/home
export HOME
pids=
stop() {
    status=$?
    for pid in $pids; do { kill "$pid" && wait "$pid"; } 2>/dev/null || :; done
    chmod -R u+rwx "$dir" 2>/dev/null || :
    rm -rf "$dir"
    exit $status
}
trap stop EXIT
trap 'exit 1' INT TERM HUP

# Files as systems have them: many small ones, a few large ones; two thirds of the bytes compress well.
python3 - "$dir" "$BENCH_MIB" <<'P'
import io, random, sys, tarfile
random.seed(1)
dir, total = sys.argv[1], int(sys.argv[2]) << 20
words = [random.randbytes(24) + bytes(24) for _ in range(4096)]
for layer in range(4):
    with tarfile.open("%s/%d.tar" % (dir, layer), "w", format=tarfile.PAX_FORMAT) as tar:
        made = n = 0
        while made < total // 4:
            size = int(random.lognormvariate(9, 2)) % (24 << 20)
            data = random.randbytes(size) if n % 3 == 0 else b"".join(random.choices(words, k=size // 48))
            info = tarfile.TarInfo("usr/share/l%d/d%d/f%d" % (layer, n // 100, n))
            info.size, info.mode, info.mtime = len(data), 0o644, 1700000000
            tar.addfile(info, io.BytesIO(data))
            made, n = made + len(data), n + 1
P
umoci init --layout "$dir/image"
umoci new --image "$dir/image:t"
umoci config --image "$dir/image:t" --architecture amd64 --os linux --created 2024-01-01T00:00:00Z --no-history
for i in 0 1 2 3; do umoci raw add-layer --image "$dir/image:t" "$dir/$i.tar"; done
umoci gc --layout "$dir/image"
rm "$dir"/?.tar

# serve NAME: a registry with nothing in it, at $at
serve() {
    at=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: "%s"}}\nhttp: {addr: "%s"}\n' \
        "$dir/$1.d" "$at" >"$dir/$1.yml"
    "$program" serve "$dir/$1.yml" >"$dir/$1.log" 2>&1 &
    pids="$pids $!"
    for _ in $(seq 100); do curl -s -o /dev/null --noproxy '*' "http://$at/v2/" && break; sleep 0.1; done
}
serve main
registry=$at
skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$dir/image:t" "docker://$registry/a/image:1"
printf 'name: image\narch: amd64\nimages: {base: {registry: {image: "%s/a/image:1"}}}\nartifacts: [tar]\n' "$registry" >"$dir/assay.yml"

# Until others leave three quarters of a processor alone, BENCH_WAIT seconds at most.
settle() {
    python3 - "$BENCH_WAIT" <<'P'
import sys, time
def busy():
    with open("/proc/stat") as f:
        v = [int(x) for x in f.readline().split()[1:9]]
    return sum(v) - v[3] - v[4], sum(v)
import os
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end:
    a = busy(); time.sleep(0.5); b = busy()
    if (b[0] - a[0]) / max(1, b[1] - a[1]) * os.cpu_count() < 0.25:
        break
P
}

# measure NAME CMD…: one run; "WALL CPU KiB" is added to $dir/NAME.times
measure() {
    name=$1
    shift
    settle
    if ! /usr/bin/time -a -o "$dir/$name.times" -f '%e %U %S %M' "$@" >"$dir/log" 2>&1; then
        echo "bench: $name failed:" >&2
        cat "$dir/log" >&2
        exit 1
    fi
}

fresh() {
    chmod -R u+rwx "$dir/new" 2>/dev/null || :
    rm -rf "$dir/new"
    mkdir "$dir/new"
    sync
}

plain="--plain-http $registry"
n=0
while [ $n -lt "$BENCH_RUNS" ]; do
    n=$((n + 1))
    fresh; measure skopeo skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$registry/a/image:1" "oci:$dir/new/layout:t"
    fresh; measure lock "$bin/assay" lock "$dir/assay.yml" -o "$dir/plan.json" --store "$dir/new/store" -q $plain
    fresh; measure fetch "$bin/assay" fetch "$dir/plan.json" --store "$dir/new/store" -q --registry "$registry" $plain
    fresh; measure pull "$bin/assay" pull "$registry/a/image:1" --store "$dir/new/store" -q $plain
    # Each to a registry that is new: skopeo remembers which one has what, and would mount blobs instead of sending them.
    serve s$n; fresh; measure skopeo-push skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$dir/image:t" "docker://$at/image:1"
    serve p$n; fresh; measure push "$bin/assay" push "$dir/image" "$at/image:1" -q --plain-http "$at"
    pushed=$at
    fresh; measure umoci umoci unpack --rootless --image "$dir/image:t" "$dir/new/bundle"
    fresh
    "$bin/assay" fetch "$dir/plan.json" --store "$dir/new/store" -q --from "$dir/image" --no-origin
    sync
    measure build "$bin/assay" build "$dir/plan.json" --store "$dir/new/store" -q -o "$dir/new/out"
done

# The same bytes, the same tree?
layers=$(jq -c '[.inputs[].digest]' "$dir/plan.json")
[ "$layers" = "$(skopeo inspect --tls-verify=false "docker://$registry/a/image:1" | jq -c .Layers)" ] || { echo "bench: other layers were locked" >&2; exit 1; }
[ "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$pushed/image:1")" = "$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/a/image:1")" ] ||
    { echo "bench: another image was pushed" >&2; exit 1; }
umoci unpack --rootless --image "$dir/image:t" "$dir/bundle" >/dev/null
mkdir "$dir/flat"
tar -C "$dir/flat" -xf "$dir/new/out/image.tar"
diff -r "$dir/flat" "$dir/bundle/rootfs" || { echo "bench: the trees differ" >&2; exit 1; }

# Flattening alone: the same plan, with one small file of the tree as its output.
file=$(cd "$dir/flat" && find . -type f -size -64k | sort | head -n 1)
jq -cjS --arg path "${file#./}" '(.steps[] | select(.kind == "encode.tar")) |= (.kind = "extract.file" | .params = {path: $path})' \
    "$dir/plan.json" >"$dir/flat.json"
n=0
while [ $n -lt "$BENCH_RUNS" ]; do
    n=$((n + 1))
    fresh
    "$bin/assay" fetch "$dir/plan.json" --store "$dir/new/store" -q --from "$dir/image" --no-origin
    sync
    measure flatten "$bin/assay" build "$dir/flat.json" --store "$dir/new/store" -q -o "$dir/new/out"
done
cmp "$dir/flat/$file" "$dir/new/out/image.tar" || { echo "bench: the file out of the tree differs" >&2; exit 1; }

echo
echo "an image of $BENCH_MIB MiB, $(du -sm "$dir/image" | cut -f1) MiB compressed, $BENCH_RUNS runs; best wall time"
row() { # NAME PEER WHAT
    sort -n "$dir/$1.times" | head -n 1 >"$dir/best"
    sort -n "$dir/$2.times" | head -n 1 >"$dir/peer"
    largest=$(sort -n -k4 "$dir/$1.times" | tail -n 1 | cut -d' ' -f4)
    read -r wall _ <"$dir/best"
    awk -v what="$3" -v wall="$wall" -v cpu="$(awk "{ print \$2 + \$3 }" "$dir/best")" -v kib="$largest" \
        '{ printf "%-42s %7.2f s wall %7.2f s CPU %6.1f MiB", what, wall, cpu, kib / 1024
           if ($1 != wall) printf "   %.2f x wall, %.2f x CPU", wall / $1, ($2 + $3 > 0 ? cpu / ($2 + $3) : 0)
           print "" }' "$dir/peer"
}
row skopeo skopeo "skopeo copy docker:// oci:"
row lock skopeo "assay lock"
row fetch skopeo "assay fetch"
row pull skopeo "assay pull (into the store)"
row skopeo-push skopeo-push "skopeo copy oci: docker://"
row push skopeo-push "assay push"
row umoci umoci "umoci unpack --rootless"
row flatten umoci "assay build (tree.layers alone)"
row build umoci "assay build (tree.layers, encode.tar)"
