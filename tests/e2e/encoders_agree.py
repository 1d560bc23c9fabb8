#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares what other programs read from an encoder's output with the description of the tree.

  encoders_agree.py READER DESCRIPTION OUTPUT [WITHOUT...]

READER is one of: unsquashfs unsquashfs-cat sqfs2tar rdsquashfs-xattr tarfile gnutar cpio
cpio-extract umoci. WITHOUT names paths that the encoder was told to leave out. The description's
language is that of tests/helpers/encode_tree.c. Exit 1 and the differences when they disagree.
"""

import os
import re
import stat
import subprocess
import sys
import tarfile
import tempfile
import time

os.environ["TZ"] = "UTC"
time.tzset()
ROOT = os.geteuid() == 0


class Entry:
    def __init__(self, kind, mode, uid, gid, mtime):
        self.kind, self.mode, self.uid, self.gid, self.mtime = kind, mode, uid, gid, mtime
        self.target = self.device = self.content = None
        self.xattrs = {}
        self.links = 1


def unescape(text):
    raw = text.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), raw)


def noise(seed, size):
    out = bytearray()
    mask = (1 << 64) - 1
    x = (seed * 0x9E3779B97F4A7C15 + 1) & mask
    for _ in range(size):
        x ^= (x << 13) & mask
        x ^= x >> 7
        x ^= (x << 17) & mask
        out.append((x >> 32) & 255)
    return bytes(out)


def content(text):
    kind, _, rest = text.partition(":")
    if kind == "text":
        return unescape(rest)
    if kind == "zero":
        return bytes(int(rest))
    if kind == "spots":
        size, step = map(int, rest.split(":"))
        return (b"\1" + bytes(step - 1)) * (size // step) + (b"\1" + bytes(size % step - 1) if size % step else b"")
    if kind == "random":
        seed, size = rest.split(":")
        return noise(int(seed), int(size))
    raise SystemExit("no content: " + text)


def described(path, without):
    """path (bytes) -> Entry; hard links share one Entry."""
    kinds = {"dir": "d", "file": "-", "symlink": "l", "char": "c", "block": "b", "fifo": "p", "socket": "s"}
    tree = {}
    with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as lines:
        for line in lines:
            f = line.rstrip("\n").split(" ")
            name = unescape(f[1])
            if f[0] == "hard":
                tree[name] = tree[unescape(f[2])]
            elif f[0] == "xattr":
                tree[name].xattrs[unescape(f[2])] = unescape(f[3])
            elif f[0] == "many":
                for i in range(int(f[2])):
                    e = tree[name + b"/entry-%07d" % i] = Entry("-", 0o644, 0, 0, 0)
                    e.content = b"%d" % i
            else:
                e = Entry(kinds[f[0]], int(f[2], 8), int(f[3]), int(f[4]), int(f[5]))
                if e.kind == "l":
                    e.target = unescape(f[6])
                elif e.kind == "-":
                    e.content = content(f[6])
                elif e.kind in "cb":
                    e.device = (int(f[6]), int(f[7]))
                tree[name] = e
    for name in without:
        del tree[name.encode()]
    for entry in tree.values():
        entry.links = 0
    for entry in tree.values():
        entry.links += 1
    return tree


def run(*argv, data=None, cwd=None):
    p = subprocess.run(argv, input=data, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd, check=False)
    if p.returncode != 0:
        raise SystemExit("%s: exit %d: %s" % (argv[0], p.returncode, p.stderr.decode(errors="replace")))
    return p.stdout


class Judge:
    def __init__(self):
        self.errors = []

    def same(self, name, what, got, want):
        if got != want:
            self.errors.append("%r: %s is %r, described %r" % (name, what, got, want))

    def names(self, got, want):
        got, want = sorted(got), sorted(want)
        if got != want:
            self.errors.append("names: only read %r, only described %r"
                               % (sorted(set(got) - set(want)), sorted(set(want) - set(got))))
        if len(set(got)) != len(got):
            self.errors.append("a name twice")

    def done(self):
        for line in self.errors[:40]:
            print(line)
        sys.exit(1 if self.errors else 0)


def mode_string(e):
    bits = {"d": stat.S_IFDIR, "-": stat.S_IFREG, "l": stat.S_IFLNK, "c": stat.S_IFCHR, "b": stat.S_IFBLK,
            "p": stat.S_IFIFO, "s": stat.S_IFSOCK}
    return stat.filemode(bits[e.kind] | e.mode)


def minute(seconds):
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))


def lines_without_newline_names(tree):
    return {n: e for n, e in tree.items() if b"\n" not in n}


# ---- readers -----------------------------------------------------------------


def read_unsquashfs(judge, tree, image):
    pattern = re.compile(rb"^(\S{10}) (\d+)/(\d+) +(\d+|\d+, *\d+) (\d{4}-\d\d-\d\d \d\d:\d\d) squashfs-root(?:/(.*))?$")
    seen = {}
    for line in run("unsquashfs", "-lln", image).split(b"\n"):
        m = pattern.match(line)
        if m:
            name = m.group(6) or b"."
            link = None
            if m.group(1).startswith(b"l"):
                name, _, link = name.partition(b" -> ")
            seen[name] = (m, link)
    want = lines_without_newline_names(tree)
    for name in [n for n in seen if any(o.startswith(n + b"\n") for o in tree)]:
        del seen[name]
    judge.names(seen, want)
    for name, (m, link) in seen.items():
        e = want.get(name)
        if e is None:
            continue
        judge.same(name, "mode", m.group(1).decode(), mode_string(e))
        judge.same(name, "owner", (int(m.group(2)), int(m.group(3))), (e.uid, e.gid))
        judge.same(name, "time", m.group(5).decode(), minute(e.mtime))
        judge.same(name, "target", link, e.target)
        if e.kind == "-":
            judge.same(name, "size", int(m.group(4)), len(e.content))
        if e.kind in "cb":
            judge.same(name, "device", tuple(int(n) for n in m.group(4).split(b",")), e.device)


def read_unsquashfs_cat(judge, tree, image):
    for name, e in tree.items():
        if e.kind == "-":
            judge.same(name, "content", run("unsquashfs", "-cat", image, name) == e.content, True)


def compare_tar(judge, tree, tar, ours):
    kinds = {tarfile.DIRTYPE: "d", tarfile.REGTYPE: "-", tarfile.SYMTYPE: "l", tarfile.CHRTYPE: "c",
             tarfile.BLKTYPE: "b", tarfile.FIFOTYPE: "p", tarfile.LNKTYPE: "h"}
    seen = {}
    order = []
    for m in tar:
        name = m.name.encode("utf-8", "surrogateescape").rstrip(b"/")
        seen[name] = m
        order.append(name)
    judge.names(order, tree)
    for name, m in seen.items():
        e = tree.get(name)
        if e is None:
            continue
        judge.same(name, "mode", m.mode, e.mode)
        judge.same(name, "owner", (m.uid, m.gid), (e.uid, e.gid))
        if ours:
            judge.same(name, "names of the owner", (m.uname, m.gname), ("", ""))
        judge.same(name, "time", m.mtime, e.mtime)
        kind = kinds.get(m.type)
        if kind == "h":
            target = m.linkname.encode("utf-8", "surrogateescape")
            judge.same(name, "link", tree.get(target) is e, True)
            judge.same(name, "link after its target", order.index(target) < order.index(name), True)
        else:
            judge.same(name, "kind", kind, e.kind)
        if kind == "-":
            judge.same(name, "content", tar.extractfile(m).read() == e.content, True)
        if kind == "l":
            judge.same(name, "target", m.linkname.encode("utf-8", "surrogateescape"), e.target)
        if kind in ("c", "b"):
            judge.same(name, "device", (m.devmajor, m.devminor), e.device)
        if ours and kind != "h":
            got = {k[13:].encode("utf-8", "surrogateescape"): v.encode("utf-8", "surrogateescape")
                   for k, v in m.pax_headers.items() if k.startswith("SCHILY.xattr.")}
            judge.same(name, "attributes", got, e.xattrs)


def read_sqfs2tar(judge, tree, image):
    # It writes no root and no sockets; its attributes are read by rdsquashfs.
    with tempfile.NamedTemporaryFile() as f:
        f.write(run("sqfs2tar", image))
        f.flush()
        want = {n: e for n, e in tree.items() if n != b"." and e.kind != "s"}
        with tarfile.open(f.name) as tar:
            compare_tar(judge, want, tar, ours=False)


def read_rdsquashfs_xattr(judge, tree, image):
    for name, e in tree.items():
        if b"\n" in name or name == b".":
            continue
        got = {}
        for line in run("rdsquashfs", "-x", name, image).split(b"\n"):
            if line:
                key, _, value = line.partition(b"=")
                got[key] = bytes.fromhex(value[2:].decode()) if value.startswith(b"0x") else value
        judge.same(name, "attributes", got, e.xattrs)


def read_tarfile(judge, tree, path):
    with tarfile.open(path) as tar:
        compare_tar(judge, tree, tar, ours=True)


def read_gnutar(judge, tree, path):
    pattern = re.compile(r"^(\S{10}) (\d+)/(\d+) +(\d+|\d+,\d+) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) (.*)$")
    text = run("tar", "--quoting-style=escape", "--numeric-owner", "--full-time", "-tvf", path).decode()

    def plain(word):
        raw = word.encode()
        raw = re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m.group(1), 8)]) if len(m.group(1)) == 3
                     else {b"n": b"\n", b"t": b"\t", b"\\": b"\\"}[m.group(1)], raw)
        return raw.rstrip(b"/")

    names = []
    for line in text.splitlines():
        m = pattern.match(line)
        if m is None:
            judge.errors.append("cannot read line " + line)
            continue
        word, link = m.group(6), None
        for separator in (" -> ", " link to "):
            if separator in word:
                word, link = word.split(separator)
        name = plain(word)
        names.append(name)
        e = tree.get(name)
        if e is None:
            continue
        want = mode_string(e)
        hard = m.group(1).startswith("h")
        judge.same(name, "mode", m.group(1)[1:], want[1:])
        judge.same(name, "kind", hard or m.group(1)[0] == want[0], True)
        judge.same(name, "owner", (int(m.group(2)), int(m.group(3))), (e.uid, e.gid))
        judge.same(name, "time", m.group(5), time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(e.mtime)))
        if hard:
            judge.same(name, "link", tree.get(plain(link)) is e, True)
        elif e.kind == "l":
            judge.same(name, "target", plain(link), e.target)
    judge.names(names, tree)


def read_cpio(judge, tree, path):
    pattern = re.compile(rb"^(\S{10}) +(\d+) +(\d+) +(\d+) +(\d+|\d+, +\d+) \w{3} [ \d]\d +[\d:]+ (.*)$")
    with open(path, "rb") as f:
        archive = f.read()
    seen = {}
    sizes = {}
    for line in run("cpio", "-itvn", "--quiet", data=archive).split(b"\n"):
        m = pattern.match(line)
        if m is None:
            continue
        name, _, link = m.group(6).partition(b" -> ") if line.startswith(b"l") else (m.group(6), b"", b"")
        seen[name] = (m, link)
        if line.startswith(b"-"):
            sizes.setdefault(id(tree.get(name)), []).append(int(m.group(5)))
    want = lines_without_newline_names(tree)
    for name in [n for n in seen if any(o.startswith(n + b"\n") for o in tree)]:
        del seen[name]
    judge.names(seen, want)
    for name, (m, link) in seen.items():
        e = want.get(name)
        if e is None:
            continue
        judge.same(name, "mode", m.group(1).decode(), mode_string(e))
        judge.same(name, "owner", (int(m.group(3)), int(m.group(4))), (e.uid, e.gid))
        if e.kind not in "dl":
            judge.same(name, "links", int(m.group(2)), e.links)
        if e.kind == "l":
            judge.same(name, "target", link, e.target)
        if e.kind == "-":
            judge.same(name, "sizes of its names", sorted(sizes[id(e)]), [0] * (e.links - 1) + [len(e.content)])
        if e.kind in "cb":
            judge.same(name, "device", tuple(int(n) for n in m.group(5).split(b",")), e.device)


def compare_disk(judge, tree, top, owners, devices, all_times=True):
    top = os.fsencode(top)
    seen = [b"."]
    for here, dirs, files in os.walk(top):
        seen += [os.path.relpath(os.path.join(here, n), top) for n in dirs + files]
    judge.names(seen, tree)
    inodes = {}
    for name, e in tree.items():
        full = os.path.join(top, name)
        st = os.lstat(full)
        judge.same(name, "mode", stat.S_IMODE(st.st_mode) if e.kind != "l" else 0o777, e.mode)
        if devices or e.kind not in "cb":
            judge.same(name, "kind", stat.filemode(st.st_mode)[0], e.kind)
        if all_times or e.kind not in "dl":
            judge.same(name, "time", int(st.st_mtime), e.mtime)
        if owners:
            judge.same(name, "owner", (st.st_uid, st.st_gid), (e.uid, e.gid))
        if e.kind == "l":
            judge.same(name, "target", os.readlink(full), e.target)
        if e.kind == "-":
            with open(full, "rb") as f:
                judge.same(name, "content", f.read() == e.content, True)
            judge.same(name, "links", st.st_nlink, e.links)
            judge.same(name, "inode", inodes.setdefault(id(e), st.st_ino), st.st_ino)
        if e.kind in "cb" and devices:
            judge.same(name, "device", (os.major(st.st_rdev), os.minor(st.st_rdev)), e.device)


def read_cpio_extract(judge, tree, path):
    with open(path, "rb") as f:
        archive = f.read()
    with tempfile.TemporaryDirectory() as top:
        # An ordinary user can make no devices and give nothing away.
        skip = [] if ROOT else ["-f", "dev/null", "dev/disk"]
        own = [] if ROOT else ["--no-preserve-owner"]
        run("cpio", "-idm", "--quiet", *own, *skip, data=archive, cwd=top)
        want = {n: e for n, e in tree.items() if ROOT or e.kind not in "cb"}
        # It leaves a directory that is there as it is, and sets no times of directories and links.
        want[b"."].mode = stat.S_IMODE(os.stat(top).st_mode)
        compare_disk(judge, want, top, owners=ROOT, devices=ROOT, all_times=False)


def read_umoci(judge, tree, image):
    with tempfile.TemporaryDirectory() as top:
        bundle = os.path.join(top, "bundle")
        run("umoci", "unpack", *([] if ROOT else ["--rootless"]), "--image", image + ":latest", bundle)
        compare_disk(judge, tree, os.path.join(bundle, "rootfs"), owners=ROOT, devices=ROOT)


READERS = {"unsquashfs": read_unsquashfs, "unsquashfs-cat": read_unsquashfs_cat, "sqfs2tar": read_sqfs2tar,
           "rdsquashfs-xattr": read_rdsquashfs_xattr, "tarfile": read_tarfile, "gnutar": read_gnutar,
           "cpio": read_cpio, "cpio-extract": read_cpio_extract, "umoci": read_umoci}


def main():
    reader, description, output = sys.argv[1:4]
    judge = Judge()
    READERS[reader](judge, described(description, sys.argv[4:]), output)
    judge.done()


if __name__ == "__main__":
    main()
