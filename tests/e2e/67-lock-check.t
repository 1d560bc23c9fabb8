#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay lock --check and --update: what moved since a plan was locked, and moving some of it only.
. "$(dirname "$0")/lib.sh"

mkdir "$work/recipe"
cd "$work/recipe" || exit 1
g() {
    env GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=a \
        GIT_COMMITTER_EMAIL=a@example.org git -c init.defaultBranch=main -c safe.directory='*' -C repo "$@"
}

# ---- a recipe whose images can all move ------------------------------------------------
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless
# image NAME TEXT: tag NAME of the layout has a file with that text
image() {
    rm -rf "$work/bundle"
    {
        umoci unpack $rootless --image layout:empty "$work/bundle"
        echo "$2" >"$work/bundle/rootfs/$1"
        umoci repack --image "layout:$1" "$work/bundle"
    } >>"$work/umoci.log" 2>&1
}
{
    umoci init --layout layout
    umoci new --image layout:empty
    umoci config --image layout:empty --architecture amd64 --os linux
} >"$work/umoci.log" 2>&1
image base one
image other one
mkdir repo tree
g init -q
echo one >repo/source
g add -A
g commit -qm one
echo one >tree/plain
echo one >motd
echo issue >issue
cat >assay.yml <<'E'
name: moves
arch: amd64
images:
  base: {oci: {layout: layout, image: base}}
  other: {oci: {layout: layout, image: other}}
  app: {git: {repository: repo, commit: main}}
  tree: {directory: {path: tree}}
system:
  init: [base, other, app, tree]
  files:
    - {path: etc/motd, source: motd}
    - {path: etc/issue, source: issue, optional: true}
artifacts: [tar]
E
run "$assay" lock assay.yml -o plan.json
exits 0 "a recipe is locked"
cp plan.json first.json
check() {
    "$assay" store ls --json >"$work/before" 2>/dev/null
    run "$assay" lock assay.yml --check plan.json "$@"
    "$assay" store ls --json >"$work/after" 2>/dev/null
}
unchanged() {
    ok "$1: the store is as it was" cmp "$work/before" "$work/after"
    ok "$1: the plan is as it was" cmp plan.json first.json
    is "$1: nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""
}
check
exits 0 "nothing moved"
is "and nothing is said" "$(cat "$work/stdout" "$work/stderr")" ""
unchanged "nothing moved"
check --json
is "as JSON" "$(jq -c '[.moved, .changes, .plan]' "$work/stdout")" "[[],[],\"$("$assay" plan digest plan.json)\"]"

# ---- each kind of input moves ------------------------------------------------------------
image base two
check
exits 1 "an image moved: exit code 1"
one_line "one line says how many"
says "1 input moved since 'plan.json' was locked" "the line"
prints "^input 'oci\.base\.0': image goes from manifest sha256:.* to sha256:" "and which"
is "nothing else is said" "$(wc -l <"$work/stdout")" 1
unchanged "an image moved"
echo two >repo/source
g commit -qam two
echo two >tree/plain
echo two >motd
check
exits 1 "a branch, a directory and a file moved, too"
prints "^input 'git\.app': git goes from commit $(jq -r '.inputs[] | select(.id == "git.app").from.git.commit' plan.json) to $(g rev-parse HEAD)" "the branch"
prints "^input 'dir\.tree': directory tree goes from tree sha256:.* to sha256:" "the directory"
prints "^input 'file\.motd': digest: sha256:.* -> sha256:" "the file"
says '4 inputs moved' "and their number"
unchanged "four moved"
check --json
exits 1 "as JSON"
is "the inputs that moved" "$(jq -c .result.moved "$work/stdout")" '["oci.base.0","git.app","dir.tree","file.motd"]'
ok "the plan has what was locked, whatever moved since" sh -c '"$1" build plan.json -o "$2" && tar -xOf "$2/moves.tar" base source plain etc/motd | sort -u | grep -qx one' sh "$assay" "$work/out"
ASSAY_STORE=$work/no-store
run "$assay" lock assay.yml --check plan.json
exits 1 "without a store"
ok "and none is made" test ! -e "$work/no-store"
ASSAY_STORE=$work/store

# ---- one moves, all else stays -------------------------------------------------------------
# texts: what the artifact has of base, other, source, plain, motd
texts() {
    rm -rf "$work/out"
    "$assay" build plan.json -o "$work/out" --quiet || return 1
    for f in base other source plain etc/motd; do tar -xOf "$work/out/moves.tar" $f; done | tr '\n' ' '
}
update() {
    run "$assay" lock assay.yml "$@" -o plan.json
}
update --update base
exits 0 "one image is updated"
is "it moved, the others did not" "$(texts)" "two one one one one "
run "$assay" plan diff first.json plan.json
is "the diff says so in one line for inputs" "$(grep -c '^input' "$work/stdout")" 1
prints "^input 'oci\.base\.0': image goes from manifest" "which one"
update --update app --update motd
is "a branch and a file" "$(texts)" "two one two one two "
update --update tree
is "a directory" "$(texts)" "two one two two two "
check
exits 0 "now nothing is behind"
run "$assay" lock assay.yml -o again.json
ok "and the plan is the one that locking anew gives" cmp plan.json again.json
rm -rf "$work/bundle" layout
update --update tree
exits 0 "what is kept need not be there any more"
ok "the plan did not change" cmp plan.json again.json

# ---- refusals --------------------------------------------------------------------------------
cp plan.json first.json
kept() {
    one_line "$1: one line"
    ok "$1: the plan is as it was" cmp plan.json first.json
}
update --update nothing
exits 2 "a name that the recipe has not"
says "--update 'nothing': the recipe has no image or file of that name" "says which"
kept "a name that the recipe has not"
sed 's/, tree]/, tree, more]/; s/^system:/  more: {directory: {path: tree}}\n&/' assay.yml >more.yml
run "$assay" lock more.yml --name moves --update tree -o plan.json
exits 5 "an image that the plan has not"
says "the plan has no image 'more': add --update 'more'" "says what to do"
kept "an image that the plan has not"
run "$assay" lock more.yml --name moves --update tree --update more -o plan.json
exits 0 "done so, it is locked"
cp first.json plan.json
sed 's/path: tree/path: repo/' assay.yml >else.yml
run "$assay" lock else.yml --name moves --update app -o plan.json
exits 5 "an image of which the recipe says something else now"
says "the recipe says something else of image 'tree' than when it was locked: add --update 'tree'" "says what to do"
kept "an image of which the recipe says something else now"
sed 's/directory: {path: tree}/&, exclude: [plain]/' assay.yml >choose.yml
run "$assay" lock choose.yml --name moves --update app -o plan.json
exits 0 "but other files of it may be chosen"
cp first.json plan.json
run "$assay" lock assay.yml --update tree
exits 2 "--update without -o"
run "$assay" lock assay.yml --update tree -o none.json
exits 5 "--update of a plan that is not there"
run "$assay" lock assay.yml --check plan.json -o x
exits 2 "--check writes nothing"
run "$assay" lock assay.yml --check plan.json --update tree
exits 2 "--check moves nothing"
run "$assay" lock assay.yml --check assay.yml
exits 5 "--check of what is no plan"
one_line "one line"
done_testing
