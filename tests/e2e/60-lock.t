#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay lock: bad recipes, OCI layouts, Debian packages of a local archive; all offline.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt_machine.sh"

zeros=0000000000000000000000000000000000000000000000000000000000000000
# Where private apt states are made: they must be gone afterwards.

# ---- bad recipes: exit code, one line, which line -----------------------------
# bad NAME CODE PATTERN, the recipe on stdin
bad() {
    cat >"$work/bad.yml"
    rm -f "$work/bad.plan.json"
    run "$assay" lock "$work/bad.yml" -o "$work/bad.plan.json"
    exits "$2" "$1: exit code $2"
    one_line "$1: one line"
    says "$3" "$1: says what"
    ok "$1: no plan" test ! -e "$work/bad.plan.json"
}

bad "duplicate key" 5 'bad\.yml:2:1: duplicate key .arch.' <<'E'
arch: riscv64
arch: amd64
E
bad "unknown key" 5 "bad\.yml:2:1: unknown key 'imagse' \(did you mean 'images'\?\)" <<'E'
arch: riscv64
imagse: {}
E
bad "unknown key inside" 5 "bad\.yml:3:14: unknown key 'debain' \(did you mean 'debian'\?\)" <<'E'
arch: riscv64
name: a
images: {a: {debain: {suite: x, packages: [aa]}}}
E
bad "unknown key of a user" 5 "bad\.yml:6:28: unknown key 'shel' \(did you mean 'shell'\?\)" <<'E'
arch: riscv64
images:
  a:
    debian:
      suite: x
      rootfs: {users: {a: {shel: /bin/sh, uid: 1}}}
      packages: [aa]
E
bad "rootfs and place" 5 "bad\.yml:4:5: 'place' cannot go with 'rootfs'" <<'E'
arch: riscv64
images:
  a:
    place: {x: y}
    debian: {suite: x, packages: [aa], rootfs: true}
E
bad "wrong type" 5 "bad\.yml:2:7: 'arch' must be a text, not a number" <<'E'
name: a
arch: 64
E
bad "a mode as a number" 5 'bad\.yml:4:36: a mode is octal digits in quotes' <<'E'
arch: riscv64
system:
  files:
    - {path: a, contents: b, mode: 0755}
E
bad "a path that escapes" 5 "bad\.yml:4:14: '\.\./a': '\.\.' is not allowed" <<'E'
arch: riscv64
system:
  files:
    - {path: ../a, contents: b}
E
bad "a bind of a container" 5 "bad\.yml:4:42: services 'a': volume 'v' not found" <<'E'
arch: riscv64
system:
  files: [{path: a, contents: b}]
  services: [{name: a, image: b, binds: ["v:/v"]}]
E
bad "a template of LinuxKit's packages" 6 "bad\.yml:3:10: '@pkg:' needs LinuxKit's package tree" <<'E'
arch: riscv64
system:
  init: ["@pkg:init"]
E
bad "an image that is nowhere" 5 "bad\.yml:3:10: no image 'nowhere'" <<'E'
arch: riscv64
system:
  init: [nowhere]
E
bad "a layout that is not there" 5 "image 'a'.*is no OCI layout" <<E
arch: riscv64
images: {a: {oci: {layout: nope, manifest: "sha256:$zeros"}}}
E
bad "two documents" 5 'bad\.yml:2:1: a second document' <<'E'
arch: riscv64
---
arch: riscv64
E
bad "an empty file" 5 'the file is empty' </dev/null
bad "a missing source" 5 "bad\.yml:4:25: there is no file 'nope'" <<'E'
arch: riscv64
system:
  files:
    - {path: a, source: nope}
E
printf 'a: \377\n' >"$work/bytes"
bad "not UTF-8" 5 'not a text in UTF-8' <"$work/bytes"
printf '[%.0s' $(seq 1 20000) >"$work/bytes"
bad "deep nesting" 5 'nested deeper than 32 levels' <"$work/bytes"
{
    echo 'a0: &a0 [x,x,x,x,x,x,x,x,x,x]'
    i=0
    while [ $i -lt 9 ]; do
        n=$((i + 1))
        echo "a$n: &a$n [*a$i,*a$i,*a$i,*a$i,*a$i,*a$i,*a$i,*a$i,*a$i,*a$i]"
        i=$n
    done
} >"$work/bytes"
bad "alias bomb" 5 'more than 65536 values' <"$work/bytes"
head -c 1048577 /dev/zero | tr '\0' '#' >"$work/bytes"
bad "too long" 5 'bad\.yml.*1048576' <"$work/bytes"
run "$assay" lock "$work/no-such.yml"
exits 5 "a missing recipe is an input error"
one_line "a missing recipe: one line"
SOURCE_DATE_EPOCH=soon
export SOURCE_DATE_EPOCH
bad "a bad SOURCE_DATE_EPOCH" 2 'SOURCE_DATE_EPOCH' <<'E'
arch: riscv64
system: {files: [{path: a, contents: b}]}
E
unset SOURCE_DATE_EPOCH
echo 'init: [a]' >"$work/linuxkit.yml"
run "$assay" lock "$work/linuxkit.yml"
exits 2 "a LinuxKit file without --arch is a usage error"
says 'give --arch' "and the line says what to give"
mkdir "$work/links"
echo secret >"$work/outside"
ln -s ../outside "$work/links/out"
printf 'arch: amd64\nname: a\nsystem: {files: [{path: a, source: out}]}\n' >"$work/links/assay.yml"
run "$assay" lock "$work/links/assay.yml" -o "$work/links/plan.json"
exits 5 "a source that is a link out of the recipe's directory is not followed"
one_line "a source that leads out: one line"
mkdir "$work/links/dir"
printf 'arch: amd64\nname: a\nsystem: {files: [{path: a, source: dir}]}\n' >"$work/links/assay.yml"
run "$assay" lock "$work/links/assay.yml" -o "$work/links/plan.json"
exits 5 "a source that is a directory is refused"

# ---- OCI layouts ----------------------------------------------------------------
layout=$work/layout
mkdir -p "$work/files/bin"
echo 'a tool' >"$work/files/bin/tool"
chmod 0755 "$work/files/bin/tool"
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless
umoci init --layout "$layout" >"$work/umoci.log" 2>&1
umoci new --image "$layout:v1" >>"$work/umoci.log" 2>&1
umoci config --image "$layout:v1" --architecture riscv64 --os linux >>"$work/umoci.log" 2>&1
umoci insert $rootless --image "$layout:v1" "$work/files" / >>"$work/umoci.log" 2>&1
manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "v1") | .digest' "$layout/index.json")
layer=$(jq -r '.layers[0].digest' "$layout/blobs/sha256/${manifest#sha256:}")
cat >"$work/oci.yml" <<E
name: fromoci
arch: riscv64
epoch: 1000
images:
  base:
    oci: {layout: layout, manifest: "$manifest"}
system:
  init: [base]
  files:
    - {path: etc/motd, source: files/bin/tool}
    - {path: etc/none, source: no-such-file, optional: true}
artifacts: [tar, {squashfs: {compressor: gzip}}]
E
run "$assay" lock "$work/oci.yml" -o "$work/oci.plan.json"
exits 0 "an OCI layout is locked"
prints '^plan .*oci\.plan\.json: 2 inputs, 2 outputs, sha256:' "it says what was pinned"
is "the layer is an input" "$(jq -r '.inputs[0].digest' "$work/oci.plan.json")" "$layer"
is "with the manifest it came from" "$(jq -r '.inputs[0].from.oci.manifest' "$work/oci.plan.json")" "$manifest"
is "a source is an input" "$(jq -r '.inputs[1].from.file.name' "$work/oci.plan.json")" files/bin/tool
is "the optional source that is not there leaves no trace" \
    "$(jq '.steps[] | select(.id == "system") | .params.document.files | length' "$work/oci.plan.json")" 1
ok "the inputs are in the store" test -f "$ASSAY_STORE/blobs/sha256/${layer#sha256:}"
ok "the plan is kept in the store" \
    jq -e '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "plan:fromoci")' "$ASSAY_STORE/index.json"
ok "no path of this machine is in the plan" sh -c "! grep -q '$work' '$work/oci.plan.json'"
jq .recipe "$work/oci.plan.json" >"$work/recipe.json"
cat >"$work/validate.py" <<'E'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))
E
ok "the recipe in the plan is valid against its schema" \
    python3 "$work/validate.py" "$top/schemas/recipe.schema.json" "$work/recipe.json"
ok "the plan is valid against its schema" \
    python3 "$work/validate.py" "$top/schemas/plan.schema.json" "$work/oci.plan.json"

# The same from another directory, into another store, in another time zone, with another umask: the same bytes.
mkdir "$work/elsewhere"
cp -r "$layout" "$work/oci.yml" "$work/files" "$work/elsewhere/"
(
    cd "$work/elsewhere" || exit 1
    umask 077
    TZ=Asia/Tokyo LANG=tr_TR.UTF-8 "$assay" lock oci.yml --store "$work/store2" -q -o again.json
)
ok "the plan does not depend on where it was made" cmp "$work/oci.plan.json" "$work/elsewhere/again.json"
run env SOURCE_DATE_EPOCH=5 "$assay" lock "$work/oci.yml" -o "$work/epoch.json" --epoch 77
is "--epoch overrides the recipe" "$(jq .epoch "$work/epoch.json")" 77
run "$assay" store gc --store "$work/store2"
ok "gc keeps the inputs of a kept plan" test -f "$work/store2/blobs/sha256/${layer#sha256:}"

# A LinuxKit file as it is, its images by name.
printf 'init: [v1]\nfiles: [{path: a, contents: b}]\n' >"$work/plain.yml"
run "$assay" lock --arch riscv64 --images "$layout" "$work/plain.yml" -o "$work/plain.plan.json" --json
exits 0 "a LinuxKit file is a recipe as it is"
ok "--json is one document" jq -e '.name == "plain" and .arch == "riscv64" and (.inputs | length) == 1' "$work/stdout"
run "$assay" lock --arch amd64 --images "$layout" "$work/plain.yml" -o "$work/wrong.json"
exits 5 "an image of another architecture is refused"
says 'the image is for linux/riscv64, not for linux/amd64' "and the line says so"

# Tampering with a layout.
tamper() {
    rm -rf "$work/t" "$work/t-store"
    mkdir "$work/t"
    cp -r "$layout" "$work/oci.yml" "$work/files" "$work/t/"
    chmod -R u+w "$work/t"
}
locked_t() {
    run "$assay" lock "$work/t/oci.yml" --store "$work/t-store" -o "$work/t/plan.json"
    exits 5 "$1: refused"
    one_line "$1: one line"
    ok "$1: no plan" test ! -e "$work/t/plan.json"
    ok "$1: nothing of it is in the store" test ! -e "$work/t-store/blobs/sha256/$2"
}
hex=${layer#sha256:}
tamper
printf X | dd of="$work/t/layout/blobs/sha256/$hex" bs=1 seek=20 conv=notrunc status=none
locked_t "a layer with one byte changed" "$hex"
tamper
rm "$work/t/layout/blobs/sha256/$hex"
locked_t "a layer that is missing" "$hex"
tamper
printf X >>"$work/t/layout/blobs/sha256/${manifest#sha256:}"
locked_t "a manifest that does not match its digest" "$hex"
tamper
rm "$work/t/layout/oci-layout"
locked_t "a directory that is no layout" "$hex"
# A manifest of our own.
edit_manifest() {
    tamper
    jq -cj "$1" "$layout/blobs/sha256/${manifest#sha256:}" >"$work/t/m"
    new=$(sha256sum "$work/t/m" | cut -d' ' -f1)
    mv "$work/t/m" "$work/t/layout/blobs/sha256/$new"
    sed -i "s/$manifest/sha256:$new/" "$work/t/oci.yml"
}
edit_manifest '.layers[0].mediaType = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"'
locked_t "a foreign layer" "$hex"
edit_manifest '.layers[0].size += 1'
locked_t "a layer of another size" none
edit_manifest '.layers[0].digest = "sha256:../../../../etc/passwd"'
locked_t "a digest that is a path" none
edit_manifest '.layers += [.layers[0]]'
locked_t "more layers than diff ids" none
edit_manifest '.config.mediaType = "application/json"'
locked_t "a manifest of something else" "$hex"

# ---- Debian packages of a local archive ---------------------------------------------
archive=$work/archive
cp -r "$top/tests/data/debian-archive" "$archive"
chmod -R u+w "$archive"
# A machine that knows another suite of the archive, for another architecture.
apt_machine amd64 "deb [signed-by=$archive/keyring.gpg] file:$archive machine main" \
    "Acquire::AllowInsecureRepositories \"true\";" \
    "APT::Update::Post-Invoke { \"touch $work/machine/hook-ran\"; };"
apt-get -qq update >"$work/apt.log" 2>&1
rm -f "$machine/hook-ran"
snapshot() {
    (cd "$machine" && find . -type f -exec sha256sum {} + | sort)
}
before=$(snapshot)

recipe() { # DEPENDENCIES PACKAGES [SUITE [ARCH]]
    cat >"$work/deb.yml" <<E
name: deb
arch: ${4:-riscv64}
images:
  all:
    debian: {suite: ${3:-assaytest}, packages: [$2], dependencies: $1}
artifacts: [tar]
E
}
lock() { # [OPTIONS…]
    rm -f "$work/deb.plan.json"
    run "$assay" lock "$work/deb.yml" --keyring "$archive/keyring.gpg" -o "$work/deb.plan.json" "$@"
}
packages() {
    jq -r '[.inputs[].from.debian.package] | join(" ")' "$work/deb.plan.json"
}
recipe none greeting
lock
exits 0 "a package is locked"
is "none: the package alone" "$(packages)" greeting
is "with its whole origin" "$(jq -cS '.inputs[0].from.debian | del(.release)' "$work/deb.plan.json")" \
    '{"architecture":"riscv64","component":"main","package":"greeting","path":"pool/main/g/greeting/greeting_1.0-1_riscv64.deb","suite":"assaytest","version":"2:1.0-1"}'
is "the Release file is named by its digest" "$(jq -r '.inputs[0].from.debian.release' "$work/deb.plan.json")" \
    "sha256:$(sha256sum "$archive/dists/assaytest/InRelease" | cut -d' ' -f1)"
is "and the package by its own" "$(jq -r '.inputs[0].digest' "$work/deb.plan.json")" \
    "sha256:$(sha256sum "$archive/pool/main/g/greeting/greeting_1.0-1_riscv64.deb" | cut -d' ' -f1)"
ok "no host, URI or path of this machine is in the plan" \
    sh -c "! grep -q -e '$work' -e file: -e http: '$work/deb.plan.json'"
cp "$work/deb.plan.json" "$work/checked.json"
check() { run "$assay" lock "$work/deb.yml" --keyring "$archive/keyring.gpg" --check "$work/checked.json"; }
check
exits 0 "--check of a suite that did not move"
jq -cjS ".inputs[0].from.debian.release = \"sha256:$zeros\"" "$work/deb.plan.json" >"$work/checked.json"
check
exits 0 "a newer Release file with the same packages is no move"
jq -cjS ".inputs[0].from.debian.version = \"2:0.9-1\" | .inputs[0].digest = \"sha256:$zeros\"" "$work/deb.plan.json" >"$work/checked.json"
check
exits 1 "a newer package is"
prints "^input 'deb\.greeting': package greeting goes from version 2:0\.9-1 to 2:1\.0-1" "and --check says so"
recipe same-source greeting
lock
exits 0 "same-source is locked"
is "same-source: the packages of that source" "$(packages)" "greeting greeting-data-1"
cp "$work/deb.plan.json" "$work/first.json"
recipe all 'words, greeting'
lock
exits 0 "all is locked"
is "all: the solver's answer, in the order of names" "$(packages)" "greeting greeting-data-1 words"

recipe none no-such-package
lock
exits 5 "an unknown package is an input error"
one_line "an unknown package: one line"
says "deb\.yml:4:3: image 'all': the suite 'assaytest' has no package 'no-such-package'" \
    "an unknown package: the line says which and where"
recipe none word-list
lock
exits 5 "a virtual package is an input error"
recipe none greeting sid
lock
exits 5 "an unknown suite is an input error"
one_line "an unknown suite: one line"
says "no suite 'sid'" "an unknown suite: the line says which"
recipe none greeting assaytest amd64
lock
exits 5 "a suite without the architecture is an input error"
says "no packages for amd64" "and the line says so"
recipe all broken
lock
exits 5 "what the solver cannot install is an input error"
one_line "what the solver cannot install: one line"
is "the machine's apt is as it was, its hooks did not run" "$(snapshot)" "$before"
is "no private state is left behind" "$(ls "$TMPDIR")" ""
# What a killed run left behind goes with the next one; what is in use, or another's, stays.
mkdir -p "$TMPDIR/assay-lock-dead01/state" "$TMPDIR/assay-lock-alive1" "$TMPDIR/assay-lock-other1" "$TMPDIR/other"
touch "$TMPDIR/assay-lock-dead01/in-use" "$TMPDIR/assay-lock-alive1/in-use"
ln -s "$TMPDIR/other" "$TMPDIR/assay-lock-link01"
touch "$TMPDIR/other/in-use"
recipe none greeting
exec 9<>"$TMPDIR/assay-lock-alive1/in-use"
flock 9
lock
exec 9>&-
is "the private state of a killed run is removed, and nothing else" "$(cd "$TMPDIR" && echo *)" \
    "assay-lock-alive1 assay-lock-link01 assay-lock-other1 other"
rm -rf "$TMPDIR"
mkdir "$TMPDIR"
# Killed in the middle: no plan, and the next run works and cleans up.
rm -f "$work/deb.plan.json"
"$assay" lock "$work/deb.yml" --keyring "$archive/keyring.gpg" --store "$work/killed" -o "$work/deb.plan.json" >/dev/null 2>&1 &
victim=$!
while [ -z "$(ls "$TMPDIR")" ] && kill -0 $victim 2>/dev/null; do :; done
kill -9 $victim 2>/dev/null
wait $victim 2>/dev/null
ok "a killed run leaves no plan" test ! -e "$work/deb.plan.json"
lock --store "$work/killed"
exits 0 "the next run succeeds"
is "and leaves nothing behind" "$(ls "$TMPDIR")" ""

# What the store has is not fetched again; the same names, the same bytes.
mv "$archive/pool" "$archive/away"
recipe same-source greeting
lock
exits 0 "with all packages in the store, the pool is not needed"
ok "and the plan is the same, byte for byte" cmp "$work/first.json" "$work/deb.plan.json"
lock --store "$work/empty"
exits 7 "a package that cannot be fetched is the host's failure"
one_line "a package that cannot be fetched: one line"
mv "$archive/away" "$archive/pool"
printf X | dd of="$archive/pool/main/g/greeting/greeting_1.0-1_riscv64.deb" bs=1 seek=100 conv=notrunc status=none
lock --store "$work/empty"
exits 5 "a package that is not the index's is refused"
one_line "a package that is not the index's: one line"
ok "and leaves no plan" test ! -e "$work/deb.plan.json"

# The chain of signatures.
rm -f "$work/deb.plan.json"
run "$assay" lock "$work/deb.yml" --keyring /usr/share/keyrings/debian-archive-keyring.gpg -o "$work/deb.plan.json"
exits 3 "an archive signed by another key is rejected"
one_line "an archive signed by another key: one line"
sed -i 's/^Label: Debian$/Label: Debian!/' "$archive/dists/assaytest/InRelease"
lock
exits 3 "a Release file that was changed is rejected"
one_line "a Release file that was changed: one line"
sed '1,/^$/d; /^-----BEGIN/,$d' "$archive/dists/assaytest/InRelease" >"$archive/dists/assaytest/Release"
rm "$archive/dists/assaytest/InRelease"
lock
exits 3 "an archive that is not signed is rejected, whatever the machine allows"
rm "$archive/dists/assaytest/Release"
mv "$archive/dists/assaytest" "$archive/dists/away"
cp -r "$archive/dists/machine" "$archive/dists/assaytest"
recipe none words
lock
exits 3 "another suite in the place of this one is rejected"
one_line "another suite in the place of this one: one line"
rm -rf "$archive/dists/assaytest"
mv "$archive/dists/away" "$archive/dists/assaytest"
cp "$top/tests/data/debian-archive/dists/assaytest/InRelease" "$archive/dists/assaytest/InRelease"
sed -i 's/^Version: 1.5$/Version: 1.6/' "$archive/dists/assaytest/main/binary-riscv64/Packages"
lock
exits 5 "an index that the Release file does not vouch for is refused"
one_line "an index that was changed: one line"
ok "and leaves no plan" test ! -e "$work/deb.plan.json"
: >"$machine/sources.list"
lock
exits 7 "without a Debian archive it is the host's failure"
says 'apt knows no archive of Debian' "and the line says what to do"
is "no private state is left behind by failures" "$(ls "$TMPDIR")" ""

done_testing
