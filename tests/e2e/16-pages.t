#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What the pages say to type is something that the programs take. That it does what the pages say is tests/slow/pages.t.
. "$(dirname "$0")/lib.sh"

pages=$(cd "$top" && find README.md CONTRIBUTING.md SECURITY.md docs examples base attest store formats net builder verifier runner -name '*.md' | sort)
(cd "$top" && python3 "$here/doc_commands.py" "$ASSAY_BIN" $pages) >"$work/answers"
count=$(sed -n 's/ commands$//p' "$work/answers")
is "every command of the pages exists, and so do its options" "$(sed '$d' "$work/answers")" ""
ok "there are many" [ "$count" -gt 200 ]

# It can fail.
cat >"$work/page.md" <<'END'
A span: `assay biuld plan.json`; another: `assay plan shwo x`.

    assay build plan.json --outptu out/
    assay lock a.yml -o plan.json    # which is right
    assay build plan.json \
      -Z

```
assay attest sign x --store y
```
END
python3 "$here/doc_commands.py" "$ASSAY_BIN" "$work/page.md" >"$work/answers"
is "what is wrong in a page is found" "$(sed "s,^$work/page.md:,," "$work/answers")" "1: assay biuld plan.json: no command 'biuld'
1: assay plan shwo x: no command 'shwo' of it
3: assay build plan.json --outptu out/: no option '--outptu'
6: assay build plan.json -Z: no option '-Z'
9: assay attest sign x --store y: no option '--store'
6 commands"
done_testing
