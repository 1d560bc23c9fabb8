#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What carries a plan, in its place: a self-contained plan, provenance, an envelope, a bundle; told by their
# content, said to be unverified, and refused when the plan is not the one that is named.
. "$(dirname "$0")/lib.sh"

ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
mkdir "$work/recipe"
cd "$work" || exit 1
store=$ASSAY_STORE
echo hello >recipe/hello
cat >recipe/assay.yml <<'Y'
name: carried
arch: amd64
system: {files: [{path: etc/hello, source: hello}]}
artifacts: [tar]
Y
ok "a plan is made, built and signed" sh -ec '
    "$1" lock recipe/assay.yml -o plan.json --quiet
    "$1" build plan.json -o out --quiet
    "$1" attest keygen -o k.key
    "$1" attest sign out/carried.provenance.json --key k.key -o bundle.json
    "$1" plan export plan.json -o archive.assay --quiet' sh "$assay"
digest=$("$assay" plan digest plan.json)
built=$(sha256sum "$(dirname "$assay")/assay-build" | cut -d' ' -f1)

# Names say nothing: each has that of another kind.
mkdir as
cp plan.json as/plan.sigstore.json
cp archive.assay as/archive.plan.json
cp out/carried.provenance.json as/statement.assay
jq -c .dsseEnvelope bundle.json >as/envelope.yml
cp bundle.json as/bundle.plan.json
caveat() {
    case $1 in
    as/statement*) echo 'unverified: from provenance that is not signed' ;;
    as/envelope*) echo 'unverified: from an envelope whose signature is not checked here' ;;
    as/bundle*) echo 'unverified: from a bundle whose signature is not checked here' ;;
    esac
}
said() {
    if [ -n "$(caveat "$1")" ]; then
        says "the plan of '$1' is $(caveat "$1")" "$2: says that it is unverified"
    else
        is "$2: nothing is said" "$(cat "$work/stderr")" ""
    fi
}

for file in as/*; do
    kind=$(basename "$file")
    kind=${kind%%.*}
    run "$assay" plan digest "$file"
    exits 0 "$kind: plan digest"
    is "$kind: the plan's own" "$(cat "$work/stdout")" "$digest"
    said "$file" "$kind: plan digest"
    run "$assay" plan show "$file"
    exits 0 "$kind: plan show"
    prints '^plan carried for amd64' "$kind: shows the plan"
    if [ -n "$(caveat "$file")" ]; then
        prints "^$(caveat "$file")" "$kind: a line says so"
        prints "^built with assay-build sha256:$built\$" "$kind: and which builder is named"
    else
        is "$kind: no line more" "$(head -c 5 "$work/stdout")" "plan "
    fi
    run "$assay" plan show "$file" --json
    is "$kind: in JSON too" "$(jq -r '"\(.carrier) \(.unverified) \(.digest)"' "$work/stdout")" \
        "$kind $([ -n "$(caveat "$file")" ] && echo true || echo false) $digest"
    ok "$kind: the whole plan" sh -c '[ "$(jq -cS .plan stdout)" = "$(jq -cS . plan.json)" ]'
    run "$assay" plan diff plan.json "$file"
    exits 0 "$kind: plan diff: the same"
    run "$assay" plan diff "$file" plan.json
    exits 0 "$kind: either way"
    run "$assay" plan graph "$file" -o graph.dot
    exits 0 "$kind: plan graph"
    run "$assay" lock recipe/assay.yml --check "$file"
    exits 0 "$kind: lock --check"
    said "$file" "$kind: lock --check"
    run "$assay" plan export "$file" -o again.assay
    exits 0 "$kind: plan export"
    said "$file" "$kind: plan export"
    ok "$kind: the same file" cmp archive.assay again.assay
    run "$assay" build "$file" -o "build.$kind"
    exits 0 "$kind: build"
    said "$file" "$kind: build"
    ok "$kind: the same bytes" diff -r out "build.$kind"
    run "$assay" fetch "$file" --no-origin --from "$store" -s "store.$kind"
    exits 0 "$kind: fetch into an empty store"
    said "$file" "$kind: fetch"
    ok "$kind: the plan is kept there with its inputs" sh -c \
        '"$1" store ls -s "$2" | tr -d "\n" | grep -q "plan:carried.*$3" && "$1" build plan.json -o "$2.out" -s "$2" --quiet' \
        sh "$assay" "store.$kind" "$(echo "$digest" | cut -c 1-19)"
done
run "$assay" fetch archive.assay --no-origin -s store.alone
exits 0 "an archive's inputs come out of itself"
run "$assay" plan export archive.assay -o again.assay -s store.new
exits 0 "and so they do when it is exported again"
ok "the same file" cmp archive.assay again.assay
run "$assay" build bundle.json -o x --materials archive.assay -s store.other
exits 0 "a bundle's plan is built with an archive's inputs"
run "$assay" build archive.assay -o x --materials archive.assay
exits 2 "an archive has its own"
run "$assay" lock recipe/assay.yml -o bundle.json --update hello
exits 5 "--update does not write a plan over a bundle"
ok "which stays as it was" cmp bundle.json as/bundle.plan.json

# ---- refused ---------------------------------------------------------------------------------
# The signature is not what is looked at here, so that any change is one of the statement.
remade() {
    jq -c "$2" out/carried.provenance.json >"bad.$1.statement"
    jq -c --arg p "$(base64 -w0 "bad.$1.statement")" '.dsseEnvelope.payload = $p' bundle.json >"bad.$1.bundle"
}
refused() {
    for form in statement bundle; do
        [ -e "bad.$1.$form" ] || continue
        for command in 'plan show' 'plan export' fetch 'build -o bad.out' 'lock recipe/assay.yml --check'; do
            # shellcheck disable=SC2086 # words
            run "$assay" $command "bad.$1.$form"
            exits 5 "$command, $1 in a $form: refused"
            one_line "$command, $1 in a $form: one line"
            says "$2" "$command, $1 in a $form: says why"
        done
    done
}
remade digest '.predicate.buildDefinition.internalParameters.planDigest = "sha256:" + ("0" * 64)'
refused digest 'its plan does not have the digest that it names'
remade plan '.predicate.buildDefinition.internalParameters.plan.epoch = 1'
refused plan 'its plan does not have the digest that it names'
remade unnamed 'del(.predicate.buildDefinition.internalParameters.planDigest)'
refused unnamed "missing key 'planDigest'"
remade none 'del(.predicate.buildDefinition.internalParameters.plan)'
refused none "missing key 'plan'"
remade other '.predicateType = "https://slsa.dev/verification_summary/v1"'
refused other "a statement of type 'https://slsa.dev/verification_summary/v1', which carries no plan"
remade build '.predicate.buildDefinition.buildType = "https://other.example/v1"'
refused build "of a build of type 'https://other.example/v1', which has no plan"
jq -c '.dsseEnvelope.payloadType = "application/json"' bundle.json >bad.type.bundle
refused type "'application/json', and no in-toto statement"
jq -c '.dsseEnvelope.payload = "e30="' bundle.json >bad.empty.bundle
refused empty "missing key '_type'"
# A plan that is what it says, and no good.
jq -c '.steps = []' plan.json >nothing.json
printf %s "$(cat nothing.json)" >nothing.json
jq -cS --slurpfile plan nothing.json --arg d "sha256:$(sha256sum nothing.json | cut -d' ' -f1)" \
    '.predicate.buildDefinition.internalParameters |= (.plan = $plan[0] | .planDigest = $d)' \
    out/carried.provenance.json >bad.nothing.statement
refused nothing 'there are no steps'
head -c 1000 bundle.json >bad.cut.bundle
refused cut "plan 'bad.cut.bundle'"
# What an escape sequence in it says is not said by the terminal.
remade escape '.predicateType = "x\u001b]0;owned\u0007"'
run "$assay" plan show bad.escape.bundle
is "no escape sequence gets out" "$(tr -d '\n[:print:]' <"$work/stderr" | wc -c)" 0
done_testing
