#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The plan from outside: strict reading, its schema, show, graph, diff, digest, toolchain.
. "$(dirname "$0")/lib.sh"

make_plan() { "$assay" plan toolchain --json | python3 "$here/make_plan.py" plan "$@"; }

python3 "$here/make_plan.py" layer "$work/base.tar" base
python3 "$here/make_plan.py" layer "$work/top.tar.gz" top
set -- "$work/base.tar:none" "$work/top.tar.gz:gzip"
make_plan "$work/plan.json" "$@"

ok "the plan is what the schema says" python3 -W ignore -c '
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))' "$top/schemas/plan.schema.json" "$work/plan.json"

run "$assay" plan digest "$work/plan.json"
exits 0 "digest"
is "is the SHA-256 of the bytes" "$(cat "$work/stdout")" "sha256:$(sha256sum "$work/plan.json" | cut -d' ' -f1)"
run "$assay" plan digest "$work/plan.json" --json
ok "digest --json" jq -e '.name == "test" and (.digest | startswith("sha256:"))' "$work/stdout"

run "$assay" plan show "$work/plan.json"
exits 0 "show"
prints "^plan test for riscv64, epoch 0" "says what it is"
prints "^layer1 .* file top.tar.gz" "what goes in"
prints "^image +encode.squashfs +root" "what is done"
prints "^test.squashfs +image +application/vnd.assay.squashfs" "what comes out"
run "$assay" plan show "$work/plan.json" --json
ok "show --json is the plan and its digest" sh -c "jq -e .digest '$work/stdout' && [ \"\$(jq -cS .plan '$work/stdout')\" = \"\$(jq -cS . '$work/plan.json')\" ]"

run "$assay" plan graph "$work/plan.json"
exits 0 "graph"
prints '^  "root" -> "image";' "has the edges"
run "$assay" plan graph "$work/plan.json" -o "$work/plan.dot"
ok "graph -o" cmp "$work/plan.dot" "$work/plan.dot"
run "$assay" plan graph "$work/plan.json" --format png
exits 2 "an unknown format is a usage error"
run "$assay" plan graph "$work/plan.json" --format svg -o "$work/plan.svg"
if [ -x /usr/bin/dot ] || [ -x /bin/dot ]; then
    exits 0 "graph as SVG"
    ok "is one" grep -q '<svg' "$work/plan.svg"
else
    exits 6 "without Graphviz an SVG cannot be had here"
    says "'dot'" "and the message says what is missing"
fi

run "$assay" plan diff "$work/plan.json" "$work/plan.json"
exits 0 "a plan does not differ from itself"
make_plan "$work/other.json" --set steps.2.params.level=19 --set epoch=5 "$@"
run "$assay" plan diff "$work/plan.json" "$work/other.json"
exits 1 "other parameters differ"
prints "^step 'image': params.level: 15 -> 19$" "and the step is named"
prints "^plan: epoch: 0 -> 5$" "and the member"
run "$assay" plan diff "$work/plan.json" "$work/other.json" --json
ok "diff --json" jq -e '[.result.changes[] | .part] == ["plan", "step"] and .error.code == "differs"' "$work/stdout"

# ---- long texts, and texts that would repaint a terminal ----
# recipe FILE TEXT: the plan with this text in its recipe, which it does not look into; TEXT is as printf has it.
# shellcheck disable=SC2059
recipe() { printf "$2" | jq -cSj --rawfile plan "$work/plan.json" --raw-input --slurp '. as $t | $plan | fromjson | .recipe = {"made by": $t}' >"$work/$1"; }
long=$(printf '# line %d\\n' 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
recipe a.json "${long}PermitRootLogin no\\n"
recipe b.json "${long}PermitRootLogin yes\\n"
run "$assay" plan diff "$work/a.json" "$work/b.json"
exits 1 "a change at the end of a long text"
prints 'recipe: made by: from byte [0-9]+ on: \.\.\..*# line 16\\nPermitRootLogin no\\n -> \.\.\..*# line 16\\nPermitRootLogin yes\\n$' "is shown at its place"
recipe c.json "$(printf '%0200d' 0)x"
recipe d.json "$(printf '%0200d' 0)"
run "$assay" plan diff "$work/c.json" "$work/d.json"
prints 'from byte 168 on: \.\.\.0{32}x -> \.\.\.0{32}$' "one that the other begins with, too"
recipe e.json '\342\202\254\n\342\202\254'
recipe f.json '\342\202\254\t\342\202\254'
run "$assay" plan diff "$work/e.json" "$work/f.json"
prints 'made by: €\\n€ -> €\\t€$' "two texts that differ never look the same"
recipe g.json "a\\nrecipe: nothing moved\\nassay-plan: the plans are the same\\033[8m\\302\\233m"
run "$assay" plan diff "$work/e.json" "$work/g.json"
is "no text of a plan begins a line of its own" "$(wc -l <"$work/stdout")" 1
ok "nor reaches the terminal as it is" sh -c "! LC_ALL=C grep -q '$(printf '[\001-\011\013-\037]')' '$work/stdout'"
run "$assay" plan diff "$work/e.json" "$work/g.json" --json
ok "JSON has it, escaped" jq -e '.result.changes[0].after | startswith("a\nrecipe: nothing moved\nassay-plan: the plans are the same\u001b[8m")' "$work/stdout"
jq -cSj '.inputs[0].from = {"file": {"name": "x\ninput: nothing\u001b[2J\u202e"}}' "$work/plan.json" >"$work/h.json"
run "$assay" plan show "$work/h.json"
exits 0 "a plan with a hostile name is shown"
prints '^layer0 .* file x\?input: nothing\?\[2J\?+$' "on one line, cleaned"
ok "show --json has the name as it is" sh -c "'$assay' plan show '$work/h.json' --json | jq -e '.plan.inputs[0].from.file.name == \"x\\ninput: nothing\\u001b[2J\\u202e\"'"
run "$assay" plan diff "$work/plan.json" "$work/h.json"
is "and its difference is one line" "$(wc -l <"$work/stdout")" 1
run "$assay" plan graph "$work/h.json"
ok "a graph of it is text without surprises" sh -c "! LC_ALL=C grep -q '$(printf '[\001-\011\013-\037]')' '$work/stdout'"

# ---- what is refused ----
refused() {
    code_wanted=$1
    name=$2
    pattern=$3
    run "$assay" plan digest "$work/bad.json"
    exits "$code_wanted" "$name"
    one_line "$name: one line"
    says "$pattern" "$name: the reason"
}
bad() {
    name=$1
    pattern=$2
    change=$3
    make_plan "$work/bad.json" --set "$change" "$work/base.tar:none" "$work/top.tar.gz:gzip"
    refused 5 "$name" "$pattern"
}
bad "unknown key" "hostname" 'hostname="here"'
bad "unknown key of a parameter" "threads" 'steps.2.params.threads=4'
bad "missing key" "recipe" 'recipe=delete'
bad "forward reference" "no input and no earlier step" 'steps.0.in=["layer0","image"]'
bad "the same id twice" "used twice" 'steps.0.id="layer0"'
bad "an output name that leaves the directory" "file name" 'outputs.0.name="../x"'
bad "an unlisted library" "zstd" 'toolchain.libraries.zstd=delete'
bad "a blob where a tree must be" "is a blob" 'steps.1.in=["layer0"]'

head -c 700 "$work/plan.json" >"$work/bad.json"
refused 5 "truncated plan" "bad.json"
sed 's/^{/{"arch":"riscv64",/' "$work/plan.json" >"$work/bad.json"
refused 5 "duplicate key" "duplicate"
sed 's/^{/{ /' "$work/plan.json" >"$work/bad.json"
refused 5 "not canonical" "canonical form"
{ cat "$work/plan.json"; echo; } >"$work/bad.json"
refused 5 "a newline too much" "canonical form"
head -c 1000000 /dev/zero | tr '\0' '[' >"$work/bad.json"
refused 5 "deep nesting" "deep"
: >"$work/bad.json"
refused 5 "empty file" "bad.json"
rm "$work/bad.json"
refused 5 "no file" "bad.json"
mkdir "$work/bad.json"
refused 5 "a directory" "bad.json"
run "$assay" plan show
exits 2 "no argument"

run "$assay" plan toolchain
prints "^zstd [0-9]" "toolchain lists the libraries"
done_testing
