#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A plan of another version: which assay-build it needs, and that one run in the sandbox, as a file, out of the
# plan's archive, out of the store; and builders that are none.
. "$(dirname "$0")/lib.sh"

ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
mkdir "$work/recipe"
cd "$work" || exit 1
mine=$(dirname "$assay")/assay-build
version=$("$assay" plan toolchain --json | jq -r .assay)

# Another version's builder, which has a step that ours has not: this one with two texts changed.
python3 - "$mine" "$version" <<'P'
import sys
data = open(sys.argv[1], "rb").read()
old = sys.argv[2].encode()
for before, after in (old, b"9" * len(old)), (b"encode.tar", b"encode.tap"):
    assert before + b"\0" in data, before
    data = data.replace(before + b"\0", after + b"\0")
open("other", "wb").write(data)
P
chmod 755 other
other=$(echo "$version" | tr -c '\n' 9)
digest=sha256:$(sha256sum other | cut -d' ' -f1)

echo hello >recipe/hello
cat >recipe/assay.yml <<'Y'
name: later
arch: amd64
system: {files: [{path: etc/hello, source: hello}]}
artifacts: [tar]
Y
ok "a plan is made and built" sh -ec '
    "$1" lock recipe/assay.yml -o mine.json --quiet
    "$1" build mine.json -o mine --quiet' sh "$assay"
# The same plan, as the other version makes it: with its version, and with its step.
sed "s/\"assay\":\"$version\"/\"assay\":\"$other\"/; s/encode\.tar/encode.tap/" mine.json >unknown.json
sed "s/\"assay\":\"$version\"/\"assay\":\"$other\"/" mine.json >plan.json

# ---- what to get -------------------------------------------------------------------------------
# code 6, and one line that says it
wants() {
    exits 6 "$1: exit code 6"
    one_line "$1: one line"
    says "$2" "$1: says what to get, and how it is given"
}
advice="get the assay-build of assay $other and give it with --builder FILE"
run "$assay" build plan.json -o never
wants "another version" "toolchain mismatch: the plan is for assay $other and this is assay $version: $advice\$"
run "$assay" build unknown.json -o never
wants "with steps that are not known" "the plan is for assay $other, whose steps this assay $version does not know \(.*steps.*no step kind 'encode\.tap'\): $advice\$"
run "$assay" plan show unknown.json
wants "plan show" "$advice\$"
run "$assay" plan export unknown.json -o never --with-builder
wants "plan export with ours" "$advice\$"
sed "s/\"libraries\":{}/\"libraries\":{\"zlib\":\"0.1\"}/; s/\"assay\":\"$version\"/\"assay\":\"$other\"/" mine.json >library.json
printf 'name: packed\narch: amd64\nsystem: {files: [{path: etc/hello, source: hello}]}\nartifacts: [{squashfs: {compressor: gzip}}]\n' >recipe/packed.yml
"$assay" lock recipe/packed.yml -o packed.json --quiet
zlib=$(jq -r .toolchain.libraries.zlib packed.json)
sed "s/\"zlib\":\"$zlib\"/\"zlib\":\"0.9\"/" packed.json >library.json
run "$assay" build library.json -o never
wants "another zlib" "the plan is for zlib 0\.9 and this assay has $zlib: get an assay-build of assay $version with zlib 0\.9 and give it with --builder FILE\$"
sed 's/encode\.tar/encode.tap/' mine.json >bad.json
run "$assay" build bad.json -o never
exits 5 "an unknown step of our own version is no other version's"
ok "nothing was written" test ! -e never

# ---- built by it ---------------------------------------------------------------------------------
for plan in plan unknown; do
    builder=./other
    if [ $plan = plan ]; then # a builder of that version which has our step
        sed 's/encode\.tap/encode.tar/' other >same
        builder=./same
    fi
    chmod 755 $builder
    run "$assay" build $plan.json -o out.$plan --builder $builder
    exits 0 "$plan: built by the builder that it is for"
    prints '^later\.tar +[0-9]+  sha256:' "$plan: the artifacts are told"
    ok "$plan: the same artifact" cmp mine/later.tar out.$plan/later.tar
    is "$plan: its provenance names that version" \
        "$(jq -r .predicate.runDetails.builder.version.assay out.$plan/later.provenance.json)" "$other"
    is "$plan: and that file" \
        "$(jq -r '.predicate.runDetails.builder.builderDependencies[0].digest.sha256' out.$plan/later.provenance.json)" \
        "$(sha256sum $builder | cut -d' ' -f1)"
    is "$plan: there is nothing else" "$(ls -A out.$plan | tr '\n' ' ')" "later.provenance.json later.tar "
done
is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""
(umask 077 && "$assay" build unknown.json -o out.mask --builder ./other --json >report.json)
is "the umask holds" "$(stat -c %a out.mask/later.tar out.mask/later.provenance.json | tr '\n' ' ')" "600 600 "
is "the report names the builder" "$(jq -r '"\(.builder) \(.plan)"' report.json)" \
    "$digest sha256:$(sha256sum unknown.json | cut -d' ' -f1)"
ok "it is what the schema says" python3 -W ignore -c '
import json, sys
import jsonschema
jsonschema.Draft202012Validator(json.load(open(sys.argv[1]))).validate(json.load(open("report.json")))' "$top/schemas/build.schema.json"
run "$assay" build unknown.json -o out.only --builder ./other --only later.tar
exits 0 "--only goes to it"
ok "the same" cmp out.only/later.tar out.unknown/later.tar
run "$assay" build unknown.json -o x --builder ./other --only other.tar
exits 2 "which refuses what is not there"
run "$assay" build unknown.json -o out.id --builder ./other --builder-id x:mine
is "--builder-id, too" "$(jq -r .predicate.runDetails.builder.id out.id/later.provenance.json)" x:mine
run "$assay" build unknown.json -o out.unknown --builder ./other
exits 0 "what is there is replaced"
mkdir -p taken/later.tar
run "$assay" build unknown.json -o taken --builder ./other
exits 2 "a directory is not"
says "cannot replace 'taken/later\.tar'" "it says which"
run "$assay" build unknown.json --builder ./other --dry-run
exits 2 "--dry-run is not for it"
run "$assay" build unknown.json -o x --builder ./other --work w
exits 2 "nor is --work"

# ---- carried -------------------------------------------------------------------------------------
run "$assay" plan export unknown.json -o later.assay --builder ./other
exits 0 "the plan is exported with its builder"
prints 'plan later with its 1 input and its builder' "says so"
run "$assay" plan export unknown.json -o again.assay --builder ./other --json
ok "the same file again" cmp later.assay again.assay
is "the report names it" "$(jq -r .builder "$work/stdout")" "$digest"
is "it is the last layer" "$(tar -xOf later.assay "blobs/sha256/$(tar -xOf later.assay index.json | jq -r '.manifests[0].digest' | cut -d: -f2)" |
    jq -r '.layers[-1] | "\(.mediaType) \(.digest) \(.annotations["org.opencontainers.image.title"])"')" \
    "application/vnd.assay.builder.v1 $digest assay-build"
run "$assay" plan export later.assay -o again.assay --builder later.assay -s none
exits 0 "an archive is exported again, with the builder out of it"
ok "the same file" cmp later.assay again.assay
rm -rf none
run "$assay" build later.assay -o never -s none
wants "the archive" "$advice; 'later\.assay' carries it: --builder later\.assay\$"
run "$assay" build later.assay -o out.carried -s none --builder later.assay
exits 0 "it is built with what it carries, without a store"
ok "the same bytes" diff -r out.unknown out.carried
ok "and none is made" test ! -e none
run "$assay" build mine.json -o out.mine --builder later.assay
exits 6 "the builder it carries refuses our plan"
says "the builder failed \(exit 6\): the plan is for assay $version, whose steps this assay $other does not know" "in its own words"
"$assay" plan export mine.json -o without.assay --quiet
run "$assay" build unknown.json -o x --builder without.assay
exits 5 "an archive without one"
says "'without\.assay' carries no builder \('assay plan export --with-builder' puts one in\)" "says so"
run "$assay" plan export mine.json -o with.assay --with-builder
exits 0 "ours goes into an archive"
run "$assay" build with.assay -o out.own --builder with.assay -s none
exits 0 "and builds it"
ok "as it does outside" diff -r mine out.own
run "$assay" build with.assay -o out.warn --builder ./other -s none
says "'with\.assay' carries assay-build sha256:[0-9a-f]{64}, and --builder gives $digest" "another than what is carried: that is said"

# ---- in the store ----------------------------------------------------------------------------------
store=$ASSAY_STORE
ASSAY_STORE=$work/imported
run "$assay" plan import later.assay -o later.json
exits 0 "the archive is imported, its plan being another version's"
prints "^builder for assay $other: $digest\$" "with its builder"
ok "the plan as it was" cmp later.json unknown.json
ok "the builder stays" sh -c '"$1" store gc && "$1" store ls | grep -q "^builder:later\$" && "$1" store verify' sh "$assay"
run "$assay" build later.json -o never
wants "a plan whose builder is in the store" "$advice; the store has one of a plan of this name: --builder $digest\$"
run "$assay" build mine.json -o x --builder "$digest"
exits 6 "a builder that refuses a plan"
says "and give it with --builder FILE\$" "does not name itself"
run "$assay" build later.json -o out.stored --builder "$digest"
exits 0 "it is built with it"
ok "the same bytes" diff -r out.unknown out.stored
# Nobody can fetch it: gc lets an earlier one go only when it is told so, as it does inputs.
sed 's/encode\.tap/encode.tas/' other >newer
chmod 755 newer
"$assay" plan export unknown.json -o newer.assay --builder ./newer --quiet
"$assay" plan import newer.assay -o newer.json --quiet
"$assay" store gc --keep-last 1 >/dev/null
run "$assay" build later.json -o out.stored --builder "$digest"
exits 0 "gc has kept an earlier builder"
run "$assay" fetch later.json --no-origin
exits 0 "fetch needs no step"
run "$assay" build later.json -o x --builder "sha256:$(printf %064d 0)"
exits 5 "a digest that the store has not"
says "the builder sha256:0* is not in the store .*'assay plan import'" "says what brings it"
run "$assay" build later.json -o x --builder sha256:12
exits 2 "a digest that is none"
chmod u+w "$ASSAY_STORE/blobs/sha256/${digest#sha256:}"
printf x | dd of="$ASSAY_STORE/blobs/sha256/${digest#sha256:}" bs=1 seek=100000 conv=notrunc 2>/dev/null
run "$assay" build later.json -o x --builder "$digest"
exits 5 "a builder that was damaged in the store is not run"
run "$assay" plan import later.assay -o later.json
exits 0 "importing mends it"
ok "it is whole" "$assay" store verify

# ---- verified ----------------------------------------------------------------------------------
ok "keys" sh -c '"$1" attest keygen -o k.key && "$1" attest sign out.unknown/later.provenance.json --key k.key -o bundle.json' sh "$assay"
jq -n --rawfile key k.key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "later*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}], rebuilds: {minimum: 1, verifiers: []}}' >policy.json
verify() { run "$assay" verify out.unknown/later.tar -b bundle.json -p policy.json --rebuild "$@"; }
verify
exits 6 "verify with another version's builder cannot decide"
says "$advice; the store has one of a plan of this name: --builder $digest\$" "and says what would"
run "$assay" build bundle.json -o never
wants "a bundle whose builder is in the store" "$advice; the store has it: --builder $digest\$"
verify -s "$store"
says "$advice; the signer's builder is $digest\$" "or whose it was"
verify --builder ./other
exits 0 "with the builder's file it is reproduced"
verify --builder "$digest"
exits 0 "with the digest of that in the store, too"
verify --builder "$digest" -s none --materials later.assay
exits 5 "where there is no store, there is none"
verify --builder ./other -s none --materials later.assay
exits 0 "the archive has the inputs"
is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""

# ---- builders that are none ---------------------------------------------------------------------
# false_builder DEED: a builder that does it
false_builder() {
    cat "$ASSAY_HELPERS/false_builder" >builder
    python3 -c 'import sys; sys.stdout.write(sys.argv[1].ljust(64, "\n"))' "$1" >>builder
    chmod 755 builder
}
fails() {
    false_builder "$1"
    run "$assay" build unknown.json -o false --builder ./builder
    exits "$2" "$1: exit code $2"
    one_line "$1: one line"
    says "$3" "$1: says why"
    ok "$1: nothing is left" sh -c '[ -z "$(ls -A false)" ] && [ -z "$(ls -A "$TMPDIR")" ]'
}
fails 'exit 1' 5 'the builder failed \(exit 1\): no reason of mine'
fails 'exit 3' 5 'the builder failed \(exit 3\)'
fails 'exit 5' 5 'the builder failed \(exit 5\)'
fails 'exit 6' 6 'the builder failed \(exit 6\)'
fails 'exit 7' 7 'the builder failed \(exit 7\)'
fails 'silent 9' 5 'it printed no reason'
fails 'signal 11' 5 'the builder was ended by signal 11'
fails 'nothing 0' 5 "the builder's report"
fails 'link 0' 5 'link'
fails 'flood 0' 5 'by assay-build sha256:'
fails 'odd 0' 5 'odd'
echo '#!/bin/sh' >script
chmod 755 script
run "$assay" build unknown.json -o x --builder ./script
exits 7 "a script is no builder"
run "$assay" build unknown.json -o x --builder ./missing
exits 5 "nor is what is not there"
run "$assay" build unknown.json -o x --builder "$assay"
exits 7 "nor is a program that needs a loader"
python3 -c '
import sys
data = bytearray(open("other", "rb").read())
data[18] ^= 0xff
open("foreign", "wb").write(data)'
run "$assay" build unknown.json -o x --builder ./foreign
exits 6 "one of another architecture cannot be decided with"
run "$assay" plan export unknown.json -o never --builder ./script
exits 7 "nor does such a one go into an archive"
ok "nothing was written" test ! -e never

# ---- archives that lie about it --------------------------------------------------------------
python3 - <<'P'
import hashlib, io, json, tarfile
with tarfile.open("later.assay") as t:
    entries = {m.name: t.extractfile(m).read() for m in t.getmembers() if m.isfile()}
index = json.loads(entries["index.json"])
old = "blobs/sha256/" + index["manifests"][0]["digest"][7:]
manifest = json.loads(entries[old])
builder = "blobs/sha256/" + manifest["layers"][-1]["digest"][7:]

def write(name, files):
    with tarfile.open(name, "w", format=tarfile.USTAR_FORMAT) as t:
        for path, data in files.items():
            m = tarfile.TarInfo(path)
            m.size = len(data)
            t.addfile(m, io.BytesIO(data))

def changed(change):
    new = json.loads(json.dumps(manifest))
    change(new)
    data = json.dumps(new).encode()
    digest = hashlib.sha256(data).hexdigest()
    top = json.loads(json.dumps(index))
    top["manifests"][0].update(digest="sha256:" + digest, size=len(data))
    files = {k: v for k, v in entries.items() if k not in (old, "index.json")}
    return {**files, "blobs/sha256/" + digest: data, "index.json": json.dumps(top).encode()}

write("damaged.assay", {k: v[:-1] + b"!" if k == builder else v for k, v in entries.items()})
write("gone.assay", {k: v for k, v in entries.items() if k != builder})
write("two.assay", changed(lambda m: m["layers"].append(m["layers"][-1])))
write("unnamed.assay", changed(lambda m: m["layers"].pop()))
P
lies() {
    for command in "plan import $1.assay -o x.json" "build $1.assay -o x --builder $1.assay"; do
        # shellcheck disable=SC2086 # words
        run "$assay" $command -s lies
        exits 5 "$1, $command: exit code 5"
        one_line "$1, $command: one line"
        says "$2" "$1, $command: says why"
        ok "$1, $command: nothing bad in the store" sh -c 'test ! -e lies || "$1" store verify -s lies' sh "$assay"
    done
    rm -rf lies
}
lies damaged 'its digest is'
lies gone 'is missing'
lies two 'a second builder'
lies unnamed 'does not belong in it'
done_testing
