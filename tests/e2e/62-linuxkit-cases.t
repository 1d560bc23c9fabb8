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

# ---- what LinuxKit takes -------------------------------------------------------------------------
compat contig
exits 0 "files of the types 7, V and unknown ones, and a global header"
is "are files of those types, with their contents" \
    "$(python3 -c 'import sys, tarfile
t = tarfile.open(sys.argv[1])
print(*["%s %s %s" % (m.name, m.type.decode(), t.fileobj.seek(m.offset_data) and t.fileobj.read(m.size).decode()) for m in t if m.name in "cvz"], t.pax_headers["comment"], sep="; ")' \
        "$work/contig.tar")" "c 7 contiguous; v V a label; z Z unknown; of all"
run "$assay" lock "$cases/contig.yml" --compat linuxkit --images "$work/layout" --format kernel+initrd -o "$work/plan.json" -q
run "$assay" build "$work/plan.json" -o "$work/initrd" -q
exits 5 "an initrd has no place for them"
says "LinuxKit cannot put an entry of the type 'g' into an initrd" "which is said"
compat nolayer
exits 0 "an image without layers"
is "has what every image gets" "$(tar -tf "$work/nolayer.tar" 2>/dev/null | tr '\n' ' ')" \
    "dev dev/pts dev/shm etc etc/hosts etc/mtab etc/resolv.conf proc sys "
compat zeros
exits 0 "a file of zeros"
printf 'init: ["g/sized:v1"]\n' >"$work/sized.yml"
run "$assay" lock "$work/sized.yml" --compat linuxkit --images "$work/layout" --format kernel+initrd -o "$work/plan.json" -q
run "$assay" build "$work/plan.json" -o "$work/initrd" -q
exits 0 "LinuxKit's own tar with a directory that says a size, as an initrd"
is "what follows it is left out, as LinuxKit does" "$(gzip -dc "$work/initrd/sized-initrd.img" | tr '\0' '\n' | grep -cx b)" 0
run "$assay" lock "$work/sized.yml" --compat linuxkit --images "$work/layout" -o "$work/other.json" -q
says "g/sized:v1: LinuxKit leaves out all that follows what says a size without content: d\$" "which is said"
gzip -dc "$work/initrd/sized-initrd.img" >"$work/cpio"
is "the directory has zeros of that size" "$(python3 -c 'import sys
data = open(sys.argv[1], "rb").read()
at = 0
while True:
    size, name = int(data[at + 54:at + 62], 16), int(data[at + 94:at + 102], 16)
    text = data[at + 110:at + 109 + name].decode()
    body = at + (110 + name + 3) // 4 * 4
    if text == "d":
        print(size, data[body:body + size].count(0), data[body + 700:body + 706])
        break
    at = body + (size + 3) // 4 * 4' "$work/cpio")" "700 700 b'070701'"
cat >"$work/binary.yml" <<'Y'
files:
  - {path: a, contents: !!binary "aGVsbG8A"}
  - path: b
    contents: !!binary |
      aGVs
      bG8=
services:
  - {name: a, image: "h/tiny:v1", rlimits: ["nofile,9223372036854775808,18446744073709551615", "nproc,unlimited,1"]}
Y
run "$assay" lock "$work/binary.yml" --compat linuxkit --images "$work/layout" -o "$work/plan.json" -q
exits 0 "!!binary, and limits of 64 bits"
"$assay" build "$work/plan.json" -o "$work" -q
is "contents" "$(tar -xOf "$work/binary.tar" a b 2>/dev/null | od -An -c | tr -d ' \n')" 'hello\0hello'
is "limits" "$(tar -xOf "$work/binary.tar" containers/services/a/config.json 2>/dev/null | grep -Eo '"(hard|soft)": [0-9]+' | tr '\n' ' ')" \
    '"hard": 18446744073709551615 "soft": 9223372036854775808 "hard": 1 "soft": 18446744073709551615 '
for wrong in '!!binary "aGVsbG8"' '!!binary "gICA"'; do
    printf 'files: [{path: a, contents: %s}]\n' "$wrong" >"$work/wrong.yml"
    run "$assay" lock "$work/wrong.yml" --compat linuxkit -o "$work/plan.json" -q
    exits 5 "$wrong is refused"
    says "wrong.yml:1:29: '!!binary' " "with its place"
done

# ---- warnings ------------------------------------------------------------------------------------
compat subfile
exits 0 "files where other layers have directories"
is "no whiteout is blamed where there is none" "$(grep -c whiteout "$work/stderr")" 0
says "g/subfile:v1: deleted by a layer, and yet there: sub\$" "what a directory replaced is there, which is said"

# A link where the tar has a directory with contents: LinuxKit's bytes, a warning, and a system that is whole in strict mode.
compat i3153
exits 0 "lib becomes a link over the kernel's modules"
says "s/usrmerge:v1: no directories, where the tar has directories with contents before them.*: lib\$" "which is said"
is "both are in the tar" "$(tar -tvf "$work/i3153.tar" 2>/dev/null | awk '$6 == "lib" || $6 ~ /a.ko/ { print substr($1, 1, 1), $6 }' | tr '\n' ' ')" \
    "- lib/modules/6.1/a.ko l lib "
compat i3153b
exits 0 "and sbin over an init"
says "s/usrmerge:v1: no directories, .*: lib, sbin\$" "both are said"
printf 'init: ["s/usrmerge:v1", "s/sbindir:v1"]\n' >"$work/other.yml"
run "$assay" lock "$work/other.yml" --compat linuxkit --images "$work/layout" -o "$work/plan.json" -q
is "a directory behind a link loses nothing" "$(grep -c 'no directories' "$work/stderr")" 0
printf 'init: ["s/linked:v1", "s/again:v1"]\n' >"$work/twice.yml"
run "$assay" lock "$work/twice.yml" --compat linuxkit --images "$work/layout" -o "$work/plan.json" -q
says "several entries of one name.*: a/x, dev, " "what has one place by two names is there twice"
for case in i3153 i3153b; do
    strict $case
    exits 0 "$case: strict mode"
    is "$case: the modules are behind the link" "$(tar -tf "$work/strict.tar" | grep a.ko)" usr/lib/modules/6.1/a.ko
done

# ---- extended attributes in an initrd ---------------------------------------------------------------
for kind in user security; do
    printf 'kernel: {image: "s/km:v1"}\ninit: ["x/%s:v1"]\n' $kind >"$work/$kind.yml"
    run "$assay" lock "$work/$kind.yml" --arch amd64 --format kernel+initrd --images "$work/layout" -o "$work/plan.json" -q
    run "$assay" build "$work/plan.json" -o "$work/xattr" -q
    if [ $kind = user ]; then
        exits 0 "user.* is left out of an initrd"
    else
        exits 5 "any other attribute is refused"
        says "bin/x.*attribute 'security.capability'" "and named"
    fi
done

# ---- names -------------------------------------------------------------------------------------------
printf 'init: ["h/tiny:v1"]\n' >"$work/MySystem.yml"
run "$assay" lock "$work/MySystem.yml" --compat linuxkit --images "$work/layout" -o "$work/plan.json" -q
exits 0 "a file whose name has capitals"
is "its artifact has small letters" "$(jq -r '.outputs[].name' "$work/plan.json")" mysystem.tar
done_testing
