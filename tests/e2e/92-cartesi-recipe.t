#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a recipe to a machine, packed, with a dm-verity tree: one plan, one statement.
. "$(dirname "$0")/lib.sh"

cat >"$work/validate.py" <<'END'
import json, sys, jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))
END

# An image to take files from: an OCI layout of our own making.
python3 "$here/make_plan.py" layer "$work/base.tar" base
"$assay" store add "$work/base.tar" >/dev/null
"$assay" plan toolchain --json | python3 "$here/make_plan.py" plan "$work/base.plan.json" "$work/base.tar:none"
"$assay" build "$work/base.plan.json" -o "$work" --only test.oci >/dev/null
manifest=$(jq -r '.manifests[0].digest' "$work/test.oci/index.json")

mkdir "$work/recipe"
cd "$work/recipe" || exit 1
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 20)' >firmware.bin
head -c 5000 firmware.bin >small.bin
dd if=/dev/zero bs=4096 count=3 status=none | tr '\0' 'n' >nvram.bin

# recipe CARTESI: a recipe with this flow map as the options of `cartesi`
recipe() {
    cat <<END
name: machine
arch: riscv64
images:
  base:
    oci: {layout: ../test.oci, manifest: "$manifest"}
    include: [usr/bin, etc, usr]
system:
  init: [base]
  files:
    - {path: sbin/init, contents: "hello\n", mode: "0755"}
artifacts:
  - squashfs
  - cartesi: $1
END
}

recipe '
      hashFunction: sha256
      ram:
        length: 1MiB
        image:
          - {file: firmware.bin}
          - {image: base, path: usr/bin/hello, offset: 64KiB}
      flashDrives:
        - {artifact: squashfs, label: root}
        - {file: small.bin, label: data}
        - {label: scratch, length: 16KiB, align: 4KiB, start: 0xa0000000}
        - {label: spare, length: 16KiB}
        - {file: small.bin, align: 8KiB}
      nvrams:
        - {file: nvram.bin, label: memory, readOnly: true}
      dtb: {bootargs: "console=hvc0 ro", entrypoint: "echo \"ünïcode\""}
      cmio: {rxBuffer: {file: small.bin}}
      registers: {x10: 7, pc: "0x80000100", htif: {iconsole: 0}}
      phtcSize: 16
      run: {maxCycle: 12345}
      pack: [squashfs, directory, tar]
      verity: true' >recipe.yml
run "$assay" lock recipe.yml -o plan.json
exits 0 "a recipe of a machine is locked"
ok "the plan is valid against its schema" python3 "$work/validate.py" "$top/schemas/plan.schema.json" plan.json
jq .recipe plan.json >recipe.json
ok "so is the recipe in it" python3 "$work/validate.py" "$top/schemas/recipe.schema.json" recipe.json
run "$assay" build plan.json -o out
exits 0 "it is built"
says 'no uarch RAM' "and what it lacks is said"
is "outputs" "$(ls out | tr '\n' ' ')" "machine.cartesi machine.cartesi.squashfs machine.cartesi.squashfs.root-hash machine.cartesi.squashfs.verity.json machine.cartesi.tar machine.config.json machine.hash machine.provenance.json machine.run.json machine.squashfs "
m=out/machine.cartesi
hash=$(cut -d: -f2 out/machine.hash)
is "the hash is that of the directory" "$("$assay" cartesi hash $m 2>/dev/null)" "sha256:$hash"
ok "the machine does not contradict itself" "$assay" cartesi verify --state-only $m
ok "the RAM begins with the firmware" cmp -n 5120 firmware.bin $m/0000000080000000-100000.bin
tar -xOf "$work/base.tar" usr/bin/hello >hello
ok "and has the image's file at its place" cmp -n 300000 -i 0:65536 hello $m/0000000080000000-100000.bin
size=$(stat -c %s out/machine.squashfs)
length=$(printf '%x' $(((size + 2097151) / 2097152 * 2097152)))
drive=$m/0000000080200000-$length.bin
ok "the first drive is the squashfs" cmp -n "$size" out/machine.squashfs "$drive"
is "and read-only" "$(stat -c %a "$drive")" 444
is "a drive is rounded up to what Linux maps" "$(jq -c '.config.flash_drive[1] | [.length, .read_only, .label]' $m/config.json)" '[2097152,false,"data"]'
is "a drive of zeros, where it was put, with pages on request" "$(jq -c '.config.flash_drive[2] | [.length, .start]' $m/config.json)" '[16384,2684354560]'
is "a length is rounded up, too" "$(jq -c '.config.flash_drive[3].length' $m/config.json)" 2097152
is "to any power of two" "$(jq -c '.config.flash_drive[4].length' $m/config.json)" 8192
is "an NVRAM is not" "$(jq -c '.config.nvram[0].length' $m/config.json)" 12288
is "and stand at multiples of that" "$(jq -c '[.config.flash_drive[0, 1, 3] | .start % 2097152] | unique' $m/config.json)" '[0]'
ok "the NVRAM" cmp nvram.bin "$(find $m -name '*-3000.bin')"
ok "the buffer" cmp -n 5000 small.bin $m/0000000060000000-200000.bin
is "bootargs" "$(jq -r .config.dtb.bootargs $m/config.json)" "console=hvc0 ro"
is "registers" "$(jq -c '[.config.processor.registers | .x10, .pc, .htif.iconsole]' $m/config.json)" '[7,2147483904,0]'
is "the run's document" "$(cat out/machine.run.json)" "{\"archiveVersion\":7,\"config\":\"sha256:$(sha256sum <$m/config.json | cut -d' ' -f1)\",\"emulator\":\"0.21\",\"machine\":\"sha256:$hash\",\"maxCycle\":12345,\"network\":\"none\",\"type\":\"https://assay.example/cartesi-run/v1\"}"
ok "is valid against its schema" python3 "$work/validate.py" "$top/schemas/cartesi-run.schema.json" out/machine.run.json

# dm-verity: veritysetup is the judge
root=$(cat out/machine.cartesi.squashfs.root-hash)
offset=$(jq .hashOffset out/machine.cartesi.squashfs.verity.json)
ok "veritysetup accepts the tree" veritysetup verify out/machine.cartesi.squashfs out/machine.cartesi.squashfs "$root" --hash-offset="$offset"
is "its salt is the machine's hash" "$(jq -r .salt out/machine.cartesi.squashfs.verity.json)" "${hash:0:32}"
is "its UUID too" "$(jq -r .uuid out/machine.cartesi.squashfs.verity.json | tr -d -)" "${hash:0:32}"
is "all are subjects of one statement" "$(jq -r '[.subject[] | .digest | keys[]] | unique | join(" ")' out/machine.provenance.json)" "cartesiSha256 dmVerityRoot sha256"
is "the squashfs by both" "$(jq -r '.subject[] | select(.name == "machine.cartesi.squashfs") | .digest | .cartesiSha256 + " " + .dmVerityRoot' out/machine.provenance.json)" "$hash $root"

(cd out && find . -type f | sort | xargs sha256sum) >first
"$assay" lock recipe.yml -o again.json >/dev/null
ok "locked again, the plan is the same" cmp plan.json again.json
rm -rf out
(umask 077 && "$assay" build again.json -o out --no-cache >/dev/null 2>&1)
(cd out && find . -type f | sort | xargs sha256sum) >second
ok "built again, all files are the same" cmp first second
sed -i 's/console=hvc0 ro/console=hvc0 rw/' recipe.yml
"$assay" lock recipe.yml -o other.json >/dev/null
"$assay" build other.json -o other >/dev/null 2>&1
ok "other bootargs are another machine" sh -c '! cmp -s out/machine.hash other/machine.hash'

# ---- defaults
recipe '{}' >recipe.yml
"$assay" lock recipe.yml -o plan.json >/dev/null && "$assay" build plan.json -o defaults >/dev/null 2>&1
is "default outputs" "$(ls defaults | tr '\n' ' ')" "machine.cartesi machine.config.json machine.hash machine.provenance.json machine.run.json machine.squashfs "
is "default drive, bootargs, RAM and hash" "$(jq -c '[.config | (.flash_drive[] | .label, .read_only), .dtb.bootargs, .ram.length, .hash_tree.hash_function]' defaults/machine.config.json)" \
    '["root",true,"quiet earlycon=sbi console=hvc0 uio_pdrv_genirq.of_id=generic-uio root=/dev/pmem0 ro",134217728,"keccak256"]'

# ---- much memory with little in it: nothing of the size of the memory is stored
python3 -c 'import sys; sys.stdout.buffer.write(b"a" * 4096 + bytes(4096) + b"b" * 4097)' >islands.bin
recipe '{ram: {length: 1GiB, image: [{file: islands.bin}, {file: small.bin, offset: 512MiB}]}, pack: [tar, directory]}' >recipe.yml
"$assay" lock recipe.yml -o plan.json >/dev/null && "$assay" build plan.json -o large >/dev/null 2>&1
ok "a packed GiB is small" [ "$(stat -c %s large/machine.cartesi.tar)" -lt 500000 ]
ok "so is its directory on disk" [ "$(du -sk large/machine.cartesi | cut -f1)" -lt 500 ]
ok "so is the store" [ "$(du -sk "$work/store" | cut -f1)" -lt 20000 ]
is "the tar has the machine" "$("$assay" cartesi hash large/machine.cartesi.tar 2>/dev/null)" "$(cat large/machine.hash)"
mkdir unpacked && tar -xf large/machine.cartesi.tar -C unpacked
is "for GNU tar, too" "$("$assay" cartesi hash unpacked 2>/dev/null)" "$(cat large/machine.hash)"
rm -rf large unpacked

# ---- bad recipes: exit code 5, one line
bad() {
    recipe "$3" >bad.yml
    rm -f bad.json
    run "$assay" lock bad.yml -o bad.json
    [ "$code" != 0 ] || run "$assay" build bad.json -o never
    exits 5 "$1"
    one_line "$1: one line"
    says "$2" "$1: says what"
}
bad "an unknown option" "unknown key 'flashDrive' \(did you mean 'flashDrives'" '{flashDrive: []}'
bad "an unknown emulator" "0\.19" '{emulator: "0.19"}'
bad "no size" "no size like" '{ram: {length: 128Mi}}'
bad "too large a size" "no size like" '{ram: {length: 99999999GiB}}'
bad "RAM of 3 GiB" "larger than 2 GiB" '{ram: {length: 3GiB}}'
bad "a missing file" "there is no file 'nowhere'" '{ram: {image: {file: nowhere}}}'
bad "a file outside" "'\.\./base\.tar'" '{ram: {image: {file: ../base.tar}}}'
bad "an image nobody has" "no image 'nowhere'" '{ram: {image: {image: nowhere, path: a}}}'
bad "an image without a path" "path" '{ram: {image: {image: base}}}'
bad "two sources" "more than one of" '{ram: {image: {file: small.bin, kernel: true}}}'
bad "no source" "one of file, image" '{ram: {image: {offset: 5}}}'
bad "a kernel that there is not" "kernel of a system that has none" '{ram: {image: {kernel: true}}}'
bad "an artifact that is not made" "'tar', which this recipe" '{flashDrives: [{artifact: tar}]}'
bad "the machine itself" "cannot hold itself" '{flashDrives: [{artifact: cartesi}]}'
bad "falling offsets" "offsets must rise" '{ram: {image: [{file: small.bin, offset: 8192}, {file: firmware.bin, offset: 4096}]}}'
bad "overlapping parts" "next part begins" '{ram: {image: [{file: small.bin}, {file: firmware.bin, offset: 4096}]}}'
bad "RAM smaller than its image" "only 4096" '{ram: {length: 4096, image: {file: small.bin}}}'
bad "an alignment that is no power of two" "not a power of two" '{flashDrives: [{length: 12KiB, align: 12KiB}]}'
bad "an alignment below a page" "not a power of two" '{flashDrives: [{length: 4096, align: 2KiB}]}'
bad "an alignment over a GiB" "not a power of two" '{flashDrives: [{length: 4096, align: 2GiB}]}'
bad "a length of no whole pages" "is not a multiple of 4096" '{flashDrives: [{length: 5000}]}'
bad "an initrd that is false" "'initrd' is true, or not there" '{ram: {image: {initrd: false}}}'
bad "two sources" "more than one of file, image, artifact, kernel and initrd" '{ram: {image: {initrd: true, kernel: true}}}'
bad "an empty drive" "needs a 'length'" '{flashDrives: [{label: root}]}'
bad "nine drives" "8" '{flashDrives: [{length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}, {length: 4096}]}'
bad "a bad label" "bad label 'Root'" '{flashDrives: [{length: 4096, label: Root}]}'
bad "a label twice" "occurs twice" '{flashDrives: [{length: 4096, label: a}, {length: 4096, label: a}]}'
bad "no register" "unknown register 'y1'" '{registers: {y1: 0}}'
bad "a negative register" "not between" '{registers: {x1: -1}}'
bad "verity without a squashfs" "'pack' has as squashfs" '{verity: true}'
bad "packed in no form" "some form" '{pack: []}'
bad "another network" "unknown key 'network'" '{run: {network: user}}'
bad "another's uarch RAM" "is not the uarch RAM" '{uarch: {file: small.bin}}'
done_testing
