#!/usr/bin/env python3
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
write("no-end.tar", good.rstrip(b"\0") + b"\0" * (-len(good.rstrip(b"\0")) % 512))
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
