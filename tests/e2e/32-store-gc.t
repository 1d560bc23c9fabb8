#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Plans stay in the store until they are told to go: earlier ones of a name, pins, and what nobody can fetch again.
. "$(dirname "$0")/lib.sh"

chmod 755 "$work"
cd "$work" || exit 1
store=$ASSAY_STORE
mkdir recipe recipe/tree
printf 'from a URL\n' >recipe/plain
cat >recipe/assay.yml <<E
name: rel
arch: amd64
images:
  tree: {directory: {path: tree}}
  tool: {url: {url: "file:plain", digest: "sha256:$(sha256sum <recipe/plain | cut -d' ' -f1)", unpack: none, path: usr/plain}}
system:
  init: [tree, tool]
artifacts: [tar]
E
release() { # N
    echo "release $1" >recipe/tree/version
    "$assay" lock recipe/assay.yml -o "$1.json" >/dev/null
}
names() { "$assay" store ls --json | jq -r '.references[].name'; }
of() { echo "plan:rel@sha256:$(sha256sum <"$1.json" | cut -d' ' -f1)"; }
builds() { rm -rf "$work/out" && "$assay" build "$1.json" --no-cache -o out >/dev/null 2>&1; }
for n in 1 2 3 4; do release $n; done

is "the newest has the name, the others are beside it, newest first" "$(names | tr '\n' ' ')" "plan:rel $(of 3) $(of 2) $(of 1) "
run "$assay" store gc
exits 0 "gc"
for n in 1 2 3 4; do ok "keeps release $n whole" builds $n; done
release 3
is "one that is locked again is the newest again" "$(names | tr '\n' ' ')" "plan:rel $(of 4) $(of 2) $(of 1) "
release 3
is "and twice is once" "$(names | wc -l)" 4
release 4

# ---- what nobody can fetch stays, and is named ----
run "$assay" store gc --keep-last 2 --dry-run --json
exits 0 "--keep-last --dry-run"
ok "two would stay for their directories" jq -e '[.references[] | select(.held)] | length == 2 and all(.local | length == 1)' stdout
ok "and nothing that a plan needs would go" jq -e '.dryRun' stdout
run "$assay" store gc --keep-last 2
exits 0 "--keep-last"
prints "kept $(of 2) \(20" "says which stayed"
prints 'which nobody can fetch again' "and for what"
prints "2 plans stayed .*--drop-local" "and what lets them go"
for n in 1 2 3 4; do ok "release $n still builds" builds $n; done

# ---- pins, and letting go ----
run "$assay" store pin 1.json
exits 0 "a plan is pinned by its file"
prints "^pinned $(of 1)$" "by the name it has now"
run "$assay" store gc --keep-last 2 --drop-local --dry-run
prints "would remove $(of 2)" "--dry-run says what it would drop"
ok "and drops nothing" builds 2
run "$assay" store gc --keep-last 2 --drop-local --json
exits 0 "--drop-local"
ok "the report names what went" jq -e --arg n "$(of 2)" '[.references[].name] == [$n] and (.references[0].held | not)' stdout
ok "release 4, the newest, builds" builds 4
ok "release 3 builds" builds 3
ok "release 1, pinned, builds" builds 1
builds 2
is "release 2 does not" $? 5
run "$assay" store rm-ref "$(of 1)"
exits 2 "a pinned reference is not removed"
says "is pinned; 'assay store unpin'" "and the message says how"
run "$assay" store pin plan:rel
exits 0 "the newest is pinned by name"
release 5
ok "the pin stays with the plan" sh -c '"$1" store ls --json | jq -e --arg n "$2" ".references[] | select(.name == \$n) | .pinned"' sh "$assay" "$(of 4)"
ok "and does not go to the new one" sh -c '"$1" store ls --json | jq -e ".references[] | select(.name == \"plan:rel\") | .pinned | not"' sh "$assay"
run "$assay" store unpin "$(of 1)"
exits 0 "a pin is taken off"
run "$assay" store gc --keep-last 1 --drop-local
ok "then it goes" sh -c '! "$1" store ls | grep -q "$2"' sh "$assay" "$(of 1)"
ok "and a pinned one stays" builds 4
run "$assay" store unpin nothing
exits 5 "unpin of what is not there"
run "$assay" store pin nothing
exits 5 "pin of what is not there"
run "$assay" store pin sha256:00
exits 2 "pin of what is no digest"

# ---- blobs without a reference ----
printf loose >loose
digest=$("$assay" store add loose)
run "$assay" store pin "$digest"
exits 0 "a blob is pinned"
run "$assay" store gc
ok "and stays" "$assay" store get "$digest" -o again
run "$assay" store unpin "$digest"
exits 0 "unpinned"
run "$assay" store unpin "$digest"
exits 5 "once"
run "$assay" store unpin plan:rel
run "$assay" store unpin plan:rel
exits 5 "a reference that is not pinned"
says "^assay-store: reference 'plan:rel' of store '.*' is not pinned$" "is said not to be"
one_line "in one line"
for way in --dry-run ''; do
    # shellcheck disable=SC2086
    run "$assay" store gc $way
    prints "^(would remove|removed) $digest  5 bytes, which cannot be fetched again by what the store knows$" "gc $way: a loose blob is named"
done
prints '^removed 1 blob' "it goes"
run "$assay" build 4.json -o again.out
exits 0 "a plan is built"
run "$assay" store gc --json
ok "what a step made goes without that" jq -e '[.removed[].lost] | length > 0 and (any | not)' stdout

# ---- age ----
release 6
python3 - "$store/index.json" <<'E'
import json, sys
d = json.load(open(sys.argv[1]))
for m in d["manifests"]:
    a = m["annotations"]
    a.pop("vnd.assay.pinned", None)
    if "@" in a["org.opencontainers.image.ref.name"]:
        a["vnd.assay.kept"] = "2001-01-01T00:00:00Z"
json.dump(d, open(sys.argv[1], "w"))
E
release 7
run "$assay" store gc --older-than 30d --dry-run --json
ok "those that were kept last before go, and only they" jq -e --arg n "$(of 6)" '(.references | length) >= 1 and ([.references[].name] | index($n)) == null' stdout
run "$assay" store gc --older-than 30d --keep-last 9 --drop-local --json
ok "with --keep-last, both must hold" jq -e '.references == []' stdout
run "$assay" store gc --older-than 30d --drop-local
ok "release 7 stays" builds 7
ok "release 6 stays" builds 6
is "the rest is gone" "$(names | wc -l)" 2
for bad in 30 d 0d 30x 30dd 9999999999d ''; do
    run "$assay" store gc --older-than "$bad"
    exits 2 "--older-than '$bad'"
done
run "$assay" store gc --keep-last 0
exits 2 "--keep-last 0"
run "$assay" store gc --drop-local
exits 2 "--drop-local alone"

# ---- forgetting says what goes ----
run "$assay" store rm-ref plan:rel
prints 'cannot be fetched again, and goes with the next gc' "rm-ref names what nobody can fetch"
run "$assay" store gc
builds 7
is "which then is gone" $? 5
release 7
ok "and comes back with the recipe" builds 7
done_testing
