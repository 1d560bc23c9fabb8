# SPDX-License-Identifier: Apache-2.0
# Sourced, after lib.sh, by the tests of assay verify: a plan with its inputs, keys, policies, and lies.
#
#   make_plan FILE …            a plan, by make_plan.py
#   build_base                  layers, store, plan.json, out/, keys (builder, other, verifier, second), bundle.json
#   sign STATEMENT KEY BUNDLE   signs
#   payload BUNDLE              what was signed
#   valid SCHEMA FILE           FILE is what schemas/SCHEMA.schema.json says
#   policy FILE KEY MINIMUM [VERIFIER-KEY ID]…   trusts KEY for the default builder id
#   lie BUNDLE FILTER [FILE]    the provenance (or FILE) as jq changes it, signed by the builder
#   verifier_of VERDICT         the verifier that it names

umask 022
chmod 755 "$work"
cd "$work" || exit 1
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE

make_plan() { "$assay" plan toolchain --json | python3 "$here/make_plan.py" plan "$@"; }
sign() { "$assay" attest sign "$1" --key "$2" -o "$3" >/dev/null || echo "cannot sign $1" >&2; }
payload() { jq -j .dsseEnvelope.payload "$1" | base64 -d; }
valid() {
    python3 -W ignore -c '
import json, sys
import jsonschema
jsonschema.Draft7Validator(json.load(open(sys.argv[1]))).validate(json.load(open(sys.argv[2])))' "$top/schemas/$1.schema.json" "$2"
}
policy() {
    file=$1 key=$2 minimum=$3
    shift 3
    verifiers='[]'
    while [ $# -gt 0 ]; do
        verifiers=$(jq -c --rawfile key "$1" --arg id "$2" '. + [{id: $id, keys: [$key]}]' <<VERIFIERS
$verifiers
VERIFIERS
)
        shift 2
    done
    jq -n --rawfile key "$key" --argjson minimum "$minimum" --argjson verifiers "$verifiers" '{
        type: "https://assay.example/policy/v1", artifacts: [{name: "test*"}],
        builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
        rebuilds: {minimum: $minimum, verifiers: $verifiers}}' >"$file"
}
lie() {
    jq -cSj "$2" "${3:-out/test.provenance.json}" >"$1.statement"
    sign "$1.statement" builder.key "$1"
}
verifier_of() { payload "$1" | jq -r .predicate.verifier.id; }

build_base() {
    python3 "$here/make_plan.py" layer base.tar base
    python3 "$here/make_plan.py" layer top.tar.gz top
    for layer in base.tar top.tar.gz; do "$assay" store add "$layer" >/dev/null; done
    make_plan plan.json base.tar:none top.tar.gz:gzip
    "$assay" build plan.json -o out >/dev/null
    for key in builder other verifier second; do "$assay" attest keygen -o $key.key >/dev/null; done
    sign out/test.provenance.json builder.key bundle.json
    policy policy.json builder.key.pub 1
}
