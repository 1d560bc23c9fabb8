#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Machine snapshots as artifacts of plans: the reference's bytes, packed, hashed, the same everywhere.
. "$(dirname "$0")/lib.sh"

own=$top/tests/data/cartesi
machines=$work/machines
mkdir "$machines"
"$assay" plan toolchain --json >"$work/toolchain"
cat >"$work/validate.py" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))
END

# plan MACHINE OPTION…: $work/plan.json, and its inputs in the store.
plan() {
    python3 "$here/cartesi_plan.py" "$machines/$1" "$work/plan.json" "${@:2}" <"$work/toolchain" >"$work/files" || exit 1
    while read -r file; do
        [ -z "$file" ] || "$assay" store add "$file" >/dev/null || exit 1
    done <"$work/files"
}

# The same config.json and .bin files, byte for byte; caches of the same sizes; modes.
same_machine() {
    for file in "$1"/*; do
        name=$(basename "$file")
        case $name in
        *.bin | config.json) cmp -s "$file" "$2/$name" || { echo "$name differs"; return 1; } ;;
        *) [ "$(stat -c %s "$file")" = "$(stat -c %s "$2/$name")" ] || { echo "$name: size"; return 1; } ;;
        esac
        [ "$(stat -c %a "$file")" = "$(stat -c %a "$2/$name")" ] || { echo "$name: mode"; return 1; }
    done
}

vector() {
    index=$1 id=$2
    zstd -qdc "$3" | tar -xf - -C "$machines"
    case $id in
    e01-*) plan "$id" --no-squashfs --custom-dtb ;;
    *) plan "$id" --no-squashfs ;;
    esac
    rm -rf "$work/out"
    run "$assay" build --json "$work/plan.json" -o "$work/out"
    exits 0 "$id: is built"
    jq -e '.warnings | length == 1 and (.[0] | contains("no uarch RAM"))' "$work/stdout" >"$work/log" &&
        ok "$id: the build says what the machine lacks" true
    wanted=$(jq -r --arg id "$id" '.vectors[] | select(.id == $id) | .hash_function + ":" + .root_hash' "$index")
    is "$id: the root hash" "$(cat "$work/out/m.hash")" "$wanted"
    is "$id: the directory is the reference's" "$(same_machine "$machines/$id" "$work/out/m.cartesi")" ""
    rm -rf "$machines/${id:?}"
}

for directory in "$own" "$ASSAY_SHARED/vectors/cartesi"; do
    [ -f "$directory/index.json" ] || continue
    for archive in "$directory"/*.tar.zst; do
        id=$(basename "$archive" .tar.zst)
        [ "$directory" = "$own" ] || [ ! -f "$own/$id.tar.zst" ] || continue
        case $id in
        *1g*) continue ;; # the file of a gigabyte of RAM, once more in the store, shows nothing new
        esac
        vector "$directory/index.json" "$id" "$archive"
    done
done

# ---- one machine, looked at closely

id=b03-flash-two-mixed
zstd -qdc "$own/$id.tar.zst" | tar -xf - -C "$machines"
plan "$id"
rm -rf "$work/out"
run "$assay" build "$work/plan.json" -o "$work/out"
exits 0 "a machine with two drives is built"
says "step 'machine': the machine has no uarch RAM.*will not load it" "standard error says that the emulator will not load it"
ok "the plan is valid against its schema" python3 "$work/validate.py" "$top/schemas/plan.schema.json" "$work/plan.json"
"$assay" build --json "$work/plan.json" -o "$work/out" >"$work/report.json" 2>/dev/null
ok "so is the report" python3 "$work/validate.py" "$top/schemas/build.schema.json" "$work/report.json"
hash=$(cut -d: -f2 "$work/out/m.hash")

is "the snapshot is a subject by its machine's hash too" \
    "$(jq -r '.subject[] | select(.name == "m.cartesi") | .digest.cartesiKeccak256' "$work/out/m.provenance.json")" "$hash"
is "and by that of its packed form" "$(jq -r '.subject[] | select(.name == "m.cartesi") | .digest.sha256' "$work/out/m.provenance.json")" \
    "$(sha256sum <"$work/out/m.cartesi.tar" | cut -d' ' -f1)"
is "a run's document names the machine" "$(jq -r .machine "$work/out/m.run.json")" "keccak256:$hash"
is "and its config by digest" "$(jq -r .config "$work/out/m.run.json")" \
    "sha256:$(sha256sum <"$work/out/m.config.json" | cut -d' ' -f1)"
ok "config.json of its own is the directory's" cmp "$work/out/m.config.json" "$work/out/m.cartesi/config.json"
is "cartesi hash agrees" "$("$assay" cartesi hash "$work/out/m.cartesi" 2>/dev/null)" "keccak256:$hash"
is "of the tar as well" "$("$assay" cartesi hash "$work/out/m.cartesi.tar" 2>/dev/null)" "keccak256:$hash"
ok "cartesi verify finds nothing wrong" "$assay" cartesi verify --state-only "$work/out/m.cartesi"
mkdir "$work/x" "$work/y"
ok "GNU tar unpacks the tar" tar -xf "$work/out/m.cartesi.tar" -C "$work/x"
ok "to the same directory" diff -r "$work/x" "$work/out/m.cartesi"
ok "with holes" sh -c '[ "$(du -sk "$1" | cut -f1)" -lt 1000 ]' - "$work/x"
python3 - "$work/out/m.cartesi.tar" "$work/y" <<'END'
import sys, tarfile
with tarfile.open(sys.argv[1]) as tar:
    tar.extractall(sys.argv[2])
END
ok "Python's tarfile unpacks it to the same" diff -r "$work/y" "$work/out/m.cartesi"
ok "unsquashfs unpacks the squashfs" unsquashfs -q -n -no-xattrs -d "$work/z" "$work/out/m.cartesi.squashfs"
ok "to the same" diff -r "$work/z" "$work/out/m.cartesi"
ok "the tar stores no zeros" [ "$(stat -c %s "$work/out/m.cartesi.tar")" -lt 1000000 ]

# ---- the same bytes everywhere

(cd "$work/out" && find . -type f | sort | xargs sha256sum) >"$work/first"
again() {
    name=$1
    shift
    rm -rf "$work/again"
    "$@" "$assay" build "$work/plan.json" -o "$work/again" --no-cache >/dev/null 2>&1
    (cd "$work/again" && find . -type f | sort | xargs sha256sum) >"$work/second"
    ok "byte for byte again: $name" cmp "$work/first" "$work/second"
}
again "without the cache"
again "on one thread" env ASSAY_JOBS=1 taskset -c 0
again "with another umask, clock's zone and locale" env TZ=Asia/Tokyo LC_ALL=tr_TR.UTF-8 sh -c 'umask 077; "$@"' -
"$assay" build "$work/plan.json" -o "$work/again" >/dev/null 2>&1
(cd "$work/again" && find . -type f | sort | xargs sha256sum) >"$work/second"
ok "over what is there, by the cache" cmp "$work/first" "$work/second"

# ---- what is refused

refused() {
    name=$1 pattern=$2
    shift 2
    plan "$id" "$@"
    rm -rf "$work/never"
    run "$assay" build "$work/plan.json" -o "$work/never"
    exits 5 "refused: $name"
    one_line "in one line: $name"
    says "$pattern" "that says why: $name"
    ok "and nothing is written: $name" [ ! -e "$work/never/m.cartesi" ]
}
refused "another emulator" "emulator '0.22' cannot be written" --set 'emulator="0.22"'
refused "another hash function" "md5" --set 'hashFunction="md5"'
refused "a length that is no multiple of a page" "not a multiple of 4096" --set ramLength=5000
refused "too much RAM" "larger than 2 GiB" --set ramLength=4294967296
refused "no RAM" "not a multiple" --set ramLength=0
refused "a register that there is not" "unknown register 'x32'" --set 'registers={"x32": "0x0"}'
refused "a register as a number" "registers" --set 'registers={"x1": 1}'
refused "a machine that cannot be stored" "iunrep" --set 'registers={"iunrep": "0x1"}'
refused "bootargs of more than 4096 bytes" "bootargs" --set "bootargs=\"$(printf '%5000s' '')\""
refused "a role twice" "occurs twice" --set 'inputs=["ram","flashDrives.0","ram"]'
refused "a role for a drive that there is not" "no input of this machine is 'flashDrives.7'" --set 'inputs=["ram","flashDrives.0","flashDrives.7"]'
refused "fewer roles than inputs" "roles for" --set 'inputs=["ram"]'
refused "a drive shorter than its file" "only 4096" --set 'flashDrives=[{"label":"root","length":4096,"readOnly":true},{"label":"","length":12288,"readOnly":false},{"label":"","length":12288,"readOnly":false}]'
refused "overlapping drives" "overlaps" --set 'flashDrives=[{"label":"root","start":"0x80000000","readOnly":true},{"label":"","length":12288,"readOnly":false},{"label":"","readOnly":false}]'
refused "a bad label" "bad label" --set 'flashDrives=[{"label":"Root","readOnly":true},{"label":"","length":12288,"readOnly":false},{"label":"","readOnly":false}]'
refused "nine drives" "flashDrives" --set "flashDrives=[$(printf '{"label":"","length":4096,"readOnly":false},%.0s' 1 2 3 4 5 6 7 8){\"label\":\"\",\"length\":4096,\"readOnly\":false}]"
refused "another uarch RAM" "is not the uarch RAM of emulator 0.21" --set 'inputs=["ram","flashDrives.0","uarchRam"]'
done_testing
