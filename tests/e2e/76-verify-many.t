#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Several artifacts with one rebuild: each is judged by its own evidence, an empty set is no success, the worst code
# counts; --only and what it says of the rest; --keep.
. "$(dirname "$0")/lib.sh"
. "$here/verify.sh"
build_base
"$assay" log init log --origin log.example.org >/dev/null
size_of_log() { "$assay" log show log --json | jq .checkpoint.size; }
# The document on stdout is what reports.schema.json says, with the schema of one report in it.
reports_valid() {
    python3 -W ignore - "$top/schemas" stdout <<'VALID'
import json
import sys
from pathlib import Path

import jsonschema

one, many = (json.loads(Path(sys.argv[1], f"{name}.schema.json").read_text()) for name in ("report", "reports"))
resolver = jsonschema.RefResolver.from_schema(many, store={one["$id"]: one})
jsonschema.Draft7Validator(many, resolver=resolver).validate(json.loads(Path(sys.argv[2]).read_text()))
VALID
}
all='out/test.tar out/test.squashfs out/test-initrd.img out/test.oci'
b='-b bundle.json -p policy.json'

# ---- one rebuild, a report and a signed verdict for each ----
# shellcheck disable=SC2086
run strace -qq -o calls -e trace=mkdir,mkdirat "$assay" verify $all $b --rebuild -k verifier.key --output-dir verdicts --record log --json
exits 0 "four artifacts of one build"
is "are rebuilt once" "$(grep -c '/assay-rebuild\.[0-9a-f]*", ' calls)" 1
ok "the document is what its schema says" reports_valid
ok "a report of each, in order" jq -e '[.artifacts[] | .artifact.name, .verdict] == ["test.tar", "reproduced", "test.squashfs", "reproduced", "test-initrd.img", "reproduced", "test.oci", "reproduced"] and .exit == 0' stdout
ok "each recorded" jq -e '[.artifacts[].record.index] == [0, 1, 2, 3]' stdout
is "all of them" "$(size_of_log)" 4
for artifact in $all; do
    file=verdicts/${artifact#out/}.verdict.sigstore.json
    payload "$file" >one.statement
    ok "${artifact#out/}: a verdict of its own" valid verdict one.statement
    ok "${artifact#out/}: signed" "$assay" attest check "$file" -k verifier.key.pub
    ok "${artifact#out/}: about it alone" jq -e --arg n "${artifact#out/}" '(.subject | length) == 1 and .subject[0].name == $n and .predicate.assay_verdict == "reproduced"' one.statement
done
# shellcheck disable=SC2086
run "$assay" verify out $b --rebuild
exits 0 "a directory"
prints "^not judged, evidence by its name: out/test.provenance.json$" "says what it does not judge"
prints "^4 of 4 artifacts reproduced$" "and how many are what they should be"
is "one verdict each" "$(grep -c '^verdict: reproduced' stdout)" 4
# shellcheck disable=SC2086
run "$assay" verify 'out/test.[st]*' out/test.tar ./out/test.tar $b --rebuild --json
exits 0 "a pattern, and a name that it matches"
ok "nothing is judged twice" jq -e '[.artifacts[].artifact.name] == ["test.squashfs", "test.tar"]' stdout
# shellcheck disable=SC2086
run "$assay" verify 'out/*.squashfs' $b --rebuild --json
ok "a pattern that matches one has the form of many" jq -e '.type == "https://assay.example/reports/v1" and (.artifacts | length) == 1' stdout
mkdir -p release/more && cp -r out/test.squashfs out/test.oci release && cp out/test.tar release/more && cp bundle.json release/build.sigstore.json
# shellcheck disable=SC2086
run "$assay" verify release $b --rebuild --json
exits 0 "directories in it, and an image"
ok "all of it" jq -e '[.artifacts[].artifact.name] == ["test.tar", "test.oci", "test.squashfs"] and .notJudged == ["release/build.sigstore.json"]' stdout
ln -s "$work/out" release/link
# shellcheck disable=SC2086
run "$assay" verify release $b --rebuild
exits 5 "a link to another directory is not followed, and not passed over"
rm release/link
cp plan.json 'odd[1].plan'
# shellcheck disable=SC2086
run "$assay" verify 'odd[1].plan' $b
exits 3 "a name that is there is no pattern"

# ---- an empty set is no success ----
mkdir empty only && cp bundle.json only/x.sigstore.json
empty() { # NAME PATTERN ARGUMENT…
    what=$1 pattern=$2
    shift 2
    # shellcheck disable=SC2086
    run "$assay" verify "$@" $b --rebuild
    exits 5 "$what"
    one_line "$what: one line"
    says "$pattern" "$what: is said"
}
empty "a pattern that matches nothing" "the pattern 'out/[*].iso' matches nothing" 'out/*.iso'
empty "one of several" "the pattern 'out/[*].iso' matches nothing" out/test.tar 'out/*.iso'
empty "an empty directory" "the directory 'empty' has no artifact in it" empty
empty "a directory of evidence" "the directory 'only' has no artifact in it" only
empty "a pattern that matches evidence only" "matches no artifact, only evidence" 'only/*'
run "$assay" verify -p policy.json
exits 2 "no artifact at all"

# ---- the worst counts, and the others are judged all the same ----
cp out/test.squashfs flipped.squashfs
printf X | dd of=flipped.squashfs bs=1 seek=4000 conv=notrunc 2>/dev/null
jq -cSj --arg d "$(sha256sum <flipped.squashfs | cut -d' ' -f1)" '(.subject[] | select(.name == "test.squashfs") | .digest.sha256) = $d' out/test.provenance.json >evil.statement
mkdir set && cp out/test.tar out/test.squashfs set && cp flipped.squashfs set/evil.img
cp bundle.json set/test.tar.sigstore.json
cp bundle.json set/test.squashfs.sigstore.json
sign evil.statement builder.key set/evil.img.sigstore.json
before=$(size_of_log)
run "$assay" verify set -p policy.json --rebuild -k verifier.key --output-dir set.verdicts --record log --json
exits 1 "one that differs"
ok "the document is what its schema says" reports_valid
ok "is one of three" jq -e '[.artifacts[] | [.artifact.name, .verdict]] == [["test.squashfs", "differs"], ["test.squashfs", "reproduced"], ["test.tar", "reproduced"]] and .exit == 1' stdout
is "all three are recorded" "$(size_of_log)" $((before + 3))
ok "and signed as what they are" sh -c 'jq -r .dsseEnvelope.payload set.verdicts/evil.img.verdict.sigstore.json | base64 -d | jq -e ".predicate.assay_verdict == \"differs\""'
run "$assay" verify set -p policy.json --rebuild
one_line "one line on stderr"
says "^assay-verify: 1 of 3 artifacts not reproduced; 'set/evil.img': differs: 'test.squashfs' differs from its rebuild at byte 4000" "that names the worst"
cp flipped.squashfs set/other.img && cp bundle.json set/other.img.sigstore.json
run "$assay" verify set -p policy.json --rebuild --json
exits 1 "what differs outweighs"
ok "what is rejected: the bundle of another artifact does not count" jq -e '[.artifacts[].verdict] == ["differs", "rejected", "reproduced", "reproduced"] and .artifacts[1].exit == 3' stdout
rm set/evil.img set/evil.img.sigstore.json set/test.tar.sigstore.json
run "$assay" verify set -p policy.json --rebuild --json
exits 3 "what is rejected outweighs what has no evidence"
ok "the document is what its schema says" reports_valid
ok "which has no verdict, and another's bundle is not taken for it" jq -e '.artifacts[2] | .path == "set/test.tar" and .exit == 5 and (.error | contains("test.tar.sigstore.json"))' stdout
rm set/other.img set/other.img.sigstore.json
run "$assay" verify set -p policy.json --rebuild
exits 5 "no evidence is no success"
prints "^no verdict: cannot open 'set/test.tar.sigstore.json'" "is said"
prints "^1 of 2 artifacts reproduced$" "the other one is reproduced"

# ---- verdicts of others count for what they are about ----
"$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -k second.key -o second.json >/dev/null
"$assay" verify out/test.tar -b bundle.json -p policy.json --rebuild -k second.key -o second-tar.json >/dev/null
policy others.json builder.key.pub 1 second.key.pub "$(verifier_of second.json)"
run "$assay" verify out/test.squashfs out/test.tar -b bundle.json -p others.json -a second.json -a second-tar.json
exits 0 "a verdict for each of two"
run "$assay" verify out/test.squashfs out/test.tar -b bundle.json -p others.json -a second.json --json
exits 3 "a verdict for one of two"
ok "is nothing for the other" jq -e '[.artifacts[] | [.verdict, .rebuilds]] == [["reproduced", 1], ["rejected", 0]]' stdout
run "$assay" verify out/test.squashfs out/test-initrd.img -b bundle.json -p others.json -a second.json -a second-tar.json --rebuild --json
exits 3 "one that is about neither is dropped by nobody"
ok "and rejects both" jq -e '[.artifacts[].verdict] == ["rejected", "rejected"]' stdout
payload second.json | jq -cSj '.predicate.resourceUri = "file:test.tar"' >lie.statement
sign lie.statement second.key lie.json
run "$assay" verify out/test.squashfs out/test.tar -b bundle.json -p others.json -a lie.json --json
exits 3 "the digest of one and the name of the other"
ok "is a verdict for neither" jq -e '[.artifacts[].rebuilds] == [0, 0]' stdout

# ---- two builds ----
make_plan two.json --set 'name="second"' base.tar:none
"$assay" build two.json -o out2 >/dev/null
sign out2/second.provenance.json builder.key two.sigstore.json
mkdir both && cp out/test.tar both && cp bundle.json both/test.tar.sigstore.json
cp out2/test.squashfs both && cp two.sigstore.json both/test.squashfs.sigstore.json
run "$assay" verify both -p policy.json --rebuild --keep kept.both
exits 0 "artifacts of two plans"
is "each plan's have a place of their own" "$(find kept.both -mindepth 1 -maxdepth 1 -type d | wc -l) $(find kept.both -name test.squashfs | wc -l)" "2 2"

# ---- what is said of one is not said of several ----
usage() { # NAME PATTERN ARGUMENT…
    what=$1 pattern=$2
    shift 2
    run "$assay" verify "$@"
    exits 2 "$what"
    one_line "$what: one line"
    says "$pattern" "$what: is said"
}
# shellcheck disable=SC2086
{
    usage "one file for several verdicts" "output-dir is for several" $all $b --rebuild -k verifier.key -o v.json
    usage "one resource for several" "about one artifact" $all $b --rebuild --resource-uri pkg:generic/x
    usage "verdicts that would be one file" "would be one file" out/test.squashfs out2/test.squashfs $b --rebuild -k verifier.key --output-dir v
    usage "verdicts without a key" "needs --key" $all $b --rebuild --output-dir v
    usage "--keep without a rebuild" "goes with --rebuild" out/test.tar $b --keep k
    usage "--only without a rebuild" "goes with --rebuild" out/test.tar $b --only
}
run "$assay" verify out/test.tar -p policy.json --rebuild
exits 2 "no provenance"
says "give --bundle FILE, or put it beside as 'out/test.tar.sigstore.json'" "says where it may lie"

# ---- what is rebuilt is kept ----
# shellcheck disable=SC2086
run "$assay" verify flipped.squashfs -b bundle.json -p policy.json --rebuild --keep kept.none
exits 3 "what is rejected is not rebuilt"
ok "so nothing is kept" test ! -e kept.none
sign evil.statement builder.key evil.json
run "$assay" verify flipped.squashfs -b evil.json -p policy.json --rebuild --keep kept
exits 1 "what differs"
prints "^kept: what was rebuilt is in 'kept'$" "is kept beside"
ok "the rebuild, whole" cmp kept/test.squashfs out/test.squashfs
is "and nothing temporary" "$(find . -maxdepth 1 -name 'assay-*' | wc -l) $(find "$TMPDIR" -mindepth 1 | wc -l)" "0 0"
echo mine >kept/mine
# shellcheck disable=SC2086
{
    usage "a directory that is there" "kept" out/test.tar $b --rebuild --keep kept
    is "is left alone" "$(cat kept/mine)" mine
    run "$assay" verify out/test.tar $b --rebuild --keep nowhere/kept
    exits 2 "a place that is not there"
}

# ---- a part of the plan ----
# shellcheck disable=SC2086
run "$assay" verify out/test.squashfs $b --rebuild --only -k verifier.key -o part.json --json
exits 0 "what one artifact needs"
ok "the report is what its schema says" valid report stdout
ok "says how much that is" jq -e '.rebuild.partial == {outputs: 1, ofOutputs: 4, steps: 2, ofSteps: 5} and .rebuild.stepCount == 2 and ([.rebuild.steps[].name] == ["step/root", "step/image"])' stdout
payload part.json >part.statement
ok "the signed verdict is what its schema says" valid verdict part.statement
ok "says so, too" jq -e '.predicate.assay_rebuild.partial == {outputs: 1, ofOutputs: 4, steps: 2, ofSteps: 5}' part.statement
ok "in words" jq -e '.predicate.assay_checks[] | select(.id == "comparison") | .text | endswith("not compared: 3 artifacts and 3 steps of the plan")' part.statement
# shellcheck disable=SC2086
run "$assay" verify out/test.squashfs $b --rebuild
prints "; all 4 artifacts of the plan .--only builds what is asked.$" "without it all are built, which is said"
# shellcheck disable=SC2086
run "$assay" verify out/test.squashfs out/test.tar $b --rebuild --only --keep kept.part
exits 0 "of two artifacts"
is "those two are built" "$(find kept.part -type f -printf '%f\n' | sort | tr '\n' ' ')" "test.partial.json test.squashfs test.tar "
lie steps.json '(.predicate.runDetails.byproducts[] | select(.name == "step/tar") | .digest.sha256) = ("0" * 64)'
run "$assay" verify out/test.squashfs -b steps.json -p policy.json --rebuild
exits 3 "a false step of another artifact is found"
run "$assay" verify out/test.squashfs -b steps.json -p policy.json --rebuild --only
exits 0 "but by a part that it is not in"
lie steps.json '(.predicate.runDetails.byproducts[] | select(.name == "step/root") | .digest.sha256) = ("0" * 64)'
run "$assay" verify out/test.squashfs -b steps.json -p policy.json --rebuild --only
exits 3 "one that the artifact needs is found by the part"
says "predicate.runDetails.byproducts\[0\].digest.sha256" "and named as in the whole"
run "$assay" verify flipped.squashfs -b evil.json -p policy.json --rebuild --only
exits 1 "what differs does"
policy parts.json builder.key.pub 1 verifier.key.pub "$(verifier_of part.json)"
run "$assay" verify out/test.squashfs -b bundle.json -p parts.json -a part.json
exits 0 "such a verdict counts for its artifact"

# ---- how far a rebuild is, on a terminal only ----
# on_terminal COMMAND…: its stderr is a terminal, and what it prints there goes to the file `shown`
on_terminal() {
    python3 - "$@" <<'TERMINAL'
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

master, slave = pty.openpty()
shown = bytearray()


def read():
    try:
        while data := os.read(master, 4096):
            shown.extend(data)
    except OSError:  # nobody holds the other end any more
        pass


reader = threading.Thread(target=read)
reader.start()
code = subprocess.run(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=slave, check=False).returncode
os.close(slave)
reader.join()
Path("shown").write_bytes(shown)
sys.exit(code)
TERMINAL
}
run on_terminal "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild
exits 0 "a rebuild at a terminal"
ok "says which step it is at, of how many, and its kind" grep -aqE 'rebuilding: step 1 of 5, tree.layers \(root\), [0-9]+ s' shown
ok "and leaves an empty line" sh -c 'tail -c 4 shown | grep -aqF "$(printf "\r\033[K")"'
run on_terminal "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild --json
is "none of it with --json" "$(wc -c <shown)" 0
run on_terminal "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild -q
is "or --quiet" "$(wc -c <shown)" 0
run "$assay" verify out/test.squashfs -b bundle.json -p policy.json --rebuild
is "or elsewhere" "$(wc -c <stderr)" 0
done_testing
