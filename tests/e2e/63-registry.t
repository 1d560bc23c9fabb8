#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay lock against a registry: Debian's docker-registry on loopback, images pushed by skopeo, with and without
# TLS and passwords; and through a proxy that spoils its answers. Nothing leaves this machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

# recipe IMAGE [PLATFORM]: the one of all tests
recipe() {
    printf 'name: demo\narch: amd64\nimages:\n  base:\n    registry: {image: "%s"%s}\nartifacts: [tar]\n' "$1" "${2:+, platform: $2}" >"$work/assay.yml"
}

# lock OPTION…: into a fresh store
lock() {
    rm -rf "$ASSAY_STORE" "$work/plan.json"
    run timeout "$patience" "$assay" lock "$work/assay.yml" -o "$work/plan.json" "$@"
}

# ---- images ----------------------------------------------------------------
mkdir -p "$work/src/usr" "$work/src/etc"
python3 -c 'import random, sys; r = random.Random(3); sys.stdout.buffer.write(r.randbytes(700000))' >"$work/src/usr/noise"
pack() { tar -C "$work/src" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/$1.tar" "$2"; }
pack noise usr
for arch in amd64 arm64; do
    echo hello >"$work/src/etc/hello-$arch"
    pack "hello-$arch" etc
    ok "umoci makes an image for $arch" sh -ec '
        cd "$1"; umoci init --layout "$2"; umoci new --image "$2:t"
        umoci config --image "$2:t" --architecture "$2" --os linux --created 2024-01-01T00:00:00Z --no-history
        umoci raw add-layer --image "$2:t" noise.tar
        umoci raw add-layer --image "$2:t" "hello-$2.tar"' sh "$work" "$arch"
done
ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
upstream=$port
push="skopeo --insecure-policy copy -q --dest-tls-verify=false"
ok "skopeo pushes OCI manifests" sh -ec "cd '$work'; $push oci:amd64:t docker://$registry/a/b:amd64; $push oci:arm64:t docker://$registry/a/b:arm64"
ok "skopeo pushes a Docker manifest" sh -c "cd '$work'; $push --format v2s2 oci:amd64:t docker://$registry/a/b:docker"
ok "an index is pushed" python3 - "$registry" <<'P'
import http.client, json, sys
def call(method, path, body=None, headers={}):
    c = http.client.HTTPConnection(sys.argv[1]); c.request(method, path, body, headers)
    r = c.getresponse(); data = r.read()
    assert r.status < 300, (r.status, data)
    return r, data
kind = "application/vnd.oci.image.manifest.v1+json"
items = []
for arch, variant in (("amd64", None), ("arm64", "v8")):
    r, data = call("GET", "/v2/a/b/manifests/" + arch, headers={"Accept": kind})
    platform = {"os": "linux", "architecture": arch}
    if variant: platform["variant"] = variant
    items.append({"mediaType": kind, "digest": r.headers["Docker-Content-Digest"], "size": len(data), "platform": platform})
index = "application/vnd.oci.image.index.v1+json"
call("PUT", "/v2/a/b/manifests/multi", json.dumps({"schemaVersion": 2, "mediaType": index, "manifests": items}), {"Content-Type": index})
P

# ---- what is pulled ---------------------------------------------------------
recipe "$registry/a/b:amd64"
lock
exits 7 "without TLS where it was not allowed: exit code 7"
one_line "without TLS: one line"
says "if it speaks plain HTTP and is to be trusted so, --plain-http $registry$" "without TLS: says how to allow it"
lock --plain-http "$registry"
exits 0 "a tag is locked"
prints 'layer of a/b sha256:' "says what of"
sound "every blob in the store is what its name says"
ok "the plan builds" "$assay" build "$work/plan.json" -o "$work/out"
ok "and has the files" sh -c 'tar -tf "$1" | grep -qx usr/noise && tar -tf "$1" | grep -qx etc/hello-amd64' sh "$work/out/demo.tar"
ok "the bytes are right" sh -c 'tar -xOf "$1" usr/noise | cmp - "$2"' sh "$work/out/demo.tar" "$work/src/usr/noise"
is "inputs name the repository, and no host" "$(jq -r '.inputs[0].from.oci.repository' "$work/plan.json") $(jq .inputs "$work/plan.json" | grep -c "$upstream")" "a/b 0"
layers=$(jq -c '[.inputs[].digest]' "$work/plan.json")
is "and skopeo's layers" "$layers" "$(skopeo inspect --tls-verify=false "docker://$registry/a/b:amd64" | jq -c .Layers)"

check() { run timeout "$patience" "$assay" lock "$work/assay.yml" --check "$work/plan.json" --plain-http "$registry"; }
check
exits 0 "--check: the tag did not move"
ok "another image gets a tag" sh -c "cd '$work'; $push oci:amd64:t docker://$registry/a/moving:1"
recipe "$registry/a/moving:1"
lock --plain-http "$registry"
exits 0 "it is locked"
ok "the tag moves" sh -ec "cd '$work'; umoci config --image amd64:t --tag u --config.user nobody; $push oci:amd64:u docker://$registry/a/moving:1"
count=$(find "$ASSAY_STORE/blobs" -type f | wc -l)
check
exits 1 "--check: it did"
prints "^input 'oci\.base\.0': image a/moving goes from manifest sha256:.* to sha256:" "and from where to where"
is "and nothing came into the store" "$(find "$ASSAY_STORE/blobs" -type f | wc -l)" "$count"
cp "$work/plan.json" "$work/kept.json"
run timeout "$patience" "$assay" lock "$work/assay.yml" --update base -o "$work/plan.json" --plain-http "$registry"
exits 0 "--update moves it"
ok "to what the tag means now" sh -c '! cmp -s "$1" "$2"' sh "$work/plan.json" "$work/kept.json"
recipe "$registry/a/b:amd64"
lock --plain-http "$registry"
recipe "a/b:multi"
lock --registry "$registry" --plain-http "$registry"
exits 0 "an index: this recipe's architecture"
is "gives the same layers" "$(jq -c '[.inputs[].digest]' "$work/plan.json")" "$layers"
ok "a plan of a reference without a host has none" sh -c '! grep -q 127.0.0.1 "$1"' sh "$work/plan.json"
recipe "$registry/a/b:multi" linux/arm64/v8
lock --plain-http "$registry"
exits 0 "an index: a variant"
ok "the other architecture's layers" sh -c '[ "$(jq -c "[.inputs[].digest]" "$1")" != "$2" ]' sh "$work/plan.json" "$layers"
recipe "$registry/a/b:multi" linux/s390x
lock --plain-http "$registry"
exits 5 "an architecture that it has not: exit code 5"
one_line "an architecture that it has not: one line"
recipe "$registry/a/b:docker"
lock --plain-http "$registry"
exits 0 "Docker's media types"
digest=$(skopeo inspect --tls-verify=false --format '{{.Digest}}' "docker://$registry/a/b:amd64")
recipe "$registry/a/b:gone@$digest"
lock --plain-http "$registry"
exits 0 "a digest, whatever the tag beside it says"
is "is the manifest of the inputs" "$(jq -r '.inputs[0].from.oci.manifest' "$work/plan.json")" "$digest"
recipe "$registry/a/b:gone"
lock --plain-http "$registry"
exits 5 "no such tag: exit code 5"
one_line "no such tag: one line"
says "has no manifest gone of a/b" "no such tag: says so"
recipe "$registry/A//b"
lock --plain-http "$registry"
exits 5 "a bad reference: exit code 5"
recipe "$registry/a/b:amd64"
lock --plain-http http://x
exits 2 "--plain-http with an URL: exit code 2"

# ---- a LinuxKit file, images by name -------------------------------------------
printf 'init: [a/b:amd64]\n' >"$work/lk.yml"
run "$assay" lock --arch amd64 --name lk "$work/lk.yml" -o "$work/lk.json" --pull --registry "$registry" --plain-http "$registry"
exits 0 "--pull: images of a LinuxKit file"

# ---- faults -------------------------------------------------------------------
echo none >"$work/control/mode"
python3 "$here/fault_proxy.py" "$upstream" "$work/control" >"$work/proxy.log" 2>&1 &
pids="$pids $!"
await test -s "$work/control/port"
proxy=127.0.0.1:$(cat "$work/control/port")

# fault MODE CODE PATTERN: exit code, at most one line, in time, no bad blob
fault() {
    mode=$1
    wanted=$2
    pattern=$3
    echo "$mode" >"$work/control/mode"
    : >"$work/control/log"
    # What ends by itself may take its time on a busy machine; what is asked for again and again is cut short.
    timeout=$patience
    [ "$wanted" != 7 ] || timeout=4
    started=$(date +%s)
    lock --plain-http "$proxy" --plain-http "localhost:${proxy#*:}" --stall 1 --timeout "$timeout"
    took=$(($(date +%s) - started))
    exits "$wanted" "$mode: exit code $wanted"
    if [ "$wanted" = 0 ]; then
        is "$mode: the same layers" "$(jq -c '[.inputs[].digest]' "$work/plan.json")" "$layers"
        is "$mode: nothing is said" "$(cat "$work/stderr")" ""
    else
        one_line "$mode: one line"
        says "$pattern" "$mode: says what"
        ok "$mode: no plan" test ! -e "$work/plan.json"
    fi
    [ "$wanted" != 7 ] || ok "$mode: within 25 seconds (took $took)" test "$took" -le 25
    sound "$mode: no bad blob in the store"
    ok "$mode: no temporary file is left" sh -c '[ -z "$(find "$1" -name "tmp*" -type f 2>/dev/null)" ]' sh "$ASSAY_STORE"
}
recipe "$proxy/a/b:amd64"
fault none 0 ""
fault "cut 100000" 0 ""
ok "a cut is resumed where it was" grep -q ' bytes=100000- ' "$work/control/log"
fault "cut 0" 0 ""
fault "norange 100000" 0 ""
fault "wrongrange 100000" 0 ""
ok "another part than the one asked for: all of it is asked for" sh -c '[ "$(grep "/blobs/" "$1" | awk "{ print \$2 }" | tr "\n" " " | grep -c "bytes=100000- - ")" = 1 ]' sh "$work/control/log"
fault "wrongpart" 5 'sends another part'
fault "mixed 100000" 0 ""
fault "unsized 100000" 0 ""
fault "cutforever 10" 7 'cannot fetch blob'
fault "endless" 5 'wrong|bytes|expected'
fault "stall 100000" 0 ""
fault "drip" 7 'blob'
fault "silent" 7 'manifest'
fault "length" 5 'bytes'
fault "digest blob" 5 'digest'
fault "digest manifest" 5 'does not match its digest'
fault "status 500,2," 0 ""
fault "status 429,1,1" 0 ""
fault "status 429,1,1000" 7 'too many requests'
fault "status 503,1000," 7 'status 503'
echo "fades 503" >"$work/control/mode"
lock --plain-http "$proxy" --stall 30 --timeout 4
exits 7 "fades 503: exit code 7"
says 'status 503' "fades 503: what the registry said last, not what the clock says"
fault "status 418,1000," 5 'status 418'
is "a refusal is not repeated" "$(wc -l <"$work/control/log")" 1
fault "header X-Long:1048576" 5 'headers that are too long'
is "it is not asked for again" "$(grep -c /blobs/ "$work/control/log" | tr -d '\n')" "$(grep /blobs/ "$work/control/log" | sort -u | wc -l)"
fault "header X-Long:90000" 0 ""
fault "header many:1048576" 5 'headers that are too long'
fault "header Location:5000" 5 'a header Location that is too long'
fault "header Link:5000" 0 ""
fault "header Docker-Content-Digest:500" 5 'a header Docker-Content-Digest that is too long'
fault "header WWW-Authenticate:9000" 5 'a header WWW-Authenticate that is too long'
manifest_sha512=$(curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/a/b/manifests/amd64" | sha512sum | cut -d' ' -f1)
fault "said manifest,sha512:$manifest_sha512" 0 ""
fault "said manifest,sha512:$(echo "$manifest_sha512" | tr 0-9 1-9a)" 5 'does not match its digest'
fault "said manifest,sha256:$(printf %064d 0)" 5 'does not match its digest'
for said in nonsense sha256:00 sha256:XYZ md5:00; do
    fault "said manifest,$said" 5 "'$said', which is none"
    fault "said blob,$said" 5 "says that it is $said"
done
fault "said blob,sha256:$(printf %064d 0)" 5 'says that it is sha256:0000'
fault "said blob,sha512:$manifest_sha512" 0 ""
fault "loop" 5 'redirects more than'
fault "scheme https://127.0.0.1:1/x" 5 'redirects from http to https'
fault "scheme ftp://127.0.0.1/x" 5 'redirects'
fault "scheme file:///etc/passwd" 5 'redirects from http to file: refused'
fault "scheme file:/etc/passwd" 5 'redirects from http to file: refused'
fault "scheme gopher://127.0.0.1/x" 5 'redirects from http to gopher: refused'
fault "scheme data:text/plain,x" 5 'redirects from http to data: refused|is no URL'
fault "scheme http://u:s3cr3t@127.0.0.1:1/x" 5 'which names a user: refused'
ok "a redirect's password is not shown" sh -c '! grep -q s3cr3t "$1"' sh "$work/stderr"
fault "scheme http:///x?s3cr3t" 5 "'x' without TLS: refused"
fault "scheme http://[::1/x" 5 'which is no URL: refused'
fault "scheme" 5 'redirects to nowhere'
fault "scheme http://127.0.0.1:1/x" 5 'without TLS: refused'
fault "elsewhere localhost:${proxy#*:}" 0 ""
fault "bigmanifest sized" 5 'more than 4194304 bytes'
fault "bigmanifest unsized" 5 'more than 4194304 bytes'
fault "badchallenge" 5 'malformed WWW-Authenticate'
jq -nc --arg d "$digest" '{schemaVersion:2,config:{mediaType:"application/vnd.oci.image.config.v1+json",digest:$d,size:5000000},layers:[]}' >"$work/big.json"
fault "manifest $work/big.json" 5 '5000000 bytes'
curl -sf --noproxy '*' -H 'Accept: application/vnd.oci.image.manifest.v1+json' "http://$registry/v2/a/b/manifests/amd64" |
    jq -c '.layers[0].mediaType = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"' >"$work/foreign.json"
fault "manifest $work/foreign.json" 5 'kept elsewhere'
printf '{"schemaVersion":1,"name":"a/b","tag":"amd64","architecture":"amd64","fsLayers":[],"history":[],"signatures":[]}' >"$work/schema1.json"
fault "manifest $work/schema1.json" 5 "is of Docker's schema 1, which is not read"

# ---- tokens ------------------------------------------------------------------------
fault "token anonymous" 0 ""
fault "token password" 5 'access denied'
mkdir "$HOME/.docker"
printf '{"auths":{"%s":{"auth":"dGVzdGVyOnNlY3JldA=="}}}' "$proxy" >"$HOME/.docker/config.json"
fault "token password" 0 ""
ok "the token server is asked once" sh -c '[ "$(grep -c "^/token" "$1")" = 1 ]' sh "$work/control/log"
ok "with service and scope" grep -q '^/token?scope=repository%3Aa%2Fb%3Apull&service=the%20service ' "$work/control/log"
fault "thief localhost:${proxy#*:}" 5 'access denied'
ok "another host does not get the password" sh -c '! grep -q "/thief\|Basic" "$1"' sh "$work/control/log"
echo "token password" >"$work/control/mode"
printf '{"auths":{"%s":{"auth":"!"}}}' "$proxy" >"$HOME/.docker/config.json"
lock --plain-http "$proxy"
exits 2 "a malformed config.json: exit code 2"
one_line "a malformed config.json: one line"

# ---- passwords and TLS ------------------------------------------------------------
htpasswd >"$work/htpasswd"
ok "a certificate authority" sh -ec 'cd "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.csr -subj /CN=localhost
    printf "subjectAltName=DNS:localhost,IP:127.0.0.1\n" >ext
    openssl x509 -req -in tls.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ext -out tls.pem' sh "$work"
ok "a registry with TLS and passwords starts" serve tls ", tls: {certificate: '$work/tls.pem', key: '$work/tls.key'}" "auth: {htpasswd: {realm: test, path: '$work/htpasswd'}}"
tls=localhost:$port
recipe "$tls/a/b:amd64"
rm -f "$HOME/.docker/config.json"
lock
exits 3 "a certificate of nobody we know: exit code 3"
one_line "a certificate of nobody we know: one line"
lock --ca-file "$work/ca.pem"
exits 5 "a password is wanted: exit code 5"
one_line "a password is wanted: one line"
says 'wants a name and a password' "a password is wanted: says so"
printf '{"auths":{"https://%s/v1/":{"auth":"%s"}}}' "$tls" "$(printf tester:secret | base64)" >"$HOME/.docker/config.json"
lock --ca-file "$work/ca.pem"
exits 0 "with the password of config.json"
is "TLS: the same layers" "$(jq -c '[.inputs[].digest]' "$work/plan.json")" "$layers"
SSL_CERT_FILE=$work/ca.pem
export SSL_CERT_FILE
lock
exits 0 "the authority of SSL_CERT_FILE"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$tls" "$(printf tester:wrong | base64)" >"$HOME/.docker/config.json"
lock
exits 5 "a wrong password: exit code 5"
one_line "a wrong password: one line"
says 'access denied' "a wrong password: says so"
ok "no password is shown" sh -c '! grep -Eq "wrong|tester|dGVz" "$1"' sh "$work/stderr"
printf '{"credHelpers":{"%s":"assay-no-such"}}' "$tls" >"$HOME/.docker/config.json"
lock
exits 6 "a helper that is not there: exit code 6"
one_line "a helper that is not there: one line"

done_testing
