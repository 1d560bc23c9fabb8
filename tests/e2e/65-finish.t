#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# rootfs: {finish: …}: each doing of ours against the program that does it on a Debian system.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin:/sbin
debian_inputs debian-amd64

as_root=
[ "$(id -u)" = 0 ] || as_root="unshare -r"
run "$assay" build "$inputs_plan" --store "$inputs_store" --no-cache -q -o "$work/out"
exits 0 "a root with everything done"
root=$work/root
mkdir "$root"
ok "unpacked" $as_root tar -C "$root" --warning=no-timestamp --no-same-owner -xpf "$work/out/debian.tar"
is "the plan lists what is done" \
    "$(jq -cS '.steps[] | select(.kind == "tree.finish") | {in, params: (.params | {architecture, hostname, libraries, machineId})}' "$inputs_plan")" \
    '{"in":["unpack.root"],"params":{"architecture":"amd64","hostname":"web.example","libraries":true,"machineId":true}}'

# ---- ldconfig ------------------------------------------------------------------------------------
cp "$root/etc/ld.so.cache" "$work/ours.cache"
ok "ldconfig runs" $as_root ldconfig -r "$root"
# All but the last section, which says who wrote it.
extension=$(python3 -c 'import struct, sys; print(struct.unpack_from("<I", open(sys.argv[1], "rb").read(), 32)[0])' "$work/ours.cache")
ok "libraries: the loader's cache is what ldconfig writes, byte for byte ($extension bytes)" cmp -n "$extension" "$work/ours.cache" "$root/etc/ld.so.cache"
is "libraries: and names who wrote it" "$(tail -c 5 "$work/ours.cache")" assay
ok "libraries: ldconfig -p reads it" sh -c 'ldconfig -p -C "$1" | grep -q "libsystemd-shared\|libc.so.6 (libc6,x86-64) => /lib/x86_64-linux-gnu/libc.so.6"' sh "$work/ours.cache"

# ---- update-shells, in the root itself ----------------------------------------------------------
mkdir "$work/shells"
mv "$root/etc/shells" "$root/var/lib/shells.state" "$work/shells"
ok "update-shells runs" sh "$root/usr/sbin/update-shells" --root "$root"
ok "shells: /etc/shells is what it writes" cmp "$work/shells/shells" "$root/etc/shells"
ok "shells: and what it keeps" cmp "$work/shells/shells.state" "$root/var/lib/shells.state"

# ---- base-files, libc-bin -------------------------------------------------------------------------
while read -r from to; do
    ok "base: $to" cmp "$root/usr/share/$from" "$root/$to"
done <<'E'
base-files/dot.profile root/.profile
base-files/dot.bashrc root/.bashrc
base-files/profile etc/profile
base-files/motd etc/motd
libc-bin/nsswitch.conf etc/nsswitch.conf
E
is "base: run and lock are the system's own" "$(readlink "$root/var/run" "$root/var/lock" "$root/usr/local/man" "$root/var/spool/mail" | tr '\n' ' ')" "/run /run/lock share/man ../mail "
is "base: who may write the mail" "$(tar -tvf "$work/out/debian.tar" --numeric-owner ./var/mail/ var/mail/ 2>/dev/null | awk '{print $1, $2; exit}')" "drwxrwsr-x 0/8"

# ---- update-ca-certificates, of the root itself -----------------------------------------------------
certificate_links() { (cd "$1" && find . -type l -printf '%P %l\n' | sort); }
certificate_links "$root/etc/ssl/certs" >"$work/our.links"
mv "$root/etc/ssl/certs/ca-certificates.crt" "$work/out.crt"
rm -r "$root/etc/ssl/certs"
mkdir "$root/etc/ssl/certs"
ok "update-ca-certificates runs" env LC_ALL=C TMPDIR=/tmp PATH=/usr/sbin:/usr/bin $as_root chroot "$root" update-ca-certificates --hooksdir ""
ok "certificates: the bundle is the one that it writes" cmp "$work/out.crt" "$root/etc/ssl/certs/ca-certificates.crt"
certificate_links "$root/etc/ssl/certs" >"$work/their.links"
ok "certificates: the same links, by name and by hash ($(grep -c . "$work/our.links"))" cmp "$work/our.links" "$work/their.links"
ok "certificates: openssl finds one by its hash" openssl verify -no-CAfile -CApath "$root/etc/ssl/certs" "$root/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt"

# ---- pam-auth-update, of the root itself ---------------------------------------------------------
mkdir "$work/pam"
mv "$root"/etc/pam.d/common-* "$work/pam"
mv "$root/var/lib/pam" "$work/pam/saved"
mkdir "$root/var/lib/pam"
ok "pam-auth-update runs" env DEBIAN_FRONTEND=noninteractive LC_ALL=C $as_root chroot "$root" /usr/sbin/pam-auth-update --package --force
for file in auth account password session session-noninteractive; do
    ok "pam: common-$file is what it writes" cmp "$work/pam/common-$file" "$root/etc/pam.d/common-$file"
    ok "pam: and what it keeps of it" cmp "$work/pam/saved/$file" "$root/var/lib/pam/$file"
done
ok "pam: and which profiles it has seen" cmp "$work/pam/saved/seen" "$root/var/lib/pam/seen"
ok "pam: two modules that jump over what follows" grep -q 'success=1 default=ignore.*pam_unix.so obscure use_authtok' "$root/etc/pam.d/common-password"

# ---- systemctl preset-all -------------------------------------------------------------------------
# In links systemctl 252 names units by /lib, 257 by /usr/lib, which is one directory.
links() { (cd "$1/etc/systemd" && find . -printf '%P %y %m %l\n' | sed 's# /lib/systemd/# /usr/lib/systemd/#' | sort); }
is "/lib is /usr/lib" "$(readlink "$root/lib")" usr/lib
links "$root" >"$work/ours.links"
find "$root/etc/systemd/system" -maxdepth 1 \( -name '*.wants' -o -name '*.requires' -o -type l \) -exec rm -r {} +
mkdir -p "$root/etc/systemd/system-preset"
echo 'disable ssh.socket' >"$root/etc/systemd/system-preset/00-recipe.preset"
ok "systemctl preset-all runs" systemctl --root="$root" preset-all
rm -r "$root/etc/systemd/system-preset"
links "$root" >"$work/their.links"
ok "units: the same links as by systemctl preset-all ($(grep -c ' l ' "$work/ours.links"))" cmp "$work/ours.links" "$work/their.links"
ok "units: nginx is started" grep -q '^system/multi-user.target.wants/nginx.service l' "$work/ours.links"
ok "units: what the recipe denies is not" sh -c '! grep -q sockets.target.wants/ssh.socket "$1"' sh "$work/ours.links"
is "ssh: keys are made at the first boot" "$(readlink "$root/etc/systemd/system/ssh.service.requires/ssh-host-keys.service")" "/etc/systemd/system/ssh-host-keys.service"
is "ssh: and none is in the image" "$(find "$root/etc/ssh" -name 'ssh_host_*')" ""
ok "ssh: sshd_config is as the package has it" cmp "$root/usr/share/openssh/sshd_config" "$root/etc/ssh/sshd_config"

# ---- systemd-sysusers, of the root itself, before whose files nobody was added ---------------------------
mkdir "$work/accounts"
for file in passwd group shadow gshadow; do
    cp -p "$root/etc/$file" "$work/accounts"
    sed -i '/^messagebus:/d; /^systemd-/d' "$root/etc/$file"
done
ok "systemd-sysusers runs" env SOURCE_DATE_EPOCH=1790000000 $as_root chroot "$root" /usr/bin/systemd-sysusers
for file in passwd group shadow gshadow; do
    ok "sysusers: $file is what it writes" cmp "$work/accounts/$file" "$root/etc/$file"
done
is "sysusers: who was added" "$(sed -n 's/^\(messagebus\|systemd-[a-z-]*\):.*/\1/p' "$work/accounts/group" | tr '\n' ' ')" "systemd-journal messagebus systemd-network "

# ---- depmod, of the root itself ----------------------------------------------------------------------
version=$(ls "$root/usr/lib/modules")
lists() { (cd "$root/usr/lib/modules/$version" && ls | grep '^modules\.'); }
lists >"$work/our.lists"
mkdir "$work/modules"
mv "$root/usr/lib/modules/$version"/modules.* "$work/modules"
for file in order builtin builtin.modinfo; do cp "$work/modules/modules.$file" "$root/usr/lib/modules/$version"; done
ok "depmod runs" $as_root chroot "$root" /usr/sbin/depmod "$version"
lists >"$work/their.lists"
ok "modules: the same lists as by depmod" cmp "$work/our.lists" "$work/their.lists"
while read -r name; do
    ok "modules: $name is what it writes" cmp "$work/modules/$name" "$root/usr/lib/modules/$version/$name"
done <"$work/their.lists"
ok "modules: network cards are among them" grep -q '^alias virtio:d00000001v\* virtio_net$' "$work/modules/modules.alias"

# ---- systemd-tmpfiles --create, of a root before which it was not done; who is root alone gives files away -----------
# Of /usr only the declarations are unpacked: nothing is declared there.
without=$work/without
mkdir "$without"
jq -cSj '(.steps[] | select(.kind == "tree.finish") | .params.tmpfiles) = false' "$inputs_plan" >"$work/without.json"
run "$assay" build "$work/without.json" --store "$inputs_store" --no-cache -q -o "$work/without.out"
exits 0 "a root without what tmpfiles.d declares"
own=--same-owner owners=yes
[ "$(id -u)" = 0 ] || own=--no-same-owner owners=
ok "unpacked, without" $as_root tar -C "$without" --warning=no-timestamp --numeric-owner $own \
    --anchored --exclude='usr/[!l]*' --exclude='usr/lib/[!t]*' -xpf "$work/without.out/debian.tar"
[ "$(id -u)" = 0 ] || sed -i 's/^\([^:]*:[^:]*\):[0-9]*:[0-9]*:/\1:0:0:/; s/^\([^:]*:[^:]*\):[0-9]*:/\1:0:/' "$without/etc/passwd" "$without/etc/group"
ok "systemd-tmpfiles runs" $as_root systemd-tmpfiles --root="$without" --create --exclude-prefix=/run --exclude-prefix=/tmp --exclude-prefix=/dev --exclude-prefix=/proc --exclude-prefix=/sys
cat >"$work/entries.py" <<'E'
import sys, tarfile
kinds = {tarfile.DIRTYPE: "d", tarfile.SYMTYPE: "l"}
lines = []
with tarfile.open(sys.argv[1]) as tar:
    for m in tar:
        name = m.name[2:] if m.name.startswith("./") else m.name
        if name.split("/")[0] not in ("", ".", "usr", "run", "tmp", "dev", "proc", "sys"):
            owner = " %d:%d" % (m.uid, m.gid) if sys.argv[2] else ""
            lines.append("%s %s %o%s %s\n" % (name, kinds.get(m.type, "f"), m.mode, owner, m.linkname if m.issym() else ""))
sys.stdout.write("".join(sorted(lines)))
E
$as_root tar -C "$without" --exclude=./usr -cf "$work/theirs.tar" .
python3 "$work/entries.py" "$work/out/debian.tar" "$owners" >"$work/ours"
python3 "$work/entries.py" "$work/theirs.tar" "$owners" >"$work/theirs"
python3 "$work/entries.py" "$work/without.out/debian.tar" "$owners" >"$work/before"
ok "tmpfiles: the same entries, modes and owners as by systemd-tmpfiles ($(grep -c . "$work/ours"))" cmp "$work/ours" "$work/theirs"
is "tmpfiles: what was made" "$(LC_ALL=C comm -13 "$work/before" "$work/ours" | cut -d' ' -f1,2,3 | tr '\n' ' ')" \
    "etc/mtab l 777 root/.ssh d 700 var/cache/private d 700 var/lib/private d 700 var/lib/systemd/coredump d 755 var/lib/systemd/pstore d 755 var/log/README l 777 var/log/private d 700 "

# ---- one machine's own -----------------------------------------------------------------------------
is "machine-id: empty" "$(stat -c '%s %a' "$root/etc/machine-id")" "0 444"
is "hostname" "$(cat "$root/etc/hostname")" "web.example"
ok "hostname: found in hosts" grep -qx "127.0.1.1	web.example web" "$root/etc/hosts"

# ---- recipes ----------------------------------------------------------------------------------------
recipe() {
    printf 'name: x\narch: amd64\nimages: {root: {debian: {suite: bookworm, packages: [base-files], rootfs: {finish: %s}}}}\nartifacts: [tar]\n' "$1" >"$work/x.yml"
    run "$assay" lock "$work/x.yml" -o "$work/x.json"
}
recipe '{unknown: true}'
exits 5 "a doing that there is not"
recipe '{units: true, enable: [nothing]}'
exits 5 "no name of a unit"
recipe '{enable: [ssh.service]}'
exits 5 "units without units"
says "'enable' needs 'units: true'" "says what to add"
recipe '{hostname: -x}'
exits 5 "no name of a host"
says "'-x' is no name of a host" "is said to be none"
done_testing
