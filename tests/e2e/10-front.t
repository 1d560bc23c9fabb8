#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The front program and what all programs have in common.
. "$(dirname "$0")/lib.sh"

run "$assay" --help
exits 0 "help succeeds"
mkdir "$work/man"
"$assay" --help-man >"$work/man/assay.1"
for part in $("$assay" --help-json | jq -r '.commands[].name'); do
    run "$assay" --help
    prints "^  $part " "help names $part"
    run "$assay" "$part" --help
    exits 0 "assay $part --help succeeds"
    prints '^Usage: assay '"$part" "assay $part --help shows its usage"
    for command in $("$assay" "$part" --help-json | jq -r '.commands[].name // "-"'); do
        [ "$command" != - ] || command=
        run "$assay" "$part" $command --help
        is "assay $part $command: options and what they are fit a terminal" "$(sed -n '/ptions:$/,/^$/p' "$work/stdout" | grep -E '^.{81,}' | grep -vE '^ *[^ ]*$')" ""
        is "assay $part $command: its help lists exit codes" "$(sed -n '/^Exit codes:/,/^$/s/^  \([0257]\)  ..*/\1/p' "$work/stdout" | tr -d '\n')" 0257
    done
    run "$assay" "$part" --help-json
    ok "assay $part --help-json is JSON" jq -e ".program == \"assay-$part\"" "$work/stdout"
    "$assay" "$part" --help-man >"$work/man/assay-$part.1"
    is "assay $part: the sections of its manual page" "$(sed -n 's/^\.Sh //p' "$work/man/assay-$part.1" | tr '\n' ' ')" \
        "NAME SYNOPSIS DESCRIPTION ENVIRONMENT FILES EXIT STATUS EXAMPLES SEE ALSO "
    run "$assay" "$part" --help-bash
    cp "$work/stdout" "$work/completion"
    ok "assay $part has a completion that bash reads" bash -n "$work/completion"
    run "$assay" "$part" --version
    prints "^assay-$part [0-9]+\.[0-9]+\.[0-9]+$" "assay $part --version"
    run "$assay" "$part" --no-such-option
    exits 2 "assay $part refuses an unknown option"
    one_line "assay $part says so in one line"
    run "$assay" "$part" --json --no-such-option
    ok "assay $part --json reports the error as JSON" jq -e '.error.code == "usage" and .error.exit == 2' "$work/stdout"
    run "$assay" "$part"
    exits 2 "assay $part alone is a usage error"
done

# Every variable that a program asks for is in a page.
for variable in $(cd "$top" && grep -rhoE --include='*.c' 'cli_env\([^,]*, "[A-Z_]+"|"ASSAY_[A-Z_]*PASSPHRASE"' base attest store formats net builder verifier runner |
    grep -oE '"[A-Z_]+"' | tr -d '"' | sort -u); do
    ok "$variable is in a manual page" grep -q "^.It Ev .*$variable" "$work"/man/*.1
done
# Each other's names, too: it looks for them in the current directory.
is "mandoc has nothing against the manual pages" "$(cd "$work/man" && mandoc -Tlint -W style ./*.1 2>&1)" ""

run "$assay"
exits 2 "no command is a usage error"
one_line "said in one line"
run "$assay" nonsense
exits 2 "an unknown command is a usage error"
one_line "said in one line"

# ---- what was meant ----
run "$assay" biuld
exits 2 "a misspelt command"
says "^assay: unknown command 'biuld' \(did you mean 'build'\?\)$" "is recognised"
run "$assay" --json nonsense
ok "an unknown command with --json is told as JSON" jq -e '.error.code == "usage" and .error.exit == 2' "$work/stdout"
run "$assay" plan shwo
says "^assay-plan: unknown command 'shwo' \(did you mean 'show'\?\)$" "so is a command of a command"
run "$assay" build --outptu x
says "^assay-build: unknown option '--outptu' \(did you mean '--output'\?\)$" "and an option"
run "$assay" build --qqqqqqqqqq
says "\(see 'assay build --help'\)$" "what is like nothing is sent to the help"
run "$assay" plan
says "^assay-plan: no command given: show, .*\(see 'assay plan --help'\)$" "a program alone lists its commands"
run "$assay" build
says "^assay-build: arguments are missing: usage: assay build \[OPTIONS\] PLAN \(see 'assay build --help'\)$" "missing arguments are named"
run "$assay" plan diff one
says "^assay-plan: an argument is missing: usage: assay plan diff \[OPTIONS\] " "so is one"
run "$assay" plan show one two
says "^assay-plan: unexpected argument 'two': usage: assay plan show " "one too many is named"

# Options that all have may stand before the command.
for way in '-v build' 'build -v' '-qv --json build'; do
    run "$assay" $way
    exits 2 "assay $way: exit code 2"
    says '^assay-build: arguments are missing' "assay $way: the command is run"
done
ok "assay --json before the command" jq -e '.error.code == "usage"' "$work/stdout"
run "$assay" --store x build
says "^assay: unknown option '--store' before the command" "an option of the command before it is told"
"$assay" plan show --help >"$work/wanted"
for way in 'help plan show' '--help plan show' '-q help plan show' 'plan --help show'; do
    run "$assay" $way
    ok "assay $way is assay plan show --help" cmp "$work/stdout" "$work/wanted"
done
"$assay" --help >"$work/wanted"
run "$assay" help
ok "assay help is assay --help" cmp "$work/stdout" "$work/wanted"

# ---- what was given in the place of something else ----
cat >"$work/recipe.yml" <<'END'
# a recipe
name: a
arch: riscv64
artifacts: [squasfs]
END
run "$assay" lock "$work/recipe.yml" -o "$work/plan.json"
exits 5 "a misspelt artifact"
says "\(did you mean 'squashfs'\?\)$" "is recognised"
printf 'kernel: {image: a}\n' >"$work/linuxkit.yml"
run "$assay" lock "$work/linuxkit.yml" --arch amd64 --format raw-ef -o "$work/plan.json"
exits 2 "a misspelt format"
says "there is no artifact 'raw-ef' \(did you mean 'raw-efi'\?\)$" "is recognised"
mkdir "$work/tree"
mksquashfs "$work/tree" "$work/image" -quiet -no-progress >"$work/ok.out" 2>&1
for what in 'build RECIPE' 'build RECIPE -o out' 'fetch RECIPE' 'plan show RECIPE' 'plan diff RECIPE RECIPE' 'plan export RECIPE -o out'; do
    run "$assay" $(echo "$what" | sed "s,RECIPE,$work/recipe.yml,g")
    exits 5 "assay $what: exit code 5"
    says "^assay-[a-z]*: '$work/recipe.yml' is a recipe, not a plan: 'assay lock $work/recipe.yml -o PLAN' makes one$" "assay $what: says what to do"
done
for what in 'build IMAGE -o out' 'plan diff IMAGE IMAGE' 'lock IMAGE -o out'; do
    run "$assay" $(echo "$what" | sed "s,IMAGE,$work/image,g")
    exits 5 "assay $what: exit code 5"
    says "^assay-[a-z]*: '$work/image' is a squashfs image, not a (plan|recipe): 'assay diff A B' compares such files$" "assay $what: says what to do"
done
debian_inputs disk-riscv64
run "$assay" lock "$inputs_plan" -o "$work/plan.json"
exits 5 "a plan given to lock: exit code 5"
says "is a plan, locked already: 'assay build $inputs_plan -o DIR' builds it$" "it says what to do"
run "$assay" plan show "$work/tree"
exits 5 "a directory"
one_line "is said in one line"
says "^assay-plan: '$work/tree' is a directory, not a plan: 'assay diff A B' compares such, and image layouts$" "with what compares it"
mkdir "$work/loose" && echo text >"$work/loose/a"
tar -C "$work/loose" -cf "$work/loose.tar" a
run "$assay" plan diff "$work/loose.tar" "$work/loose.tar"
exits 5 "any tar where a plan is"
says "^assay-plan: '$work/loose.tar' is no self-contained plan: 'a' does not belong in it; 'assay diff A B' compares other archives$" "is told what compares it"
echo '{"imageLayoutVersion":"1.0.0"}' >"$work/loose/oci-layout"
tar -C "$work/loose" -cf "$work/loose.tar" oci-layout
run "$assay" plan show "$work/loose.tar"
says "'index.json' is missing; 'assay diff A B' compares other archives$" "so is what is half a layout"
openssl genpkey -algorithm ed25519 -out "$work/key.pem" 2>"$work/ok.out"
seq 1 1000 >"$work/numbers"
for what in key.pem numbers; do
    for way in 'plan show' 'plan digest' fetch 'build -o out'; do
        # shellcheck disable=SC2086
        run "$assay" $way "$work/$what"
        exits 5 "assay $way: $what"
        says "^assay-[a-z]*: '$work/$what' is no plan, nor a file that carries one: 'assay lock RECIPE -o PLAN' makes one$" "is no plan"
    done
done
for what in '{"dsseEnvelope":{}}' '{ "payload" : "" }' '{"_type":"https://in-toto.io/Statement/v1"}' \
    '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}'; do
    echo "$what" >"$work/signed"
    run "$assay" lock "$work/signed" -o "$work/plan.json"
    exits 5 "$what given to lock"
    says "^assay-lock: '$work/signed' is a bundle, an envelope or a statement, not a recipe: 'assay build' builds the plan that provenance carries$" "is told"
done

# ---- without HOME, where no store is needed ----
bare() { run env -u HOME -u ASSAY_STORE -u XDG_DATA_HOME "$@"; }
bare "$assay" plan show "$inputs_plan"
exits 0 "no HOME: plan show"
bare "$assay" diff "$work/image" "$work/image"
exits 0 "no HOME: diff"
: >"$work/nothing"
bare "$assay" verify "$work/image" --bundle "$work/nothing" --policy "$work/nothing"
says 'nothing' "no HOME: verify without a rebuild"
bare "$assay" store ls
exits 2 "no HOME: a store"
says 'no store: give --store DIR, or set ASSAY_STORE or HOME' "is asked for"
echo hello >"$work/tree/file"
printf 'name: small\narch: riscv64\nimages: {all: {directory: {path: tree}}}\nsystem: {init: [all]}\nartifacts: [tar]\n' >"$work/small.yml"
"$assay" lock "$work/small.yml" -o "$work/small.json" >"$work/ok.out" 2>&1
"$assay" plan export "$work/small.json" -o "$work/own.assay" >"$work/ok.out" 2>&1
bare "$assay" build "$work/own.assay" --work "$work/scratch" -o "$work/out"
exits 0 "no HOME: a plan with its inputs, and a place to work"

# A full device under stdout must not look like success.
if [ -c /dev/full ]; then
    code=0
    "$assay" build --version >/dev/full 2>"$work/stderr" || code=$?
    : >"$work/stdout"
    exits 7 "output that cannot be written is a host error"
fi

done_testing
