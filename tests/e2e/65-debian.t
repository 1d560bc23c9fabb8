#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian root file systems: no script runs, and dpkg finds what it would have made.
. "$(dirname "$0")/lib.sh"

native=$(dpkg --print-architecture)

# input NAME: the plan locked from tests/inputs/debian-NAME.yml
input() {
    debian_inputs "debian-$1"
    plan=$inputs_plan
    store=$inputs_store
}
# built NAME [OPTION…]: the tar of the plan, at $work/out/NAME.tar
built() {
    name=$1
    shift
    run "$assay" build "$plan" --store "$store" -q -o "$work/out" --no-cache "$@"
    exits 0 "$name: built"
}
# unpacked NAME: the tar at $work/NAME, with this user's own files where the user is not root
unpacked() {
    mkdir "$work/$1"
    ok "$1: unpacked" tar -C "$work/$1" --warning=no-timestamp --numeric-owner -xpf "$work/out/$1.tar"
}

# ---- a whole system, for this machine's architecture ---------------------------------------------
input system
count=$(jq '.inputs | length' "$plan")
ok "system: at least 150 packages ($count)" test "$count" -ge 150
jq .recipe "$plan" >"$work/recipe.json"
cat >"$work/validate.py" <<'E'
import json, sys, jsonschema
for schema, document in (sys.argv[1:3], sys.argv[3:5]):
    jsonschema.Draft202012Validator(json.load(open(schema))).validate(json.load(open(document)))
E
ok "system: plan and recipe are as their schemas say" python3 "$work/validate.py" \
    "$top/schemas/plan.schema.json" "$plan" "$top/schemas/recipe.schema.json" "$work/recipe.json"
built system
mkdir "$work/reference"
run python3 "$here/debian_tree.py" "$plan" "$store" "$work/out/system.tar" "$work/reference" \
    home/app usr/bin/awk usr/bin/nawk etc/alternatives/awk etc/alternatives/nawk \
    var/lib/dpkg/alternatives/awk
exits 0 "system: the same tree as dpkg-deb -x of each package in dependency order, and what is added is what is to be"
prints "^$count packages, .* 0 differences" "system: every path of it"
unpacked system
root=$work/system
admin=$root/var/lib/dpkg

jq -r '.inputs[].from.debian | "\(.package) \(.version) \(.architecture) installed"' "$plan" | sort >"$work/wanted"
# shellcheck disable=SC2016
dpkg-query --root="$root" -W -f '${Package} ${Version} ${Architecture} ${db:Status-Status}\n' 2>"$work/stderr" | sort >"$work/listed"
ok "dpkg-query -W lists every package, version and architecture, and no other" cmp "$work/wanted" "$work/listed"
# dpkg itself, of the packages that have no scripts to run: what it writes is what is there.
mkdir -p "$work/dpkg/var/lib/dpkg/info" "$work/dpkg/var/lib/dpkg/updates" "$work/dpkg/var/lib/dpkg/triggers" "$work/debs"
: >"$work/dpkg/var/lib/dpkg/status"
jq -r '.inputs[] | "\(.from.debian.package) \(.digest[7:])"' "$plan" | while read -r package hex; do
    set -- "$admin/info/$package.p"*inst "$admin/info/$package:$native.p"*inst
    [ -e "$1" ] || [ -e "$2" ] || ln -s "$store/blobs/sha256/$hex" "$work/debs/$package.deb"
done
as_root=
[ "$(id -u)" = 0 ] || as_root="unshare -r"
run $as_root dpkg --root="$work/dpkg" --log=/dev/null --force-depends --force-unsafe-io --no-triggers --install "$work/debs"/*.deb
exits 0 "dpkg installs those without scripts"
cat >"$work/same.py" <<'E'
import os, sys

theirs, ours = (d + "/var/lib/dpkg/" for d in sys.argv[1:])

def stanzas(path):
    with open(path + "status", "rb") as file:
        return {s.split(b"\n", 1)[0]: s for s in file.read().split(b"\n\n") if s}

a, b = stanzas(theirs), stanzas(ours)
odd = [name for name in a if a[name] != b.get(name)]
for name in sorted(os.listdir(theirs + "info")):
    with open(theirs + "info/" + name, "rb") as x, open(ours + "info/" + name, "rb") as y:
        if x.read() != y.read():
            odd.append(name)
print(len(a), "packages, differences:", odd[:10])
sys.exit(1 if odd or len(a) < 20 else 0)
E
run python3 "$work/same.py" "$work/dpkg" "$root"
exits 0 "and writes the same database"
prints "^[0-9]+ packages" "of $(cut -d" " -f1 "$work/stdout") packages"
rm -rf "$work/dpkg" "$work/debs"

run dpkg-query --root="$root" -W 'libc6'
prints '^libc6:' "a package of which several architectures may be there has its own in its name"
run dpkg-query --root="$root" -S /usr/bin/bash
is "dpkg-query -S finds whose a file is" "$(cat "$work/stdout")" "bash: /usr/bin/bash"
run dpkg-query --root="$root" -S /usr/bin
prints ', bash(,|:)' "and that a directory is many packages'"
run dpkg-query --root="$root" -L dash
is "dpkg-query -L says what a package has" "$(grep -c '^/' "$work/stdout")" "$(wc -l <"$admin/info/dash.list")"
run dpkg-query --root="$root" -s base-files
prints '^ /etc/debian_version [0-9a-f]{32}$' "dpkg-query -s says the sums of conffiles"
run dpkg --root="$root" --verify
is "dpkg --verify finds no fault" "$code $(cat "$work/stdout" "$work/stderr")" "0 "
echo changed >>"$root/etc/debian_version"
chmod u+w "$root/usr/bin/dash"
echo changed >>"$root/usr/bin/dash"
run dpkg --root="$root" --verify
is "and finds those that are made" "$(sort "$work/stdout" | tr '\n' ' ')" "??5??????   /usr/bin/dash ??5?????? c /etc/debian_version "
run dpkg --root="$root" --audit
is "dpkg --audit has nothing to say" "$code $(cat "$work/stdout" "$work/stderr")" "0 "
mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
run apt-get check -o Dir::State="$work/apt" -o Dir::State::status="$admin/status" -o Dir::Cache="$work/apt" \
    -o Dir::Etc=/nonexistent -o APT::Architecture="$native" -o Debug::NoLocking=1
exits 0 "apt-get check: no dependency is missing"
run update-alternatives --altdir "$root/etc/alternatives" --admindir "$admin/alternatives" --query awk
prints '^Value: /usr/bin/mawk$' "update-alternatives --query reads the alternative"
prints '^Status: auto$' "which is automatic"
is "base-passwd's users are there, and the declared one" "$(grep -E '^(root|app):' "$root/etc/passwd" | tr '\n' ' ')" \
    "root:x:0:0:root:/root:/bin/bash app:x:1000:1000::/home/app:/bin/bash "
is "nobody's password lets anybody in" "$(cut -d: -f2 "$root/etc/shadow" | sort -u | tr '\n' ' ')" "! * "

# In Assay's own sandbox, with nothing of this machine's system but its kernel.
mkdir -p "$root/usr/lib64"
inside() {
    run "$ASSAY_HELPERS/sandbox_run" -v "$root/usr=/usr" -v "$root/etc=/etc" -v "$root/var=/var" -v "$root/usr/lib=/lib" \
        -v "$root/usr/lib64=/lib64" -- "$@"
}
inside /usr/bin/busybox echo static
is "a static program runs in it" "$code $(cat "$work/stdout")" "0 static"
inside /usr/bin/python3.13 -S -c 'import sys, zlib; print(sys.version_info[:2], zlib.crc32(b"assay"))'
is "a dynamic one, with modules" "$code $(cat "$work/stdout")" "0 (3, 13) 410182629"
inside /usr/bin/bash -c 'set -e; PATH=/usr/bin; id app; dpkg-query -W dash; awk "BEGIN { print 6 * 7 }"'
is "a shell, with programs, users and alternatives" "$code $(cut -f1 "$work/stdout" | tr '\n' ' ')" \
    "0 uid=1000(app) gid=1000(app) groups=1000(app),44(video) dash 42 "
rm -rf "$root" "$work/reference"

# ---- every architecture, on this machine -------------------------------------------------------------
for arch in amd64 arm64 riscv64; do
    small=small-$arch
    input "$small"
    built "$small" -j 1
    first=$(sha256sum <"$work/out/$small.tar")
    built "$small" -j 3
    is "$small: the same bytes whatever the number of threads" "$(sha256sum <"$work/out/$small.tar")" "$first"
    unpacked "$small"
    case $arch in amd64) cpu=x86_64 ;; arm64) cpu=aarch64 ;; *) cpu=$arch ;; esac
    run "qemu-$cpu-static" "$work/$small/usr/bin/busybox" uname -m
    is "$small: a static program runs" "$code $(cat "$work/stdout")" "0 $cpu"
    # shellcheck disable=SC2016
    run "qemu-$cpu-static" -L "$work/$small" "$work/$small/bin/bash" -c 'echo $MACHTYPE'
    prints "^$cpu-" "$small: a dynamic one runs"
    # shellcheck disable=SC2016
    is "$small: every package is for it" \
        "$(dpkg-query --root="$work/$small" -W -f '${Architecture}\n' | grep -v '^all$' | sort -u)" "$arch"
    rm -rf "${work:?}/$small"
done

# ---- a suite whose packages have /bin and /lib of their own ---------------------------------------------
input old
built old
mkdir "$work/reference"
run python3 "$here/debian_tree.py" --merge "$plan" "$store" "$work/out/old.tar" "$work/reference"
exits 0 "old: the same tree as packages unpacked into a merged /usr"
prints ' 0 differences' "old: every path of it"
unpacked old
root=$work/old
is "old: /bin is a link" "$(readlink "$root/bin")" usr/bin
run dpkg-query --root="$root" -S /bin/bash
is "old: dpkg knows the path that the package has" "$(cat "$work/stdout")" "bash: /bin/bash"
run dpkg --root="$root" --verify
is "old: dpkg --verify finds no fault" "$code $(cat "$work/stdout" "$work/stderr")" "0 "
# The judge can see a difference: another system's tar is not this one's.
rm -rf "$work/reference"
mkdir "$work/reference"
run python3 "$here/debian_tree.py" --merge "$plan" "$store" "$work/out/small-riscv64.tar" "$work/reference"
exits 1 "the judge tells other trees"
rm -rf "$work/reference" "$root"

# ---- what is left out is not listed ------------------------------------------------------------------------
python3 - "$plan" "$work/slim.plan.json" <<'E'
import json, sys
plan = json.load(open(sys.argv[1]))
plan["name"], plan["outputs"][0]["name"] = "slim", "slim.tar"
for step in plan["steps"]:
    if step["kind"] == "tree.debian":
        step["params"]["exclude"] = ["usr/share/doc", "usr/share/man", "usr/share/locale"]
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write(json.dumps(plan, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
E
run "$assay" build "$work/slim.plan.json" --store "$store" -q -o "$work/out" --no-cache
exits 0 "slim: built"
unpacked slim
ok "slim: what is excluded is not there" test ! -e "$work/slim/usr/share/doc"
run dpkg --root="$work/slim" --verify
is "slim: and dpkg does not miss it" "$code $(cat "$work/stdout" "$work/stderr")" "0 "

done_testing
