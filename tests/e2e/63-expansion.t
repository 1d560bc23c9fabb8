#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Layers that expand as a decompression bomb does: named at lock, and taken where the recipe, or --expansion, allows it.
. "$(dirname "$0")/lib.sh"

# layout TYPE: ./layout with an image docker.io/g/zeros:v1 of one layer, ./layer
layout() {
    python3 - "$work/layout" "$work/layer" "$work/layer.tar" "$1" <<'P'
import hashlib, json, os, shutil, sys
root, layer, tar, kind = sys.argv[1:]
shutil.rmtree(root, ignore_errors=True)
os.makedirs(root + "/blobs/sha256")
def put(data, kind):
    digest = hashlib.sha256(data).hexdigest()
    with open(root + "/blobs/sha256/" + digest, "wb") as f:
        f.write(data)
    return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}
with open(layer, "rb") as f:
    packed = put(f.read(), "layer.v1.tar" + kind)
with open(tar, "rb") as f:
    diff = "sha256:" + hashlib.sha256(f.read()).hexdigest()
config = put(json.dumps({"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode(), "config.v1+json")
manifest = put(json.dumps({"schemaVersion": 2, "config": config, "layers": [packed]}).encode(), "manifest.v1+json")
manifest["annotations"] = {"org.opencontainers.image.ref.name": "docker.io/g/zeros:v1"}
manifest["platform"] = {"os": "linux", "architecture": "amd64"}
with open(root + "/index.json", "w") as f:
    json.dump({"schemaVersion": 2, "manifests": [manifest]}, f)
with open(root + "/oci-layout", "w") as f:
    f.write('{"imageLayoutVersion":"1.0.0"}')
P
}
recipe() {
    printf 'name: zeros\narch: amd64\nimages:\n  base:\n    oci: {layout: layout}\nartifacts: [tar]\n%s\n' "$1" >"$work/assay.yml"
}
lock() { run "$assay" lock "$@" -o "$work/plan.json"; }
sum() { "$1" <"$2" | sha256sum; }

mkdir -p "$work/tree/etc"
truncate -s 300M "$work/tree/etc/zeros.img"
echo hello >"$work/tree/etc/hello"
tar -C "$work/tree" --format=ustar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner -cf "$work/layer.tar" etc
ok "zeros in gzip" sh -c 'gzip -nc "$1/layer.tar" >"$1/layer"' sh "$work"
layout +gzip

recipe ""
lock "$work/assay.yml"
exits 5 "300 MiB of zeros: refused when they are locked"
one_line "in one line"
says "image 'base': layer 0 \(sha256:[0-9a-f]{12}…\): 'etc/zeros.img' expands to more than 200 times" "with image, layer and file"
says "limits: \{expansion: 1100\}' in an assay.yml, or --expansion 1100" "and what to do"

recipe "limits: {expansion: 300}"
lock "$work/assay.yml"
exits 5 "a limit that is too small"
says "more than 300 times" "is said, too"
recipe "limits: {expansion: 199}"
lock "$work/assay.yml"
exits 5 "limits are raised, not lowered"
recipe "limits: {memory: 1}"
lock "$work/assay.yml"
exits 5 "there is no other limit"

recipe "limits: {expansion: 1100}"
lock "$work/assay.yml"
exits 0 "with 'limits' they are locked"
is "the plan has the limit, and so a rebuild" "$(jq -c '[.recipe.limits, .steps[0].params.expansion]' "$work/plan.json")" '[{"expansion":1100},1100]'
ok "and builds" "$assay" build "$work/plan.json" -o "$work/out"
is "to all the zeros" "$(tar -xOf "$work/out/zeros.tar" etc/zeros.img | sha256sum)" "$(sum cat "$work/tree/etc/zeros.img")"
jq -cjS 'del(.steps[0].params.expansion)' "$work/plan.json" >"$work/without.json"
rm -r "$work/out"
run "$assay" build "$work/without.json" -o "$work/out" --no-cache
exits 5 "a plan without it does not build"
says "layer 'oci.base.0': 'etc/zeros.img': .*more than 200 times" "and the build names the layer and the file"
jq -cjS '.steps[0].params.expansion = 200' "$work/plan.json" >"$work/usual.json"
run "$assay" build "$work/usual.json" -o "$work/out"
exits 5 "the usual limit is not written down: a plan has one form"

# ---- LinuxKit files ---------------------------------------------------------------
printf 'init: ["g/zeros:v1"]\n' >"$work/zeros.yml"
for mode in "" "--compat linuxkit"; do
    # shellcheck disable=SC2086
    lock "$work/zeros.yml" --images "$work/layout" --arch amd64 $mode
    exits 5 "${mode:-strict}: refused when it is locked"
    says "image '(docker.io/)?g/zeros:v1': layer 0 .*: 'etc/zeros.img' expands to more than 200 times" "${mode:-strict}: with image, layer and file"
    # shellcheck disable=SC2086
    lock "$work/zeros.yml" --images "$work/layout" --arch amd64 $mode --expansion 1100
    exits 0 "${mode:-strict}: --expansion"
done
ok "--compat linuxkit: builds" "$assay" build "$work/plan.json" -o "$work/out"
lock "$work/zeros.yml" --images "$work/layout" --arch amd64 --expansion 100
exits 2 "--expansion 100 is no such number"

# ---- zstd: the length stands in the frame, or nowhere --------------------------------
recipe ""
for how in "" --no-content-size; do
    ok "zeros in zstd $how" sh -c 'zstd -qf $2 "$1/layer.tar" -o "$1/layer"' sh "$work" "$how"
    layout +zstd
    lock "$work/assay.yml"
    exits 5 "zstd $how: refused when it is locked"
    says "layer 0 .*: 'etc/zeros.img' expands" "zstd $how: with the file"
done
done_testing
