#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Evidence that once was misjudged, as it came from outside: each file is judged for what it is.
. "$(dirname "$0")/lib.sh"
cases=$work/cases
mkdir "$cases"
tar -C "$cases" -xf "$top/tests/data/cases/verify-and-use.tar.zst"
cd "$cases/verify" || exit 1
key=base/builder.key.pub
jq -n --rawfile key $key '{type: "https://assay.example/policy/v1", artifacts: [{name: "test*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}], rebuilds: {minimum: 1, verifiers: []}}' >"$work/policy.json"
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
"$assay" attest keygen -o "$work/own.key" >/dev/null

# judged CODE PATTERN ARGUMENT…: the verdict, in one line for what is no success, and signed all the same
judged() {
    wanted=$1 pattern=$2
    shift 2
    rm -f "$work/v.json"
    run "$assay" verify "$@" -k "$work/own.key" -o "$work/v.json"
    exits "$wanted" "$*"
    if [ "$wanted" = 0 ]; then prints "$pattern" "$*: says so"; else says "$pattern" "$*: says why"; fi
    is "$*: one verdict is printed" "$(grep -c '^verdict: ' "$work/stdout")" 1
    ok "$*: and signed" "$assay" attest check "$work/v.json" -k "$work/own.key.pub"
}
# The plan of these cases is for the libraries of Debian 12. Where Assay has others, a rebuild says so; all else is judged as it is.
good=0 reproduced='rebuilt bit for bit'
jq -r .dsseEnvelope.payload base/bundle.json | base64 -d | jq -S '[.. | objects | .toolchain? // empty][0].libraries' >"$work/theirs"
"$assay" plan toolchain --json | jq -S .libraries >"$work/ours"
cmp -s "$work/theirs" "$work/ours" || good=6 reproduced='toolchain mismatch: the plan is for'
rebuilt() { # CODE PATTERN BUNDLE POLICY
    judged "$1" "$2" base/test.squashfs -b "$3" -p "$4" --rebuild --materials base/base.assay
}
rebuilt "$good" "$reproduced" base/bundle.json "$work/policy.json"
rebuilt 3 "resolvedDependencies\\[0\\]\\.digest\\.sha512 is" dep-lie/dep-sha512-lie.json dep-lie/policy.json
rebuilt 3 "resolvedDependencies\\[0\\]\\.uri is" dep-lie/dep-uri-lie.json dep-lie/policy.json
rebuilt 3 "the input 'zz', which no step takes" dep-lie/extra-input-absent.json dep-lie/policy.json
rebuilt "$good" "$reproduced" multi-sig/both.json multi-sig/p2.json
rebuilt "$good" "$reproduced" multi-sig/one.json multi-sig/p2.json
rebuilt "$good" "$reproduced" proto3-json/n9.json "$work/policy.json"
rebuilt "$good" "$reproduced" proto3-json/payload-nopad.json "$work/policy.json"
rebuilt 3 "subject\\[4\\]\\.mediaType is nothing" rebuild-fails-no-verdict/big-18253611008.json "$work/policy.json"
rebuilt 3 "is not a plain file name" stdout-forge/newline-name.json stdout-forge/any.json
for f in extra-subject-sha512-only same-name-second-sha512-lie; do
    rebuilt 3 "subject\\[4\\] is" subject-sha512/$f.json subject-sha512/policy.json
    judged 3 "subject\\[4\\] is" base/test.squashfs -b subject-sha512/$f.json -p subject-sha512/policy.json
done
judged 3 "'manifest.json' does not belong" oci-index/lay -b base/bundle.json -p "$work/policy.json" --rebuild --materials base/base.assay
judged 3 "not what was signed" base/evil.squashfs -b base/bundle.json -p "$work/policy.json" --rebuild --materials base/base.assay

# ---- verdicts of others ----
judged 3 "the level ASSAY_REPRODUCED" base/test.squashfs -b base/bundle.json -p payloadtype-vsa/v1.pol -a payloadtype-vsa/vsa-contradicts.json
judged 3 "'application/json', not an in-toto statement" base/test.squashfs -b base/bundle.json -p payloadtype-vsa/v1.pol -a payloadtype-vsa/vsa-json.json
# A verdict that rests on another's word is none to rest on: whatever key the policy trusts.
chained=$(jq -r .dsseEnvelope.payload no-rebuild-reason/chain.json | base64 -d | jq -r .predicate.verifier.id)
for public in base/*.key.pub; do
    jq --rawfile key "$public" --arg id "$chained" '.rebuilds.verifiers = [{id: $id, keys: [$key]}]' "$work/policy.json" >"$work/chain.policy"
    judged 3 "does not count" base/test.squashfs -b base/bundle.json -p "$work/chain.policy" -a no-rebuild-reason/chain.json
done
# shellcheck disable=SC2046
judged 0 "not rebuilt here; .* 100 other trusted verifiers" verify-a-quadratic/t.tar -b verify-a-quadratic/s.sig.json -p verify-a-quadratic/polv.json \
    $(for i in $(seq 0 99); do echo "-a verify-a-quadratic/vd$i.json"; done)

# ---- texts ----
cd "$cases/use" || exit 1
clean() { # NAME: no byte of either stream begins a sequence of a terminal
    ok "$1: nothing reaches the terminal as it is" sh -c "! LC_ALL=C grep -q '$(printf '[\001-\011\013-\037\302][\033\233]*')' '$work/stdout' '$work/stderr'"
}
run "$assay" plan diff diff-lines/a.json diff-lines/b.json
exits 1 "plans of which one speaks for the program"
clean "their difference"
is "each change is a line" "$(wc -l <"$work/stdout")" 2
prints "goes from 3\\.0\\.1 to 3\\.0\\.22\\\\nassay-plan: " "a newline is shown as what it is"
run "$assay" plan diff diff-lines/d.json diff-lines/e.json
exits 1 "a change far on in a text"
prints "from byte [0-9]+ on: .*PermitRootLogin no.* -> .*PermitRootLogin yes" "both sides show it"
run "$assay" attest show esc/st3.sig
exits 0 "a statement whose builder has escape bytes in its name"
clean "shown"
run "$assay" verify "$cases/verify/base/test.tar" -b esc/st3.sig -p esc/policy.json
exits 3 "and verified"
clean "the verdict"
is "one verdict is printed" "$(grep -c '^verdict: ' "$work/stdout")" 1

# ---- inputs: images -------------------------------------------------------------------------------
tar -C "$cases" -xf "$top/tests/data/cases/inputs.tar.zst"
cd "$cases/inputs" || exit 1
# image NAME MANIFEST LISTING: locked, of that manifest, and built
image() {
    run "$assay" lock "$1/oci.yml" -o "$work/$1.json"
    exits 0 "$1: locked"
    cp "$work/stderr" "$work/$1.said"
    is "$1: the manifest" "$(jq -r '[.inputs[].from.oci.manifest] | unique | join(" ")' "$work/$1.json")" "$2"
    run "$assay" build "$work/$1.json" -q -o "$work/$1"
    exits 0 "$1: built"
    is "$1: what is in it" "$(tar -tvf "$work/$1/x.tar" | awk '{print $6, $3}')" "$3"
}
image zero-layers '' ''
image platform-exact sha256:0cee10f819ca0bb35b27ef5c746bd225d0b1f646853372d61f6892d7d649bec5 'a 1'
image index-noplatform sha256:0cee10f819ca0bb35b27ef5c746bd225d0b1f646853372d61f6892d7d649bec5 'a 1'
image gzip-type-plain-tar sha256:97e79ea9399e4534bafb17b9e58a9b642e5290ced411087ac800824b84a96d6f 'a 1'
ok "gzip-type-plain-tar: the lock says that the type lies" grep -q "its bytes are a plain tar: they decide" "$work/gzip-type-plain-tar.said"
ok "platform-exact: nothing is said" sh -c '! grep -q platform "$1"' sh "$work/platform-exact.said"

# ---- inputs: Debian packages, judged by dpkg ----------------------------------------------------
printf '%s\n' deb-status-fields/*.deb deb-multistream/x.deb >"$work/debs"
ok "the packages, in the store" "$assay" store add --from-file "$work/debs"
run "$assay" build deb-status-fields/f-Filename-x.plan.json -q -o "$work/fields"
exits 0 "a package that says Filename"
mkdir "$work/root"
tar -C "$work/root" --warning=no-timestamp --no-same-owner -xf "$work/fields/x.tar"
run dpkg --admindir="$work/root/var/lib/dpkg" -s pk
exits 0 "dpkg reads the database"
is "and warns of nothing" "$(cat "$work/stderr")" ""
refused() { # PLAN PATTERN
    run "$assay" build "$1" -q -o "$work/none"
    exits 5 "$1: refused"
    one_line "$1: in one line"
    says "$2" "$1: that says why"
}
refused deb-status-fields/f-Multi-Arch-maybe.plan.json "the field 'Multi-Arch' cannot be 'maybe'"
ok "as dpkg-deb does" sh -c '! dpkg-deb -f deb-status-fields/f-Multi-Arch-maybe.deb Package 2>/dev/null'
# Its first xz stream, which is all that dpkg reads, ends inside a header: dpkg cannot unpack it ("partially read tar header").
refused deb-multistream/p.json "cut short"
is "dpkg-deb reads the first stream alone" "$(dpkg-deb --fsys-tarfile deb-multistream/x.deb | wc -c)" 700
done_testing
