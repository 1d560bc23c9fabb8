#!/bin/sh
# Root hashes of machines that have run: the reference emulator's checkpoints of four programs (../shared/vectors/cartesi),
# against what assay cartesi hash says of the same machines when a plain interpreter, written from the
# specification in another language, has run them that far.
. "$(dirname "$0")/lib.sh"
vectors=$ASSAY_SHARED/vectors/cartesi

python3 - "$vectors/index.json" >"$work/checkpoints" <<'E'
import json, sys
for v in json.load(open(sys.argv[1]))["vectors"]:
    if v["id"] in ("c-p1-loop-run", "c-p2-htif-run", "c-p7-drives-run", "d-t-int-1-run"):
        for c in v["checkpoints"]:
            print(v["base"], c["requested"], c["mcycle"], c["root_hash"])
E
[ "$(wc -l <"$work/checkpoints")" = 52 ] || { echo "Bail out! not the vectors that this test knows"; exit 1; }

machine=
while read -r base requested mcycle root; do
    if [ "$machine" != "$work/$base" ]; then
        [ -z "$machine" ] || rm -rf "$machine"
        machine=$work/$base
        tar --zstd -xf "$vectors/$base.tar.zst" -C "$work"
    fi
    reached=$(python3 "$here/cartesi_run.py" "$machine" "$requested") || reached=failed
    is "$base, run($requested): mcycle" "${reached%% *}" "$mcycle"
    is "$base at mcycle $mcycle: root hash" "$("$assay" cartesi hash "$machine" 2>/dev/null | head -n 1)" "keccak256:$root"
done <"$work/checkpoints"
run "$assay" cartesi verify "$machine"
prints "has run to mcycle 3458" "assay cartesi verify says how far the machine has run"
is "it finds nothing wrong but the files that the vectors leave out" \
    "$(grep '^wrong: ' "$work/stdout" | grep -cv 'is missing')" 0
done_testing
