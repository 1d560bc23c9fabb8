#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A verdict in every outcome: signed, recorded, in one schema, and with true sentences only; whoever publishes a
# bad artifact cannot prevent it, and no text of theirs speaks in the verifier's name.
. "$(dirname "$0")/lib.sh"
. "$here/verify.sh"
build_base
"$assay" log init log --origin log.example.org >/dev/null
entries=0

# verdict KIND CODE NAME REASON-PATTERN ARGUMENT…: the run ends so, in text and in JSON; the verdict is signed, is
# what the schemas say, and is recorded.
verdict() {
    kind=$1 wanted=$2 what=$3 pattern=$4
    shift 4
    rm -f v.json v.json.steps.json
    run "$assay" verify "$@" -k verifier.key -o v.json --record log
    exits "$wanted" "$what: exit code $wanted"
    if [ "$kind" = reproduced ]; then
        prints "^verdict: reproduced \\(.*$pattern" "$what: the reason"
    else
        one_line "$what: one line on stderr"
        says "^assay-verify: $kind: .*$pattern" "$what: the reason"
        prints "^verdict: $kind\$" "$what: the verdict"
    fi
    is "$what: no other verdict is printed" "$(grep -c '^verdict: ' stdout)" 1
    payload v.json >v.statement
    ok "$what: the signed verdict is what its schema says" valid verdict v.statement
    ok "$what: it is signed" "$assay" attest check v.json -k verifier.key.pub
    ok "$what: it says so" jq -e --arg kind "$kind" '.predicate.assay_verdict == $kind and
        (.predicate.verificationResult == "PASSED") == ($kind == "reproduced") and
        .predicate.verifiedLevels == [if $kind == "reproduced" then "ASSAY_REPRODUCED" else "FAILED" end]' v.statement
    entries=$((entries + 1))
    is "$what: it is recorded" "$("$assay" log show log --json | jq .checkpoint.size)" $entries
    ok "$what: the entry is the file" sh -c "'$assay' log show log $((entries - 1)) | cmp - v.json"
    run "$assay" verify "$@" --json
    exits "$wanted" "$what: --json ends the same way"
    ok "$what: --json is what its one schema says" valid report stdout
    ok "$what: --json says so" jq -e --arg kind "$kind" --argjson code "$wanted" '.verdict == $kind and .exit == $code' stdout
}

# ---- each kind ----
verdict reproduced 0 "reproduced" "rebuilt bit for bit from the plan that was signed\\)\$" out/test.squashfs -b bundle.json -p policy.json --rebuild
ok "the steps' digests stand beside the verdict" jq -e '[.[].name] == ["step/root", "step/tar", "step/image", "step/initrd", "step/oci"]' v.json.steps.json
is "the verdict names the list by its digest" "$(jq -r .predicate.assay_rebuild.stepsDigest v.statement)" "sha256:$(sha256sum <v.json.steps.json | cut -d' ' -f1)"
is "the builder that ran, and the one that was signed" "$(jq -r '.predicate.assay_rebuild | .builderDigest, .signedBuilderDigest' v.statement | sort -u)" \
    "sha256:$(sha256sum <"$ASSAY_BIN/assay-build" | cut -d' ' -f1)"
is "and how many there are" "$(jq -r .predicate.assay_rebuild.stepCount v.statement)" 5
cp v.json mine.json
cp out/test.squashfs flipped.squashfs
printf 'X' | dd of=flipped.squashfs bs=1 seek=4000 conv=notrunc 2>/dev/null
flipped=$(sha256sum <flipped.squashfs | cut -d' ' -f1)
lie evil.json "(.subject[] | select(.name == \"test.squashfs\") | .digest.sha256) = \"$flipped\""
verdict differs 1 "differs" "differs from its rebuild at byte 4000" flipped.squashfs -b evil.json -p policy.json --rebuild
verdict rejected 3 "rejected" "not what was signed" flipped.squashfs -b bundle.json -p policy.json --rebuild
cp -a store less
rm less/blobs/sha256/"$(sha256sum <base.tar | cut -d' ' -f1)" less/blobs/sha256/"$(sha256sum <top.tar.gz | cut -d' ' -f1)"
verdict input-unavailable 5 "inputs that are not at hand" "2 inputs are not at hand: 'layer0' \\(sha256:.*\\) is missing" \
    out/test.squashfs -b bundle.json -p policy.json --rebuild --store less
verdict input-unavailable 5 "no store" "store" out/test.squashfs -b bundle.json -p policy.json --rebuild --store nowhere
jq -cSj '.toolchain.libraries.zstd = "1.0.0"' plan.json >old.json
with_plan() { # BUNDLE PLAN: the provenance of another plan with the same outputs, inputs and steps
    jq -cSj --slurpfile plan "$2" --arg d "sha256:$(sha256sum <"$2" | cut -d' ' -f1)" \
        '.predicate.buildDefinition.internalParameters = {plan: $plan[0], planDigest: $d}' out/test.provenance.json >"$1.statement"
    sign "$1.statement" builder.key "$1"
}
with_plan old.bundle old.json
verdict inconclusive 6 "another toolchain" "zstd 1.0.0" out/test.squashfs -b old.bundle -p policy.json --rebuild

# ---- builders that fail: what they do is no reason to be silent ----
# false_builder DEED: a builder that does it
false_builder() {
    cat "$ASSAY_HELPERS/false_builder" >builder
    [ $# -lt 2 ] || cat "$2" >>builder
    printf '%-63s\n' "$1" | tr ' ' '\n' | sed '1{N;s/\n/ /}' | head -c 64 >>builder
    chmod 755 builder
}
fails() { # DEED KIND CODE PATTERN
    false_builder "$1"
    verdict "$2" "$3" "a builder that does: $1" "$4" out/test.squashfs -b bundle.json -p policy.json --rebuild --builder ./builder
}
for n in 1 2 3 4 5 96; do fails "exit $n" build-failed 5 "the plan does not build \\(exit $n\\): no reason of mine"; done
fails "exit 6" inconclusive 6 "the rebuild could not run: no reason of mine"
fails "exit 7" inconclusive 7 "the rebuild's host failed: no reason of mine"
fails "silent 4" build-failed 5 "exit 4\\): it printed no reason"
fails "signal 11" build-failed 5 "ended by signal 11"
fails "signal 6" build-failed 5 "ended by signal 6"
fails "signal 9" inconclusive 7 "was killed"
fails "signal 25" inconclusive 6 "a file of more than 1099511627776 bytes"
fails "paths 2" build-failed 5 "exit 2\\): cannot copy '$ASSAY_STORE/blobs/sha256/x' to '[^']*/assay-rebuild\\.[0-9a-f]*/work'$"
fails "odd 0" build-failed 5 "\\?\\? odd € \\?"
fails "flood 0" build-failed 5 "the builder misbehaved: .*larger than"
fails "link 0" build-failed 5 "the builder misbehaved"
fails "nothing 0" build-failed 5 "left no provenance"
printf '{}' >nothing.json
false_builder "leave 2" nothing.json
verdict build-failed 5 "a builder that leaves a provenance of nothing" "a provenance that is none" out/test.squashfs -b bundle.json -p policy.json --rebuild --builder ./builder
false_builder "leave $(stat -c %s out/test.provenance.json)" out/test.provenance.json
verdict build-failed 5 "a builder that leaves no artifact" "the rebuild gave no 'test.squashfs'" out/test.squashfs -b bundle.json -p policy.json --rebuild --builder ./builder

# ---- plans that no builder builds: found before the rebuild ----
refused_plan() { # NAME PATTERN FILTER: the plan changed, in a provenance that agrees with it as far as it goes
    jq -cSj "$3" plan.json >bad.json
    with_plan bad.bundle bad.json
    verdict rejected 3 "$1" "$2" out/test.squashfs -b bad.bundle -p policy.json --rebuild --builder /nowhere
}
refused_plan "a plan of too many steps" "steps: 4097 items" '.steps = [range(4097) | {id: "s\(.)", kind: "encode.tar", in: [], params: {}}]'
refused_plan "a plan of too many outputs" "outputs: 257 items" '.outputs = [range(257) | {name: "o\(.)", from: "tar", mediaType: "application/x-tar"}]'
refused_plan "a plan without steps" "missing key 'steps'" 'del(.steps)'
refused_plan "an output whose name leads elsewhere" "'../test.squashfs' is not a plain file name" '.outputs[1].name = "../test.squashfs"'
refused_plan "an input that no step takes" "the input 'zz', which no step takes" '.inputs += [.inputs[0] | .id = "zz"]'
refused_plan "a plan that is a list" "expected an object" '[.]'
jq -cSj '.steps += [{id: "big", kind: "encode.ext4", in: ["root"], params: {exclude: [], label: "", size: 1099511631872, time: 0, uuid: "derived", xattrs: true}}]
    | .outputs += [{name: "test.ext4", from: "big", mediaType: "application/vnd.assay.ext4"}]' plan.json >huge.json
jq -cSj --slurpfile plan huge.json --arg d "sha256:$(sha256sum <huge.json | cut -d' ' -f1)" \
    '.predicate.buildDefinition.internalParameters = {plan: $plan[0], planDigest: $d}
    | .subject += [{name: "test.ext4", mediaType: "application/vnd.assay.ext4", digest: {sha256: ("0" * 64)}}]
    | .predicate.runDetails.byproducts += [{name: "step/big", digest: {sha256: ("0" * 64)}}]' out/test.provenance.json >huge.statement
sign huge.statement builder.key huge.bundle
verdict inconclusive 6 "a file larger than this verifier makes" "step 'big' makes a file of 1099511631872 bytes" out/test.squashfs -b huge.bundle -p policy.json --rebuild

# ---- evidence that cannot be read, or does not hold ----
head -c 2000 bundle.json >short.json
verdict input-unavailable 5 "a bundle that is cut short" "malformed JSON" out/test.squashfs -b short.json -p policy.json --rebuild
truncate -s 60M large.json
verdict input-unavailable 5 "a bundle that is too large" "larger than" out/test.squashfs -b large.json -p policy.json
verdict input-unavailable 5 "a verdict of others that is cut short" "does not count: .*malformed JSON" out/test.squashfs -b bundle.json -p policy.json -a short.json --rebuild
signed_as() { # FILE TYPE: these bytes, signed by the builder as that
    printf 'DSSEv1 %d %s %d ' "${#2}" "$2" "$(wc -c <"$1")" | cat - "$1" >pae
    openssl pkey -in builder.key -passin env:ASSAY_PASSPHRASE -out plain.pem
    openssl dgst -sha256 -sign plain.pem -out sig pae
    jq -n --rawfile p "$1" --arg type "$2" --arg s "$(base64 -w0 sig)" '{payload: ($p | @base64), payloadType: $type, signatures: [{sig: $s}]}'
}
intoto=application/vnd.in-toto+json
printf '{"_type": "https://in-toto.io/Statement/v1", "subject": []' >broken
signed_as broken $intoto >broken.json
verdict rejected 3 "a signed payload that is malformed" "malformed JSON" out/test.squashfs -b broken.json -p policy.json --rebuild
signed_as out/test.provenance.json application/json >typed.json
verdict rejected 3 "a payload of another type" "'application/json', not an in-toto statement" out/test.squashfs -b typed.json -p policy.json --rebuild
signed_as out/test.provenance.json application/vnd.in-toto.provenance+json >provenance.json
verdict reproduced 0 "in-toto's type for provenance" "rebuilt bit for bit" out/test.squashfs -b provenance.json -p policy.json --rebuild
lie predicate.json '.predicateType = "https://slsa.dev/verification_summary/v1"'
verdict rejected 3 "another predicate by the builder" "is a 'https://slsa.dev/verification_summary/v1', no build provenance" out/test.squashfs -b predicate.json -p policy.json --rebuild
lie external.json '.predicate.buildDefinition.externalParameters.more = {"debug": true}'
verdict rejected 3 "external parameters that nobody knows" "externalParameters.more is .*should be nothing" out/test.squashfs -b external.json -p policy.json --rebuild
lie shape.json '.predicate.buildDefinition = "none"'
verdict rejected 3 "a predicate of the wrong shape" "expected an object" out/test.squashfs -b shape.json -p policy.json --rebuild

# ---- texts of theirs ----
forged='test\nverdict: reproduced (rebuilt bit for bit from the plan that was signed)\u001b[2J\u202e\u009b31m'
lie forged.json ".predicate.runDetails.builder.id = \"https://x/$forged\""
verdict rejected 3 "a builder that speaks for the verifier" "https://x/test\\?verdict: reproduced .*\\?\\[2J\\?\\?31m" out/test.squashfs -b forged.json -p policy.json --rebuild
ok "no byte of it reaches the terminal" sh -c "! LC_ALL=C grep -q '$(printf '[\001-\011\013-\037\302][\033\233]*')' stderr"
ok "JSON has it as it is" jq -e --arg id "$(printf '"https://x/%s"' "$forged" | jq -r .)" '.reason | contains($id | .[0:80])' stdout
for cut in 498 499 500 501 502 503; do
    # 512 bytes of the reason end inside a character, for one of these lengths.
    text=$(python3 -c "print('x' * ($cut - 480) + '\u20ac' * 300)")
    lie cut.json ".predicate.buildDefinition.buildType = \"$text\""
    verdict rejected 3 "a reason that is cut ($cut)" "the build type" out/test.squashfs -b cut.json -p policy.json --rebuild
done
odd=$(printf 'odd-\377\342\202.squashfs')
cp out/test.squashfs "$odd"
verdict reproduced 0 "a file name that is no text" "rebuilt bit for bit" "./$odd" -b bundle.json -p policy.json --rebuild
cp flipped.squashfs "$odd"
verdict rejected 3 "in a verdict that names it, too" "'odd-\\?\\?\\?\\.squashfs' is not what was signed" "./$odd" -b bundle.json -p policy.json

# ---- verdicts that would not fit an entry of a log ----
long=$(python3 -c "print('\\\\\\\\u001b' * 600)")
lie many.json ".subject += [range(120) | {name: \"$long\\(.)\", digest: {sha256: (\"0\" * 64)}}]"
verdict rejected 3 "as many contradictions as one likes" "and 119 more" out/test.squashfs -b many.json -p policy.json --rebuild
ok "an entry of a log is at most 65535 bytes" test "$(stat -c %s v.json)" -le 65535
jq -cSj '.steps += [range(3500) | {id: "more\(.)", kind: "encode.tar", in: ["root"], params: {exclude: []}}]' plan.json >steps.json
"$assay" build steps.json -o steps >/dev/null
sign steps/test.provenance.json builder.key steps.bundle
verdict reproduced 0 "a plan of 3505 steps" "rebuilt bit for bit" steps/test.squashfs -b steps.bundle -p policy.json --rebuild
is "all of whose steps are in the list" "$(jq length v.json.steps.json)" 3505
ok "and that fits an entry of a log" test "$(stat -c %s v.json)" -le 65535

# ---- what was compared is said, and no more ----
policy theirs.json builder.key.pub 1 verifier.key.pub "$(verifier_of mine.json)"
"$assay" attest keygen -o third.key >/dev/null
run "$assay" verify out/test.squashfs -b bundle.json -p theirs.json -a mine.json -k third.key -o v.json
exits 0 "another's rebuild is enough"
prints "^verdict: reproduced \\(not rebuilt here; rebuilt bit for bit by the word of 1 other trusted verifier: https" "but no own one is claimed"
payload v.json >v.statement
ok "it is what its schema says" valid verdict v.statement
ok "nor signed" jq -e '(.predicate.assay_reason | startswith("not rebuilt here")) and (.predicate | has("assay_rebuild") | not) and
    .predicate.verifiedLevels == ["ASSAY_REPRODUCED_BY_OTHERS"] and
    ([.predicate.assay_checks[].id] | index("comparison") == null)' v.statement
layout() { # NAME KIND CODE PATTERN COMMAND: the image, changed by it
    rm -rf layout && cp -r out/test.oci layout
    (cd layout && eval "$5")
    verdict "$2" "$3" "$1" "$4" layout -b bundle.json -p policy.json --rebuild
}
run "$assay" verify out/test.oci -b bundle.json -p policy.json --rebuild
prints "comparison +every byte is the same: index.json, oci-layout and 3 blobs" "an image is compared as a whole"
layout "an index that was changed" differs 1 "its index.json differs from the rebuild's" \
    'jq -c ".manifests[0].platform = {os: \"windows\", architecture: \"s390x\"}" index.json >new && mv new index.json'
rm -rf layout && cp -r out/test.oci layout
jq -cSj '.manifests[0].annotations = {"org.opencontainers.image.ref.name": "hello:1"}' out/test.oci/index.json >layout/index.json
run "$assay" verify layout -b bundle.json -p policy.json --rebuild
exits 0 "an image that was given a name where it was copied"
prints "comparison +every byte is the same but the name 'hello:1' in index.json: oci-layout and 3 blobs" "the name is told apart"
layout "a name and something more" differs 1 "its index.json differs from the rebuild's" \
    'jq -cSj ".manifests[0].annotations = {\"org.opencontainers.image.ref.name\": \"debian:stable\", x: \"y\"}" index.json >new && mv new index.json'
layout "a mark with a space more" differs 1 "its oci-layout differs from the rebuild's" 'sed -i "s/:/: /" oci-layout'
layout "a mark that is junk" rejected 3 "'oci-layout' is not that of" 'echo junk >oci-layout'
layout "no mark" rejected 3 "'oci-layout' is not that of" 'rm oci-layout'
layout "a directory for a mark" rejected 3 "'oci-layout' does not belong" 'rm oci-layout && mkdir oci-layout'
layout "a file more" rejected 3 "'manifest.json' does not belong" 'echo "[]" >manifest.json'
layout "a directory more" rejected 3 "'more' does not belong" 'mkdir more'
layout "a blob more" rejected 3 "'blobs/sha256/0123' does not belong" 'echo x >blobs/sha256/0123'
layout "a blob of another kind more" rejected 3 "'blobs/sha512/x' does not belong" 'mkdir blobs/sha512 && echo x >blobs/sha512/x'
layout "a link for a blob" rejected 3 "does not belong" 'for b in blobs/sha256/*; do cp "$b" ../saved; ln -sf ../../../saved blobs/sha256/zz; break; done'
layout "a blob that is damaged" input-unavailable 5 "does not match its digest" 'for b in $(jq -r ".manifests[0].digest[7:]" index.json); do jq -r ".layers[0].digest[7:]" blobs/sha256/$b; done | while read -r l; do echo >>blobs/sha256/$l; done'
layout "a blob that is missing" input-unavailable 5 "is not there" 'rm blobs/sha256/"$(jq -r ".layers[0].digest[7:]" blobs/sha256/"$(jq -r ".manifests[0].digest[7:]" index.json)")"'
cp out/test.oci/blobs/sha256/"$(jq -r '.manifests[0].digest[7:]' out/test.oci/index.json)" lone-manifest
run "$assay" verify lone-manifest -b bundle.json -p policy.json --rebuild
exits 0 "the manifest alone"
prints "comparison +the image's manifest is the same, [0-9]+ bytes; nothing else of the image was given" "is not called the image"

# ---- where the host refuses to make a sandbox ----
fenced() { unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"' sh "$@"; }
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k second.key -o second.json >/dev/null
policy others.json builder.key.pub 1 second.key.pub "$(verifier_of second.json)"
run fenced "$assay" verify out/test.squashfs -b bundle.json -p others.json -a second.json --rebuild -k verifier.key -o v.json
exits 7 "a host without user namespaces"
one_line "one line"
says "^assay-verify: inconclusive: nothing was rebuilt here: cannot make the sandbox: .*namespaces" "says what is missing, and that nothing was rebuilt"
payload v.json >v.statement
ok "the verdict is what its schema says" valid verdict v.statement
ok "what was checked is signed" jq -e '[.predicate.assay_checks[] | [.id, .passed]] ==
    [["signature", true], ["provenance", true], ["subject", true], ["policy", true], ["attestations", true], ["rebuild", false]]' v.statement
run fenced "$assay" verify out/test.squashfs -b bundle.json -p others.json -a second.json
exits 0 "without a rebuild of its own others' verdicts decide there"

# ---- log evidence of bundles ----
jq -c '.verificationMaterial.tlogEntries = [{logId: {}, kindVersion: {}, inclusionProof: {checkpoint: {envelope: "forged"}}}]' bundle.json >logged.json
run "$assay" verify out/test.squashfs -b logged.json -p policy.json --rebuild -k verifier.key -o v.json
exits 0 "a bundle with a log entry that nobody checks"
prints "^log evidence: not checked \\(log entries: 1, time stamps: 0\\)$" "says so"
payload v.json >v.statement
ok "signed, too" jq -e '.predicate.assay_log_evidence == {status: "not checked", entries: 1, timestamps: 0}' v.statement
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --json
ok "and none where there is none" jq -e '.logEvidence.status == "none"' stdout

# ---- found before the work: the caller's own mistakes give no verdict ----
mistake() { # CODE NAME ARGUMENT…
    wanted=$1 what=$2
    shift 2
    rm -f v.json
    run "$assay" verify "$@" -o v.json
    exits "$wanted" "$what"
    one_line "$what: one line"
    ok "$what: no verdict" test ! -e v.json
}
false_builder "flood 0"
echo wrong >wrong
mistake 2 "a wrong passphrase is found before the rebuild" out/test.squashfs -b bundle.json -p policy.json --rebuild --builder ./builder -k verifier.key --passphrase-file wrong
mistake 5 "a missing log is found before the rebuild" out/test.squashfs -b bundle.json -p policy.json --rebuild --builder ./builder -k verifier.key --record nowhere
mistake 5 "materials that are not there" out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key --materials nowhere
mistake 5 "a verdict of others that is not there" out/test.squashfs -b bundle.json -p policy.json -a nowhere -k verifier.key
mistake 2 "a resource that is no URI" out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key --resource-uri "$(printf 'a\nb')"
# shellcheck disable=SC2046
mistake 2 "more verdicts of others than can be counted" out/test.squashfs -b bundle.json -p policy.json -k verifier.key $(for i in $(seq 129); do echo "-a mine.json"; done)

# ---- a verdict that was reached is not thrown away --------------------------------------------------
# The log's disk breaks while the verifier is at work: it is locked only to be written to.
breaks() { # ARTIFACT OPTION…
    run strace -o /dev/null -P "$work/log" -e trace=flock -e inject=flock:error=EIO "$ASSAY_BIN/assay-verify" "$@" -b bundle.json -p policy.json --rebuild -k verifier.key --record log
}
breaks out/test.squashfs -o v.json
exits 7 "reproduced, and the log broke meanwhile"
says 'reproduced: rebuilt bit for bit.*the verdict could not be recorded' "the message says both"
one_line "in one line"
payload v.json >v.statement
ok "and the verdict is written" jq -e '.predicate.verificationResult == "PASSED"' v.statement
breaks out/test.squashfs
exits 7 "the same without -o"
says 'the signed verdict is on stdout only' "the message says where the verdict is"
tail -n 1 stdout >v.json
payload v.json >v.statement
ok "and there it is" jq -e '.predicate.verificationResult == "PASSED"' v.statement
breaks out/test.squashfs --json
exits 7 "the same with --json"
jq .result stdout >v.report
ok "the report is in the document" valid report v.report
jq .signed v.report >v.json
payload v.json >v.statement
ok "with the verdict" jq -e '.predicate.verificationResult == "PASSED"' v.statement
cp out/test.squashfs changed.squashfs
printf x >>changed.squashfs
breaks changed.squashfs -o v.json
exits 3 "a bad verdict keeps its exit code"
says 'could not be recorded' "and the message says that it is not recorded"
before=$("$assay" log show log --json | jq .checkpoint.size)
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o /dev/full --record log
exits 7 "a verdict that cannot be written"
is "is recorded all the same" "$("$assay" log show log --json | jq .checkpoint.size)" $((before + 1))
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o /dev/full
exits 7 "or, without a log,"
tail -n 1 stdout >v.json
payload v.json >v.statement
ok "printed" jq -e '.predicate.verificationResult == "PASSED"' v.statement

ok "the log is sound" "$assay" log audit log

done_testing
