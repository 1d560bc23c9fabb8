#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Strict mode: every vector of LinuxKit's own tool gives the tree that a judge derives from the
# tool's tar by the documented differences (linuxkit_strict.py), and every small document the
# verdict that it deserves.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

vectors=$top/tests/data/linuxkit-compat
images=(--images "$vectors"/oci/*.tar.zst)
epoch=1800000000
cp "$vectors"/yaml/* "$work/"

recipe() { # FILE…: a recipe that makes a tar of LinuxKit files
    files=$(printf '%s, ' "$@")
    printf 'arch: amd64\nname: lk\nepoch: %s\nsystem: {file: [%s]}\nartifacts: [tar]\n' \
        $epoch "${files%, }" >"$work/assay.yml"
    rm -f "$work/lk.json" "$work/out/lk.tar"
    run "$assay" lock "$work/assay.yml" "${images[@]}" -o "$work/lk.json" -q
}
build() {
    run "$assay" build "$work/lk.json" -o "$work/out" -q
}
file_of() {
    tar -xOf "$work/out/lk.tar" "./$1" 2>/dev/null || tar -xOf "$work/out/lk.tar" "$1" 2>/dev/null
}
config() { # CONTAINER JQ
    file_of "containers/$1/config.json" | jq -c "$2"
}

# ---- the vectors ---------------------------------------------------------------------------------
cd "$vectors/yaml" || exit 1
while read -r _ tar; do
    name=${tar%.tar}
    recipe "$name.yml"
    exits 0 "$name is locked"
    build
    exits 0 "$name is built"
    "$assay" lock "$name.yml" --compat linuxkit "${images[@]}" -o "$work/compat.json" -q
    "$assay" build "$work/compat.json" -o "$work/out" -q
    is "$name is right" "$(python3 "$here/linuxkit_strict.py" "$name" "$work/out/$tar" \
        "$work/out/lk.tar" $epoch "$vectors"/oci/*.tar.zst 2>&1)" \
        "$(tar -tf "$work/out/lk.tar" 2>/dev/null | grep -vcxF ./) entries"
done <"$vectors/SHA256SUMS"

# ---- several files -------------------------------------------------------------------------------
recipe m1.yml m2.yml
build
is "merged files: kernel of both" "$(file_of boot/cmdline)" x
is "merged files: init images of both" "$(tar -tf "$work/out/lk.tar" | grep -c 'usr/bin/runc$\|bin/rc.init$')" 2
cat "$work/m1.yml" >"$work/first.yml"
"$assay" lock "$work/first.yml" - --arch amd64 --epoch $epoch --name lk "${images[@]}" \
    -o "$work/stdin.json" -q <"$work/m2.yml" 2>"$work/stderr"
ok "standard input is one of them: the same step" test \
    "$(jq -c '.steps[] | select(.id == "system")' "$work/stdin.json")" = \
    "$(jq -c '.steps[] | select(.id == "system")' "$work/lk.json")"
printf 'volumes: [{name: data}]\n' >"$work/v.yml"
printf 'services: [{name: a, image: "lk/two:v1", binds: ["data:/d"]}]\n' >"$work/s.yml"
recipe v.yml s.yml
exits 0 "a volume of an earlier file is known"
build
is "and bound" "$(config services/a '.mounts[] | select(.destination == "/d") | .source')" \
    '"/containers/volumes/data/merged"'
recipe v.yml v.yml
exits 5 "one volume twice is refused"
says "v.yml:1:18: a second volume is called 'data'" "with its place"
printf 'services:\n  - name: a\n    image: lk/two:v1\n    binds: ["data:/d", "other:/o"]\n' >"$work/s.yml"
recipe v.yml s.yml
exits 5 "an unknown volume is refused"
says "s.yml:4:24: services 'a': volume 'other' not found" "in the file and line that names it"
run "$assay" lock https://example.org/x.yml --arch amd64
exits 2 "a URL is refused"
says "URLs are not read" "and says so"
run "$assay" lock "$work/assay.yml" "$work/v.yml" --arch amd64
exits 2 "a recipe is not merged with files"

# ---- what LinuxKit loses, and what it gets wrong ---------------------------------------------------
cp "$work/04-imageconfig.yml" "$work/x.yml"
recipe x.yml
says "04-imageconfig.yml|x.yml:93:9: LinuxKit drops 'kernelTCP'; it is honoured here" \
    "a key that LinuxKit drops is warned of"
case_is() { # CASE CONTAINER JQ WANTED
    cp "$vectors/errors/$1.yml" "$work/case.yml"
    recipe case.yml
    build
    is "$1 is right: $3" "$(config "$2" "$3")" "$4"
}
case_is uid-numeric-string services/a .process.user.uid 6
case_is vol-ro-opts services/a '.mounts[] | select(.destination == "/x") | .options' \
    '["ro","rshared","rbind"]'
case_is symlink-resolv services/a .process.cwd '"/"'
is "symlink-resolv: the link is replaced" \
    "$(tar -tvf "$work/out/lk.tar" | awk '/lower\/etc\/resolv.conf/ {print $1, $3}')" "-rw-r--r-- 29"
cp "$vectors/errors/symlink-hosts-init.yml" "$work/case.yml"
recipe case.yml
build
is "symlink-hosts-init: the link is replaced" \
    "$(tar -tvf "$work/out/lk.tar" | awk '/etc\/hosts$/ {print $1, $3}')" "-rw-r--r-- 160"

cat >"$work/case.yml" <<'Y'
onboot:
  - {name: one, image: "lk/dhcpcd:v1", uid: 7}
  - {name: two, image: "lk/dhcpcd:v1", capabilities.add: [CAP_NET_ADMIN, CAP_BPF], binds.add: ["/dev:/dev", "/n:/n"]}
files:
  - {path: own, contents: x, uid: two, gid: "5"}
  - {path: /, directory: true, mode: "0711"}
Y
recipe case.yml
build
is "files are owned by names and digits" \
    "$(tar --numeric-owner -tvf "$work/out/lk.tar" | awk '/own$/ {print $2}')" 101/5
is "the root has the mode that files say" "$(tar -tvf "$work/out/lk.tar" | awk 'NR == 1 {print $1}')" drwx--x--x
is "what the label has is not added again" \
    "$(config onboot/001-two '[.process.capabilities.effective | group_by(.)[] | length] | max')" 1

# Microcode is the initrd's beginning; the modules come in it, boot/ does not.
printf 'kernel: {image: "lk/kernel2:v1", ucode: ucode.cpio}\ninit: ["lk/init:v1"]\n' >"$work/case.yml"
run "$assay" lock "$work/case.yml" --arch amd64 --name uc "${images[@]}" -o "$work/uc.json" -q
run "$assay" build "$work/uc.json" -o "$work/uc" -q
exits 0 "a system with microcode is built"
file_of_kernel=$(tar -xOf "$work/out/03-full.tar" boot/ucode.cpio 2>/dev/null)
is "the initrd starts with the microcode" "$(head -c ${#file_of_kernel} "$work/uc/uc-initrd.img")" \
    "$file_of_kernel"
is "and goes on with the archive" \
    "$(tail -c +$((${#file_of_kernel} + 1)) "$work/uc/uc-initrd.img" | gzip -dc | cpio -t --quiet 2>/dev/null |
        grep -c '^boot/\|modules.dep$')" 1

printf 'arch: amd64\nname: uc\nepoch: 0\nsystem: {file: case.yml}\nartifacts: [kernel+initrd, tar-kernel-initrd]\n' \
    >"$work/assay.yml"
run "$assay" lock "$work/assay.yml" "${images[@]}" -o "$work/uc.json" -q
run "$assay" build "$work/uc.json" -o "$work/both" -q
exits 0 "both kinds of initrd are built"
is "in a tar microcode is a file of its own" "$(tar -tf "$work/both/uc-initrd.tar" | tr '\n' ' ')" \
    "cmdline initrd.img kernel ucode.cpio "
is "and not in the initrd" "$(tar -xOf "$work/both/uc-initrd.tar" initrd.img | head -c 2 | od -An -tx1)" " 1f 8b"

# The kernel out of its compression: the bytes that LinuxKit's own option gives, by option or by key.
printf 'kernel: {image: "lk/kernel:v1"}\n' >"$work/case.yml"
run "$assay" lock "$work/case.yml" --compat linuxkit --decompress-kernel "${images[@]}" -o "$work/dk.json" -q
run "$assay" build "$work/dk.json" -o "$work/dk" -q
wanted=$(tar -xOf "$work/dk/case.tar" boot/kernel 2>/dev/null | sha256sum)
run "$assay" lock "$work/case.yml" --arch amd64 --decompress-kernel "${images[@]}" -o "$work/dk.json" -q
run "$assay" build "$work/dk.json" -o "$work/dk" -q
exits 0 "a kernel is decompressed"
is "it is what LinuxKit makes of it" "$(sha256sum <"$work/dk/case-kernel")" "$wanted"
printf 'arch: amd64\nname: case\nepoch: 0\nsystem: {file: case.yml}\ndecompressKernel: true\n' >"$work/assay.yml"
run "$assay" lock "$work/assay.yml" "${images[@]}" -o "$work/key.json" -q
is "the recipe's key does the same" "$(jq -c .steps "$work/key.json")" "$(jq -c .steps "$work/dk.json")"
printf 'init: ["lk/init:v1"]\n' >"$work/case.yml"
run "$assay" lock "$work/case.yml" --arch amd64 --decompress-kernel "${images[@]}" -o "$work/dk.json" -q
exits 5 "without a kernel there is none to decompress"

# From a registry a container's image brings its configuration, too: label and all.
mkdir "$work/onboot" && zstd -dqc "$vectors/oci/onboot.tar.zst" | tar -xf - -C "$work/onboot"
ok "a registry starts" serve plain "" ""
ok "an image with a label is pushed" skopeo --insecure-policy copy -q --dest-tls-verify=false \
    "oci:$work/onboot:docker.io/lk/dhcpcd:v1" "docker://127.0.0.1:$port/lk/dhcpcd:v1"
printf 'onboot: [{name: d, image: "lk/dhcpcd:v1"}]\n' >"$work/case.yml"
run "$assay" lock "$work/case.yml" --arch amd64 --name p --images "$work/onboot" -o "$work/local.json" -q
exits 0 "it is locked from its layout"
run "$assay" lock "$work/case.yml" --arch amd64 --name p --pull --registry "127.0.0.1:$port" \
    --plain-http "127.0.0.1:$port" -o "$work/pulled.json" -q
exits 0 "and pulled"
is "both give the same system" \
    "$(jq -c '[.steps[] | select(.id == "system")], [.inputs[].digest]' "$work/pulled.json")" \
    "$(jq -c '[.steps[] | select(.id == "system")], [.inputs[].digest]' "$work/local.json")"

# ---- verdicts on the small documents ---------------------------------------------------------------
cd "$vectors/errors" || exit 1
python3 -c '
import json
# Taken though LinuxKit fails, and refused though it does not.
better = {"uid-numeric-string", "vol-ro-opts", "symlink-resolv", "symlink-hosts-init"}
worse = {"uid-big", "file-dotdot", "file-dir-symlink", "file-symlink-contents", "kernel-missing-ucode"}
for c in json.load(open("EXPECTED.json")):
    name = c["case"]
    print(name, 0 if name in better or (c["rc"] == 0 and name not in worse) else 5)' >"$work/expected"
while read -r name verdict; do
    run "$assay" lock "$name.yml" --arch amd64 "${images[@]}" -o "$work/case.json" -q
    if [ "$code" = 0 ]; then
        run "$assay" build "$work/case.json" -o "$work/cases" -q
    fi
    exits "$verdict" "$name: exit code $verdict"
    if [ "$verdict" = 5 ] && [ "$name" != kernel-missing-binary ] && [ "$name" != kernel-missing-ucode ]; then
        says "$name.yml:(([0-9]+:[0-9]+:)|( not a text))" "$name: its place"
    fi
done <"$work/expected"

# What LinuxKit only notices while it assembles has its place in compat mode, too.
while read -r name place; do
    run "$assay" lock "$name.yml" --compat linuxkit "${images[@]}" -o "$work/case.json" -q
    says "$name.yml:$place: " "$name: its place in compat mode"
done <<'L'
rlimit-bad 4:15
bind-nocolon 4:13
uid-unknown 4:10
device-badmode 5:9
file-nothing 2:5
L

done_testing
