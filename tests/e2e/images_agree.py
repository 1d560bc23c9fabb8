#!/usr/bin/env python3
"""Compares file-system images with the description of their tree, as encoders_agree.py does.

  images_agree.py READER DESCRIPTION IMAGE [WITHOUT...]

READER is one of: erofs (this file's own reader of the format), erofs-extract (fsck.erofs). The
description's language is that of tests/helpers/encode_tree.c.
"""

import stat
import struct
import sys
import tempfile

import encoders_agree as common

KINDS = {stat.S_IFDIR: "d", stat.S_IFREG: "-", stat.S_IFLNK: "l", stat.S_IFCHR: "c", stat.S_IFBLK: "b",
         stat.S_IFIFO: "p", stat.S_IFSOCK: "s"}


class Read:
    """An inode that was read; names of one inode share it."""

    def __init__(self, mode):
        self.kind, self.mode = KINDS[stat.S_IFMT(mode)], stat.S_IMODE(mode)
        self.uid = self.gid = self.mtime = self.links = None
        self.target = self.device = self.content = None
        self.xattrs = {}


def compare(judge, tree, seen, times=True):
    judge.names(seen, tree)
    pairs = {}
    subdirs = {}
    for name, e in tree.items():
        if e.kind == "d" and name != b".":
            subdirs[parent(name)] = subdirs.get(parent(name), 0) + 1
    for name, e in tree.items():
        r = seen.get(name)
        if r is None:
            continue
        judge.same(name, "kind", r.kind, e.kind)
        judge.same(name, "mode", r.mode, e.mode)
        judge.same(name, "owner", (r.uid, r.gid), (e.uid, e.gid))
        if times:
            judge.same(name, "time", r.mtime, e.mtime)
        judge.same(name, "target", r.target, e.target)
        judge.same(name, "device", r.device, e.device)
        judge.same(name, "content", r.content == e.content, True)
        judge.same(name, "attributes", r.xattrs, e.xattrs)
        judge.same(name, "is one inode", pairs.setdefault(id(e), r) is r, True)
        judge.same(name, "links", r.links, e.links if e.kind != "d" else 2 + subdirs.get(name, 0))
    judge.same(b"", "inodes", len({id(r) for r in seen.values()}), len({id(e) for e in tree.values()}))


def parent(name):
    return name.rpartition(b"/")[0] or b"."


def device(number):
    return (number >> 8 & 0xFFF, (number & 0xFF) | (number >> 12 & 0xFFF00))


# ---- EROFS -------------------------------------------------------------------


class Erofs:
    PREFIX = {1: b"user.", 2: b"system.posix_acl_access", 3: b"system.posix_acl_default", 4: b"trusted.", 6: b"security."}

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        magic, self.checksum, self.compat = struct.unpack_from("<III", self.data, 1024)
        if magic != 0xE0F5E1E2 or self.data[1036] != 12:
            raise SystemExit("no EROFS with blocks of 4096 bytes")
        self.root, self.count, self.time = struct.unpack_from("<HQQ", self.data, 1038)
        self.blocks, meta, _ = struct.unpack_from("<III", self.data, 1024 + 36)
        if meta != 0 or self.blocks * 4096 != len(self.data):
            raise SystemExit("blocks")
        self.inodes = {}

    def inode(self, nid):
        if nid in self.inodes:
            return self.inodes[nid]
        at = nid * 32
        fmt, icount, mode = struct.unpack_from("<HHH", self.data, at)
        r = Read(mode)
        if fmt & 1:
            size, raw, _, r.uid, r.gid, r.mtime, _, r.links = struct.unpack_from("<QIIIIqII", self.data, at + 8)
            body = at + 64
        else:
            r.links, size, _, raw, _, r.uid, r.gid = struct.unpack_from("<HIIIIHH", self.data, at + 6)
            r.mtime, body = self.time, at + 32
        end = body + (12 + 4 * (icount - 1) if icount else 0)
        r.xattrs = self.xattrs(body, end) if icount else {}
        r.children = {}
        layout = fmt >> 1 & 7
        if r.kind in "cb":
            r.device = device(raw)
        elif r.kind in "-ld":
            full = size // 4096 * 4096 if layout == 2 else size
            bytes_ = self.data[raw * 4096:raw * 4096 + full]
            if layout == 2:
                if end // 4096 != (end + size % 4096 - 1) // 4096:
                    raise SystemExit("a tail crosses a block")
                bytes_ += self.data[end:end + size % 4096]
            if len(bytes_) != size:
                raise SystemExit("contents are cut")
            if r.kind == "-":
                r.content = bytes_
            elif r.kind == "l":
                r.target = bytes_
            else:
                r.children = self.entries(bytes_)
        self.inodes[nid] = r
        return r

    def xattrs(self, at, end):
        out = {}
        if self.data[at:at + 12] != bytes(12):
            raise SystemExit("attribute header")
        at += 12
        while at < end:
            n, index, size = struct.unpack_from("<BBH", self.data, at)
            out[self.PREFIX[index] + self.data[at + 4:at + 4 + n]] = self.data[at + 4 + n:at + 4 + n + size]
            at = (at + 4 + n + size + 3) // 4 * 4
        if at != end:
            raise SystemExit("attributes end elsewhere")
        return out

    def entries(self, data):
        out = {}
        last = b""
        for start in range(0, len(data), 4096):
            block = data[start:start + 4096]
            count = struct.unpack_from("<H", block, 8)[0] // 12
            for i in range(count):
                nid, at, kind = struct.unpack_from("<QHB", block, 12 * i)
                end = struct.unpack_from("<H", block, 12 * i + 20)[0] if i + 1 < count else len(block)
                name = block[at:end].rstrip(b"\0") if i + 1 == count else block[at:end]
                if name <= last:
                    raise SystemExit("a directory is not sorted: %r after %r" % (name, last))
                last = name
                out[name] = (nid, kind)
        return out

    def walk(self, nid, path, above, seen):
        r = self.inode(nid)
        seen[path or b"."] = r
        if r.children and (r.children.pop(b".")[0], r.children.pop(b"..")[0]) != (nid, above):
            raise SystemExit(". and .. of %r" % path)
        for name, (child, kind) in r.children.items():
            full = path + b"/" + name if path else name
            self.walk(child, full, nid, seen)
            if "?-dcbpsl"[kind] != seen[full].kind:
                raise SystemExit("the directory's kind of %r" % full)


def read_erofs(judge, tree, image):
    fs = Erofs(image)
    seen = {}
    fs.walk(fs.root, b"", fs.root, seen)
    judge.same(b"", "inodes of the super block", fs.count, len({id(r) for r in seen.values()}))
    compare(judge, tree, seen)


def read_erofs_extract(judge, tree, image):
    with tempfile.TemporaryDirectory() as top:
        common.run("fsck.erofs", "--extract=" + top, "--overwrite", "--preserve", image)
        # Each name becomes a file of its own; owners are set after modes, which takes set-id bits away.
        common.compare_disk(judge, {n: one(e) for n, e in tree.items()}, top, owners=common.ROOT, devices=True)


def one(e):
    copy = common.Entry(e.kind, e.mode & (0o777 if e.kind == "-" and common.ROOT else 0o7777), e.uid, e.gid, e.mtime)
    copy.target, copy.device, copy.content = e.target, e.device, e.content
    return copy


READERS = {"erofs": read_erofs, "erofs-extract": read_erofs_extract}


def main():
    reader, description, image = sys.argv[1:4]
    judge = common.Judge()
    READERS[reader](judge, common.described(description, sys.argv[4:]), image)
    judge.done()


if __name__ == "__main__":
    main()
