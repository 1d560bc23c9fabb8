#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images that are unusual and valid: of no layers, of empty layers, of several variants, without a platform, in
# indexes of indexes, with layers whose media type lies. From Debian's docker-registry, from a layout, from an
# archive; skopeo and umoci read each of them, and Assay takes the image that they take.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"
cases=$ASSAY_SHARED/cases/inputs

# recipe IMAGE_LINE: the one of all tests
recipe() { printf 'name: demo\narch: %s\nimages:\n  base:\n    %s\nartifacts: [tar]\n' "${2:-amd64}" "$1" >"$work/assay.yml"; }
lock() {
    rm -rf "$ASSAY_STORE" "$work/plan.json" "$work/out"
    run timeout 60 "$assay" lock "$work/assay.yml" -o "$work/plan.json" --plain-http "$registry" "$@"
}
# builds NAME: the plan builds, and is what umoci unpacks from DIR:TAG
builds() { ok "$1: builds" "$assay" build "$work/plan.json" -o "$work/out"; }
files() { tar -tf "$work/out/demo.tar" | sort | tr '\n' ' '; }
# pushed LAYOUT:TAG NAME
pushed() { ok "skopeo pushes $2" skopeo --insecure-policy copy -q --all --dest-tls-verify=false "oci:$1" "docker://$registry/c/$2"; }

ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port

# ---- no layers -----------------------------------------------------------------
pushed "$cases/zero-layers/lay:t" zero:t
for from in "oci: {layout: $cases/zero-layers/lay}" "registry: {image: \"$registry/c/zero:t\"}"; do
    recipe "$from"
    lock
    exits 0 "no layers, ${from%%:*}: locked"
    is "no layers, ${from%%:*}: no inputs" "$(jq -c '[.inputs, .steps[0].in, .steps[0].params.layers]' "$work/plan.json")" '[[],[],[]]'
    builds "no layers, ${from%%:*}"
    is "no layers, ${from%%:*}: an empty tree" "$(files)" ""
done
ok "umoci unpacks it to an empty directory" sh -ec 'umoci unpack --rootless --image "$1/lay:t" "$2" && [ -z "$(ls -A "$2/rootfs")" ]' sh "$cases/zero-layers" "$work/zero"

# archive NAME LAYERS ROOTFS: as `docker save` writes it
archive() {
    python3 - "$work/$1.tar" "$2" "$3" <<'P'
import io, sys, tarfile
with tarfile.open(sys.argv[1], "w") as out:
    for name, text in (("a.json", '{"architecture":"amd64","os":"linux","rootfs":%s}' % sys.argv[3]), ("manifest.json", '[{"Config":"a.json","RepoTags":["z:1"],"Layers":%s}]' % sys.argv[2])):
        member = tarfile.TarInfo(name)
        member.size = len(text)
        out.addfile(member, io.BytesIO(text.encode()))
P
}
for rootfs in '{"type":"layers","diff_ids":[]}' '{"type":"layers","diff_ids":null}' '{"type":"layers"}'; do
    archive zero null "$rootfs"
    recipe "docker-archive: {file: zero.tar}"
    lock
    exits 0 "an archive of no layers, $rootfs: locked"
    builds "an archive of no layers"
done
ok "skopeo reads it, too" skopeo --insecure-policy copy -q "docker-archive:$work/zero.tar" "oci:$work/fromzero:t"

# ---- empty layers, and what a media type says -------------------------------------
# image NAME TYPE DIFF: a layout whose one layer is ./layer, of that media type
image() {
    python3 - "$work/$1" "$2" "$work/layer" "$3" <<'P'
import hashlib, json, os, sys
root, kind, layer, plain = sys.argv[1:]
os.makedirs(root + "/blobs/sha256")
def put(data):
    name = hashlib.sha256(data).hexdigest()
    open(root + "/blobs/sha256/" + name, "wb").write(data)
    return {"digest": "sha256:" + name, "size": len(data)}
diff = "sha256:" + hashlib.sha256(open(plain, "rb").read()).hexdigest()
config = put(json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [diff]}}).encode())
oci = "application/vnd.oci.image."
manifest = {"schemaVersion": 2, "mediaType": oci + "manifest.v1+json", "config": dict(config, mediaType=oci + "config.v1+json"), "layers": [dict(put(open(layer, "rb").read()), mediaType=oci + "layer.v1." + kind)]}
top = dict(put(json.dumps(manifest).encode()), mediaType=oci + "manifest.v1+json", annotations={"org.opencontainers.image.ref.name": "t"})
open(root + "/index.json", "w").write(json.dumps({"schemaVersion": 2, "manifests": [top]}))
open(root + "/oci-layout", "w").write('{"imageLayoutVersion": "1.0.0"}')
P
}
: >"$work/zero.bytes"
head -c 512 /dev/zero >"$work/block.bytes"
head -c 10240 /dev/zero >"$work/end.bytes"
for empty in zero block end; do
    for kind in tar tar+gzip tar+zstd; do
        cp "$work/$empty.bytes" "$work/plain"
        case $kind in
        tar) cp "$work/plain" "$work/layer" ;;
        tar+gzip) gzip -nc "$work/plain" >"$work/layer" ;;
        tar+zstd) zstd -qc "$work/plain" >"$work/layer" ;;
        esac
        rm -rf "$work/empty" "$work/unpacked"
        image empty "$kind" "$work/plain"
        recipe "oci: {layout: empty}"
        lock
        exits 0 "a layer of nothing, $empty $kind: locked"
        is "a layer of nothing, $empty $kind: nothing to say" "$(cat "$work/stderr")" ""
        builds "a layer of nothing, $empty $kind"
        is "a layer of nothing, $empty $kind: an empty tree" "$(files)" ""
    done
    rm -rf "$work/empty" && gzip -nc "$work/plain" >"$work/layer" && image empty tar+gzip "$work/plain"
    ok "umoci reads a layer of nothing, $empty" sh -ec 'umoci unpack --rootless --image "$1/empty:t" "$1/unpacked"' sh "$work"
done

mkdir "$work/tree"
echo hello >"$work/tree/hello"
tar -C "$work/tree" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/plain" hello
# lies TYPE COMPRESSOR SAYS
lies() {
    $2 <"$work/plain" >"$work/layer"
    rm -rf "$work/liar"
    image liar "$1" "$work/plain"
    recipe "oci: {layout: liar}"
    lock
    exits 0 "$1 over $2: locked"
    says "layer 0 is of the type '.*$(echo "$1" | tr + .)', but its bytes are $3" "$1 over $2: said"
    is "$1 over $2: the bytes decide" "$(jq -r '.steps[0].params.layers[0].compression' "$work/plan.json")" "$4"
    builds "$1 over $2"
    is "$1 over $2: its file" "$(files)" "hello "
}
lies tar+gzip cat "a plain tar" none
lies tar+zstd cat "a plain tar" none
lies tar "gzip -n" gzip gzip
lies tar+gzip "zstd -q" zstd zstd
lies tar "xz" xz xz
run "$assay" lock "$work/assay.yml" -o "$work/plan.json" --json
is "and --json has it" "$(jq -r '.warnings | length' "$work/stdout")" 1
bzip2 -c "$work/plain" >"$work/layer"
rm -rf "$work/liar"
image liar tar+gzip "$work/plain"
recipe "oci: {layout: liar}"
lock
exits 5 "bzip2 under another name: exit code 5"
one_line "bzip2 under another name: one line"
says "but: it is bzip2" "bzip2 under another name: says what it is"
recipe "oci: {layout: $cases/gzip-type-plain-tar/lay}"
lock
exits 0 "Docker's type over a plain tar: locked"
builds "Docker's type over a plain tar"
# A registry believes what a manifest says. (skopeo pushes no manifest of Docker's from a layout.)
ok "the same is pushed" "$assay" push "$cases/gzip-type-plain-tar/lay" "$registry/c/liar:t" --plain-http "$registry"
ok "skopeo reads it, too" skopeo --insecure-policy copy -q --src-tls-verify=false "docker://$registry/c/liar:t" "dir:$work/liar.dir"
recipe "registry: {image: \"$registry/c/liar:t\"}"
lock
exits 0 "the same from a registry"
builds "the same from a registry"

# ---- which of an index -----------------------------------------------------------------
# taken NAME: the manifest whose layers the plan has; skopeo's choice is the same
taken() { jq -r '.inputs[0].from.oci.manifest' "$work/plan.json"; }
skopeo_takes() {
    rm -rf "$work/theirs"
    skopeo --insecure-policy --override-os linux --override-arch amd64 ${2:+--override-variant "$2"} copy -q "oci:$1" "oci:$work/theirs:t" || return 1
    jq -r '.manifests[0].digest' "$work/theirs/index.json"
}
recipe "oci: {layout: $cases/platform-exact/lay}"
lock
exits 0 "linux/amd64 beside linux/amd64/v3: locked"
is "the one that is said exactly" "$(taken)" "$(skopeo_takes "$cases/platform-exact/lay:t")"
recipe "oci: {layout: $cases/platform-exact/lay, platform: linux/amd64/v3}"
lock
exits 0 "linux/amd64/v3: locked"
is "that one" "$(taken)" "$(skopeo_takes "$cases/platform-exact/lay:t" v3)"
for variant in v1 v2; do
    recipe "oci: {layout: $cases/platform-exact/lay, platform: linux/amd64/$variant}"
    lock
    is "linux/amd64/$variant: the one that runs there" "$code $(taken)" "0 $(skopeo_takes "$cases/platform-exact/lay:t" "$variant")"
done
recipe "oci: {layout: $cases/platform-exact/lay}" arm64
lock
exits 5 "linux/arm64: exit code 5"
says "no image for linux/arm64, only for linux/amd64, linux/amd64/v3" "linux/arm64: says what there is"
pushed "$cases/platform-exact/lay:t" exact:t
recipe "registry: {image: \"$registry/c/exact:t\"}"
lock
is "the same from a registry" "$code $(taken)" "0 $(skopeo_takes "$cases/platform-exact/lay:t")"
run "$assay" pull "$registry/c/exact:t" --platform linux/amd64 --plain-http "$registry" -o "$work/pulled"
exits 0 "assay pull takes it, too"
is "the same one" "$(jq -r '.manifests[0].digest' "$work/pulled/index.json")" "$(skopeo_takes "$cases/platform-exact/lay:t")"

recipe "oci: {layout: $cases/index-noplatform/lay}"
lock
is "an entry without a platform" "$code $(taken)" "0 $(skopeo_takes "$cases/index-noplatform/lay:t")"
recipe "oci: {layout: $cases/index-noplatform/lay}" arm64
lock
exits 5 "whose image is for something else: exit code 5"
says "the image is for linux/amd64, not for linux/arm64" "says so"

# ---- indexes of indexes ---------------------------------------------------------------------
# nest DEPTH: a layout of the exact case, below so many indexes
nest() {
    rm -rf "$work/nest"
    cp -R "$cases/platform-exact/lay" "$work/nest"
    chmod -R u+w "$work/nest"
    python3 - "$work/nest" "$1" <<'P'
import hashlib, json, sys
root, depth = sys.argv[1], int(sys.argv[2])
top = json.load(open(root + "/index.json"))
d = top["manifests"][0]
for _ in range(depth - 1):
    data = json.dumps({"schemaVersion": 2, "mediaType": d["mediaType"].replace("manifest.v1", "index.v1"), "manifests": [{k: d[k] for k in ("mediaType", "digest", "size")}]}).encode()
    name = hashlib.sha256(data).hexdigest()
    open(root + "/blobs/sha256/" + name, "wb").write(data)
    d = dict(d, mediaType="application/vnd.oci.image.index.v1+json", digest="sha256:" + name, size=len(data))
d["mediaType"] = "application/vnd.oci.image.index.v1+json"
top["manifests"] = [d]
json.dump(top, open(root + "/index.json", "w"))
P
}
nest 3
recipe "oci: {layout: nest}"
lock
exits 0 "three indexes deep: locked"
run "$assay" push "$work/nest" "$registry/c/nest:t" --plain-http "$registry"
exits 0 "three indexes deep: pushed"
recipe "registry: {image: \"$registry/c/nest:t\"}"
lock
exits 0 "three indexes deep, from a registry: locked"
for platform in "" linux/amd64; do
    rm -rf "$work/pulled"
    run "$assay" pull "$registry/c/nest:t" ${platform:+--platform "$platform"} --plain-http "$registry" -o "$work/pulled"
    exits 0 "three indexes deep: pulled ${platform:-whole}"
done
nest 4
recipe "oci: {layout: nest}"
lock
exits 5 "four: exit code 5"
says "nested deeper than 3" "four: says so"
run "$assay" push "$work/nest" "$registry/c/deeper:t" --plain-http "$registry"
exits 5 "four are not pushed"

done_testing
