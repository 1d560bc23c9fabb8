#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Verifying: the good path, and each thing that can be wrong with its verdict, exit code and record.
. "$(dirname "$0")/lib.sh"

. "$here/verify.sh"
build_base
ok "the policy is what its schema says" valid policy policy.json
"$assay" log init log --origin log.example.org >/dev/null

# ---- the good path ----
run "$assay" verify out/test.squashfs --bundle bundle.json --policy policy.json --rebuild --key verifier.key --record log -o verdict.json
exits 0 "an artifact that reproduces"
prints "comparison +every byte is the same, [0-9]+ of them$" "says that it was compared"
prints "recorded: entry 0 of 'log'" "and where it is recorded"
payload verdict.json >verdict.statement
ok "the verdict is what its schema says" valid verdict verdict.statement
ok "and passed" jq -e '.predicate.verificationResult == "PASSED" and .predicate.assay_verdict == "reproduced" and .predicate.verifiedLevels == ["ASSAY_REPRODUCED"]' verdict.statement
ok "about these bytes" jq -e --arg d "$(sha256sum <out/test.squashfs | cut -d' ' -f1)" '.subject[0].digest.sha256 == $d' verdict.statement
ok "it is signed" "$assay" attest check verdict.json --key verifier.key.pub
"$assay" log prove log --index 0 -o proof >/dev/null
ok "and its proof convinces" "$assay" log check proof --entry verdict.json --key log/vkey
run "$assay" verify out/test.squashfs --bundle bundle.json --policy policy.json --rebuild --json -j1
ok "the report is what its schema says" valid report stdout
ok "it names each step of the rebuild" jq -e '[.rebuild.steps[].name] == ["step/root", "step/tar", "step/image", "step/initrd", "step/oci"]' stdout
for artifact in test.tar test-initrd.img test.oci; do
    run "$assay" verify out/$artifact --bundle bundle.json --policy policy.json --rebuild
    exits 0 "$artifact reproduces"
done
cp out/test.squashfs renamed
run "$assay" verify renamed --bundle bundle.json --policy policy.json --rebuild
exits 0 "what counts is the digest, not the file's name"
is "a rebuild leaves the store as it was" "$(find store -newer verdict.json -type f | wc -l)" 0
if [ "$(id -u)" = 0 ]; then
    cp -r "$ASSAY_BIN" bin
    chmod -R a+rX bin store out bundle.json policy.json
    run setpriv --reuid 65534 --regid 65534 --clear-groups bin/assay verify out/test.squashfs --bundle bundle.json --policy policy.json --rebuild
    exits 0 "as an ordinary user too"
fi

# ---- rejected: 3 ----
rejected() {
    name=$1
    pattern=$2
    shift 2
    run "$assay" verify "$@"
    exits 3 "$name"
    one_line "$name: one line"
    says "^assay-verify: rejected: .*$pattern" "$name: the reason"
}
policy wrong-key.json other.key.pub 1
rejected "a key that the policy does not trust" "no key that the policy trusts" out/test.squashfs -b bundle.json -p wrong-key.json --rebuild
cp out/test.squashfs flipped.squashfs
printf 'X' | dd of=flipped.squashfs bs=1 seek=4000 conv=notrunc 2>/dev/null
rejected "a byte changed after signing" "not what was signed" flipped.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o rejected.json --record log
payload rejected.json >rejected.statement
ok "the rejection is a valid verdict" valid verdict rejected.statement
ok "that failed" jq -e '.predicate.verificationResult == "FAILED" and .predicate.assay_verdict == "rejected" and .predicate.verifiedLevels == ["FAILED"]' rejected.statement
is "and is recorded" "$("$assay" log show log --json | jq .checkpoint.size)" 2
jq '.artifacts = [{name: "nothing*"}]' policy.json >names.json
rejected "an artifact that the policy does not cover" "does not cover" out/test.squashfs -b bundle.json -p names.json --rebuild
jq '.builders[0].id = "https://example.org/another"' policy.json >ids.json
rejected "a builder that the key may not speak for" "does not let this key speak" out/test.squashfs -b bundle.json -p ids.json --rebuild
rejected "too few rebuilds" "wants 1 rebuild in agreement, and there is 0" out/test.squashfs -b bundle.json -p policy.json
cp -r out/test.oci layout
echo >>layout/blobs/sha256/"$(jq -r '.layers[0].digest[7:]' layout/blobs/sha256/"$(jq -r '.manifests[0].digest[7:]' layout/index.json)")"
run "$assay" verify layout -b bundle.json -p policy.json --rebuild
exits 5 "a layer of an image that does not match its digest is a damaged input"
jq -c '.dsseEnvelope.payload |= (@base64d | sub("\"level\":15"; "\"level\":16") | @base64)' bundle.json >payload.json
rejected "a payload changed after signing" "no key that the policy trusts" out/test.squashfs -b payload.json -p policy.json --rebuild
# The builder itself signs a provenance whose plan is not the one it names, or not the inputs.
lie lie.json '.predicate.buildDefinition.internalParameters.plan.steps[2].params.level = 16'
rejected "a plan that is not the one that is named" "contradicts itself" out/test.squashfs -b lie.json -p policy.json --rebuild
lie lie.json '.predicate.buildDefinition.resolvedDependencies[0].digest.sha256 = ("0" * 64)'
rejected "inputs that are not the plan's" "contradicts itself" out/test.squashfs -b lie.json -p policy.json --rebuild
lie lie.json '.predicate.buildDefinition.buildType = "https://example.org/make/v1"'
rejected "a build that is of another type" "build type" out/test.squashfs -b lie.json -p policy.json --rebuild

# ---- differs: 1: the builder signed what the plan does not give ----
size=$(stat -c %s flipped.squashfs)
jq -cSj --arg d "$(sha256sum <flipped.squashfs | cut -d' ' -f1)" '(.subject[] | select(.name == "test.squashfs") | .digest.sha256) = $d' out/test.provenance.json >evil.statement
sign evil.statement builder.key evil.json
run "$assay" verify flipped.squashfs -b evil.json -p policy.json --rebuild -k verifier.key -o differs.json --record log
exits 1 "an artifact that the plan does not give"
one_line "in one line"
says "^assay-verify: differs: 'test.squashfs' differs from its rebuild at byte 4000 \($size bytes here, $size rebuilt\); why: content.data; 2 differences that nothing explains; first step that diverged: none" "that says where, and why"
payload differs.json >differs.statement
ok "the verdict is valid" valid verdict differs.statement
ok "and says so" jq -e '.predicate.assay_verdict == "differs" and .predicate.verificationResult == "FAILED"' differs.statement
ok "and why, by causes" jq -e '.predicate.assay_explanation | .causes[0].id == "content.data" and .unexplained.count == 2 and .count == 2 and (.differences[0] | startswith("content.data: usr/bin/"))' differs.statement
run "$assay" verify flipped.squashfs -b evil.json -p policy.json --rebuild --json
cp stdout differs.report
ok "the report has it too" jq -e '(.result // .).explanation.causes[0] | .advice and (.explains_fully | not)' differs.report
is "and is recorded" "$("$assay" log show log --json | jq .checkpoint.size)" 3
jq -cSj '(.predicate.runDetails.byproducts[] | select(.name == "step/tar" or .name == "step/image" or .name == "step/oci") | .digest.sha256) = ("0" * 64)' evil.statement >evil2.statement
sign evil2.statement builder.key evil2.json
run "$assay" verify flipped.squashfs -b evil2.json -p policy.json --rebuild
exits 1 "a build whose steps went another way"
says "first step that diverged: step/image$" "the first step that the artifact is made of is named"
jq -cSj '(.predicate.runDetails.byproducts[] | select(.name == "step/tar") | .digest.sha256) = ("0" * 64)' evil.statement >evil2.statement
sign evil2.statement builder.key evil2.json
run "$assay" verify flipped.squashfs -b evil2.json -p policy.json --rebuild
exits 1 "a build of which another artifact's step went another way"
says "first step that diverged: none, so the file was changed after the build$" "that step is not blamed"
jq -cSj '(.predicate.runDetails.byproducts[] | .digest.sha256) = ("0" * 64)' evil.statement >evil2.statement
sign evil2.statement builder.key evil2.json
run "$assay" verify flipped.squashfs -b evil2.json -p policy.json --rebuild
says "first step that diverged: step/root$" "one that the artifact's step takes is"

# ---- input-unavailable: 5, inconclusive: 6 ----
base=$(sha256sum base.tar | cut -d' ' -f1)
cp -a store less
rm less/blobs/sha256/"$base"
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --store less
exits 5 "an input that is not in the store"
says "^assay-verify: input-unavailable: the input 'layer0' \(sha256:$base\) is missing" "is named"
printf 'X' | cat - base.tar | head -c "$(stat -c %s base.tar)" >less/blobs/sha256/"$base"
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --store less
exits 5 "a damaged input"
one_line "a damaged input: one line"
says "^assay-verify: input-unavailable: the input 'layer0' \(sha256:$base\) is damaged" "a damaged input is named"
make_plan old.json --set 'toolchain.libraries.zstd="1.0.0"' base.tar:none top.tar.gz:gzip
jq -cSj --slurpfile plan old.json --arg d "sha256:$(sha256sum <old.json | cut -d' ' -f1)" '.predicate.buildDefinition.internalParameters = {plan: $plan[0], planDigest: $d}' out/test.provenance.json >old.statement
sign old.statement builder.key old-bundle.json
run "$assay" verify out/test.squashfs -b old-bundle.json -p policy.json --rebuild -k verifier.key -o undecided.json
exits 6 "a plan for another toolchain cannot be decided here"
says "^assay-verify: inconclusive: .*zstd 1.0.0" "and says which"
ok "that is a verdict as well" sh -c "jq -j .dsseEnvelope.payload undecided.json | base64 -d | jq -e '.predicate.assay_verdict == \"inconclusive\"'"

# ---- malformed evidence: 5; malformed policy: 2 ----
malformed() {
    wanted=$1 name=$2
    shift 2
    run "$assay" verify "$@"
    exits "$wanted" "$name"
    one_line "$name: one line"
}
head -c 2000 bundle.json >short.json
malformed 5 "a truncated bundle" out/test.squashfs -b short.json -p policy.json
malformed 5 "no bundle" out/test.squashfs -b nowhere.json -p policy.json
malformed 5 "no artifact" nowhere -b bundle.json -p policy.json
malformed 5 "an artifact that is a fifo" /dev/null -b bundle.json -p policy.json
jq '.extra = 1' policy.json >bad-policy.json
malformed 2 "an unknown key in the policy" out/test.squashfs -b bundle.json -p bad-policy.json
jq 'del(.rebuilds)' policy.json >bad-policy.json
malformed 2 "a policy that does not say how many rebuilds" out/test.squashfs -b bundle.json -p bad-policy.json
sed 's/{/{"type":"x",/' policy.json >bad-policy.json
malformed 2 "a duplicate key in the policy" out/test.squashfs -b bundle.json -p bad-policy.json
malformed 2 "no policy" out/test.squashfs -b bundle.json

# ---- other verifiers' verdicts ----
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k second.key -o second.json >/dev/null
policy two.json builder.key.pub 2 verifier.key.pub "$(verifier_of verdict.json)" second.key.pub "$(verifier_of second.json)"
run "$assay" verify out/test.squashfs -b bundle.json -p two.json -a verdict.json -a second.json
exits 0 "two trusted verifiers' rebuilds are enough without one's own"
run "$assay" verify out/test.squashfs -b bundle.json -p two.json -a second.json --rebuild
exits 0 "one of theirs and one's own as well"
rejected "the same verifier twice counts once" "wants 2 rebuilds in agreement, and there is 1" out/test.squashfs -b bundle.json -p two.json -a second.json -a second.json
rejected "a verdict about another artifact" "does not count" out/test.tar -b bundle.json -p two.json -a second.json --rebuild
rejected "a verdict that failed" "does not count" flipped.squashfs -b evil.json -p two.json -a differs.json
policy one.json builder.key.pub 1 second.key.pub "$(verifier_of second.json)"
rejected "a verifier that the policy does not trust" "no verifier that the policy trusts" out/test.squashfs -b bundle.json -p one.json -a verdict.json
policy swapped.json builder.key.pub 1 second.key.pub "$(verifier_of verdict.json)"
rejected "a verifier that speaks for another" "does not let this key speak for the verifier" out/test.squashfs -b bundle.json -p swapped.json -a second.json
rejected "provenance is no verdict" "does not count" out/test.squashfs -b bundle.json -p one.json -a bundle.json

# ---- a log that was tampered with ----
# tamper LOG TABLE COLUMN: flips a bit in the newest row, past the triggers that say that a log only grows.
tamper() {
    python3 - "$@" <<'TAMPER'
import sqlite3
import sys
path, table, column = sys.argv[1:]
db = sqlite3.connect(f"{path}/log.db")
for (name,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
    db.execute(f"drop trigger {name}")
row, value = db.execute(f"select rowid, {column} from {table} order by rowid desc limit 1").fetchone()
value = bytearray(value)
value[len(value) // 2] ^= 1
db.execute(f"update {table} set {column} = ? where rowid = ?", (bytes(value), row))
db.commit()
TAMPER
}
cp -a log tampered
tamper tampered entry data
run "$assay" log audit tampered
exits 4 "a log whose entry was changed fails its audit"
cp -a log tampered2
tamper tampered2 checkpoint note
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o late.json --record tampered2
exits 4 "a log whose checkpoint was changed takes no verdict"
says "could not be recorded" "and the message says so"
run env ASSAY_PASSPHRASE=wrong "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k verifier.key -o never.json
exits 2 "a wrong passphrase is a mistake of the caller's, no verdict"
ok "and no verdict is written" test ! -e never.json

# ---- usage, and a builder that is not one ----
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --record log
exits 2 "a record needs a key"
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --builder "$ASSAY_BIN/assay-plan"
exits 7 "a builder that is linked dynamically is refused"
says "dynamically linked" "and the message says so"
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --builder /nowhere
exits 7 "a builder that is not there"
done_testing
