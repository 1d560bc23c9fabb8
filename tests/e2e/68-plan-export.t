#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Self-contained plans: written the same way every time, read by skopeo and umoci, built without store or
# network, and refused when they are not what they must be.
. "$(dirname "$0")/lib.sh"

chmod 755 "$work"
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
mkdir "$work/recipe" "$work/recipe/tree"
cd "$work" || exit 1
store=$ASSAY_STORE

head -c 100000 /dev/urandom >recipe/tree/noise
echo hello >recipe/tree/hello
echo motd >recipe/motd
cp recipe/motd recipe/same
cat >recipe/assay.yml <<'E'
name: whole
arch: amd64
images:
  tree: {directory: {path: tree}}
  tool: {url: {url: "file:tree/hello", digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", unpack: none, path: usr/hello}}
system:
  init: [tree, tool]
  files: [{path: etc/motd, source: motd}, {path: etc/same, source: same}]
artifacts: [tar, {squashfs: {compressor: gzip}}]
E
run "$assay" lock recipe/assay.yml -o plan.json
exits 0 "a recipe is locked"
run "$assay" plan export plan.json -o whole.assay
exits 0 "its plan is exported"
prints '^whole\.assay: plan whole with its 3 inputs, [0-9]+ bytes' "says what is in it"
is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""
cp -r "$store" elsewhere
(umask 077 && TZ=Asia/Tokyo "$assay" plan export plan.json -o again.assay -s elsewhere --json >report.json)
ok "another store, umask and time zone: the same bytes" cmp whole.assay again.assay
is "and the mode that each umask leaves" "$(stat -c %a whole.assay again.assay | tr '\n' ' ')" "644 600 "
is "the report has the plan's digest" "$(jq -r .digest report.json)" "$("$assay" plan digest plan.json)"
is "each blob once: plan, inputs, manifest, empty configuration" "$(tar -tf whole.assay | grep -c 'blobs/sha256/.')" 6

# ---- others read it ------------------------------------------------------------------------
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >policy.sk
sk() { skopeo --policy policy.sk --tmpdir "$TMPDIR" "$@"; }
ok "skopeo finds the plan by name" sh -c 'skopeo --tmpdir "$TMPDIR" inspect --raw oci-archive:whole.assay:whole >raw.json'
is "as an artifact of the plan's type" "$(jq -r .artifactType raw.json)" application/vnd.assay.plan.v1+json
is "its first layer is the plan" "$(jq -r '.layers[0].digest' raw.json)" "$("$assay" plan digest plan.json)"
ok "skopeo copies it into a layout" sk copy -q oci-archive:whole.assay:whole oci:copied:whole
ok "with the plan in it" sh -c 'cmp plan.json copied/blobs/sha256/$(jq -r ".layers[0].digest" raw.json | cut -d: -f2)'
mkdir unpacked
tar -xf whole.assay -C unpacked
is "umoci lists what is unpacked" "$(umoci ls --layout unpacked)" whole
ok "and it is a store" "$assay" store verify -s unpacked

# ---- building from it ------------------------------------------------------------------------
ok "the plan is built from the store" "$assay" build plan.json -o out --quiet
ASSAY_STORE=$work/empty
run "$assay" build whole.assay -o whole
exits 0 "and from the file, where no store was"
ok "the same artifacts and provenance" diff -r out whole
ok "the store has no finding" "$assay" store verify
run "$assay" build whole.assay -o again --work "$work/upper" -s "$work/nowhere" --no-cache
exits 0 "with a second store and no first one"
ok "the same again" diff -r out again
ok "and no first one was made" test ! -e "$work/nowhere"
run "$assay" build whole.assay --dry-run
exits 0 "a dry run"
ASSAY_STORE=$work/imported
run "$assay" plan import whole.assay -o imported.json
exits 0 "it is imported"
ok "with the same plan" cmp plan.json imported.json
ok "which gc keeps" sh -c '"$1" store gc && "$1" build imported.json -o imported.out --quiet && diff -r out imported.out' sh "$assay"
run "$assay" build whole.assay -o x --materials whole.assay
exits 2 "materials beside a self-contained plan"

# ---- verifying with it --------------------------------------------------------------------------
ok "keys" sh -c '"$1" attest keygen -o k.key && "$1" attest sign out/whole.provenance.json --key k.key -o bundle.json' sh "$assay"
jq -n --rawfile key k.key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "whole*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}], rebuilds: {minimum: 1, verifiers: []}}' >policy.json
ASSAY_STORE=$work/no-store
verify() { run "$assay" verify out/whole.squashfs -b bundle.json -p policy.json --rebuild "$@"; }
verify
exits 5 "without its inputs it is unverifiable"
verify --materials whole.assay
exits 0 "with the file it reproduces, without a store"
prints 'every byte is the same' "says so"
ok "and none is made" test ! -e "$work/no-store"
mkdir -p part
"$assay" store add recipe/motd -s part >/dev/null
verify --materials whole.assay -s part
exits 0 "with a store that has a part of them"

# A collector and a rebuild at once: the rebuild holds the store, though it only reads it.
ASSAY_STORE=$store
exec 9<>"$store/lock"
flock -s 9
run "$assay" store gc
exits 7 "a collector gives way to whoever holds the lock"
exec 9>&-
verify &
pid=$!
held=no
while kill -0 $pid 2>/dev/null; do
    if ! flock -n -x "$store/lock" true; then held=yes; fi
done
wait $pid
is "a rebuild holds the store's lock" "$held" yes

# ---- refused ---------------------------------------------------------------------------------------
mkdir bad
ok "bad copies" python3 "$here/plan_archives.py" whole.assay bad
ASSAY_STORE=$work/clean
run "$assay" plan import bad/same -o same.json
exits 0 "a copy by another tar program is fine"
rm -rf "$work/clean"
bad() {
    run "$assay" plan import "bad/$1" -o bad.json
    exits 5 "$1: exit code 5"
    one_line "$1: one line"
    says "$2" "$1: says why"
    ok "$1: no plan" test ! -e bad.json
    run "$assay" build "bad/$1" -o bad.out
    exits 5 "$1: no build either"
    ok "$1: nothing bad in a store" sh -c 'test -z "$(find "$2/blobs" -type f 2>/dev/null)" || "$1" store verify' sh "$assay" "$ASSAY_STORE"
    rm -rf "$ASSAY_STORE"
}
bad no-input 'is missing'
bad no-plan 'is missing'
bad no-index "'index\.json' is missing"
bad no-layout "'oci-layout' is missing"
bad extra-blob 'does not belong in it'
bad extra-file "'hello' does not belong in it"
bad twice 'there twice'
bad index-twice "'index\.json' is there twice"
bad link 'is no regular file'
bad hard 'is no regular file'
bad escape "'\.\.'"
bad misnamed 'is no name of a blob'
bad bad-plan 'is damaged'
bad bad-manifest 'is damaged'
bad bad-input 'its digest is'
bad short-input 'bytes, and not'
bad no-type 'artifactType'
bad other-type "'application/x' is no plan"
bad no-layers 'there is no plan in it'
bad two-plans 'manifests'
bad version "version is '2\.0\.0'"
bad cut 'no self-contained plan'
bad garbage 'no self-contained plan'
ASSAY_STORE=$store
cp plan.json lost.json
"$assay" store rm-ref plan:whole >/dev/null 2>&1
"$assay" store gc >/dev/null
run "$assay" plan export lost.json -o lost.assay
exits 5 "a plan whose inputs are not in the store is not exported"
one_line "in one line"
says "input 'dir\.tree' \(sha256:.*\) is not in the store" "which says what is missing"
ok "and nothing is written" test ! -e lost.assay
done_testing
