#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# LinuxKit files of LinuxKit's own tree: the verdict that the real tool gives each, and the same
# merged configuration (../shared/vectors/linuxkit-yaml).
. "$(dirname "$0")/lib.sh"

corpus=$ASSAY_SHARED/vectors/linuxkit-yaml
if [ ! -e "$corpus/VERDICTS.tsv" ]; then
    echo "1..0 # SKIP there is no $corpus (ASSAY_SHARED says where)"
    exit 0
fi
count=0
while IFS=$'\t' read -r file verdict _; do
    [ -e "$corpus/linuxkit/$file" ] || continue
    count=$((count + 1))
    run "$assay" build "$corpus/linuxkit/$file" --dry-run
    if [ "$verdict" = accepted ]; then
        ok "$file: the merged configuration is LinuxKit's" \
            cmp "$work/stdout" "$corpus/dry-run/$file"
        # Strict mode takes it up to its images, of which there are none here. Two it cannot: a
        # template of packages, and a volume that LinuxKit's build refuses, too.
        wanted="no image '"
        case $file in
        linuxkit-template.yml*) wanted="'@pkg:' needs" ;;
        *070_volumes__002_rw_on_ro*) wanted="volume 'vola' is read-only, but is mounted read-write" ;;
        esac
        run "$assay" lock "$corpus/linuxkit/$file" --arch amd64 --name x -o "$work/x.json"
        says "${file//+/.}:[0-9]+:[0-9]+: .*$wanted" "$file: strict mode reads it"
    else
        exits 5 "$file is refused"
        says "$file:[0-9]*:[0-9]*: " "with its place"
    fi
done <"$corpus/VERDICTS.tsv"
ok "all of it was there" test "$count" -ge 131
done_testing
