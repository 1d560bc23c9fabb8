# SPDX-License-Identifier: Apache-2.0
"""Archives that are unusual: tar_rules.py DIR makes of each DIR/CASE.tar, and DIR/CASE, an image of this one layer with the tag "t"; DIR/cases lists them."""
import gzip
import hashlib
import json
import os
import sys


def header(name, flag, size=0, link="", magic="ustar", mode=0o644, prefix="", sparse=b""):
    block = bytearray(512)
    block[0:len(name)] = name.encode()
    mode = 0o777 if flag == b"2" else 0o755 if name.endswith("/") and mode == 0o644 else mode
    block[100:108] = b"%07o\0" % mode
    block[108:116] = block[116:124] = b"%07o\0" % 0
    block[124:136] = b"%011o\0" % size
    block[136:148] = b"%011o\0" % 1000000000
    block[148:156] = b" " * 8
    block[156:157] = flag
    block[157:157 + len(link)] = link.encode()
    block[257:265] = {"ustar": b"ustar\00000", "gnu": b"ustar  \0", "v7": bytes(8)}[magic]
    block[345:345 + len(prefix)] = prefix.encode()
    block[386:386 + len(sparse)] = sparse
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def data(content):
    return content + bytes(-len(content) % 512)


def pax(records):
    body = b""
    for key, value in records:
        rest = b" " + key.encode() + b"=" + value + b"\n"
        length = len(rest) + len(str(len(rest) + 2))
        body += str(length).encode() + rest
    return header("pax", b"x", len(body)) + data(body)


F = header("f", b"0", 3) + data(b"abc")
END = bytes(1024)
# What stands at the end instead of the two zero blocks.
ends = {"end-none": b"", "end-none-padding": b"", "end-one": bytes(512), "end-half": bytes(100), "end-one-half": bytes(612), "end-one-more": bytes(512) + F,
        "end-many": bytes(10240), "end-cut-content": b"", "end-cut-header": F[:300]}
SPARSE = b"%011o\0%011o\0" % (4096, 3)
cases = {
    "absolute-file": header("/e/f", b"0", 3) + data(b"abc"),
    "absolute-directory": header("/e/d/", b"5", mode=0o700),
    "absolute-slashes": header("///e//f", b"0"),
    "absolute-link-name": F + header("/l", b"2", link="/f"),
    "absolute-hard-link": F + header("h", b"1", link="/f"),
    "absolute-hard-link-slashes": F + header("/h", b"1", link="//f"),
    "absolute-pax-path": pax([("path", b"/e/g")]) + header("x", b"0", 3) + data(b"abc"),
    "absolute-pax-linkpath": F + pax([("linkpath", b"/f")]) + header("h", b"1", link="x"),
    "absolute-whiteout": F + header("/.wh.f", b"0"),
    "absolute-prefix": header("f", b"0", prefix="/e"),
    "absolute-root": header("/", b"5", mode=0o755) + F,
    "slash-nul-ustar": header("d/", b"\0"),
    "slash-nul-gnu": header("d/", b"\0", magic="gnu"),
    "slash-nul-v7": header("d/", b"\0", magic="v7"),
    "slash-nul-v7-below": header("d/", b"\0", magic="v7") + header("d/f", b"\0", 3, magic="v7") + data(b"abc"),
    "slash-nul-pax": pax([("path", b"d/")]) + header("x", b"\0", mode=0o755),
    "slash-nul-size": header("d/", b"\0", 3, magic="v7") + F,
    "slash-0-ustar": header("d/", b"0"),
    "slash-0-gnu": header("d/", b"0", magic="gnu"),
    "slash-0-v7": header("d/", b"0", magic="v7"),
    "slash-0-data": header("d/", b"0", 3) + data(b"abc"),
    "slash-0-pax": pax([("path", b"d/")]) + header("x", b"0"),
    "slash-symlink": F + header("l/", b"2", link="f"),
    "slash-hard-link": F + header("h/", b"1", link="f"),
    "slash-hard-link-target": F + header("h", b"1", link="f/"),
    "slash-fifo": header("p/", b"6"),
    "nul-file": header("g", b"\0", 3) + data(b"abc"),
    "v7-file": header("g", b"\0", 3, magic="v7") + data(b"abc"),
    "v7-hard-link": F + header("h", b"1", link="f", magic="v7"),
    "size-hard-link": F + header("h", b"1", 3, link="f") + header("g", b"0", 1) + data(b"x"),
    "size-hard-link-data": F + header("h", b"1", 3, link="f") + data(b"abc") + header("g", b"0", 1) + data(b"x"),
    "size-hard-link-pax": F + pax([("size", b"3")]) + header("h", b"1", link="f") + header("g", b"0", 1) + data(b"x"),
    "size-symlink": F + header("l", b"2", 1, link="f") + header("g", b"0", 1) + data(b"x"),
    "size-directory": header("d/", b"5", 4096, mode=0o755) + F,
    "size-directory-huge": header("d/", b"5", 0o77777777777, mode=0o755) + F,
    "size-fifo": header("p", b"6", 9) + F,
    "contiguous": header("g", b"7", 3) + data(b"abc"),
    "sparse-gnu": header("s", b"S", 3, magic="gnu", sparse=SPARSE + bytes(73) + b"%011o\0" % 4099) + data(b"abc"),
    "sparse-0.0": pax([("GNU.sparse.size", b"4099"), ("GNU.sparse.numblocks", b"1"), ("GNU.sparse.offset", b"4096"), ("GNU.sparse.numbytes", b"3")]) +
                  header("s", b"0", 3) + data(b"abc"),
    "sparse-0.1": pax([("GNU.sparse.size", b"4099"), ("GNU.sparse.numblocks", b"1"), ("GNU.sparse.map", b"4096,3"), ("GNU.sparse.name", b"s")]) +
                  header("x", b"0", 3) + data(b"abc"),
    "sparse-1.0": pax([("GNU.sparse.major", b"1"), ("GNU.sparse.minor", b"0"), ("GNU.sparse.name", b"s"), ("GNU.sparse.realsize", b"4099")]) +
                  header("x", b"0", 515) + data(b"1\n4096\n3\n") + data(b"abc"),
    "acl-access": pax([("SCHILY.acl.access", b"user::rw-,user:1:r--,group::r--,mask::r--,other::r--")]) + F,
    "acl-default": pax([("SCHILY.acl.default", b"user::rwx,group::r-x,other::r-x")]) + header("d/", b"5", mode=0o755),
    "acl-nfs": pax([("SCHILY.acl.ace", b"owner@:rwx::allow")]) + F,
    "acl-odd": pax([("SCHILY.acl.access", b"\xff\0nonsense")]) + F,
    "vendor": pax([("LIBARCHIVE.creationtime", b"1"), ("LIBARCHIVE.symlinktype", b"dir"), ("RHT.security.selinux", b"x"), ("SCHILY.dev", b"1"),
                   ("SCHILY.ino", b"2"), ("SCHILY.nlink", b"1"), ("SCHILY.fflags", b"nodump"), ("MSWINDOWS.rawsd", b"x")]) + F,
    "aufs-file": header(".wh..wh.aufs", b"0") + F,
    "aufs-directory": header(".wh..wh.plnk/", b"5", mode=0o700) + header(".wh..wh.orph/", b"5", mode=0o700) + F,
    "aufs-below": header("d/", b"5", mode=0o755) + header("d/.wh..wh.plnk/", b"5", mode=0o700) + header("d/f", b"0"),
    "end-none": F,
    "end-none-padding": F[:515],
    "end-one": F,
    "end-half": F,
    "end-one-half": F,
    "end-one-more": F,
    "end-many": F,
    "end-cut-content": F[:514],
    "end-cut-header": F,
}


def make(out):
    for name, entries in cases.items():
        layer = entries + ends.get(name, END)
        layout = os.path.join(out, name)
        os.makedirs(os.path.join(layout, "blobs/sha256"))
        with open(layout + ".tar", "wb") as f:
            f.write(layer)

        def blob(content, kind):
            digest = hashlib.sha256(content).hexdigest()
            with open(os.path.join(layout, "blobs/sha256", digest), "wb") as f:
                f.write(content)
            return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": "sha256:" + digest, "size": len(content)}

        def document(value, kind):
            return blob(json.dumps(value).encode(), kind)

        config = document({"architecture": "amd64", "os": "linux", "config": {}, "history": [],
                           "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}, "config.v1+json")
        packed = blob(gzip.compress(layer, 1, mtime=0), "layer.v1.tar+gzip")
        manifest = document({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": [packed]}, "manifest.v1+json")
        with open(os.path.join(layout, "index.json"), "w") as f:
            json.dump({"schemaVersion": 2, "manifests": [{**manifest, "annotations": {"org.opencontainers.image.ref.name": "t"}}]}, f)
        with open(os.path.join(layout, "oci-layout"), "w") as f:
            f.write('{"imageLayoutVersion": "1.0.0"}')
    with open(os.path.join(out, "cases"), "w") as f:
        f.write("".join(name + "\n" for name in cases))


make(sys.argv[1])
