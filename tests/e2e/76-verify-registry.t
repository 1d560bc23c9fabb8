#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay verify of what a registry has: by digest and by tag, images and artifacts, bundles that are attached through the
# fallback tag and through the referrers API, among them false ones; and a registry that has less than it says, or is not there.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"
. "$(dirname "$0")/verify.sh"
build_base
ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
plain="--plain-http $registry"
digest_of() { jq -r '.manifests[0].digest' "$1/index.json"; }
image=$(digest_of out/test.oci)
check="-p policy.json --rebuild $plain"
clean() { is "$1: nothing temporary is left" "$(find "$TMPDIR" -mindepth 1 | wc -l)" 0; }
put() { "$assay" push -q "$@" $plain || echo "cannot push $*" >&2; }
put out/test.oci "$registry/t/app:1" --attach bundle.json

# ---- by digest, by tag ----
# shellcheck disable=SC2086
{
    run "$assay" verify "$registry/t/app@$image" $check -k verifier.key -o verdict.json --json
    exits 0 "an image by its digest, with what is attached to it"
    ok "the report is what its schema says" valid report stdout
    ok "it is about that image, and says where it came from" jq -e --arg r "$registry/t/app@$image" --arg d "$image" \
        '.verdict == "reproduced" and .artifact.digest == $d and .source == {reference: $r, digest: $d}' stdout
    payload verdict.json >verdict.statement
    ok "the signed verdict is what its schema says" valid verdict verdict.statement
    ok "it says so, too, and what the bundle was" jq -e --arg d "$image" --arg s "$(sha256sum <bundle.json | cut -d' ' -f1)" \
        '.subject[0].digest.sha256 == ($d | ltrimstr("sha256:")) and .predicate.assay_source.digest == $d and .predicate.inputAttestations[0].digest.sha256 == $s' verdict.statement
    clean "by digest"
    run "$assay" verify "$registry/t/app:1" $check
    exits 0 "by its tag"
    prints "^  pulled from $registry/t/app:1, manifest $image$" "says which digest the tag named"
    prints "every byte is the same" "compares as ever"
    run "$assay" verify "$registry/t/app:1" -b bundle.json $check --json
    exits 0 "with a bundle from here"
    ok "the digest that was pulled is told" jq -e --arg d "$image" '.source.digest == $d' stdout
    run "$assay" verify out/test.oci --bundle "$registry/t/app:1" $check --json
    exits 0 "what is here, with a bundle that is attached there"
    ok "was pulled from nowhere" jq -e '.source == null' stdout
    run "$assay" verify out/test.tar out/test.squashfs -b "$registry/t/app@$image" $check --json
    exits 0 "two, with that one"
    run strace -f -qq -o calls -e trace=socket,execve "$assay" verify "$registry/t/app:1" $check
    exits 0 "traced"
    ok "only assay-pull opens sockets" python3 - calls <<'P'
import re
import sys
program, opened = {}, set()
for line in open(sys.argv[1], encoding="utf-8", errors="replace"):
    pid = line.split()[0]
    if m := re.search(r'execve\("([^"]*)"', line):
        program[pid] = m.group(1).rsplit("/", 1)[-1]
    elif "socket(AF_INET" in line:
        opened.add(program.get(pid, "a thread"))
assert opened and opened <= {"assay-pull", "a thread"}, opened
P
    run env -u HOME -u XDG_DATA_HOME -u ASSAY_STORE "$assay" verify "$registry/t/app:1" -p policy.json $plain
    exits 3 "without a home, and without a rebuild"
    says "the policy wants 1 rebuild" "is judged"
}

# ---- artifacts ----
put out/test.squashfs "$registry/t/fs:1" --attach bundle.json
# shellcheck disable=SC2086
{
    run "$assay" verify "$registry/t/fs:1" $check --json
    exits 0 "an artifact"
    ok "is its file; the digest that the tag named stands beside" jq -e --arg d "sha256:$(sha256sum <out/test.squashfs | cut -d' ' -f1)" \
        '.artifact == {name: "test.squashfs", digest: $d, size: .artifact.size} and .source.digest != $d' stdout
    run "$assay" verify "$registry/t/fs:1" "$registry/t/app:1" out/test.tar -b bundle.json $check --output-dir verdicts -k verifier.key --json
    exits 0 "three, two of which are in the registry"
    is "a verdict of each" "$(find verdicts -name '*.verdict.sigstore.json' -printf '%f\n' | sort | tr '\n' ' ')" \
        "app:1.verdict.sigstore.json fs:1.verdict.sigstore.json test.tar.verdict.sigstore.json "
}

# ---- false bundles among the good ----
jq -c '.dsseEnvelope.signatures[0].sig |= (.[0:20] + (if .[20:21] == "A" then "B" else "A" end) + .[21:])' bundle.json >tampered.json
sign out/test.provenance.json other.key strange.json
echo '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}' >broken.json
put out/test.oci "$registry/t/mixed:1" --attach tampered.json --attach bundle.json
put out/test.oci "$registry/t/none:1"
# shellcheck disable=SC2086
{
    run "$assay" verify "$registry/t/mixed:1" $check
    exits 0 "a good bundle and a tampered one"
    prints "; of 2 bundles 'mixed@sha256:[0-9a-f]{64}'$" "says which"
    run "$assay" verify "$registry/t/none:1" $check -k verifier.key -o none.json --json
    exits 5 "nothing attached"
    ok "is a verdict" jq -e --arg d "$image" '.verdict == "input-unavailable" and .artifact.digest == $d and (.reason | startswith("no provenance"))' stdout
    payload none.json >none.statement
    ok "that is what its schema says" valid verdict none.statement
    run "$assay" verify "$registry/t/none:1" $check
    one_line "nothing attached: one line"
}

# ---- through the referrers API ----
mkdir api
background python3 "$here/referrers_registry.py" "$work/api" tester:secret >api.log 2>&1
await test -s api/port
api=127.0.0.1:$(cat api/port)
mkdir -p docker
printf '{"auths":{"%s":{"auth":"%s"}}}' "$api" "$(printf tester:secret | base64)" >docker/config.json
DOCKER_CONFIG=$work/docker
export DOCKER_CONFIG
plain="--plain-http $api"
check="-p policy.json --rebuild $plain"
put out/test.oci "$api/t/app:1" --attach tampered.json --attach broken.json --attach strange.json --attach bundle.json
put out/test.oci "$api/t/bad:1" --attach tampered.json
put out/test.oci "$api/t/worse:1" --attach broken.json --attach strange.json
: >api/log
# shellcheck disable=SC2086
{
    run "$assay" verify "$api/t/app@$image" $check
    exits 0 "through the API, in pages, with credentials of Docker's configuration"
    prints "; of 4 bundles 'app@sha256:[0-9a-f]{64}'$" "one good bundle of four"
    ok "the API was asked" grep -q referrers api/log
    run "$assay" verify "$api/t/bad:1" $check -k verifier.key -o bad.json --json
    exits 3 "a tampered one alone"
    ok "is rejected" jq -e '.verdict == "rejected" and (.reason | startswith("no key that the policy trusts"))' stdout
    ok "and signed" test -s bad.json
    run "$assay" verify "$api/t/worse:1" $check --json
    exits 3 "none that is good"
    ok "what is rejected outweighs what cannot be read" jq -e '.verdict == "rejected"' stdout
    DOCKER_CONFIG=$work/nothing
    run "$assay" verify "$api/t/app@$image" $check
    exits 5 "without credentials: no verdict"
    one_line "without credentials: one line"
    clean "without credentials"
    DOCKER_CONFIG=$work/docker
}
plain="--plain-http $registry"
check="-p policy.json --rebuild $plain"

# ---- what cannot be had ----
# shellcheck disable=SC2086
{
    run "$assay" verify "$registry/t/absent:1" $check --json
    exits 5 "a tag that is not there"
    ok "no verdict" jq -e '.verdict == null and (.error | tostring | contains("cannot pull"))' stdout
    run "$assay" verify "$registry/t/app@sha256:$(printf '%064d' 0)" $check
    exits 5 "a digest that is not there"
    one_line "a digest that is not there: one line"
    run "$assay" verify "$registry/t/app:1" -p nothing.json $check
    exits 2 "a policy that is not there is found before anything is pulled"
    run "$assay" verify "$registry/t/app:1" -p policy.json --rebuild --timeout 30
    exits 7 "a registry that speaks no TLS"
    says "--plain-http $registry" "the option is named"
    closed=127.0.0.1:$(free_port)
    run "$assay" verify "$closed/t/app@$image" -p policy.json --rebuild --plain-http "$closed" --timeout 20 -k verifier.key -o offline.json
    exits 7 "a registry that is not there"
    one_line "offline: one line"
    says "cannot pull '$closed/t/app@$image'" "offline: says what cannot be had"
    ok "offline: nothing is signed" test ! -e offline.json
    run "$assay" verify "$registry/t/absent:1" out/test.tar -b bundle.json $check --json
    exits 5 "one that is not there, beside one that is here"
    ok "which is judged" jq -e --arg r "$registry/t/absent:1" '.artifacts | .[0].exit == 5 and .[0].path == $r and .[1].verdict == "reproduced"' stdout
    run "$assay" verify "out/absent:1" $check
    exits 2 "what does not look like one is a file"
    mkdir localhost && cp out/test.tar localhost/test:1
    run "$assay" verify localhost/test:1 -b bundle.json $check --json
    exits 0 "what is there is a file, whatever it is called"
    clean "what cannot be had"
}

# A layer that is not what its digest says.
layer=$(jq -r '.layers[0].digest' "out/test.oci/blobs/sha256/${image#sha256:}")
blob=$work/registry/docker/registry/v2/blobs/sha256/$(echo "${layer#sha256:}" | cut -c1-2)/${layer#sha256:}/data
ok "a layer of the registry is damaged" sh -c 'printf X | dd of="$1" bs=1 seek=100 conv=notrunc 2>/dev/null' sh "$blob"
# shellcheck disable=SC2086
run "$assay" verify "$registry/t/app@$image" $check -k verifier.key -o damaged.json
exits 5 "an image that is not what its digest says"
one_line "damaged: one line"
ok "damaged: nothing is signed" test ! -e damaged.json
clean "damaged"

# ---- interrupted, while assay-pull waits for a credential helper that says nothing ----
mkdir helpers
# shellcheck disable=SC2016 # the helper's own
printf '#!/bin/sh\necho $$ >"%s/asked.new"\nmv "%s/asked.new" "%s/asked"\nexec sleep 1000\n' "$work" "$work" "$work" >helpers/docker-credential-silent
chmod +x helpers/docker-credential-silent
printf '{"credsStore":"silent"}' >docker/config.json
PATH=$work/helpers:$PATH "$assay" verify "$api/t/app@$image" -p policy.json --rebuild --plain-http "$api" >interrupted 2>&1 &
verify=$!
pids="$pids $verify"
await test -s asked
ok "what is pulled is below TMPDIR meanwhile" sh -c 'ls -d "$1"/assay-verify-pull.*' sh "$TMPDIR"
kill -TERM $verify
wait $verify
is "interrupted: dies of the signal" $? 143
gone() { ! kill -0 "$(cat asked)" 2>/dev/null; }
await gone
ok "interrupted: nothing that it started is left" gone
clean "interrupted"
done_testing
