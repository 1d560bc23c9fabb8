#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay verify of machine snapshots: rebuilt, compared by every digest that was signed, and explained in the guest's terms.
. "$(dirname "$0")/lib.sh"

cat >"$work/validate.py" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.validators.validator_for(schema)(schema).validate(json.load(open(sys.argv[2])))
END
ASSAY_PASSPHRASE=test
export ASSAY_PASSPHRASE
mkdir "$work/recipe"
python3 "$here/make_plan.py" layer "$work/base.tar" base
"$assay" store add "$work/base.tar" >/dev/null
"$assay" plan toolchain --json | python3 "$here/make_plan.py" plan "$work/base.plan.json" "$work/base.tar:none"
"$assay" build "$work/base.plan.json" -o "$work" --only test.oci >/dev/null
cd "$work/recipe" || exit 1
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(1, 256)) * 40)' >firmware.bin
recipe() {
    cat <<END
name: machine
arch: riscv64
images:
  base: {oci: {layout: ../test.oci, manifest: "$(jq -r '.manifests[0].digest' ../test.oci/index.json)"}}
system:
  init: [base]
  files: [{path: etc/motd, contents: "$1", mode: "0644"}]
artifacts:
  - squashfs
  - cartesi: {ram: {length: 1MiB, image: {file: firmware.bin}}, pack: [directory, tar, squashfs], verity: true}
END
}
recipe "hello\\n" >recipe.yml
"$assay" lock recipe.yml -o plan.json >/dev/null && "$assay" build plan.json -o out >/dev/null 2>&1
"$assay" attest keygen -o key >/dev/null
jq -n --rawfile key key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "machine*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
    rebuilds: {minimum: 1, verifiers: []}}' >policy.json
sign() { "$assay" attest sign "$1" --key key -o "$2" >/dev/null; }
sign out/machine.provenance.json bundle
check() {
    bundle=$1
    artifact=$2
    shift 2
    run "$assay" verify "$artifact" -b "$bundle" -p policy.json --rebuild "$@"
}
hash=$(cut -d: -f2 out/machine.hash)

check bundle out/machine.cartesi
exits 0 "the directory of a machine is reproduced"
prints "comparison +every byte is the same, [0-9]+ in its packed form; cartesiKeccak256 $hash" "by its root hash, too"
is "nothing is left" "$(ls -A "$TMPDIR")" ""
cp -r out/machine.cartesi copied
chmod -R u+w copied
touch copied/*
check bundle copied
exits 0 "whatever the files' times and modes"
check bundle out/machine.cartesi.tar
exits 0 "the packed machine is reproduced"
check bundle out/machine.cartesi.squashfs
exits 0 "so is the squashfs of it"
prints "dmVerityRoot $(cat out/machine.cartesi.squashfs.root-hash)" "the verity tree by its root"

# ---- changed after signing: rejected, and told what became of it

# tamper NAME PATTERN COMMAND…: in a copy of the machine
tamper() {
    name=$1 pattern=$2
    shift 2
    rm -rf changed
    cp -a out/machine.cartesi changed
    chmod -R u+w changed
    "$@"
    check bundle changed --json
    exits 3 "$name: rejected"
    cp "$work/stdout" report.json
    ok "$name: explained" sh -c 'jq -r ".explanation.differences[0]" "$1" | grep -Eq -- "$2"' - report.json "$pattern"
    ok "$name: in the reason, too" sh -c 'jq -r .reason "$1" | grep -Eq -- "against the rebuild of .machine.cartesi.: .*"' - report.json
    python3 "$work/validate.py" "$top/schemas/report.schema.json" report.json 2>"$work/invalid" || fail "$name: the report is valid" "$(tail -3 "$work/invalid")"
}
byte() { printf "$3" | dd of="changed/$1" bs=1 seek="$2" conv=notrunc status=none; }
tamper "a byte of RAM" '^ram, page 0x80002000: 1 byte, first at 0x800020[0-9a-f]+' byte 0000000080000000-100000.bin 8200 '\0'
tamper "a register" '^register htif.iyield: 0x[0-9a-f]+ and 0x3$' byte 0000000000000000-8000.bin 848 '\1'
tamper "the device tree" '^dtb, page 0x7ff00000: 1 byte' byte 000000007ff00000-100000.bin 500 '\1'
tamper "the config" "^config .*bootargs: " sed -i 's/"bootargs":"/&x/' changed/config.json
# Another squashfs in its place: its files are compared, not its bytes.
recipe "hellO\\n" >other.yml
"$assay" lock other.yml -o other.json >/dev/null && "$assay" build other.json -o other >/dev/null 2>&1
drive=$(cd out/machine.cartesi && ls 0000000080200000-*.bin)
replace() { cp "other/machine.cartesi/$drive" "changed/$drive"; }
if [ -f "other/machine.cartesi/$drive" ]; then
    tamper "a file of a drive" "^flash drive 0 'root'" replace
    is "by its name" "$(jq -r '.explanation.differences[]' report.json | grep -c "file /etc/motd: content: first at byte 4 of 6: 4f and 6f")" 1
else
    fail "the other squashfs has another size"
fi
is "nothing is left" "$(ls -A "$TMPDIR")" ""

# ---- signed, but not what the plan gives

jq -c '(.subject[] | select(.name == "machine.cartesi") | .digest.cartesiKeccak256) = ("0" * 64)' out/machine.provenance.json | tr -d '\n' >lie.json
sign lie.json lie
check lie out/machine.cartesi
exits 1 "another root hash was signed"
says "was signed with cartesiKeccak256 0000.* its rebuild has $hash" "which the rebuild does not have"

rm -rf changed && cp -a out/machine.cartesi changed
byte 0000000080000000-100000.bin 8200 '\0'
"$assay" cartesi pack changed -o changed.tar
jq -c --arg d "$(sha256sum <changed.tar | cut -d' ' -f1)" '(.subject[] | select(.name == "machine.cartesi") | .digest.sha256) = $d' out/machine.provenance.json | tr -d '\n' >lie.json
sign lie.json lie
check lie changed --key key -o verdict
exits 1 "another machine was signed"
says "differs from its rebuild: ram, page 0x80002000: 1 byte" "the difference is in the reason"
prints "^ +differences +ram, page 0x80002000" "and in the report"
jq -r .dsseEnvelope.payload verdict | base64 -d >statement.json
ok "the signed verdict is valid against its schema" python3 "$work/validate.py" "$top/schemas/verdict.schema.json" statement.json
is "and has the differences" "$(jq -r '.predicate.assay_explanation.count' statement.json)" 1

# ---- what is no machine

rm -rf changed && cp -a out/machine.cartesi changed
echo >changed/more
check bundle changed
exits 5 "a file too many"
one_line "one line"
says "'changed' is no stored machine that can be verified: .*more" "that names it"
rm changed/more changed/hash_tree.sht
check bundle changed
exits 5 "a file too few"
one_line "one line"
done_testing
