#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares file-system images with the description of their tree, as encoders_agree.py does.

  images_agree.py READER DESCRIPTION IMAGE [WITHOUT...]

  images_agree.py expected DESCRIPTION [WITHOUT...]

prints what tests/inputs/images-init finds in an image of the tree. READER is one of: erofs, ext4, iso, joliet (this file's own readers of the formats), erofs-extract
(fsck.erofs), iso-extract (xorriso). The description's language is that of tests/helpers/encode_tree.c.
"""

import calendar
import hashlib
import os
import re
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
            if layout == 4:
                bytes_ = self.chunks(raw, size, end)
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

    def chunks(self, form, size, at):
        """What the map of blocks at `at` says. None may be nowhere: erofs-utils 1.5 loses those."""
        if form & ~0x1F or not struct.unpack_from("<I", self.data, 1024 + 80)[0] & 4:
            raise SystemExit("chunks")
        step = 4096 << form
        out = b""
        for i in range((size + step - 1) // step):
            block, = struct.unpack_from("<I", self.data, at + 4 * i)
            want = min(step, size - i * step)
            out += self.data[block * 4096:block * 4096 + want]
        return out

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
        names = {}
        for name, entry in tree.items():
            names.setdefault(id(entry), []).append(os.path.join(os.fsencode(top), name))
        linked = [paths for paths in names.values() if len(paths) > 1]
        if not linked or not all(os.path.samefile(paths[0], path) for paths in linked for path in paths):
            # As of erofs-utils 1.5: each name becomes a file of its own, and owners are set after modes, which takes set-id bits away.
            tree = {n: one(e) for n, e in tree.items()}
        common.compare_disk(judge, tree, top, owners=common.ROOT, devices=True)


# ---- ISO 9660 ----------------------------------------------------------------


class Iso:
    def __init__(self, path, joliet):
        with open(path, "rb") as f:
            self.data = f.read()
        self.joliet = joliet
        self.seen = {}
        self.by_extent = {}
        self.dirs = []
        at = 16 * 2048
        kinds = []
        while True:
            kinds.append(self.data[at])
            if self.data[at + 1:at + 7] != b"CD001\x01":
                raise SystemExit("descriptor")
            if self.data[at] == (2 if joliet else 1):
                self.volume = at
            if self.data[at] == 255:
                break
            at += 2048
        if kinds not in ([1, 255], [1, 2, 255], [1, 0, 255], [1, 0, 2, 255]):
            raise SystemExit("descriptors %r" % kinds)
        if self.both(self.volume + 80, 4) * 2048 != len(self.data):
            raise SystemExit("the volume's size")

    def both(self, at, n):
        little = int.from_bytes(self.data[at:at + n], "little")
        if little != int.from_bytes(self.data[at + n:at + 2 * n], "big"):
            raise SystemExit("the byte orders disagree")
        return little

    def rock(self, at, end):
        """The entries of a record and its continuation areas."""
        out = []
        more = None
        while end - at >= 4 or more:
            if end - at < 4:
                at, end, more = *more, None
            sig, n = self.data[at:at + 2], self.data[at + 2]
            if n < 4 or at + n > end:
                raise SystemExit("system use entry")
            if sig == b"CE":
                start = self.both(at + 4, 4) * 2048 + self.both(at + 12, 4)
                more = (start, start + self.both(at + 20, 4))
                if start // 2048 != (more[1] - 1) // 2048:
                    raise SystemExit("a continuation area crosses a sector")
            else:
                out.append((sig, at, n))
            at += n
        return out

    def posix(self, at, end, extent, size):
        entries = self.rock(at, end)
        px = [a for sig, a, _ in entries if sig == b"PX"]
        if len(px) != 1:
            raise SystemExit("PX")
        key = extent if size else None
        mode = self.both(px[0] + 4, 4)
        r = Read(mode)
        r.links, r.uid, r.gid = (self.both(px[0] + 12 + 8 * i, 4) for i in range(3))
        if r.kind == "-" and key is not None and r.links > 1:
            r = self.by_extent.setdefault(key, r)
        name = b""
        target = []
        for sig, a, n in entries:
            body = self.data[a + 4:a + n]
            if sig == b"NM":
                name += body[1:]
            elif sig == b"TF":
                t = body[1:8]
                r.mtime = calendar.timegm((1900 + t[0], t[1], t[2], t[3], t[4], t[5]))
            elif sig == b"PN":
                high, low = self.both(a + 4, 4), self.both(a + 12, 4)
                r.device = (low >> 8, low & 255) if high == 0 and low > 255 else (high, low)
            elif sig == b"SL":
                target.append(body)
        if r.kind == "l":
            r.target = self.target(target)
        return name, r

    @staticmethod
    def target(parts):
        text, joined = b"", True
        for part in parts:
            at = 1
            while at < len(part):
                flags, n = part[at], part[at + 1]
                if not joined:
                    text += b"/"
                text += {2: b".", 4: b"..", 8: b"/"}.get(flags & ~1, part[at + 2:at + 2 + n])
                joined = flags & 1 or flags == 8
                at += 2 + n
        return text

    def records(self, extent, size):
        at, end = extent * 2048, extent * 2048 + size
        last = None
        count = 0
        while at < end:
            n = self.data[at]
            if n == 0:
                at = (at // 2048 + 1) * 2048
                continue
            if at // 2048 != (at + n - 1) // 2048:
                raise SystemExit("a record crosses a sector")
            raw = self.data[at + 33:at + 33 + self.data[at + 32]]
            key = (raw[:-4] if self.joliet else raw[:-2]) if raw.endswith(b";\x001" if self.joliet else b";1") else raw
            if count >= 2 and last is not None and not last < key:
                raise SystemExit("records are not sorted: %r, %r" % (last, key))
            last = key if count >= 2 else None
            count += 1
            yield at, n, raw, key
            at += n

    def walk(self, extent, size, path, parent):
        self.dirs.append(extent)
        for i, (at, n, raw, key) in enumerate(self.records(extent, size)):
            lba, length, is_dir = self.both(at + 2, 4), self.both(at + 10, 4), self.data[at + 25] & 2
            start = at + 33 + len(raw) + (len(raw) % 2 == 0)
            if self.joliet:
                name = key.decode("utf-16-be").encode() if i >= 2 else key
                r = Read(stat.S_IFDIR if is_dir else stat.S_IFREG)
            else:
                if i >= 2 and not is_dir and not re.fullmatch(rb"[A-Z0-9_]{0,30}\.[A-Z0-9_]{0,30};1", raw):
                    raise SystemExit("identifier %r" % raw)
                name, r = self.posix(start, at + n, lba, length)
            if i < 2:
                if raw != bytes([i]) or lba != (extent, parent)[i] or not is_dir:
                    raise SystemExit(". or .. of %r" % path)
                if i == 0:
                    self.seen[path or b"."] = r
                continue
            full = path + b"/" + name if path else name
            if full in self.seen:
                raise SystemExit("twice: %r" % full)
            self.seen[full] = r
            if r.kind == "-":
                r.content = self.data[lba * 2048:lba * 2048 + length]
            if bool(is_dir) != (r.kind == "d"):
                raise SystemExit("kind of %r" % full)
            if is_dir:
                self.walk(lba, length, full, extent)

    def tables(self):
        """Both path tables have every directory, in order."""
        size = self.both(self.volume + 132, 4)
        out = []
        for order, at in (("little", 140), ("big", 148)):
            at = int.from_bytes(self.data[self.volume + at:self.volume + at + 4], order) * 2048
            end = at + size
            found = []
            while at < end:
                n = self.data[at]
                found.append((int.from_bytes(self.data[at + 2:at + 6], order),
                              int.from_bytes(self.data[at + 6:at + 8], order), self.data[at + 8:at + 8 + n]))
                at += 8 + n + n % 2
            out.append(found)
        if out[0] != out[1] or sorted(e for e, _, _ in out[0]) != sorted(self.dirs):
            raise SystemExit("path tables")
        keys = [(p, name) for _, p, name in out[0]]
        if keys[1:] != sorted(keys[1:]) or any(p > i for i, (p, _) in enumerate(keys[1:], 1)):
            raise SystemExit("path tables are not sorted")


def read_iso(judge, tree, image, joliet=False):
    fs = Iso(image, joliet)
    root = fs.both(fs.volume + 156 + 2, 4)
    fs.walk(root, fs.both(fs.volume + 156 + 10, 4), b"", root)
    fs.tables()
    if not joliet:
        # Empty files have no extent that tells whether they are one.
        compare(judge, tree, fs.seen)


def read_joliet(judge, tree, image):
    fs = Iso(image, True)
    root = fs.both(fs.volume + 156 + 2, 4)
    fs.walk(root, fs.both(fs.volume + 156 + 10, 4), b"", root)
    fs.tables()
    plain = re.compile(rb"[a-zA-Z0-9 ._+-]{1,103}")
    want = {n: e for n, e in tree.items() if e.kind in "-d"}
    judge.same(b"", "names", len(fs.seen), len(want))
    for name, e in want.items():
        if all(plain.fullmatch(part) for part in name.split(b"/")):
            judge.same(name, "is in Joliet", name in fs.seen, True)
            judge.same(name, "content", getattr(fs.seen.get(name), "content", None) == e.content, True)


def read_iso_extract(judge, tree, image):
    with tempfile.TemporaryDirectory() as top:
        common.run("xorriso", "-report_about", "SORRY", "-osirrox", "on:device_files" if common.ROOT else "on",
                   "-indev", image, "-extract", "/", top)
        # It sets nothing of links but their targets, and nothing of the directory it extracts to.
        want = {n: one(e, 0o7777) for n, e in tree.items()}
        for name, e in want.items():
            st = os.lstat(os.path.join(os.fsencode(top), name)) if e.kind == "l" or name == b"." else None
            if st is not None:
                e.uid, e.gid, e.mtime = st.st_uid, st.st_gid, int(st.st_mtime)
                e.mode = 0o777 if e.kind == "l" else stat.S_IMODE(st.st_mode)
        common.compare_disk(judge, want, top, owners=common.ROOT, devices=common.ROOT)


def one(e, kept=0o777):
    copy = common.Entry(e.kind, e.mode & (kept if e.kind == "-" and common.ROOT else 0o7777), e.uid, e.gid, e.mtime)
    copy.target, copy.device, copy.content = e.target, e.device, e.content
    return copy


# ---- ext4 --------------------------------------------------------------------


class Ext4:
    PREFIX = {1: b"user.", 2: b"system.posix_acl_access", 3: b"system.posix_acl_default", 4: b"trusted.", 6: b"security."}

    def __init__(self, path):
        with open(path, "rb") as f:
            self.data = f.read()
        s = self.data[1024:2048]
        self.ipg = struct.unpack_from("<I", s, 40)[0]
        self.isize = struct.unpack_from("<H", s, 88)[0]
        if struct.unpack_from("<H", s, 56)[0] != 0xEF53 or struct.unpack_from("<I", s, 24)[0] != 2:
            raise SystemExit("no ext4 with blocks of 4096 bytes")
        if struct.unpack_from("<I", s, 4)[0] * 4096 != len(self.data):
            raise SystemExit("blocks")
        self.inodes = {}

    def raw(self, number):
        group, at = divmod(number - 1, self.ipg)
        table = struct.unpack_from("<I", self.data, 4096 + 32 * group + 8)[0]
        return self.data[table * 4096 + at * self.isize:table * 4096 + (at + 1) * self.isize]

    def extents(self, node, out=b""):
        """What is before it, then what the extents have: blocks that none has are zeros."""
        magic, count, _, depth = struct.unpack_from("<HHHH", node)
        if magic != 0xF30A:
            raise SystemExit("extents")
        for i in range(count):
            at = 12 + 12 * i
            if depth:
                leaf = struct.unpack_from("<I", node, at + 4)[0]
                out = self.extents(self.data[leaf * 4096:(leaf + 1) * 4096], out)
            else:
                first, n, _, start = struct.unpack_from("<IHHI", node, at)
                if first * 4096 < len(out):
                    raise SystemExit("extents are not in order")
                if first % 16 and first * 4096 != len(out):
                    raise SystemExit("a hole that is no unit")
                out += bytes(first * 4096 - len(out))
                out += self.data[start * 4096:(start + n) * 4096]
        return out

    def attributes(self, raw, at, base):
        out = {}
        while raw[at:at + 4] != bytes(4):
            n, index, offset, _, size = struct.unpack_from("<BBHII", raw, at)
            name = self.PREFIX[index] + raw[at + 16:at + 16 + n]
            value = raw[base + offset:base + offset + size]
            if index in (2, 3):
                value = self.acl(value)
            out[name] = value
            at += 16 + (n + 3) // 4 * 4
        return out

    @staticmethod
    def acl(value):
        out, at = struct.pack("<I", 2), 4
        if value[:4] != struct.pack("<I", 1):
            raise SystemExit("ACL")
        while at < len(value):
            long = struct.unpack_from("<H", value, at)[0] in (2, 8)
            out += value[at:at + 8] if long else value[at:at + 4] + b"\xff\xff\xff\xff"
            at += 8 if long else 4
        return out

    def inode(self, number):
        if number in self.inodes:
            return self.inodes[number]
        raw = self.raw(number)
        mode, uid, size, _, _, mtime = struct.unpack_from("<HHIIIi", raw)
        r = Read(mode)
        gid, r.links = struct.unpack_from("<HH", raw, 24)
        uid_high, gid_high = struct.unpack_from("<HH", raw, 120)
        r.uid, r.gid = uid | uid_high << 16, gid | gid_high << 16
        size |= struct.unpack_from("<I", raw, 108)[0] << 32
        r.mtime = mtime + ((struct.unpack_from("<I", raw, 136)[0] & 3) << 32)
        flags, acl = struct.unpack_from("<I", raw, 32)[0], struct.unpack_from("<I", raw, 104)[0]
        data = self.extents(raw[40:100]) if flags & 0x80000 else raw[40:100]
        whole = (size + 4095) // 4096 * 4096
        if r.kind == "-" and size > 65536 and len(data) < whole:
            data += bytes(whole - len(data))
        if flags & 0x80000 and len(data) != whole:
            raise SystemExit("contents are cut")
        if raw[160:164] == b"\0\0\x02\xea":
            r.xattrs = self.attributes(raw, 164, 164)
        if acl:
            r.xattrs.update(self.attributes(self.data[acl * 4096:(acl + 1) * 4096], 32, 0))
        r.children = {}
        if r.kind == "-":
            r.content = data[:size]
        elif r.kind == "l":
            r.target = data[:size]
        elif r.kind in "cb":
            old, new = struct.unpack_from("<II", raw, 40)
            r.device = (old >> 8, old & 255) if old else device(new)
        elif r.kind == "d":
            at = 0
            while at < size:
                child, length, n, kind = struct.unpack_from("<IHBB", data, at)
                if child:
                    r.children[data[at + 8:at + 8 + n]] = (child, kind)
                at += length
        self.inodes[number] = r
        return r

    def walk(self, number, path, above, seen):
        r = self.inode(number)
        seen[path or b"."] = r
        if r.kind == "d" and (r.children.pop(b".")[0], r.children.pop(b"..")[0]) != (number, above):
            raise SystemExit(". and .. of %r" % path)
        for name, (child, kind) in r.children.items():
            full = path + b"/" + name if path else name
            self.walk(child, full, number, seen)
            if "?-dcbpsl"[kind] != seen[full].kind:
                raise SystemExit("the directory's kind of %r" % full)


def read_ext4(judge, tree, image):
    fs = Ext4(image)
    seen = {}
    fs.walk(2, b"", 2, seen)
    compare(judge, tree, seen)


def expected(tree):
    """SHA-256 of names with metadata, of contents, of links: each sorted by lines."""
    bits = {v: k for k, v in KINDS.items()}
    lines = ([], [], [])
    for name, e in tree.items():
        name = b"." if name == b"." else b"./" + name
        major, minor = e.device or (0, 0)
        lines[0].append(name + b"|%x|%d|%d|%d|%x,%x" % (bits[e.kind] | e.mode, e.uid, e.gid, e.mtime, major, minor))
        if e.kind == "-":
            lines[1].append(hashlib.sha256(e.content).hexdigest().encode() + b"  " + name)
        if e.kind == "l":
            lines[2].append(b"'" + name + b"' -> '" + e.target + b"'")
    for part in lines:
        text = b"".join(line + b"\n" for line in sorted(b"\n".join(part).split(b"\n") if part else []))
        print(hashlib.sha256(text).hexdigest(), end=" " if part is not lines[2] else "\n")


READERS = {"erofs": read_erofs, "ext4": read_ext4, "erofs-extract": read_erofs_extract, "iso": read_iso, "joliet": read_joliet,
           "iso-extract": read_iso_extract}


def main():
    if sys.argv[1] == "expected":
        expected(common.described(sys.argv[2], sys.argv[3:]))
        return
    reader, description, image = sys.argv[1:4]
    judge = common.Judge()
    READERS[reader](judge, common.described(description, sys.argv[4:]), image)
    judge.done()


if __name__ == "__main__":
    main()
