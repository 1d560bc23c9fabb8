#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A blob whose bytes are wrong is not there: whoever needs it fetches it again, whoever reads it says so and how it is
# mended, and 'assay store verify --repair' mends it.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

chmod 755 "$work"
cd "$work" || exit 1
store=$ASSAY_STORE
mkdir -p recipe/tree
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(5).randbytes(300000))' >recipe/tree/noise
printf 'from a URL\n' >recipe/plain
cat >recipe/assay.yml <<E
name: whole
arch: amd64
images:
  tree: {directory: {path: tree}}
  tool: {url: {url: "file:plain", digest: "sha256:$(sha256sum <recipe/plain | cut -d' ' -f1)", unpack: none, path: usr/plain}}
system:
  init: [tree, tool]
artifacts: [tar, {squashfs: {compressor: gzip}}]
E
run "$assay" lock recipe/assay.yml -o plan.json
exits 0 "a recipe is locked"
"$assay" plan export plan.json -o whole.assay >/dev/null
cp -r "$store" elsewhere
"$assay" build plan.json -o built >/dev/null

blob() { echo "$store/blobs/sha256/${1#sha256:}"; }
# One byte changes; the size does not, and the file's modification time is put back.
spoil() {
    chmod u+w "$(blob "$1")"
    touch -r "$(blob "$1")" stamp
    python3 -c '
import sys
f = open(sys.argv[1], "r+b")
b = f.read(1)[0]
f.seek(0)
f.write(bytes([b ^ 1]))' "$(blob "$1")"
    touch -r stamp "$(blob "$1")"
}
right() { [ "$(sha256sum <"$(blob "$1")" | cut -d' ' -f1)" = "${1#sha256:}" ]; }
inputs=$(jq -r '.inputs[].digest' plan.json)

# ---- who needs it fetches it again ---------------------------------------------------------------------
mends() { # NAME COMMAND…
    title=$1
    shift
    for input in $inputs; do spoil "$input"; done
    run "$@"
    exits 0 "$title"
    bad=0
    for input in $inputs; do right "$input" || bad=$((bad + 1)); done
    is "$title: what was damaged is right again" $bad 0
}
mends "fetch" "$assay" fetch plan.json --from elsewhere --no-origin
prints '2 fetched' "fetch: and says that it fetched them"
run "$assay" fetch plan.json --from elsewhere --no-origin
prints '0 fetched' "fetch: once"
mends "plan import" "$assay" plan import whole.assay -o imported.json
mends "lock" "$assay" lock recipe/assay.yml -o again.json
ok "lock: the plan is the same" cmp plan.json again.json
mends "a self-contained build" "$assay" build whole.assay -o from-archive
run "$assay" lock recipe/assay.yml --check plan.json
exits 0 "a check finds nothing moved"

ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
"$assay" push built/whole.squashfs "$registry/whole:1" --type application/vnd.squashfs --plain-http "$registry" >/dev/null
artifact=sha256:$(sha256sum <built/whole.squashfs | cut -d' ' -f1)
run "$assay" pull "$registry/whole:1" --plain-http "$registry"
exits 0 "an artifact is pulled into the store"
spoil "$artifact"
run "$assay" pull "$registry/whole:1" --plain-http "$registry" -o pulled
exits 0 "and pulled again when it is damaged"
ok "it is right again" right "$artifact"
ok "and what is written is right" cmp pulled built/whole.squashfs

# ---- what is known is not hashed again ---------------------------------------------------------------------
"$assay" fetch plan.json --from elsewhere --no-origin -q
largest=$(jq -r '[.inputs[]] | max_by(.size) | .digest' plan.json)
strace -f -o trace -e trace=openat,read,pread64 "$ASSAY_BIN/assay-fetch" plan.json --from elsewhere --no-origin -q
is "a second fetch reads no input" "$(grep -c "openat(.*${largest#sha256:}" trace) $(awk '/read\(|pread64\(/ && $NF > 0 { n += $NF } END { print (n < 200000) }' trace)" "1 1"
rm "$store/verified"
run "$assay" fetch plan.json --from elsewhere --no-origin
prints '0 fetched' "without the record all is hashed, and found right"
ok "and recorded" test -s "$store/verified"
echo garbage >"$store/verified"
run "$assay" fetch plan.json --from elsewhere --no-origin
exits 0 "a record that is none counts for nothing"
spoil "$largest"
sed "s/$/ /" "$store/verified" >/dev/null
# A record that lies: it has the times that the damaged file has now.
python3 - "$(blob "$largest")" "$store/verified" "${largest#sha256:}" <<'E'
import os, sys
st = os.stat(sys.argv[1])
t = lambda ns: "%d.%d" % (ns // 10**9, ns % 10**9)
open(sys.argv[2], "w").write("assay store verified v1\n%s %d %d %s %s\n" % (sys.argv[3], st.st_ino, st.st_size, t(st.st_mtime_ns), t(st.st_ctime_ns)))
E
run "$assay" build plan.json --no-cache -o never
exits 5 "nobody is handed bytes on the record's word"
says "is damaged: .*'assay store verify --repair' mends it" "and the message says what mends them"
one_line "in one line"
if [ -e never/whole.tar ]; then fail "nothing is built"; else pass "nothing is built"; fi
run "$assay" store get "$largest" -o never.bin
exits 5 "nor by get"

# ---- verify --repair ------------------------------------------------------------------------------------------
run "$assay" store verify
exits 5 "verify finds it"
says "'assay store verify --repair' mends what it can" "and says what mends it"
run "$assay" store verify --from elsewhere
exits 2 "--from alone says nothing"
run "$assay" store verify --repair --from nowhere
exits 5 "a place that is not there"
spoil "sha256:$(cd elsewhere/blobs/sha256 && ls | head -n 1)" 2>/dev/null
run "$assay" store verify --repair --from elsewhere --json
exits 0 "with another store it is mended"
ok "and the report says so" jq -e '(.mended | length) > 0 and .damaged == .mended and .setApart == []' stdout
ok "the bytes are right" right "$largest"
run "$assay" store verify
exits 0 "verify finds nothing more"
long=$(printf '%0255d' 0)
mkdir "$store/blobs/sha256/folder"
for name in zz "$long" folder/kept; do echo "$name" >"$store/blobs/sha256/$name"; done
run "$assay" store verify
exits 5 "what is no blob"
run "$assay" store verify --repair --json
exits 0 "is mended"
ok "by moving it away" jq -e --arg l "$long" '.moved == .misnamed and .moved == [$l, "folder", "zz"]' stdout
is "as it was" "$(cd "$store/damaged" && cat zz "$long" folder/kept)" "$(printf '%s\n' zz "$long" folder/kept)"
echo again >"$store/blobs/sha256/zz"
echo again >"$store/blobs/sha256/$long"
run "$assay" store verify --repair
prints "^moved to 'damaged', no blob's name: zz$" "so is another of that name"
is "beside the first" "$(cat "$store/damaged/zz" "$store/damaged/zz.2" "$store/damaged/$(printf '%0200d' 0).2")" "$(printf 'zz\nagain\nagain\n')"
rm -r "$store/damaged"
run "$assay" store verify
exits 0 "then nothing is found"
spoil "$largest"
cp "$(blob "$largest")" wrong
run "$assay" store verify --repair
exits 5 "without one it is not"
prints 'set apart' "but set apart"
ok "the wrong bytes are kept" cmp wrong "$store/damaged/${largest#sha256:}"
ok "and have no blob's name" test ! -e "$(blob "$largest")"
run "$assay" build plan.json --no-cache -o never
exits 5 "a build says that it is not there"
says "'assay fetch PLAN --from STORE'" "and what brings it back"
run "$assay" fetch plan.json --from elsewhere --no-origin
exits 0 "which it does"
run "$assay" build plan.json --no-cache -o rebuilt
exits 0 "and it builds"
for output in "$(sha256sum <built/whole.squashfs | cut -d' ' -f1)" "$(sha256sum <built/whole.tar | cut -d' ' -f1)"; do spoil "sha256:$output"; done
run "$assay" build plan.json -o cached
exits 0 "cached outputs that are damaged are built again"
ok "rightly" cmp cached/whole.tar built/whole.tar
ok "all of them" cmp cached/whole.squashfs built/whole.squashfs
ok "and are right in the store" right "sha256:$(sha256sum <built/whole.tar | cut -d' ' -f1)"
chmod u+w "$(blob "$largest")" && rm -f "$(blob "$largest")"
run "$assay" plan export plan.json -o never.assay
exits 5 "a plan whose input is not there is not exported"
says "not in the store '$store'" "and the message names the store"
for command in "plan import whole.assay -o imported.json" "lock recipe/assay.yml -o again.json"; do
    rm -f "$(blob "$largest")" && mkdir "$(blob "$largest")" && : >"$(blob "$largest")/inside"
    # shellcheck disable=SC2086
    run "$assay" $command
    exits 0 "${command%% *}: a directory in a blob's place makes room"
    ok "the bytes are right" right "$largest"
done
ok "the directory is not thrown away" sh -c 'ls "$1"/damaged/*/inside' sh "$store"
mkdir odd && chmod u+w "$(blob "$largest")" && rm -f "$(blob "$largest")" && mkdir "$(blob "$largest")"
run "$assay" store verify --repair --from elsewhere
exits 0 "a directory in a blob's place is mended too"
ok "rightly" right "$largest"
done_testing
