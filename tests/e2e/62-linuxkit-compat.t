#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# compat mode against the outputs of LinuxKit's own tool (tests/data/linuxkit-compat): every
# reference tar byte for byte, every verdict on a small document, and the merged configuration.
. "$(dirname "$0")/lib.sh"

vectors=$top/tests/data/linuxkit-compat
data=$top/tests/data/linuxkit

# Two files of our own, merged; unknown keys with their place.
printf 'files:\n  - path: a/b\n    contents: x\n' >"$work/one.yml"
printf 'files:\n  - path: etc/linuxkit.yml\n    metadata: yaml\n' >"$work/two.yml"
run "$assay" lock "$work/one.yml" "$work/two.yml" --compat linuxkit -o "$work/two.plan.json" -q
exits 0 "two files without images are locked"
run "$assay" build "$work/two.plan.json" --format tar -o "$work/own" -q
exits 0 "and built"
is "the tar holds the files, and their parents with x" \
    "$(tar -tvf "$work/own/two.tar" 2>/dev/null | awk '{print $1, $6}' | tr '\n' ' ')" \
    "drwx------ a -rw------- a/b drwx------ etc -rw------- etc/linuxkit.yml "
is "metadata is the merged configuration" \
    "$(tar -xOf "$work/own/two.tar" etc/linuxkit.yml 2>/dev/null | sha256sum | cut -c1-64)" \
    "$(printf '%s\n' 'kernel:' '  image: ""' 'init: []' 'onboot: []' 'onshutdown: []' \
        'services: []' 'files:' '- path: a/b' '  directory: false' '  contents: x' \
        '  optional: false' '- path: etc/linuxkit.yml' '  directory: false' '  metadata: yaml' \
        '  optional: false' 'volumes: []' | sha256sum | cut -c1-64)"
run "$assay" lock "$work/one.yml" "$work/two.yml" -o "$work/no.plan.json"
exits 2 "several files in strict mode need --arch"
run "$assay" lock "$work/one.yml" --compat moby -o "$work/no.plan.json"
exits 2 "there is one mode"
run "$assay" build "$work/two.plan.json" --format qcow2-bios -o "$work/own"
exits 2 "a format that the plan does not build is refused"
printf 'services:\n  - name: a\n    image: b\n    comand: [x]\n' >"$work/typo.yml"
run "$assay" lock "$work/typo.yml" --compat linuxkit -o "$work/no.plan.json"
exits 5 "an unknown key is refused"
says "typo.yml:4:5: unknown key 'comand' .*'command'" "with its place and the nearest known key"
run "$assay" lock "$data/02-minimal.yml" --compat linuxkit -o "$work/no.plan.json"
exits 5 "an image that no layout has is refused"

images=()
for layout in "$vectors"/oci/*.tar.zst; do images+=(--images "$layout"); done

# Sources are relative to the working directory, as LinuxKit has it.
cd "$vectors/yaml" || exit 1
while read -r wanted tar; do
    name=${tar%.tar}
    run "$assay" lock "$name.yml" --compat linuxkit "${images[@]}" -o "$work/$name.json" -q
    exits 0 "$name is locked"
    run "$assay" build "$work/$name.json" --format tar -o "$work/out" -q
    is "$name.tar is LinuxKit's, byte for byte" \
        "$(sha256sum <"$work/out/$tar" | cut -c1-64)" "$wanted"
done <"$vectors/SHA256SUMS"

run "$assay" build "$work/03-full.json" -o "$work/again" --no-cache -j 2 -q
ok "built again without the cache: the same" cmp "$work/out/03-full.tar" "$work/again/03-full.tar"

# A layout as a directory, and layouts as arguments after --images.
mkdir "$work/init" && zstd -dqc "$vectors/oci/init.tar.zst" | tar -xf - -C "$work/init"
run "$assay" lock 01-init-only.yml --compat linuxkit --images "$work/init" -o "$work/dir.json" -q
ok "a layout directory gives the same plan" cmp "$work/dir.json" "$work/01-init-only.json"
run "$assay" lock 03-full.yml --compat linuxkit --images "$vectors"/oci/*.tar.zst \
    -o "$work/args.json" -q
ok "layouts may follow --images" cmp "$work/args.json" "$work/03-full.json"

for case in 03-full m1+m2; do
    files=()
    for part in ${case//+/ }; do files+=("$part.yml"); done
    run "$assay" build "${files[@]}" --dry-run
    ok "$case: --dry-run prints LinuxKit's merged configuration" \
        cmp "$work/stdout" "$vectors/$case.dry-run.yml"
done

# What LinuxKit's defects change is said, with places and paths.
warned() { # CASE...
    local files=() part
    for part in "$@"; do files+=("$part.yml"); done
    run "$assay" lock "${files[@]}" --compat linuxkit "${images[@]}" -o "$work/warned.json" -q
}
warned 06-layers
says "layers:v1: deleted by a layer, and yet there: b/x, b/sub, b/sub/y, c/x, c/sub, c/sub/y, re/foo" \
    "opaque whiteouts and directories made again"
says "lost to a whiteout of the same layer: d2f, f2d, f2d/in" "whiteouts beside a file of the name"
says "hard links before their targets: hl/t4" "hard links that no tar reader resolves"
says "hard links without their targets: hm/b" "dangling ones"
says "hard links to what another layer wrote over: hl/t1, hl/t3" "those with other content"
warned 04-imageconfig
is "keys that LinuxKit loses" "$(grep -c "LinuxKit loses '" "$work/stderr")" 11
says "04-imageconfig.yml:93:9: LinuxKit loses 'kernelTCP'" "are named with their places"
warned 05-label
says "05-label.yml:27:38: 'CAP_NET_ADMIN' stands twice" "capabilities that stand twice"
says "LinuxKit ignores USER '101:102' of docker.io/lk/dhcpcd:v1" "an image's USER"
warned 10-volumes-oci
says "10-volumes-oci.yml:13:9: the volume 'v1' stays a name" "mounts of volumes"
warned 03-full
says "03-full.yml:11:5: the read-only volume 'ro' is writable" "volumes that can be written"
says "03-full.yml:47:5: the directory 'etc' becomes 0700" "etc for root only"
says "the directory 'usr/local' is made 4755" "setuid directories"
says "several entries of one name.*: dev, dev/pts, dev/shm, etc, etc/hosts" "entries of one name"
printf 'volumes: [{name: v}]\n' >"$work/v1.yml"
printf 'files: [{path: ../x, contents: y, uid: -1}]\nkernel: {image: "lk/kernel:v1", ucode: x}\n' \
    >"$work/v2.yml"
run "$assay" lock "$work/v1.yml" "$work/v2.yml" --compat linuxkit "${images[@]}" \
    -o "$work/warned.json" --json
is "all of it is in --json" "$(python3 -c '
import json, os, sys
for w in json.load(open(sys.argv[1]))["warnings"]:
    print(w.replace(sys.argv[2] + "/", ""))' "$work/stdout" "$work")" \
    "v1.yml:1:11: LinuxKit forgets the volume 'v' when it merges the next file: nothing can bind it
v2.yml:2:40: the kernel image has no 'x': LinuxKit goes on without microcode
v2.yml:1:35: -1 becomes 4294967295
v2.yml:1:9: '../x' leads out of the root"
run "$assay" lock 08-kernel-variants.yml --compat linuxkit "${images[@]}" -o "$work/w.json" -q
is "nothing is said where nothing is wrong" "$(cat "$work/stderr")" ""

# The other formats that LinuxKit makes by itself. Its deflate is not ours: initrds are compared
# when they are unpacked.
formats=(--format docker,kernel+initrd --format tar-kernel-initrd)
unpacked() { # FILE BYTES-BEFORE
    tail -c "+$(($2 + 1))" "$1" | gzip -dc 2>/dev/null | sha256sum | cut -c1-64
}
while IFS=$'\t' read -r case before _ cpio; do
    before=${before#*=} cpio=${cpio#*=}
    run "$assay" lock "$case.yml" --compat linuxkit "${images[@]}" "${formats[@]}" \
        -o "$work/formats.json" -q
    run "$assay" build "$work/formats.json" --format kernel+initrd -o "$work/formats" -q
    exits 0 "$case: docker, kernel+initrd and tar-kernel-initrd are built"
    while read -r wanted file; do
        case $file in *-initrd.*) continue ;; esac
        is "$file is LinuxKit's" "$(sha256sum <"$work/formats/$file" | cut -c1-64)" "$wanted"
    done <"$vectors/formats/$case.sha256"
    is "$case-initrd.img unpacks to LinuxKit's" \
        "$(unpacked "$work/formats/$case-initrd.img" "$before")" "$cpio"
    tar -xOf "$work/formats/$case-initrd.tar" initrd.img >"$work/initrd"
    is "and the one in the tar" "$(unpacked "$work/initrd" 0)" "$cpio"
    is "microcode is apart there" \
        "$(tar -tf "$work/formats/$case-initrd.tar" | tr '\n' ' ')" \
        "kernel initrd.img cmdline $([ "$before" = 0 ] || echo 'ucode.cpio ')"
done <"$vectors/formats/INITRD.tsv"
run "$assay" lock 02-minimal.yml --compat linuxkit "${images[@]}" --format raw-efi -o "$work/no.json"
exits 6 "a format that LinuxKit does not make twice alike is refused"
run "$assay" lock 02-minimal.yml --compat linuxkit "${images[@]}" --format floppy -o "$work/no.json"
exits 2 "and one that it does not know"

# --decompress-kernel: gzip, or a bzImage of it; nothing else.
kernel() { # IMAGE BINARY
    printf 'kernel: {image: "%s", binary: "%s", tar: none}\n' "$1" "$2" >"$work/kernel.yml"
    run "$assay" lock "$work/kernel.yml" --compat linuxkit "${images[@]}" --decompress-kernel \
        -o "$work/kernel.json" -q
    run "$assay" build "$work/kernel.json" -o "$work/kernel" -q
}
kernel lk/kernel:v1 kernel
is "a bzImage is unpacked" "$(tar -xOf "$work/kernel/kernel.tar" boot/kernel 2>/dev/null | sha256sum)" \
    "$(python3 -c 'print("VMLINUX payload\n" * 1000, end="")' | sha256sum)"
kernel lk/kernel:v1 bzImage2
is "a gzip kernel is" "$(tar -xOf "$work/kernel/kernel.tar" boot/kernel 2>/dev/null | sha256sum)" \
    "$(python3 -c 'print("plain gz kernel\n" * 100, end="")' | sha256sum)"
kernel lk/kernel2:v1 kernel
exits 5 "another one is refused, as LinuxKit does"

run sh -c "'$assay' lock - --compat linuxkit -o '$work/moby.json' -q <'$work/one.yml'"
exits 0 "a document from standard input"
is "is called moby" "$(grep -o '"name":"moby[^"]*"' "$work/moby.json" | sort -u | tr '\n' ' ')" \
    '"name":"moby" "name":"moby.tar" '

# NUL is a character where it can be one.
printf 'files: [{path: a, contents: "x\\0y"}]\nservices: [{name: a, image: "lk/two:v1", command: ["p\\0\\b\\u2028"]}]\n' \
    >"$work/nul.yml"
run "$assay" lock "$work/nul.yml" --compat linuxkit "${images[@]}" -o "$work/nul.json" -q
run "$assay" build "$work/nul.json" -o "$work/nul" -q
is "NUL in contents" "$(tar -xOf "$work/nul/nul.tar" a 2>/dev/null | od -An -tx1)" " 78 00 79"
is "and in a command, as Go writes it" \
    "$(tar -xOf "$work/nul/nul.tar" containers/services/a/config.json 2>/dev/null | grep -c '"p\\u0000\\b\\u2028"')" 1
printf 'files: [{path: "a\\0", contents: x}]\n' >"$work/nul.yml"
run "$assay" lock "$work/nul.yml" --compat linuxkit -o "$work/nul.json" -q
exits 5 "but not in a path"

# Packages of LinuxKit's own tree have no name that stays: shown, but not locked.
mkdir -p "$work/pkg/a"
printf 'image: alpha\norg: team\n' >"$work/pkg/a/build.yml"
printf 'init: ["@pkg:pkg/a", "@pkg:./pkg/b/"]\nkernel: {image: "@pkg:pkg/a"}\n' >"$work/pkg.yml"
run "$assay" build "$work/pkg.yml" --dry-run
is "packages are shown as LinuxKit does without git" "$(head -5 "$work/stdout" | tr '\n' ' ')" \
    "kernel:     image: docker.io/team/alpha:latest init:     - docker.io/team/alpha:latest     - docker.io/linuxkit/b:latest "
says "3 package names" "which is said"
run "$assay" lock "$work/pkg.yml" --compat linuxkit -o "$work/pkg.json"
exits 6 "and refused by assay lock"

# The small documents: accepted with the right tar, or refused with exit code 5.
cd "$vectors/errors" || exit 1
python3 -c '
import json
for c in json.load(open("EXPECTED.json")):
    print(c["case"], c["rc"], c["tar_sha256"] or "-")' >"$work/expected"
while read -r name verdict wanted; do
    run "$assay" lock "$name.yml" --compat linuxkit "${images[@]}" -o "$work/case.json" -q
    if [ "$code" = 0 ]; then
        run "$assay" build "$work/case.json" --format tar -o "$work/cases" -q
    fi
    if [ "$verdict" = 0 ]; then
        is "$name is accepted as LinuxKit does" \
            "$code $(sha256sum <"$work/cases/$name.tar" | cut -c1-64)" "0 $wanted"
    else
        exits 5 "$name is refused"
    fi
done <"$work/expected"

# Random layers against a program of Go's archive/tar.
cd "$top/tests/data/linuxkit-go/layers" || exit 1
while read -r wanted name; do
    run "$assay" lock "$name.yml" --compat linuxkit --images "$name.tar.zst" \
        -o "$work/layers.json" -q
    [ "$code" = 0 ] && run "$assay" build "$work/layers.json" --format tar -o "$work/layers" -q
    if [ "$wanted" = - ]; then
        exits 5 "layers $name are refused, as Go does"
    else
        is "layers $name give the tar that Go writes" \
            "$code $(sha256sum <"$work/layers/$name.tar" | cut -c1-64)" "0 $wanted"
    fi
done <SUMS

# What LinuxKit refuses of layouts and images.
cd "$work" || exit 1
refused() {
    printf '%b' "$1" >"$work/refused.yml"
    run "$assay" lock "$work/refused.yml" --compat linuxkit "${images[@]}" -o "$work/r.json" -q
    [ "$code" = 0 ] && run "$assay" build "$work/r.json" -o "$work/refused" -q
    exits 5 "$2"
}
refused 'init: [lk/zstdsingle:v1]' "a zstd layer behind no index"
refused 'init: [lk/symhosts:v1]' "a symlinked etc/hosts"
refused 'services: [{name: a, image: lk/badlabel:v1}]' "a label with an unknown key"
says "label of docker.io/lk/badlabel:v1:1:" "names the label and the place"
refused 'volumes: [{name: v, image: lk/app:v1, format: oci}]' "an oci volume of no index"
refused 'volumes: [{name: v, image: lk/vol:v1, format: oci, platforms: [a/b/c/d]}]' "no platform"
refused 'services: [{name: a, image: lk/two:v1, binds: [], binds.add: ["q:/x"]}]' \
    "a volume that does not exist, in binds.add that does not count"
refused 'files: [{path: a/b/, contents: x}]' "a file with a slash at its end"
refused 'files: [{path: a, contents: x, mode: "20000000000"}]' "a mode beyond 31 bits"

done_testing
