#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# LinuxKit files of LinuxKit's own tree: the verdict that the real tool gives each, the same merged configuration, and the page
# that says what Assay makes of each (tests/data/linuxkit-yaml).
. "$(dirname "$0")/lib.sh"

corpus=$work/corpus
page=docs/reference/linuxkit-examples.md
mkdir "$corpus" "$work/examples"
tar -C "$corpus" -xf "$top/tests/data/linuxkit-yaml/corpus.tar.zst"
count=0
while IFS=$'\t' read -r file verdict _; do
    count=$((count + 1))
    run "$assay" build "$corpus/linuxkit/$file" --dry-run
    if [ "$verdict" = accepted ]; then
        ok "$file: the merged configuration is LinuxKit's" \
            cmp "$work/stdout" "$corpus/dry-run/$file"
    else
        exits 5 "$file is refused"
        says "$file:[0-9]*:[0-9]*: " "with its place"
    fi
done <"$corpus/VERDICTS.tsv"
is "all of it was there" "$count $(find "$corpus/linuxkit" -name '*.yml' | wc -l)" "131 131"

# Every file once more with images, in both modes: the page has what comes of it.
ok "every file is locked in both modes" sh -c 'python3 "$1/linuxkit_examples.py" "$2" "$3" "$4" >"$5"' sh \
    "$here" "$assay" "$corpus" "$work/examples" "$work/page.md"
ok "$page says what comes of it; when it does not: tests/e2e/linuxkit_examples.py makes it" cmp "$work/page.md" "$top/$page"
is "compat mode takes what LinuxKit takes, but for packages and what its build refuses" \
    "$(awk -F' *[|] *' '$3 == "takes" && $5 == "refuses" { print $2 }' "$work/page.md" | tr '\n' ' ')" \
    "linuxkit-template.yml test/cases/000_build/070_volumes/002_rw_on_ro/test.yml "
done_testing
