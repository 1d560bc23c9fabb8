#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Evidence is checked whole, by the same code wherever it enters: provenance member by member, and other
# verifiers' verdicts.
. "$(dirname "$0")/lib.sh"
. "$here/verify.sh"
build_base
verify() { run "$assay" verify out/test.squashfs "$@"; }

# ---- provenance: what the plan says otherwise is found without a rebuild ----
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k second.key -o second.json >/dev/null
policy others.json builder.key.pub 1 second.key.pub "$(verifier_of second.json)"
# contradicts PATH FILTER [VALUE]: each is rejected where nobody rebuilds, and the member is named.
contradicts() {
    lie lie.json "$2"
    verify -b lie.json -p others.json -a second.json
    exits 3 "$1 contradicts the plan"
    one_line "$1: one line"
    says "^assay-verify: rejected: the provenance contradicts itself: $1 is " "$1: the member is named"
    verify -b lie.json -p others.json -a second.json --json
    ok "$1: in JSON too" jq -e --arg p "$(printf %s "$1" | tr -d '\\')" '.explanation.count >= 1 and (.explanation.differences[0] | startswith($p))' stdout
}
contradicts 'subject\[4\]' '.subject += [{name: "evil.bin", digest: {sha512: ("ab" * 64)}}]'
contradicts 'subject\[4\]' '.subject += [{name: "test.squashfs", digest: {sha512: ("ab" * 64)}}]'
contradicts 'subject\[4\]' '.subject += [.subject[1]]'
contradicts 'subject\[3\]' 'del(.subject[3])'
contradicts 'subject\[0\]\.name' '.subject[0].name = "another.tar"'
contradicts 'subject\[0\]\.name' '.subject |= [.[1], .[0], .[2], .[3]]'
contradicts 'subject\[1\]\.digest\.sha512' '.subject[1].digest.sha512 = ("ab" * 64)'
contradicts 'subject\[1\]\.mediaType' '.subject[1].mediaType = "application/x-tar"'
contradicts 'subject\[1\]\.mediaType' 'del(.subject[1].mediaType)'
contradicts 'subject\[1\]\.uri' '.subject[1].uri = "https://example.org/test.squashfs"'
contradicts 'subject\[1\]\.annotations' '.subject[1].annotations = {trust: "me"}'
deps=predicate\\.buildDefinition\\.resolvedDependencies
contradicts "$deps\\[0\\]\\.uri" '.predicate.buildDefinition.resolvedDependencies[0].uri = "pkg:deb/debian/openssl@3.0.99?arch=amd64"'
contradicts "$deps\\[0\\]\\.digest\\.sha512" '.predicate.buildDefinition.resolvedDependencies[0].digest.sha512 = ("0" * 128)'
contradicts "$deps\\[0\\]\\.digest\\.sha256" '.predicate.buildDefinition.resolvedDependencies[0].digest.sha256 = ("0" * 64)'
contradicts "$deps\\[1\\]\\.name" '.predicate.buildDefinition.resolvedDependencies[1].name = "base-image"'
contradicts "$deps\\[1\\]\\.downloadLocation" '.predicate.buildDefinition.resolvedDependencies[1].downloadLocation = "https://example.org/"'
contradicts "$deps\\[2\\]" '.predicate.buildDefinition.resolvedDependencies += [{name: "more", digest: {sha256: ("0" * 64)}}]'
contradicts "$deps\\[0\\]" '.predicate.buildDefinition.resolvedDependencies = []'
contradicts 'predicate\.buildDefinition\.externalParameters\.recipe\.made by' '.predicate.buildDefinition.externalParameters.recipe["made by"] = "another"'
contradicts 'predicate\.buildDefinition\.externalParameters\.source' '.predicate.buildDefinition.externalParameters.source = "git+https://example.org/"'
contradicts 'predicate\.buildDefinition\.internalParameters\.more' '.predicate.buildDefinition.internalParameters.more = 1'
details=predicate\\.runDetails
contradicts "$details\\.builder\\.version\\.assay" '.predicate.runDetails.builder.version.assay = "9.9.9"'
contradicts "$details\\.builder\\.version\\.linux" '.predicate.runDetails.builder.version.linux = "6.1"'
contradicts "$details\\.builder\\.builderDependencies\\[0\\]\\.name" '.predicate.runDetails.builder.builderDependencies[0].name = "gcc"'
contradicts "$details\\.builder\\.builderDependencies\\[0\\]\\.digest\\.sha256" '.predicate.runDetails.builder.builderDependencies[0].digest = {sha512: ("0" * 128)}'
contradicts "$details\\.builder\\.builderDependencies\\[1\\]" '.predicate.runDetails.builder.builderDependencies += [{name: "gcc", digest: {sha256: ("0" * 64)}}]'
contradicts "$details\\.builder\\.builderDependencies" 'del(.predicate.runDetails.builder.builderDependencies)'
contradicts "$details\\.byproducts\\[0\\]\\.name" '.predicate.runDetails.byproducts[0].name = "step/other"'
contradicts "$details\\.byproducts\\[0\\]\\.mediaType" '.predicate.runDetails.byproducts[0].mediaType = "text/plain"'
contradicts "$details\\.byproducts\\[5\\]" '.predicate.runDetails.byproducts += [{name: "log", content: "aGk="}]'
contradicts "$details\\.byproducts\\[4\\]" 'del(.predicate.runDetails.byproducts[4])'
lie lie.json '.subject[1].uri = "x:y" | .subject[2].uri = "x:y" | .predicate.runDetails.builder.version.assay = "9"'
verify -b lie.json -p others.json -a second.json
says "subject\\[1\\]\\.uri is .*, and 2 more\$" "all that contradict are counted"
prints "differences +subject\\[1\\]\\.uri is 'x:y', it should be nothing\$" "and listed"
prints "version\\.assay is '9', it should be '0\\." "each of them"

# ---- what contradicts nothing ----
agrees() { # NAME FILTER [PATTERN]
    lie lie.json "$2"
    verify -b lie.json -p policy.json --rebuild
    exits 0 "$1"
    [ $# -lt 3 ] || prints "$3" "$1: is said"
}
agrees "null, empty and absent are one" '.subject[0].uri = "" | .predicate.buildDefinition.resolvedDependencies[0].annotations = {} | .predicate.runDetails.metadata = null'
agrees "members that nobody defined mean nothing" '.predicate.example_more = {a: 1} | .predicate.runDetails.builder.example_x = "y"' 'not compared: predicate\.runDetails\.builder\.example_x and others'
agrees "times of the run" '.predicate.runDetails.metadata = {startedOn: "2026-01-01T00:00:00Z", finishedOn: "2026-01-01T00:00:01Z", invocationId: "7"}' 'not compared: predicate\.runDetails\.metadata'
agrees "another file of the same assay-build" '.predicate.runDetails.builder.builderDependencies[0].digest.sha256 = ("0" * 64)' 'by another file of assay-build than the signed 000000000000'
verify -b lie.json -p policy.json --rebuild --json
ok "both files are named for machines" jq -e --arg d "sha256:$(sha256sum <"$ASSAY_BIN/assay-build" | cut -d' ' -f1)" \
    '.rebuild | .builderDigest == $d and .signedBuilderDigest == "sha256:" + ("0" * 64)' stdout
agrees "an in-toto statement 0.1" '._type = "https://in-toto.io/Statement/v0.1"'

# ---- what only a rebuild finds: the whole provenance is compared with the true one ----
lie steps.json '.predicate.runDetails.byproducts[3].digest.sha256 = ("0" * 64)'
verify -b steps.json -p others.json -a second.json
exits 0 "a step's digest is not known without a rebuild"
verify -b steps.json -p policy.json --rebuild
exits 3 "with one it is"
says 'rejected: the artifact is the rebuild.s, but the provenance is not: predicate\.runDetails\.byproducts\[3\]\.digest\.sha256 is .0000' "and named"
lie output.json '(.subject[] | select(.name == "test.tar") | .digest.sha256) = ("0" * 64)'
verify -b output.json -p policy.json --rebuild
exits 3 "another output's digest, too"
says 'but the provenance is not: subject\[0\]\.digest\.sha256' "is named"

# ---- envelopes with more than one signature: adding a good one never denies ----
# envelope KEY…: a bare envelope of the provenance, signed by all of them
envelope() {
    printf 'DSSEv1 28 application/vnd.in-toto+json %d ' "$(wc -c <out/test.provenance.json)" | cat - out/test.provenance.json >pae
    signatures='[]'
    for key in "$@"; do
        openssl pkey -in "$key" -passin env:ASSAY_PASSPHRASE -out plain.pem
        openssl dgst -sha256 -sign plain.pem -out sig pae
        signatures=$(printf %s "$signatures" | jq -c --arg s "$(base64 -w0 sig)" '. + [{sig: $s}]')
    done
    jq -n --rawfile p out/test.provenance.json --argjson s "$signatures" '{payload: ($p | @base64), payloadType: "application/vnd.in-toto+json", signatures: $s}'
}
jq --rawfile key other.key.pub '.builders |= [{id: "https://example.org/another", keys: [$key]}] + .' policy.json >builders.json
for order in "other.key builder.key" "builder.key other.key" "builder.key builder.key" "second.key builder.key" builder.key; do
    # shellcheck disable=SC2086
    envelope $order >signed.json
    verify -b signed.json -p builders.json --rebuild
    exits 0 "signed by $order"
done
envelope other.key >signed.json
verify -b signed.json -p builders.json --rebuild
exits 3 "signed by the other builder alone"
says "does not let this key speak for the builder" "is not enough"
jq -c '.signatures = [{sig: "AAAA"}] + .signatures' signed.json >noise.json
verify -b noise.json -p builders.json --rebuild
exits 3 "nor with noise beside it"

# ---- other verifiers' verdicts ----
claim() { # FILTER: the good verdict changed by it and signed by the same verifier
    payload second.json | jq -cSj "$1" >claim.statement
    sign claim.statement second.key claim.json
}
does_not_count() { # NAME PATTERN FILTER
    claim "$3"
    verify -b bundle.json -p others.json -a claim.json
    exits 3 "$1"
    one_line "$1: one line"
    says "^assay-verify: rejected: 'claim.json' does not count: .*$2" "$1: the reason"
}
claim .
verify -b bundle.json -p others.json -a claim.json
exits 0 "a verdict as it is counts"
does_not_count "a level that failed" "level ASSAY_REPRODUCED" '.predicate.verifiedLevels = ["FAILED"]'
does_not_count "a level that failed beside one that passed" "level ASSAY_REPRODUCED" '.predicate.verifiedLevels += ["FAILED"]'
does_not_count "another level" "level ASSAY_REPRODUCED" '.predicate.verifiedLevels = ["SLSA_BUILD_LEVEL_3"]'
does_not_count "no level" "level ASSAY_REPRODUCED" 'del(.predicate.verifiedLevels)'
does_not_count "a result that failed" "was reproduced" '.predicate.verificationResult = "FAILED"'
does_not_count "a verdict that is another" "was reproduced" '.predicate.assay_verdict = "differs"'
does_not_count "a comparison that failed" "nothing failed" '(.predicate.assay_checks[] | select(.id == "comparison") | .passed) = false'
does_not_count "no comparison" "nothing failed" 'del(.predicate.assay_checks[] | select(.id == "comparison"))'
does_not_count "no rebuild among the checks" "nothing failed" 'del(.predicate.assay_checks[] | select(.id == "rebuild"))'
does_not_count "any check that failed" "nothing failed" '.predicate.assay_checks += [{id: "policy", passed: false, text: ""}]'
does_not_count "no checks" "nothing failed" 'del(.predicate.assay_checks)'
does_not_count "another plan" "from this plan" '.predicate.assay_rebuild.planDigest = "sha256:" + ("0" * 64)'
does_not_count "no plan: a verdict on others' word" "from this plan" 'del(.predicate.assay_rebuild)'
does_not_count "another resource" "the resource 'file:evil', not of 'file:test.squashfs'" '.predicate.resourceUri = "file:evil"'
does_not_count "no resource" "the resource ''" 'del(.predicate.resourceUri)'
does_not_count "no time" "when it was verified" 'del(.predicate.timeVerified)'
does_not_count "a time that is none" "when it was verified" '.predicate.timeVerified = "yesterday"'
does_not_count "two artifacts" "more than this one artifact" '.subject += [{name: "evil", digest: {sha256: ("0" * 64)}}]'
does_not_count "an artifact with another digest, too" "more than this one artifact" '.subject[0].digest.sha512 = ("ab" * 64)'
does_not_count "no artifact that is known" "no subject has its digest" '.subject[0].digest.sha256 = ("0" * 64)'
does_not_count "another predicate" "is a 'https://slsa.dev/provenance/v1', no verification summary" '.predicateType = "https://slsa.dev/provenance/v1"'
does_not_count "no name" "speak for the verifier ''" 'del(.predicate.verifier)'
claim '.predicate.resourceUri = "pkg:generic/test"'
verify -b bundle.json -p others.json -a claim.json --resource-uri pkg:generic/test
exits 0 "the resource that is asked for"
payload second.json >typed
printf 'DSSEv1 16 application/json %d ' "$(wc -c <typed)" | cat - typed >pae
openssl pkey -in second.key -passin env:ASSAY_PASSPHRASE -out plain.pem
openssl dgst -sha256 -sign plain.pem -out sig pae
jq -n --rawfile p typed --arg s "$(base64 -w0 sig)" '{payload: ($p | @base64), payloadType: "application/json", signatures: [{sig: $s}]}' >typed.json
verify -b bundle.json -p others.json -a typed.json
exits 3 "a payload of another type"
says "'application/json', not an in-toto statement" "is not a verdict"

# ---- who counts, and how often ----
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o mine.json >/dev/null
policy two.json builder.key.pub 2 verifier.key.pub "$(verifier_of mine.json)" second.key.pub "$(verifier_of second.json)"
verify -b bundle.json -p two.json -a mine.json --rebuild -k verifier.key
exits 3 "one's own earlier verdict is no second one beside one's rebuild"
says "wants 2 rebuilds in agreement, and there is 1" "it is counted once"
prints "this one's own is not counted beside its rebuild" "which is said"
verify -b bundle.json -p two.json -a mine.json -a second.json --rebuild -k verifier.key
exits 0 "with another's it is enough"
prints "rebuilds +2 in agreement, 2 wanted" "two, not three"
verify -b bundle.json -p two.json -a mine.json -a second.json -k verifier.key
exits 0 "without a rebuild now one's earlier one counts"
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key --verifier-id https://v.example/another -o renamed.json >/dev/null
policy renamed.policy builder.key.pub 2 verifier.key.pub "$(verifier_of mine.json)" verifier.key.pub https://v.example/another
verify -b bundle.json -p renamed.policy -a mine.json -a renamed.json
exits 3 "one key under two names is one verifier"
says "wants 2 rebuilds in agreement, and there is 1" "it is counted once"
verify -b bundle.json -p renamed.policy -a renamed.json --rebuild -k verifier.key
exits 3 "also beside one's own rebuild"
jq --rawfile a second.key.pub --rawfile b verifier.key.pub --arg id "$(verifier_of second.json)" '.rebuilds.verifiers = [{id: $id, keys: [$a, $b]}] | .rebuilds.minimum = 2' two.json >twokeys.json
payload second.json >claim.statement
sign claim.statement verifier.key claim.json
verify -b bundle.json -p twokeys.json -a second.json -a claim.json
exits 3 "one verifier with two keys is one"
verify -b bundle.json -p policy.json --rebuild -k builder.key -o built.json
exits 3 "one's own rebuild does not count under a builder's key"
says "wants 1 rebuild in agreement, and there is 0 \\(this verifier's own does not count: its key is a builder's" "says why"
prints "comparison +every byte is the same" "it is run and compared all the same"
payload built.json >built.statement
ok "and the signed verdict says what it is" jq -e '.predicate | .assay_verdict == "rejected" and .verifiedLevels == ["FAILED"]' built.statement
verify -b bundle.json -p others.json -a second.json --rebuild -k builder.key -o own.json
exits 0 "another's is enough beside it"
prints "rebuilds +1 in agreement, 1 wanted; this verifier's own is not counted" "the own one is not counted there, either"
jq --rawfile key verifier.key.pub '.builders += [{id: "https://example.org/another", keys: [$key]}]' policy.json >another.json
verify -b bundle.json -p another.json --rebuild -k verifier.key
exits 3 "nor under a key of another builder"
payload second.json | jq -cSj --arg id "$(verifier_of built.json)" '.predicate.verifier.id = $id' >claim.statement
sign claim.statement builder.key built.json
policy self.json builder.key.pub 1 builder.key.pub "$(verifier_of built.json)"
verify -b bundle.json -p self.json -a built.json
exits 3 "a builder is no verifier of its own builds"
says "its key is a builder's" "says why"
jq --rawfile key other.key.pub '.builders[0].keys += [$key]' self.json >more.json
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k other.key -o built.json >/dev/null
jq --rawfile key other.key.pub --arg id "$(verifier_of built.json)" '.rebuilds.verifiers = [{id: $id, keys: [$key]}]' more.json >keys.json
verify -b bundle.json -p keys.json -a built.json
exits 3 "not by another of its keys, either"
says "its key is a builder's" "says why"

# ---- many verifiers: each verdict is checked with its own key first ----
n=60
python3 - "$n" <<'MANY'
import base64, hashlib, json, subprocess, sys, os
from pathlib import Path
n = int(sys.argv[1])
good = base64.b64decode(json.loads(Path("second.json").read_text())["dsseEnvelope"]["payload"])
policy = json.loads(Path("others.json").read_text())
policy["rebuilds"] = {"minimum": 50, "verifiers": []}
for i in range(n):
    key = f"many{i}.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], check=True)
    public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout"], check=True, capture_output=True).stdout
    raw = base64.b64decode(b"".join(public.splitlines()[1:-1]))[-32:]
    wire = b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + raw
    keyid = "SHA256:" + base64.b64encode(hashlib.sha256(wire).digest()).decode().rstrip("=")
    statement = json.loads(good)
    statement["predicate"]["verifier"]["id"] = f"https://v.example/{i}"
    payload = json.dumps(statement).encode()
    kind = b"application/vnd.in-toto+json"
    pae = b"DSSEv1 %d %s %d " % (len(kind), kind, len(payload)) + payload
    Path("pae").write_bytes(pae)
    sig = subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", "pae"], check=True, capture_output=True).stdout
    Path(f"many{i}.json").write_text(json.dumps({"payload": base64.b64encode(payload).decode(), "payloadType": kind.decode(),
        "signatures": [{"keyid": keyid, "sig": base64.b64encode(sig).decode()}]}))
    policy["rebuilds"]["verifiers"].append({"id": f"https://v.example/{i}", "keys": [public.decode()]})
Path("many.policy").write_text(json.dumps(policy))
MANY
# shellcheck disable=SC2046
verify -b bundle.json -p many.policy $(for i in $(seq 0 $((n - 1))); do echo "-a many$i.json"; done)
exits 0 "sixty verifiers"
prints "rebuilds +60 in agreement, 50 wanted" "count once each"

done_testing
