#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay push and pull: images of skopeo, umoci and buildah, artifacts, and what is attached to them, against Debian's
# docker-registry (with and without TLS and passwords), a registry with the referrers API, and one that misbehaves.
# What Assay pushed is read back by skopeo and curl. Nothing leaves this machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"
cd "$work" || exit 1

# ---- images of three makers ------------------------------------------------------------------
python3 -c 'import random, sys; r = random.Random(7); sys.stdout.buffer.write(r.randbytes(3000000))' >src/noise
echo hello >src/hello
tar -C src --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf layer.tar .
ok "umoci makes an image" sh -ec '
    umoci init --layout umoci; umoci new --image umoci:t
    umoci config --image umoci:t --architecture amd64 --os linux --created 2024-01-01T00:00:00Z --no-history
    umoci raw add-layer --image umoci:t layer.tar'
ok "buildah makes an image" sh -ec '
    build="buildah --root $HOME/root --runroot $HOME/runroot --storage-driver vfs"
    c=$($build from scratch); $build copy -q "$c" src/hello /etc/hello
    $build config --arch amd64 --os linux "$c"
    $build commit -q --timestamp 0 "$c" "oci:$PWD/buildah:t"'
ok "skopeo makes an image" skopeo --insecure-policy copy -q --dest-compress-format zstd --dest-compress oci:umoci:t oci:skopeo:t
printf 'name: app\narch: amd64\nimages: {base: {oci: {layout: umoci, manifest: "%s"}}}\nartifacts: [oci, {squashfs: {}}]\n' \
    "$(jq -r '.manifests[0].digest' umoci/index.json)" >assay.yml
run "$assay" lock assay.yml -o plan.json
exits 0 "a recipe of one of them is locked"
run "$assay" build plan.json -o out
exits 0 "and built"

ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
plain="--plain-http $registry"
look() { skopeo inspect --tls-verify=false "$@"; }
manifest_of() { jq -r '.manifests[0].digest' "$1/index.json"; }

# ---- images there and back ----------------------------------------------------------------------
for maker in umoci buildah skopeo out/app.oci; do
    image=$(basename "$maker" .oci)
    run "$assay" push "$maker" "$registry/i/$image:1" $plain
    exits 0 "$image: pushed"
    prints "^pushed $registry/i/$image:1, $(manifest_of "$maker"): [12] blobs? sent" "$image: says what"
    is "$image: skopeo sees the manifest" "$(look --format '{{.Digest}}' "docker://$registry/i/$image:1")" "$(manifest_of "$maker")"
    ok "$image: skopeo copies it" skopeo --insecure-policy copy -q --preserve-digests --src-tls-verify=false "docker://$registry/i/$image:1" "oci:copy-$image:t"
    run "$assay" pull "$registry/i/$image:1" -o "back-$image" $plain
    exits 0 "$image: pulled"
    ok "$image: the same blobs as skopeo's" diff -r "copy-$image/blobs" "back-$image/blobs"
    is "$image: with its tag" "$(jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]' "back-$image/index.json")" 1
done
ok "umoci unpacks what was pulled" sh -c 'umoci unpack --rootless --image back-app:1 bundle && cmp bundle/rootfs/noise src/noise'
run "$assay" push umoci "$registry/i/umoci:1" $plain --json
ok "a second push sends no blob" jq -e '.sent == 0 and .there == 2' stdout
printf 'name: p\narch: amd64\nimages: {b: {registry: {image: "%s/i/app:1"}}}\nartifacts: [tar]\n' "$registry" >pushed.yml
run "$assay" lock pushed.yml -o pushed.json $plain
exits 0 "what was pushed can be locked"
mv "$ASSAY_STORE" old-store
run "$assay" fetch pushed.json $plain --registry "$registry"
exits 0 "and fetched"
run "$assay" pull "$registry/i/app:1" $plain
exits 0 "without --output"
ok "it is kept in the store" sh -c '"$1" store gc && skopeo --insecure-policy copy -q "oci:$2:image:$3/i/app:1" oci:from-store:t' sh "$assay" "$ASSAY_STORE" "$registry"

# An index, all of it and one platform of it.
ok "an index in a layout" python3 - <<'P'
import hashlib, json, os, shutil
os.makedirs("multi/blobs/sha256")
items = []
for layout, arch in (("umoci", "amd64"), ("buildah", "arm64")):
    for b in os.listdir(layout + "/blobs/sha256"):
        shutil.copy(layout + "/blobs/sha256/" + b, "multi/blobs/sha256/" + b)
    d = json.load(open(layout + "/index.json"))["manifests"][0]
    items.append({"mediaType": d["mediaType"], "digest": d["digest"], "size": d["size"], "platform": {"os": "linux", "architecture": arch}})
kind = "application/vnd.oci.image.index.v1+json"
data = json.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": items}).encode()
digest = hashlib.sha256(data).hexdigest()
open("multi/blobs/sha256/" + digest, "wb").write(data)
top = {"mediaType": kind, "digest": "sha256:" + digest, "size": len(data), "annotations": {"org.opencontainers.image.ref.name": "all"}}
items[0]["annotations"] = {"org.opencontainers.image.ref.name": "one"}
json.dump({"schemaVersion": 2, "manifests": [top, items[0]]}, open("multi/index.json", "w"))
open("multi/oci-layout", "w").write('{"imageLayoutVersion":"1.0.0"}')
P
run "$assay" push multi "$registry/i/multi:1" $plain
exits 2 "a layout with two images: exit code 2"
says 'give --image NAME: all, one' "and the line says which"
tar -C multi -cf multi.tar .
run "$assay" push --layout multi.tar --image all "$registry/i/multi:1" $plain
exits 0 "an index of a layout in a tar"
ok "the unpacked layout is gone" sh -c '[ -z "$(ls -A "$1")" ]' sh "$TMPDIR"
is "skopeo finds both platforms" "$(look --raw "docker://$registry/i/multi:1" | jq -r '[.manifests[].platform.architecture] | join(" ")')" "amd64 arm64"
run "$assay" pull "$registry/i/multi:1" -o back-multi $plain
exits 0 "the index is pulled"
is "with everything below it" "$(jq -r '.manifests[0].digest' back-multi/index.json)" "$(jq -r '.manifests[0].digest' multi/index.json)"
ok "skopeo reads both platforms of it" sh -ec 'for a in amd64 arm64; do skopeo --insecure-policy --override-arch $a --override-os linux copy -q oci:back-multi:1 oci:of-$a:t; done'
run "$assay" pull "$registry/i/multi:1" -o back-one --platform linux/arm64 $plain
is "one platform of it" "$code $(manifest_of back-one)" "0 $(manifest_of buildah)"
run "$assay" pull "$registry/i/multi:1" -o back-none --platform linux/s390x $plain
exits 5 "a platform that it has not: exit code 5"
ok "a platform that it has not: nothing is written" test ! -e back-none

# ---- artifacts -----------------------------------------------------------------------------------
run "$assay" push out/app.squashfs "$registry/a/fs:1" $plain
exits 0 "a squashfs is pushed"
is "as an artifact" "$(look --raw "docker://$registry/a/fs:1" | jq -r '[.artifactType, .config.mediaType, .layers[0].annotations["org.opencontainers.image.title"]] | join(" ")')" \
    "application/vnd.assay.squashfs application/vnd.oci.empty.v1+json app.squashfs"
run "$assay" pull "$registry/a/fs:1" -o fs.img $plain
exits 0 "and pulled as a file"
ok "with the same bytes" cmp fs.img out/app.squashfs
mkdir dir
run "$assay" pull "$registry/a/fs:1" -o dir $plain
ok "or into a directory, under its name" cmp dir/app.squashfs out/app.squashfs
run "$assay" pull "$registry/a/fs:1" --layout -o fs-layout $plain
ok "or as a layout" test -e fs-layout/oci-layout
run "$assay" push layer.tar "$registry/a/tar:1" $plain
exits 2 "a file that could be anything: exit code 2"
says 'give --type, or --layout' "and the line says what to give"
run "$assay" push --type application/vnd.assay.snapshot.v1.tar layer.tar "$registry/a/tar:1" $plain --chunk 1
exits 0 "with --type, in pieces"
run "$assay" pull "$registry/a/tar:1" -o back.tar $plain
ok "the pieces fit" cmp back.tar layer.tar
for type in x x/ /x x/y/z 'x/y z' 'x/y;z=1' 'x/ÿ' '.x/y' "x/$(printf %0128d 0)" ''; do
    run "$assay" push --type "$type" layer.tar "$registry/a/tar:2" $plain
    exits 2 "--type '$(echo "$type" | cut -c1-20)': exit code 2"
    says "is no media type: TYPE/SUBTYPE" "--type '$(echo "$type" | cut -c1-20)': says so"
    run "$assay" push --attach layer.tar --attach-type "$type" "$registry/a/tar:1" $plain
    exits 2 "--attach-type '$(echo "$type" | cut -c1-20)': exit code 2"
done
run "$assay" push --type 'a/0!#$&-^_.+' layer.tar "$registry/a/tar:2" $plain
exits 0 "--type of every sign that RFC 6838 has"
run "$assay" push umoci "$registry/i/pinned:1@$(manifest_of umoci)" $plain
exits 0 "a reference with the right digest"
run "$assay" push buildah "$registry/i/pinned:2@$(manifest_of umoci)" $plain
exits 5 "a reference with another digest: exit code 5"
ok "and no tag" sh -c '! skopeo inspect --tls-verify=false "docker://$1/i/pinned:2"' sh "$registry"
mkdir evil
ok "an artifact with a bad file name is made" python3 - "$registry" <<'P'
import hashlib, http.client, json, sys
def call(method, path, body=None, headers={}):
    c = http.client.HTTPConnection(sys.argv[1]); c.request(method, path, body, headers)
    r = c.getresponse(); data = r.read()
    assert r.status < 300, (r.status, data)
    return r
def blob(data):
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    to = call("POST", "/v2/a/evil/blobs/uploads/").headers["Location"]
    call("PUT", to + ("&" if "?" in to else "?") + "digest=" + digest, data)
    return {"mediaType": "application/x", "digest": digest, "size": len(data)}
for tag, title in (("up", "../escape"), ("abs", "/etc/x"), ("sub", "a/b"), ("dot", "..")):
    m = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "x/y",
         "config": blob(b"{}"), "layers": [dict(blob(b"one"), annotations={"org.opencontainers.image.title": "fine"}),
                                           dict(blob(b"two"), annotations={"org.opencontainers.image.title": title})]}
    call("PUT", "/v2/a/evil/manifests/" + tag, json.dumps(m), {"Content-Type": m["mediaType"]})
P
for tag in up abs sub dot; do
    run "$assay" pull "$registry/a/evil:$tag" -o "evil/$tag" $plain
    exits 5 "a file called '$tag': exit code 5"
    one_line "a file called '$tag': one line"
    is "a file called '$tag': nothing is written" "$(find evil -type f | wc -l)" 0
done

# ---- attachments, through the tag ------------------------------------------------------------------
printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","dsseEnvelope":{}}' >app.bundle.json
printf '{"spdxVersion":"SPDX-2.3"}' >app.spdx.json
printf '{"note":1}' >note.json
bundle=application/vnd.dev.sigstore.bundle.v0.3+json
run "$assay" push out/app.oci "$registry/i/app:2" --attach app.bundle.json --attach app.spdx.json $plain
exits 0 "an image with a bundle and an SBOM"
prints "^attached app.bundle.json \(application/vnd.dev.sigstore.bundle.v0.3.json\) as sha256:[0-9a-f]{64}, through a tag" "says how"
subject=$(manifest_of out/app.oci)
by_tag() { curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$registry/v2/i/app/manifests/sha256-${subject#sha256:}"; }
is "the index under the tag lists both" "$(by_tag | jq -r '[.manifests[].artifactType] | sort | join(" ")')" "application/spdx+json $bundle"
run "$assay" push --attach note.json "$registry/i/app:2" $plain
exits 2 "a file of no known type: exit code 2"
run "$assay" push --attach note.json --attach-type application/x.note "$registry/i/app@$subject" $plain
exits 0 "one more, later, by digest"
is "the index under the tag has all three" "$(by_tag | jq '.manifests | length')" 3
run "$assay" push --attach note.json --attach-type application/x.note "$registry/i/app:2" $plain
is "attaching the same again changes nothing" "$code $(by_tag | jq '.manifests | length')" "0 3"
run "$assay" pull --referrers "$registry/i/app:2" $plain
is "--referrers lists them" "$code $(cut -d' ' -f3 stdout | sort | tr '\n' ' ')" "0 application/spdx+json $bundle application/x.note "
run "$assay" pull --referrers --type "$bundle" "$registry/i/app:2" -o refs $plain --json
ok "--type chooses, --json says" jq -e --arg s "$subject" '.subject == $s and .by == "tag" and (.referrers | length) == 1' stdout
ok "and the file is there" sh -c 'cmp refs/app.bundle.json app.bundle.json && [ "$(ls refs | wc -l)" = 1 ]'
run "$assay" pull --referrers "$registry/i/umoci:1" $plain
is "nothing attached is an empty list" "$code $(cat stdout)" "0 "
# Twenty who attach at once.
"$assay" push -q umoci "$registry/i/many:1" $plain
many=
for i in $(seq 20); do
    printf '{"spdxVersion":"%s"}' "$i" >"many$i.spdx.json"
    "$assay" push -q --attach "many$i.spdx.json" "$registry/i/many:1" $plain 2>>many.log &
    many="$many $!"
done
failed=0
for pid in $many; do wait "$pid" || failed=$((failed + 1)); done
run "$assay" pull --referrers "$registry/i/many:1" $plain
is "twenty who attach at once are all listed" "$(cat many.log) $failed $(wc -l <stdout)" " 0 20"
# Whose write another one's, that read before it, takes away writes again; and what was seen there once, too.
mkdir race
python3 "$here/attach_race.py" "$registry" race/port &
pids="$pids $!"
await test -s race/port
"$assay" push -q umoci "$registry/i/race:1" $plain
"$assay" push -q --attach many1.spdx.json "$registry/i/race:1" $plain
run "$assay" push --attach many2.spdx.json "127.0.0.1:$(cat race/port)/i/race:1" --plain-http "127.0.0.1:$(cat race/port)"
exits 0 "attached while another one takes entries away"
run "$assay" pull --referrers "$registry/i/race:1" $plain
is "both are there" "$(wc -l <stdout)" 2
is "though they were taken away, twice" "$(cat race/port.log)" "taken away
taken away"

# ---- attachments, through the API, with tokens -------------------------------------------------------
mkdir api
background python3 "$here/referrers_registry.py" "$work/api" tester:secret >api.log 2>&1
await test -s api/port
api=127.0.0.1:$(cat api/port)
mkdir -p "$HOME/.docker"
auth() { printf '{"auths":{"%s":{"auth":"%s"}}}' "$1" "$(printf %s "$2" | base64)" >"$HOME/.docker/config.json"; }
run "$assay" push out/app.oci "$api/t/app:1" --plain-http "$api"
exits 5 "no password for the token server: exit code 5"
one_line "no password for the token server: one line"
auth "$api" tester:secret
run "$assay" push out/app.oci "$api/t/app:1" --plain-http "$api" --attach app.bundle.json --attach app.spdx.json --attach note.json --attach-type x/note
exits 0 "an image and three attachments, with tokens"
ok "none through a tag" sh -c '! grep -q "through a tag" stdout && ! grep -q "sha256-" api/log'
ok "tokens are asked for with the password, and for nothing else" sh -c 'grep -q "^GET /token.*Basic_" api/log && ! grep -v "^GET /token" api/log | grep -q Basic_'
run "$assay" push --attach app.bundle.json "$api/t/app:1" --plain-http "$api"
run "$assay" pull --referrers "$api/t/app:1" --plain-http "$api" -o refs-api --json
ok "all pages of the list" jq -e '.by == "api" and (.referrers | length) == 4' stdout
is "and its files, under names of their own" "$(ls refs-api | sed 's/^[0-9a-f]\{12\}-/X-/' | sort | tr '\n' ' ')" "X-app.bundle.json app.bundle.json app.spdx.json note.json "
token=$(curl -sf --noproxy '*' -u tester:secret "http://$api/token?service=test&scope=repository:t/app:pull" | jq -r .token)
by_api() { curl -sf --noproxy '*' -H "Authorization: Bearer $token" "http://$api/v2/t/app/referrers/$subject?at=$1"; }
is "a client of the API sees the same" "$({ by_api 0; by_api 2; } | jq -r '.manifests[].digest' | sort | tr '\n' ' ')" "$(jq -r '.referrers[].digest' stdout | tr '\n' ' ')"
run "$assay" pull "$api/t/app:1" -o back-api --plain-http "$api"
ok "the image comes back" diff -r back-api/blobs back-app/blobs
ok "a push in pieces" "$assay" push layer.tar --type x/tar --chunk 1 "$api/t/tar:1" --plain-http "$api"
run "$assay" pull "$api/t/tar:1" -o back2.tar --plain-http "$api"
ok "the pieces fit" cmp back2.tar layer.tar
printf '{"auths":{"%s":{"auth":"","identitytoken":"identity of tester:secret"}}}' "$api" >"$HOME/.docker/config.json"
: >api/log
run "$assay" push buildah "$api/t/identity:1" --plain-http "$api"
exits 0 "an identity token of config.json"
is "is exchanged, and shown to nobody else" "$(grep -c "^POST /token -" api/log) $(grep -c "identity.of" api/log)" "2 0"
printf '{"auths":{"%s":{"identitytoken":"identity of another"}}}' "$api" >"$HOME/.docker/config.json"
run "$assay" push buildah "$api/t/identity:1" --plain-http "$api"
exits 5 "a wrong identity token: exit code 5"
one_line "a wrong identity token: one line"
mkdir helpers
printf '#!/bin/sh\ncat >/dev/null\nprintf %%s "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"identity of tester:secret\\"}"\n' >helpers/docker-credential-id
chmod +x helpers/docker-credential-id
printf '{"credsStore":"id"}' >"$HOME/.docker/config.json"
run env PATH="$work/helpers:$PATH" "$assay" pull "$api/t/identity:1" -o back-identity --plain-http "$api"
exits 0 "an identity token of a helper"
auth "$api" tester:secret
said() { # WORDS CODE PATTERN NAME CMD…
    echo "$1" >api/mode
    wanted=$2 pattern=$3 name=$4
    shift 4
    run timeout "$patience" "$@" --plain-http "$api"
    exits "$wanted" "$name: exit code $wanted"
    [ "$wanted" = 0 ] || { one_line "$name: one line"; says "$pattern" "$name: says what"; }
}
said liar 5 "says that it has sha256" "another digest for a blob" "$assay" push --attach many1.spdx.json "$api/t/app:1"
said nodigest 0 "" "a registry that says no digests" "$assay" push buildah "$api/t/new:1"
said stranger 5 "does not refer" "a referrer of something else" "$assay" pull --referrers "$api/t/app:1" -o refs-bad
said away 5 "another host" "the next page at another host" "$assay" pull --referrers "$api/t/app:1"
said junk 5 "neither a manifest nor an index" "a list that is none" "$assay" pull --referrers "$api/t/app:1"
rm api/mode

# ---- an auditor, who has nothing but a name ---------------------------------------------------------------
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
printf 'name: app\narch: amd64\nimages: {base: {registry: {image: "%s/i/umoci:1"}}}\nartifacts: [oci]\n' "$registry" >audited.yml
ok "an image is built, signed and published with its provenance" sh -ec '
    "$1" lock audited.yml -o audited.json --plain-http "$2"
    "$1" build audited.json -o published
    "$1" attest keygen -o builder.key
    "$1" attest sign published/app.provenance.json -k builder.key -o provenance.sigstore.json
    "$1" push published/app.oci "$2/audit/app:1" --attach provenance.sigstore.json --plain-http "$2"' sh "$assay" "$registry"
jq -n --rawfile key builder.key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "app*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}], rebuilds: {minimum: 1, verifiers: []}}' >policy.json
mv "$ASSAY_STORE" of-the-producer
mkdir auditor
run "$assay" pull "$registry/audit/app:1" -o auditor/app.oci $plain
exits 0 "the auditor pulls the image"
run "$assay" pull --referrers --type "$bundle" "$registry/audit/app:1" -o auditor/said $plain
exits 0 "and what is said about it"
"$assay" attest export-statement auditor/said/provenance.sigstore.json | jq -cSj .predicate.buildDefinition.internalParameters.plan >auditor/plan.json
is "the plan is in the provenance" "sha256:$(sha256sum <auditor/plan.json | cut -d' ' -f1)" "sha256:$(sha256sum <audited.json | cut -d' ' -f1)"
rm -r "$ASSAY_STORE"
run "$assay" verify auditor/app.oci -b auditor/said/provenance.sigstore.json -p policy.json --rebuild
exits 5 "its inputs are not here yet: exit code 5"
run "$assay" fetch auditor/plan.json --registry "$registry" $plain
exits 0 "the inputs are fetched"
run "$assay" verify auditor/app.oci -b auditor/said/provenance.sigstore.json -p policy.json --rebuild
exits 0 "and the image is rebuilt, byte for byte"
prints "every byte is the same" "says so"

# ---- uploads that fail -------------------------------------------------------------------------------
echo none >control/mode
background python3 "$here/fault_proxy.py" "${registry##*:}" "$work/control" >proxy.log 2>&1
await test -s control/port
proxy=127.0.0.1:$(cat control/port)
tries=0
fault() { # MODE CODE PATTERN [OPTION…]
    echo "$1" >control/mode
    : >control/log
    mode="$1${4:+, $4}" wanted=$2 pattern=$3
    shift 3
    tries=$((tries + 1))
    # What ends by itself may take its time on a busy machine; what is asked for again and again is cut short.
    timeout=$patience
    [ "$wanted" != 7 ] || timeout=4
    started=$(date +%s)
    run timeout "$patience" "$assay" push umoci "$proxy/f/x$tries:1" --plain-http "$proxy" --plain-http "localhost:${proxy#*:}" --stall 1 --timeout "$timeout" "$@"
    took=$(($(date +%s) - started))
    exits "$wanted" "$mode: exit code $wanted"
    if [ "$wanted" = 0 ]; then
        is "$mode: the registry has it" "$(look --format '{{.Digest}}' "docker://$registry/f/x$tries:1")" "$(manifest_of umoci)"
    else
        one_line "$mode: one line"
        says "$pattern" "$mode: says what"
        ok "$mode: no tag" sh -c '! curl -sf --noproxy "*" "http://$1/v2/f/x$2/manifests/1"' sh "$registry" "$tries"
    fi
    [ "$wanted" != 7 ] || ok "$mode: within 30 seconds (took $took)" test "$took" -le 30
}
rm "$HOME/.docker/config.json"
fault none 0 ""
fault "upcut PUT,100000,0,2" 0 ""
fault "upcut PATCH,100000,0,2" 0 "" --chunk 1
fault "upcut PATCH,100000,1,2" 0 "" --chunk 1
is "the upload goes on where it was" "$(grep -c "^POST" control/log) $(grep -c "^PATCH" control/log)" "2 4"
fault "uplost PUT" 0 ""
fault "uplost PATCH" 0 "" --chunk 1
fault "uptwice PATCH" 0 "" --chunk 1
fault "upcut PUT,1000,0,1000" 7 "cannot send"
fault "upstatus PUT,500,2," 0 ""
fault "upstatus PATCH,503,1," 0 "" --chunk 1
fault "upstatus POST,429,1,1" 0 ""
fault "upstatus PUT,429,1000,100" 7 "too many requests"
fault "upstatus PUT,413,1000," 5 "status 413"
fault "upstatus HEAD,403,1000," 5 "access denied"
fault "updigest blob" 5 "says that it has sha256:0000"
echo "updigest manifest" >control/mode
run "$assay" push umoci "$proxy/f/manifest:1" --plain-http "$proxy"
exits 5 "another digest for a manifest: exit code 5"
says "says that it has sha256:0000" "another digest for a manifest: says so"
fault "upsilent PUT" 7 "cannot send"
fault "upredirect http://127.0.0.1:1" 5 "redirects an upload"
auth "$proxy" tester:secret
fault "upplace nowhere" 5 "does not say where"
fault "uplocation -" 5 "does not say where"
fault "uplocation ftp://127.0.0.1/x" 5 "leads from http to ftp: refused"
fault "uplocation file:///etc/passwd" 5 "leads from http to file: refused"
fault "uplocation mailto:x" 5 "leads from http to mailto: refused|no URL"
fault "uplocation http://u:s3cr3t@127.0.0.1:1/x" 5 "which names a user: refused"
fault "uplocation http://[::1/s3cr3t?s3cr3t" 5 "which is no URL: refused"
ok "what stands in a place is not shown" sh -c '! grep -q "[?]s3cr3t" "$1"' sh "$work/stderr"
fault "uplocation http:///x" 5 "'x' without TLS: refused"
fault "uplocation 5000" 5 "a header Location that is too long"
fault "uplocation 1048576" 5 "headers that are too long"
fault "uplocation /nowhere" 5 "status 404|has no"
fault "upsaid sha256:$(printf %064d 0)" 5 "says that it has sha256:0000"
fault "upsaid nonsense" 5 "says that it has nonsense"
fault "upplace https://127.0.0.1:1" 5 "from http to https"
fault "upplace ftp://127.0.0.1" 5 "from http to ftp|no place"
fault "upplace http://127.0.0.1:1" 5 "without TLS: refused"
fault "upplace http://localhost:${proxy#*:}" 0 ""
ok "the password went to the first host only" sh -c 'grep -q " Basic_.* 127.0.0.1:" "$1" && grep -q "/elsewhere.* - localhost:" "$1" && ! grep -q "Basic_.* localhost:" "$1"' sh control/log
rm "$HOME/.docker/config.json"
cp -r umoci bad
chmod -R u+w bad
big=$(find bad/blobs -size +1000k)
printf X | dd of="$big" bs=1 seek=2000000 conv=notrunc status=none
run "$assay" push bad "$registry/f/bad:1" $plain
exits 5 "a damaged blob: exit code 5"
says "does not match its digest" "a damaged blob: says so"
ok "a damaged blob: no tag" sh -c '! curl -sf --noproxy "*" "http://$1/v2/f/bad/manifests/1"' sh "$registry"
printf X >>"$big"
run "$assay" push bad "$registry/f/bad:1" $plain
exits 5 "a blob of another size: exit code 5"
rm "$big"
run "$assay" push bad "$registry/f/bad:1" $plain
exits 5 "a blob that is missing: exit code 5"
one_line "a blob that is missing: one line"
run "$assay" push src "$registry/f/bad:1" $plain
exits 5 "a directory that is no layout: exit code 5"
run "$assay" push "$registry/f/bad:1" $plain
exits 2 "nothing to push: exit code 2"
run "$assay" push umoci "$registry/f/bad:1"
exits 7 "without TLS where it was not allowed: exit code 7"

# ---- passwords and TLS ----------------------------------------------------------------------------------
htpasswd >htpasswd
ok "a certificate authority" sh -ec '
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr -subj /CN=localhost
    printf "subjectAltName=DNS:localhost,IP:127.0.0.1\n" >ext
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.pem'
ok "a registry with TLS and passwords starts" serve tls ", tls: {certificate: '$work/tls.pem', key: '$work/tls.key'}" "auth: {htpasswd: {realm: test, path: '$work/htpasswd'}}"
tls=localhost:$port
auth "$tls" tester:wrong
run "$assay" push buildah "$tls/s/b:1" --ca-file ca.pem
exits 5 "a wrong password: exit code 5"
one_line "a wrong password: one line"
auth "$tls" tester:secret
run "$assay" push buildah "$tls/s/b:1"
exits 3 "a certificate of nobody we know: exit code 3"
run "$assay" push buildah "$tls/s/b:1" --ca-file ca.pem --attach app.bundle.json
exits 0 "with password and authority"
run "$assay" pull --referrers "$tls/s/b:1" --ca-file ca.pem
prints "sigstore.bundle" "the attachment is listed"
run "$assay" pull "$tls/s/b:1" --ca-file ca.pem -o back-tls
ok "the image comes back" diff -r back-tls/blobs back-buildah/blobs
sound "every blob in the store is what its name says"

done_testing
