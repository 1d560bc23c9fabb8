#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# LinuxKit files as recipes, compared with what LinuxKit itself makes of them: the same paths, types, contents, links,
# modes and owners, but for the differences that docs/formats/linuxkit-strict.md lists.
. "$(dirname "$0")/lib.sh"

data=$top/tests/data/linuxkit
for name in init kernel onboot; do
    mkdir "$work/$name"
    tar -xzf "$data/$name.tar.gz" -C "$work/$name"
done
cp "$data"/*.yml "$work/"
cat >"$work/compare.py" <<'E'
# compare.py REFERENCE.jsonl OUR.tar LOCATION...: prints every difference that is not a documented one.
import hashlib, json, sys, tarfile

HOSTS = 160
reference = {}
locations = sys.argv[3:]
for line in open(sys.argv[1]):
    entry = json.loads(line)
    location = entry.get("pax", {}).get("LINUXKIT.location", "")
    if "name" not in entry or not location.startswith(tuple(locations)):
        continue
    path = entry["pax"].get("path", entry["name"])
    path = "/".join(part for part in path.split("/") if part not in ("", "."))
    if path == "":
        continue
    kind = {"0": "file", "1": "link", "2": "symlink", "5": "dir", "3": "char", "4": "block", "6": "fifo"}[entry["t"]]
    link = entry["pax"].get("linkpath", entry["link"])
    fact = {"kind": kind, "mode": int(entry["mode"], 8), "uid": entry["uid"], "gid": entry["gid"],
            "sha256": entry.get("sha256"), "link": link, "fixed": entry["mtime"] == 1492533000}
    if kind == "dir" and path in reference and reference[path]["kind"] == "dir" and fact["fixed"]:
        continue  # the standard touches, and parents of files: an existing directory keeps its metadata
    reference[path] = fact  # the last of equal names counts

ours = {}
tar = tarfile.open(sys.argv[2])
for member in tar:
    if member.name == ".":
        continue  # the root itself
    kind = ("dir" if member.isdir() else "symlink" if member.issym() else "link" if member.islnk() else "file" if member.isfile()
            else "fifo" if member.isfifo() else "char" if member.ischr() else "block")
    digest = hashlib.sha256(tar.extractfile(member).read()).hexdigest() if kind == "file" else None
    ours[member.name] = {"kind": kind, "mode": member.mode, "uid": member.uid, "gid": member.gid, "sha256": digest,
                         "link": member.linkname, "mtime": member.mtime}

def resolved(entries, path):
    entry = entries[path]
    return entries[entry["link"]] if entry["kind"] == "link" else entry

for path in sorted(set(reference) | set(ours)):
    if path not in ours or path not in reference:
        print(path, "only in", "LinuxKit's" if path in reference else "ours")
        continue
    theirs, mine = resolved(reference, path), resolved(ours, path)
    keys = ["kind", "uid", "gid"]
    if theirs["kind"] == "symlink":
        keys.append("link")  # the mode of a link is always 0777 in ours
    elif theirs["kind"] == "dir" and "files" in locations and theirs["fixed"]:
        keys = ["kind"]  # parents: LinuxKit gives them the file's mode and owner
    else:
        keys += ["mode", "sha256"]
    for key in keys:
        if theirs[key] != mine[key]:
            print(path, key, "LinuxKit:", theirs[key], "ours:", mine[key])
    if ours[path]["mtime"] > 1000:
        print(path, "has a time after the epoch")
print(len(ours), "entries")
E
sum() {
    jq -r ".outputs[] | select(.name == \"$1\") | .digest" "$2"
}
check() { # NAME ENTRIES LOCATION…
    name=$1
    entries=$2
    shift 2
    printf 'arch: amd64\nname: lk\nepoch: 1000\nsystem: {file: %s.yml}\nartifacts: [tar]\n' "$name" >"$work/assay.yml"
    run "$assay" lock "$work/assay.yml" -i "$work/init" -i "$work/kernel" -i "$work/onboot" -o "$work/$name.plan.json"
    exits 0 "$name: locked"
    run "$assay" build "$work/$name.plan.json" -o "$work/$name"
    exits 0 "$name: built"
    is "$name: as LinuxKit makes it" \
        "$(python3 "$work/compare.py" "$data/$name.jsonl" "$work/$name/lk.tar" "$@")" "$entries entries"
}
check 01-init-only 31 init
check 02-minimal 40 kernel init
check 11-files 14 files
check 13-symlink-resolv-init 9 init

# The same file as it is, and inside a recipe: the same tree.
run "$assay" lock --arch amd64 --epoch 1000 --name lk -i "$work/init" "$work/01-init-only.yml" -o "$work/plain.json"
run "$assay" build "$work/plain.json" -o "$work/plain"
ok "a plain LinuxKit file gives the same bytes" cmp "$work/plain/lk.tar" "$work/01-init-only/lk.tar"

# A kernel makes kernel+initrd the default, as in LinuxKit; boot/ stays out of the initrd.
run "$assay" lock --arch amd64 -i "$work/init" -i "$work/kernel" "$work/02-minimal.yml" -o "$work/k.json"
run "$assay" build "$work/k.json" -o "$work/k"
exits 0 "a LinuxKit file with a kernel is built"
is "it gives kernel, initrd and command line" "$(cd "$work/k" && echo *)" \
    "02-minimal-cmdline 02-minimal-initrd.img 02-minimal-kernel 02-minimal.provenance.json"
is "the command line" "$(cat "$work/k/02-minimal-cmdline")" "console=tty0 console=ttyS0"
gzip -dc "$work/k/02-minimal-initrd.img" | cpio -t --quiet >"$work/list"
ok "the initrd has the modules of kernel.tar" grep -qx 'lib/modules/6.1.0-test/kernel/a.ko' "$work/list"
is "of boot/ only the directory" "$(grep '^boot' "$work/list")" boot

# A kernel image without the tar that LinuxKit expects by default.
printf 'kernel: {image: lk/kernel:v1, tar: nope.tar}\n' >"$work/notar.yml"
run "$assay" lock --arch amd64 -i "$work/kernel" "$work/notar.yml" -o "$work/notar.json"
run "$assay" build "$work/notar.json" -o "$work/notar"
exits 5 "a missing kernel.tar is an input error"
one_line "a missing kernel.tar: one line"
says "has no file 'nope.tar'.*tar: none" "a missing kernel.tar: the line says what to do"
ok "and nothing is left" test ! -e "$work/notar/notar-kernel"

done_testing
