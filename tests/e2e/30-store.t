#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The blob store from outside: its commands, damage, other people's tools, read-only and full file systems.
. "$(dirname "$0")/lib.sh"

store=$work/store
sum() { printf 'sha256:%s' "$(sha256sum "$1" | cut -d' ' -f1)"; }
blob() { printf '%s/blobs/sha256/%s' "$store" "${1#sha256:}"; }
listing() { (cd "$1" && find . -exec stat -c '%n %s %Y %a' {} + | sort); }

# ---- add, ls, get ----
printf 'hello\n' >"$work/hello"
printf '{"x":1}' >"$work/doc.json"
: >"$work/empty"
hello=$(sum "$work/hello")
run "$assay" store ls
exits 5 "no store is an input error"
one_line "said in one line"
ok "and looking made none" test ! -e "$store"
run "$assay" store add "$work/hello"
exits 0 "add makes the store"
is "add prints the digest" "$(cat "$work/stdout")" "$hello"
run "$assay" store add "$work/hello" --name greetings/hello --media-type text/plain
exits 0 "add again, with a name"
run "$assay" store add --json "$work/doc.json" --name doc -t application/json
ok "add --json gives digest, size and name" jq -e ".digest == \"$(sum "$work/doc.json")\" and .size == 7 and .name == \"doc\"" "$work/stdout"
run "$assay" store add "$work/empty"
exits 0 "an empty file is a blob"
run "$assay" store ls
prints "^greetings/hello$" "ls shows the names"
prints "$hello  6 bytes  text/plain" "digest, size and media type"
prints "^2 references, 3 blobs, 13 bytes in " "and the counts"
run "$assay" store ls --json
ok "ls --json" jq -e '[.references[].name] == ["greetings/hello", "doc"] and .blobs == {count: 3, bytes: 13}' "$work/stdout"
run "$assay" store get "$hello" -o "$work/out"
exits 0 "get by digest"
ok "gives the bytes" cmp "$work/out" "$work/hello"
run "$assay" store get doc -o "$work/out"
ok "get by name gives the bytes" cmp "$work/out" "$work/doc.json"

# ---- usage and bad input ----
run "$assay" store get "$hello"
exits 2 "get wants -o"
run "$assay" store get sha256:abc -o "$work/never"
exits 5 "a malformed digest is refused"
run "$assay" store get "sha256:$(printf '0%.0s' $(seq 64))" -o "$work/never"
exits 5 "a missing blob is an input error"
says "is not in store" "that says so"
run "$assay" store get nobody -o "$work/never"
exits 5 "so is an unknown name"
run "$assay" store add "$work/absent"
exits 5 "so is a missing file"
one_line "said in one line"
run "$assay" store add "$work/hello" -n 'bad name'
exits 2 "a bad reference name is refused"
run "$assay" store add "$work/hello" -t text/plain
exits 2 "--media-type without --name is refused"
run "$assay" store add "$work/hello" -d "$(sum "$work/doc.json")"
exits 5 "a file of another digest than --digest is refused"
mkdir "$work/full-of-things" && : >"$work/full-of-things/thing"
run "$assay" store add "$work/hello" -s "$work/full-of-things"
exits 5 "a store is not made in a directory that holds something else"
is "which stays as it was" "$(ls -A "$work/full-of-things")" thing
ok "nothing was written" test ! -e "$work/never"

# ---- gc ----
run "$assay" store gc --dry-run -v
prints "^would remove $(sum "$work/empty")" "gc --dry-run names what nothing refers to"
run "$assay" store gc --json
ok "gc removes just that" jq -e '.removed | length == 1 and .[0].size == 0' "$work/stdout"
run "$assay" store rm-ref greetings/hello
exits 0 "rm-ref"
run "$assay" store rm-ref greetings/hello
exits 5 "rm-ref of an unknown name"
run "$assay" store gc
prints "^removed 1 blob, .*: 6 bytes freed$" "gc tells what it freed"
ok "the blob is gone" test ! -e "$(blob "$hello")"

# A program that has the store open keeps collectors out.
exec 9<"$store/lock"
flock -s 9
run "$assay" store gc
exits 7 "gc refuses a store in use"
says "another program uses it" "and says why"
one_line "in one line"
run "$assay" store add "$work/hello" --name greetings/hello
exits 0 "others may write meanwhile"
exec 9<&-
run "$assay" store gc
exits 0 "gc goes on when it is free"

# ---- verify ----
run "$assay" store verify
exits 0 "verify finds a good store good"
prints "^2 blobs hashed, 13 bytes, 0 findings" "and counts"
chmod u+w "$(blob "$hello")"
printf 'HELLO\n' >"$(blob "$hello")"
: >"$store/blobs/sha256/README"
run "$assay" store verify --json
exits 5 "verify finds damage"
ok "names it" jq -e ".result.damaged == [\"$hello\"] and .result.misnamed == [\"README\"]" "$work/stdout"
run "$assay" store get greetings/hello -o "$work/never"
exits 5 "a damaged blob is not handed out"
says "blob $hello in '.*' is damaged: " "the message names it"
one_line "in one line"
ok "nothing was written" test ! -e "$work/never"
rm "$(blob "$hello")" && ln -s "$work/hello" "$(blob "$hello")"
run "$assay" store get greetings/hello -o "$work/never"
exits 5 "a link in a blob's place is refused, whatever it points to"
says "no regular file" "and named"
rm "$(blob "$hello")"
run "$assay" store verify
prints "^referenced, but missing.*: $hello" "verify names a reference without its blob"
run "$assay" store add "$work/hello"
rm "$store/blobs/sha256/README"
run "$assay" store verify
exits 0 "adding the right bytes mends it"

# ---- a hostile index ----
cp "$store/index.json" "$work/index.json"
printf '{"schemaVersion":2,"manifests":[],"manifests":[]}' >"$store/index.json"
run "$assay" store ls
exits 5 "an index with a duplicate key is refused"
one_line "in one line"
run "$assay" store gc
exits 5 "and collects nothing"
head -c 100000 /dev/zero | tr '\0' '[' >"$store/index.json"
run "$assay" store ls
exits 5 "a deep index is refused"
cp "$work/index.json" "$store/index.json"

# ---- other people's tools ----
mkdir "$work/tree" && printf 'in the layer\n' >"$work/tree/file"
{
    umoci init --layout "$work/theirs" &&
        umoci new --image "$work/theirs:v1" &&
        umoci insert --rootless --image "$work/theirs:v1" "$work/tree" /data &&
        umoci config --image "$work/theirs:v1" --config.entrypoint /data/file
} >"$work/umoci.out" 2>&1 || cat "$work/umoci.out" >&2
ok "skopeo copies an image into the store" skopeo --insecure-policy copy -q "oci:$work/theirs:v1" "oci:$store:imported"
run "$assay" store ls --json
ok "and the store lists it beside its own" jq -e '[.references[].name] | contains(["doc", "imported"])' "$work/stdout"
run "$assay" store verify
exits 0 "and verifies it"
run "$assay" store gc
ok "gc keeps the image whole" umoci unpack --rootless --image "$store:imported" "$work/bundle"
is "with its content" "$(cat "$work/bundle/rootfs/data/file")" "in the layer"
run "$assay" store get doc -o "$work/out"
ok "and what was there before" cmp "$work/out" "$work/doc.json"

# The other way round: an image that Assay's store was given blob by blob.
theirs=$work/theirs/blobs/sha256
manifest=$(jq -r '.manifests[0].digest' "$work/theirs/index.json")
for digest in $(jq -r '.config.digest, .layers[].digest' "$theirs/${manifest#sha256:}"); do
    "$assay" store -q add -s "$work/ours" "$theirs/${digest#sha256:}" -d "$digest" || fail "add $digest"
done
run "$assay" store add -s "$work/ours" "$theirs/${manifest#sha256:}" -n app/image:1.0 -t application/vnd.oci.image.manifest.v1+json
is "the manifest's digest is the image's" "$(cat "$work/stdout")" "$manifest"
run skopeo --insecure-policy inspect "oci:$work/ours:app/image:1.0"
is "skopeo reads the store" "$(jq -r .Digest "$work/stdout")" "$manifest"
run "$assay" store gc -s "$work/ours" --json
ok "gc keeps all of the image" jq -e '.removed == [] and .missing == 0' "$work/stdout"
run umoci list --layout "$work/ours"
prints "^app/image:1.0$" "umoci lists it"
ok "umoci unpacks it" umoci unpack --rootless --image "$work/ours:app/image:1.0" "$work/bundle2"
is "with its content" "$(cat "$work/bundle2/rootfs/data/file")" "in the layer"

# A layout that others made is a store as it is.
run "$assay" store ls -s "$work/theirs"
prints "^v1$" "a layout made by umoci is listed"
run "$assay" store verify -s "$work/theirs"
exits 0 "and verified"
before=$(listing "$work/theirs")
run "$assay" store get v1 -s "$work/theirs" -o "$work/out"
is "its manifest is read" "$(sum "$work/out")" "$manifest"
is "and reading left no trace in it" "$(listing "$work/theirs")" "$before"

# ---- a read-only view ----
cat >"$work/read-only.sh" <<'END'
set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
if touch "$1/probe" 2>/dev/null; then echo "not read-only"; exit 1; fi
"$2" store get doc -s "$1" -o "$3"
"$2" store verify -s "$1" -q
code=0; "$2" store add -s "$1" "$3" 2>"$3.err" || code=$?
test "$code" = 7
END
ok "a read-only mount is read and verified, and writing fails as the host's fault" \
    unshare -Urm sh "$work/read-only.sh" "$store" "$assay" "$work/ro.out"
ok "with the right bytes" cmp "$work/ro.out" "$work/doc.json"

# ---- a full disk ----
head -c 3000000 /dev/zero | tr '\0' 'x' >"$work/big"
mkdir "$work/small"
cat >"$work/full.sh" <<'END'
mount -t tmpfs -o size=1m none "$1" || exit 90
"$2" store add -s "$1/store" "$3" --name small/one || exit 91
before=$(cd "$1" && find . -type f | sort)
code=0
"$2" store add -s "$1/store" "$4" --name big 2>"$5" || code=$?
test "$code" = 7 || { echo "exit code $code"; exit 92; }
after=$(cd "$1" && find . -type f | sort)
test "$before" = "$after" || { echo "left: $after"; exit 93; }
"$2" store verify -q -s "$1/store" || exit 94
"$2" store add -s "$1/store" "$6" --name next || exit 95
"$2" store ls -s "$1/store" | grep -q '^2 references' || exit 96
# To the last byte: not even a reference can be written, and the old ones stay.
dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null
code=0
"$2" store add -s "$1/store" "$6" --name last 2>>"$5" || code=$?
test "$code" = 7 || { echo "exit code $code with a full disk"; exit 97; }
rm "$1/filler"
"$2" store ls -s "$1/store" | grep -q '^2 references' || exit 98
test -z "$(ls -A "$1/store/tmp")" || exit 99
END
ok "a full disk is the host's fault, leaves nothing, and the next run succeeds" \
    unshare -Urm sh "$work/full.sh" "$work/small" "$assay" "$work/hello" "$work/big" "$work/full.err" "$work/doc.json"
ok "said in one line each" test "$(wc -l <"$work/full.err")" = 2
ok "that names the reason" grep -qi 'no space left on device' "$work/full.err"

# ---- sudden death ----
head -c 40000000 /dev/zero >"$work/huge"
for turn in 1 2 3; do
    "$assay" store add "$work/huge" --name huge >"$work/stdout" 2>"$work/stderr" &
    victim=$!
    while [ -z "$(ls -A "$store/tmp")" ] && kill -0 "$victim" 2>/dev/null; do :; done
    kill -9 "$victim" 2>/dev/null
    wait "$victim" 2>/dev/null
    run "$assay" store verify
    exits 0 "killed while writing ($turn): what is visible is whole"
    run "$assay" store gc --json
    exits 0 "killed while writing ($turn): gc clears up"
    is "killed while writing ($turn): nothing is left" "$(ls -A "$store/tmp")" ""
done
printf half >"$store/tmp/w1-0"
run "$assay" store gc --dry-run --json
ok "gc counts the files of dead writers" jq -e '.removedTemporary == 1 and .removedBytes == 4' "$work/stdout"
ok "a dry run leaves them" test -e "$store/tmp/w1-0"
run "$assay" store add "$work/hello"
exits 0 "the next run succeeds"
is "and has cleaned up" "$(ls -A "$store/tmp")" ""

# ---- many at one start ---------------------------------------------------------
ASSAY_STORE=$work/many
mkdir "$work/lots"
for i in $(seq 1 600); do echo "entry $i" >"$work/lots/$i"; done
seq -f "$work/lots/%g" 1 600 >"$work/list"
"$assay" store add --from-file - <"$work/list" >"$work/added"
is "all that a list on stdin names" "$(wc -l <"$work/added")" 600
xargs sha256sum <"$work/list" | sed 's/^/sha256:/' >"$work/wanted"
ok "each behind its digest, in the list's order" cmp "$work/wanted" "$work/added"
is "and they are there" "$(find "$ASSAY_STORE/blobs" -type f | wc -l)" 600
ok "whole" "$assay" store verify -q
printf 'x\n' >"$work/lots/new
name"
find "$work/lots" -type f -print0 | "$assay" store add --json --from-file - -0 >"$work/json"
is "names with NUL bytes behind them" "$(jq -c '[.stored.count, (.blobs | length)]' <"$work/json")" '[601,601]'
printf '%s\n' "$work/hello" "$work/absent" >"$work/gap"
run "$assay" store add --from-file "$work/gap"
exits 5 "a name that is not there"
says "absent" "is named"
printf '1\n\n2\n' >"$work/gap"
run "$assay" store add --from-file "$work/gap"
exits 5 "an empty name"
says "name 2 in '.*gap' is empty" "is told by its number"
: >"$work/gap"
run "$assay" store add --from-file "$work/gap"
exits 2 "a list of nothing"
says "nothing to store" "is a mistake"
run "$assay" store verify -s "$work/nothing"
exits 5 "no store"
mkdir "$work/nothing"
"$assay" store add "$work/hello" -s "$work/nothing" >/dev/null
"$assay" store gc -q -s "$work/nothing" >/dev/null
run "$assay" store verify -s "$work/nothing"
exits 5 "a store without blobs is not called good"
one_line "in one line"
says "holds no blob: nothing was verified" "that says so"
run "$assay" store add --from-file "$work/list" --name x
exits 2 "a reference's name is for one file"
run "$assay" store add
exits 2 "nothing to store"
says 'give FILE, or --from-file LIST' "and what to give"
# Work, not time.
ok "counted" strace -f -o "$work/calls" -e trace=fsync,fdatasync,syncfs "$assay" store add -q --from-file "$work/list" -s "$work/counted"
ok "the disk is waited for once for 256 files, not for each" test "$(grep -c sync "$work/calls")" -lt 30
ASSAY_STORE=$work/store

# ---- quota ---------------------------------------------------------------------
ASSAY_STORE=$work/limited
head -c 600000 /dev/zero | tr '\0' a >"$work/a"
head -c 600000 /dev/zero | tr '\0' b >"$work/b"
run "$assay" store quota 1M
exits 0 "a quota is set"
run "$assay" store add "$work/a"
exits 0 "what fits is stored"
run "$assay" store add "$work/b"
exits 7 "what does not fit is refused"
one_line "in one line"
says "is full: 600000 of its quota of 1048576 bytes are used, and 600000 more are needed; 'assay store gc'" "that says what to do"
is "and is not there" "$(find "$ASSAY_STORE/blobs" "$ASSAY_STORE/tmp" -type f | wc -l)" 1
run "$assay" store add "$work/a"
exits 0 "what is there already needs no room"
run "$assay" store quota
prints '^585\.9 KiB used, of 1\.0 MiB$' "what is used is said"
is "as JSON, too" "$("$assay" store quota --json | jq -c '[.quota, .used]')" '[1048576,600000]'
head -c 3000000 /dev/zero >"$work/huge"
run "$assay" store add "$work/huge"
exits 7 "a file larger than all of it"
ok "gc makes room" "$assay" store gc
run "$assay" store add "$work/b"
exits 0 "and then it fits"
# Twenty programs at once, each with another blob of 100 kB: as many as fit, and never more.
for i in $(seq 1 20); do
    head -c 100000 /dev/zero | tr '\0' "$(printf "\\$(printf %o $((64 + i)))")" >"$work/q$i"
done
ok "the quota is changed" "$assay" store quota 1700000
(
    for i in $(seq 1 20); do "$assay" store add "$work/q$i" -q 2>/dev/null & done
    wait
)
is "twenty at once: as many as fit" "$(find "$ASSAY_STORE/blobs" -type f -size +1 | wc -l)" 12
is "and all are counted" "$("$assay" store quota --json | jq .used)" 1700000
echo damaged >"$ASSAY_STORE/quota"
run "$assay" store add "$work/a"
exits 5 "a quota that is damaged is no quota"
says 'set it again' "and says what to do"
run "$assay" store quota 1X
exits 2 "a quota that is no number"
rm "$ASSAY_STORE/quota"
ok "a quota can be set anew" "$assay" store quota 2M
ok "and removed" "$assay" store quota none
is "then there is none" "$("$assay" store quota --json | jq -c .quota)" null
done_testing
