#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile archives for 36-layers-bad.t, one file each: layers_bad.py DIR"""
import gzip
import io
import os
import sys
import tarfile

out = sys.argv[1]


def write(name, data):
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)


def tar(entries, fmt=tarfile.PAX_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=fmt) as t:
        for name, kind, link, data, pax in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size, info.pax_headers = kind, link, len(data), pax
            t.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def one(name, kind=tarfile.REGTYPE, link="", data=b"", pax=None):
    return (name, kind, link, data, pax or {})


write("absolute.tar", tar([one("/etc/passwd", data=b"x")]))
write("aufs.tar", tar([one(".wh..wh.plnk", tarfile.DIRTYPE), one(".wh..wh.plnk/1.2", data=b"x"), one("f")]))
write("dotdot.tar", tar([one("a/../../b", data=b"x")]))
write("hardlink-out.tar", tar([one("a", tarfile.LNKTYPE, "../../etc/passwd")]))
write("hardlink-absolute.tar", tar([one("a", tarfile.LNKTYPE, "/etc/passwd")]))
write("pax-path.tar", tar([one("fine", pax={"path": "../../x"})]))
write("deep.tar", tar([one("d/" * 300 + "x")]))
write("long-name.tar", tar([one("n" * 256)]))
write("whiteout-out.tar", tar([one("a/.wh...")]))
write("sparse.tar", tar([one("f", pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0"})]))
good = tar([one("etc", tarfile.DIRTYPE), one("etc/motd", data=b"hello\n" * 100)])
write("good.tar", good)
write("cut.tar", good[:1536])
write("cut-header.tar", good.rstrip(b"\0") + b"\0" * (-len(good.rstrip(b"\0")) % 512) + good[:300])
write("tail.tar", good + b"more")
packed = gzip.compress(good, 9, mtime=0)
write("cut.tar.gz", packed[:-6])
write("tail.tar.gz", packed + b"more")
flipped = bytearray(packed)
flipped[len(flipped) // 2] ^= 1
write("flipped.tar.gz", bytes(flipped))
write("inside.tar", tar([one("a", tarfile.SYMTYPE, "/etc"), one("a/passwd", data=b"in the image\n"),
                         one("b", tarfile.SYMTYPE, "../../../../../etc"), one("b/shadow", data=b"too\n")]))

# 1 GiB of zeros in 1 MiB: one compressed member, many times over.
PIECE = 16 << 20
header = tarfile.TarInfo("zeros")
header.size = 1 << 30
bomb = gzip.compress(header.tobuf(), 9, mtime=0) + gzip.compress(bytes(PIECE), 9, mtime=0) * ((1 << 30) // PIECE)
bomb += gzip.compress(bytes(1024), 9, mtime=0)
assert len(bomb) < 1 << 21
write("bomb.tar.gz", bomb)


# ---- sparse files: small archives that say they are huge --------------------------------------------------
def header(name, kind=b"0", size=b"00000000000", link=b"", prefix=b"", magic=b"ustar\x0000", sparse=b""):
    """One header block, its checksum right whatever is in it."""
    block = bytearray(512)
    block[0:len(name)] = name
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:124 + len(size)] = size
    block[136:148] = b"00000000000\0"
    block[156:157] = kind
    block[157:157 + len(link)] = link
    block[257:257 + len(magic)] = magic
    block[345:345 + len(prefix)] = prefix
    if sparse:
        block[386:386 + len(sparse)] = sparse
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def number(value):
    """Base 256: what GNU tar writes when octal digits do not suffice."""
    return bytes([0x80]) + value.to_bytes(11, "big")


END = bytes(1024)
GNU = b"ustar  \0"


def pax(*records, kind=b"x", name=b"pax"):
    """An extended header of records as they stand."""
    body = b"".join(r if isinstance(r, bytes) else record(*r) for r in records)
    return header(name, kind, b"%011o" % len(body)) + body + bytes(-len(body) % 512)


def record(key, value):
    rest = b" " + key.encode() + b"=" + (value if isinstance(value, bytes) else value.encode()) + b"\n"
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


TIB = 1 << 40
# one hole of 8 TiB: offset and length of its one piece, then the real size
write("sparse-gnu.tar", header(b"f", b"S", b"00000000000", magic=GNU,
                               sparse=b"00000000000\0" * 2 + bytes(12 * 6) + b"\0" + b"\0" + number(8 * TIB)) + END)
write("sparse-pax00.tar", pax(("GNU.sparse.size", str(8 * TIB)), ("GNU.sparse.numblocks", "0")) + header(b"f") + END)
write("sparse-pax01.tar", pax(("GNU.sparse.map", "0,0"), ("GNU.sparse.size", str(8 * TIB))) + header(b"f") + END)
P10 = (("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "f"))


def inner(name, real, body):
    """Format 1.0 with this before the data."""
    body += bytes(-len(body) % 512)
    write(name, pax(*P10, ("GNU.sparse.realsize", str(real))) + header(b"f", size=b"%011o" % len(body)) + body + END)


def outer(name, *pieces, size=100, blocks=None, stored=b""):
    """Format 0.1."""
    text = ",".join(f"{a},{b}" for a, b in pieces)
    write(name, pax(("GNU.sparse.size", str(size)), ("GNU.sparse.numblocks", str(blocks if blocks is not None else len(pieces))),
                    ("GNU.sparse.map", text)) + header(b"f", size=b"%011o" % len(stored)) + stored + bytes(-len(stored) % 512) + END)


inner("sparse-huge10.tar", 8 * TIB, b"0\n")
inner("sparse-overlap10.tar", 100, b"2\n0\n10\n5\n1\n")
inner("sparse-endless10.tar", 100, b"2\n0\n10\n")
inner("sparse-behind10.tar", 100, b"0\nx")
inner("sparse-many10.tar", 100, b"1000000000\n")
outer("sparse-overlap01.tar", (0, 10), (9, 1), stored=b"x" * 11)
outer("sparse-past01.tar", (95, 10), stored=b"x" * 10)
outer("sparse-short01.tar", (0, 10), stored=b"x" * 9)
outer("sparse-count01.tar", (0, 1), blocks=2, stored=b"x")
outer("sparse-wrap01.tar", (2**63 - 1, 2**63 - 1), size=2**63 - 1)
write("sparse-half00.tar", pax(("GNU.sparse.size", "9"), ("GNU.sparse.numblocks", "1"), ("GNU.sparse.offset", "0")) + header(b"f") + END)
write("sparse-directory.tar", pax(("GNU.sparse.size", "9"), ("GNU.sparse.numblocks", "0"), ("GNU.sparse.map", "")) + header(b"d", b"5") + END)
write("sparse-star.tar", pax(("SCHILY.realsize", str(8 * TIB))) + header(b"f") + END)
write("huge.tar", header(b"f", size=number(8 * TIB)) + END)
write("huge-pax.tar", pax(("size", str(8 * TIB))) + header(b"f") + END)
write("huge-64.tar", pax(("size", str(2**64 + 5))) + header(b"f") + END)
write("negative.tar", header(b"f", size=b"\xff" * 12) + END)
write("huge-link.tar", header(b"f", b"2", b"%011o" % 512, link=b"x") + bytes(512) + END)

# ---- duplicates: the later entry of one path holds, through no link that the first left -------------------
write("twice.tar", tar([one("a", data=b"1"), one("a", data=b"22")]))
write("dir-then-file.tar", tar([one("a", tarfile.DIRTYPE), one("a/b", data=b"1"), one("a", data=b"2")]))
write("file-then-dir.tar", tar([one("a", data=b"1"), one("a", tarfile.DIRTYPE), one("a/b", data=b"2")]))
write("link-then-dir.tar", tar([one("x", tarfile.DIRTYPE), one("a", tarfile.SYMTYPE, "x"), one("a", tarfile.DIRTYPE),
                                one("a/b", data=b"1")]))
write("link-then-file.tar", tar([one("x", data=b"1"), one("a", tarfile.SYMTYPE, "x"), one("a", data=b"2")]))
write("hard-then-file.tar", tar([one("x", data=b"1"), one("a", tarfile.LNKTYPE, "x"), one("a", data=b"2")]))
write("hard-self.tar", tar([one("a", data=b"1"), one("a", tarfile.LNKTYPE, "a")]))
write("hard-circle.tar", tar([one("a", tarfile.LNKTYPE, "b"), one("b", tarfile.LNKTYPE, "a")]))
write("hard-dir.tar", tar([one("d", tarfile.DIRTYPE), one("a", tarfile.LNKTYPE, "d")]))
write("hard-via-link.tar", tar([one("l", tarfile.SYMTYPE, "/etc"), one("a", tarfile.LNKTYPE, "l/passwd")]))
write("loop.tar", tar([one("a", tarfile.SYMTYPE, "b"), one("b", tarfile.SYMTYPE, "a"), one("a/c", data=b"1")]))
write("through-file.tar", tar([one("a", data=b"1"), one("a/b", data=b"2")]))
write("root-file.tar", header(b"./", b"0") + END)
write("root-link.tar", header(b".", b"2", link=b"/") + END)

# ---- extended headers ------------------------------------------------------------------------------------------
FILE = header(b"f")
write("pax-twice.tar", pax(("path", "a"), ("path", "b")) + FILE + END)
write("pax-short.tar", pax(b"5 path=a\n") + FILE + END)
write("pax-long.tar", pax(b"99999 path=a\n") + FILE + END)
write("pax-zero.tar", pax(b"0 path=a\n") + FILE + END)
write("pax-minus.tar", pax(b"-9 path=a\n") + FILE + END)
write("pax-wrap.tar", pax(b"18446744073709551625 path=a\n") + FILE + END)
write("pax-no-newline.tar", pax(b"9 path=a ") + FILE + END)
write("pax-no-equals.tar", pax(b"9 path a\n") + FILE + END)
write("pax-nul.tar", pax(("path", b"a\0/etc/passwd")) + FILE + END)
write("pax-empty-path.tar", pax(("path", "")) + FILE + END)
write("pax-absolute.tar", pax(("path", "/etc/passwd")) + FILE + END)
write("pax-link-out.tar", pax(("linkpath", "../../etc/passwd")) + header(b"f", b"1", link=b"x") + END)
write("pax-uid.tar", pax(("uid", "4294967296")) + FILE + END)
write("pax-uid-text.tar", pax(("uid", "0x10")) + FILE + END)
write("pax-time.tar", pax(("mtime", "nan")) + FILE + END)
write("pax-time-far.tar", pax(("mtime", "9" * 30)) + FILE + END)
write("pax-global-path.tar", pax(("path", "/etc/passwd"), kind=b"g") + FILE + END)
write("pax-global-size.tar", pax(("size", "1000000"), kind=b"g") + FILE + END)
write("pax-pax.tar", pax(("path", "a")) + pax(("path", "b")) + FILE + END)
write("pax-alone.tar", pax(("path", "a")) + END)
write("pax-unknown.tar", pax(("uname2", "x")) + FILE + END)
write("pax-acl.tar", pax(("SCHILY.acl.access", "user::rwx")) + FILE + END)
write("pax-volume.tar", pax(("GNU.volume.label", "x")) + FILE + END)
write("pax-and-gnu.tar", header(b"././@LongLink", b"L", b"%011o" % 6, magic=GNU) + b"/etc/x" + bytes(506) +
      pax(("path", "fine")) + FILE + END)
write("pax-xattr-name.tar", pax(("SCHILY.xattr.", "x")) + FILE + END)
write("pax-xattr-twice.tar", pax(("SCHILY.xattr.user.a", "x"), ("LIBARCHIVE.xattr.user.a", "eQ==")) + FILE + END)
write("pax-many.tar", pax(*[(f"SCHILY.xattr.user.{i}", "x") for i in range(5000)]) + FILE + END)
write("pax-big.tar", pax(("comment", "x" * (1 << 20))) + FILE + END)
write("gnu-long.tar", header(b"././@LongLink", b"L", number(1 << 40), magic=GNU) + END)
write("multi-volume.tar", header(b"f", b"M", magic=GNU) + END)
write("dump-dir.tar", header(b"f", b"D", magic=GNU) + END)
write("socket.tar", header(b"f", b"7") + header(b"g", b"Z") + END)
write("prefix-out.tar", header(b"x", prefix=b"../../etc") + END)
write("checksum.tar", bytes([FILE[0] + 1]) + FILE[1:] + END)
# fractions, times before 1970, names in bytes that are no UTF-8: all fine
write("pax-odd.tar", pax(("mtime", "-1.5"), ("path", b"\xff\xfe"), ("comment", "x")) + FILE + END)

# ---- whiteouts ---------------------------------------------------------------------------------------------------
write("base.tar", tar([one("d", tarfile.DIRTYPE), one("d/a", data=b"1"), one("d/b", data=b"2"), one("e", tarfile.DIRTYPE),
                       one("e/c", data=b"3"), one("l", tarfile.SYMTYPE, "d"), one("out", tarfile.SYMTYPE, "../../../../d")]))
write("wh-self.tar", tar([one(".wh.")]))
write("wh-dot.tar", tar([one("d/.wh..")]))
write("wh-dotdot.tar", tar([one("d/.wh...")]))
write("wh-slash.tar", tar([one("d/.wh.a", tarfile.DIRTYPE)]))
write("wh-below.tar", tar([one("d/.wh.a/b", data=b"x")]))
write("wh-up.tar", tar([one("../.wh.etc")]))
write("wh-link-kind.tar", tar([one("d/.wh.a", tarfile.SYMTYPE, "/etc/passwd"), one("d/.wh.b", tarfile.LNKTYPE, "e/c")]))
write("wh-through-link.tar", tar([one("l/.wh.a"), one("out/.wh.b")]))
write("wh-own.tar", tar([one("d/.wh.a"), one("d/a", data=b"new"), one("d/.wh.nothing"), one("no/such/.wh.x")]))
write("wh-opaque.tar", tar([one("d/n", data=b"new"), one("d/.wh..wh..opq"), one("e", data=b"now a file")]))
write("wh-root.tar", tar([one(".wh..wh..opq"), one("only", data=b"x")]))
write("wh-parent.tar", tar([one(".wh.d"), one("d/a", data=b"again")]))
