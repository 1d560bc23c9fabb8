#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# LinuxKit documents that were once misjudged (tests/data/cases/linuxkit), in compat mode and in strict mode.
. "$(dirname "$0")/lib.sh"

cases=$top/tests/data/cases/linuxkit
python3 "$here/linuxkit_cases.py" "$work/layout" || exit 1
compat() { # NAME
    rm -f "$work/$1.tar"
    run "$assay" lock "$cases/$1.yml" --compat linuxkit --images "$work/layout" -o "$work/plan.json" -q
    [ "$code" = 0 ] && "$assay" build "$work/plan.json" --format tar -o "$work" -q 2>"$work/build.err"
}
file_of() { # TAR PATH: its last entry of that name, as a JSON text
    tar -xOf "$1" "$2" 2>/dev/null | jq -Rs .
}
strict() { # NAME
    run "$assay" lock "$cases/$1.yml" --arch amd64 --format tar --name strict --images "$work/layout" -o "$work/plan.json" -q
    [ "$code" = 0 ] && "$assay" build "$work/plan.json" -o "$work" -q 2>"$work/build.err"
}

# ---- texts that begin with '@' -------------------------------------------------------------------
compat at-scalar
exits 0 "texts that begin with '@'"
is "LinuxKit empties contents" "$(file_of "$work/at-scalar.tar" etc/crontabs/root)" '""'
tar -xOf "$work/at-scalar.tar" containers/services/a/config.json >"$work/config.json" 2>/dev/null
is "command and environment" "$(jq -c '[.process.args, .process.env]' "$work/config.json")" '[["/bin/x",""],[""]]'
is "annotations and their keys" "$(jq -c .annotations "$work/config.json")" '{"":""}'
for place in "2:41: .*'@reboot /bin/x" "4:55: .*'@file'" "4:71: .*'@A=1'" "4:94: .*'@k'" "4:100: .*'@v'"; do
    says "at-scalar.yml:$place.* becomes empty" "and each is warned of: $place"
done
is "nothing else is said" "$(grep -c . "$work/stderr")" 5
run "$assay" build "$cases/at-scalar.yml" --dry-run
is "--dry-run shows them as they become" "$(grep -c '@' "$work/stdout")" 0
says "at-scalar.yml:2:41: " "with the same warnings"
run sh -c "'$assay' lock - --compat linuxkit --images '$work/layout' -o '$work/plan.json' -q <'$cases/at-scalar.yml'"
"$assay" build "$work/plan.json" --format tar -o "$work" -q 2>"$work/build.err"
is "from standard input there are no templates" "$(file_of "$work/moby.tar" etc/crontabs/root)" '"@reboot /bin/x\n"'
strict at-scalar
exits 0 "strict mode takes them as they are"
is "contents" "$(file_of "$work/strict.tar" etc/crontabs/root)" '"@reboot /bin/x\n"'

# ---- the file written out and read again -----------------------------------------------------------
compat f
is "a folded text that keeps its end gets a newline" "$(file_of "$work/f.tar" a)" '"one two\n\n\n"'
says "f.yml:3:15: LinuxKit writes its files out and reads them again, and this text changes" "which is said"
compat g
is "three of six texts change" "$(for f in a b c d e f; do file_of "$work/g.tar" $f; done | tr -d '\n')" \
    '"one two\n\n\n\n""one two\n""one\ntwo\n\n""one two\n\n\n""one\ntwo\n\n\n""one two\n\n"'
is "and three are warned of" "$(grep -c 'this text changes' "$work/stderr")" 3
strict g
is "strict mode keeps them" "$(for f in a d e; do file_of "$work/strict.tar" $f; done | tr -d '\n')" \
    '"one two\n\n\n""one two\n\n""one\ntwo\n\n"'
done_testing
