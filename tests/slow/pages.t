#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commands of docs/getting-started.md, and of the README's table, as they are written, in a directory of their own.
# What the README leaves open (NAME, FILE, LOG, …) has here what getting started has made; each of its commands is either
# run or named as one that another test runs, so that a new one cannot be forgotten. It locks Debian packages: it uses the network.
. "$(dirname "$0")/../e2e/lib.sh"

PATH=$ASSAY_BIN:$PATH
HOME=$work/home
ASSAY_PASSPHRASE='only for the test'
export PATH HOME ASSAY_PASSPHRASE
unset ASSAY_STORE XDG_DATA_HOME XDG_CONFIG_HOME
mkdir "$HOME" "$work/own"
cd "$work/own" || exit 1

# What is written in the page's code blocks: the YAML is assay.yml, the rest is typed. A command ends where no quote is open.
python3 - "$top/docs/getting-started.md" >"$work/commands" <<'END'
import sys
fenced, yaml, typed = False, [], ""
for line in open(sys.argv[1], encoding="utf-8"):
    if line.startswith("```"):
        fenced = not fenced
    elif fenced:
        yaml.append(line)
    elif line.startswith("    "):
        typed += line[4:]
        if typed.count("'") % 2 == 0 and not typed.rstrip("\n").endswith("\\"):
            sys.stdout.write(typed.replace("\\\n", " ").replace("\n", "\1") + "\n")
            typed = ""
open("assay.yml", "w", encoding="utf-8").write("".join(yaml))
END
ok "the page has commands" [ "$(wc -l <"$work/commands")" -ge 18 ]
while IFS= read -r line; do
    printf '%s' "$line" | tr '\1' '\n' >"$work/command.sh"
    run sh "$work/command.sh"
    exits 0 "getting started: $(head -n 1 "$work/command.sh")"
done <"$work/commands"

# The README's table: the code spans of its second column, made whole.
grep -F '| `assay ' <"$top/README.md" | sed 's/^|[^|]*|//' | python3 -c '
import re, sys
for line in sys.stdin:
    for span in re.findall(r"`([^`]+)`", line):
        print(span)
' >"$work/readme"
grep -F '| add `' "$top/README.md" >"$work/add"
cp hello.plan.json plan.json
cp verdict.sigstore.json VERDICT
while IFS= read -r span; do
    case $span in
    '--update '*) span="assay lock assay.yml $span" ;;
    esac
    case $span in
    *--compat*) pass "README: $span (tests/e2e/62-linuxkit-compat.t)"; continue ;;
    *system.yml*) pass "README: $span (tests/e2e/61-linuxkit.t)"; continue ;;
    *HOST/PATH*) pass "README: $span (tests/e2e/65-push.t)"; continue ;;
    'assay cartesi '*) pass "README: $span (tests/e2e/90-cartesi.t, 91-cartesi-build.t)"; continue ;;
    # Its table signs with a key of its own, which the policy has to know.
    'assay verify FILE '*) jq --rawfile key my.key.pub '.builders[0].keys += [$key]' policy.json >own.json && mv own.json policy.json ;;
    esac
    typed=$(printf '%s' "$span" | sed 's/NAME\.sigstore/hello.sigstore/g; s,out/NAME\.,out/hello.,g; s/--update NAME/--update kernel/; s/--from MIRROR/--from "$HOME\/.local\/share\/assay\/store"/
        s,verify FILE,verify out/hello.squashfs,; s,diff A B,diff out/hello.squashfs out/hello.squashfs,; s/LOG /mylog /; s/PROOF/proof/g; s,VKEY,mylog/vkey,; s/show PLAN/show hello.sigstore.json/; s/BUNDLE/hello.sigstore.json/')
    run sh -c "$typed"
    exits 0 "README: $span"
done <"$work/readme"
is "nothing was left to be named" "$(cat "$work/add")" '| … and record the verdict | add `--key verifier.key --record LOG` |'
done_testing
