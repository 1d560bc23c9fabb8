#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the images that the documents of tests/data/cases/linuxkit name, as one OCI layout: linuxkit_cases.py DIRECTORY."""
import gzip
import hashlib
import io
import json
import os
import sys
import tarfile

top = sys.argv[1]


def blob(data):
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(top, "blobs/sha256", name), "wb") as out:
        out.write(data)
    return {"digest": "sha256:" + name, "size": len(data)}


def layer(*entries, comment=None, records=None):
    """(name, type, content or target) each; a number for a directory is the size in its header, which has none."""
    out = io.BytesIO()
    of_all = {} if comment is None else {"comment": comment}
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT, pax_headers=of_all):
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.pax_headers = records or {}
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            data = b""
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = text
            elif kind != tarfile.DIRTYPE:
                data = text.encode()
            info.size = text if kind == tarfile.DIRTYPE and text else len(data)
            out.write(info.tobuf(tarfile.PAX_FORMAT))
            out.write(data + bytes(-len(data) % 512))
    return out.getvalue()


images = []


def image(name, *layers):
    config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                              "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(data).hexdigest() for data in layers]}}).encode())
    config["mediaType"] = "application/vnd.oci.image.config.v1+json"
    packed = [dict(blob(gzip.compress(data, mtime=0)), mediaType="application/vnd.oci.image.layer.v1.tar+gzip") for data in layers]
    manifest = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                                "config": config, "layers": packed}).encode())
    images.append(dict(manifest, mediaType="application/vnd.oci.image.manifest.v1+json",
                       annotations={"org.opencontainers.image.ref.name": "docker.io/" + name}))


DIR, FILE, LINK = tarfile.DIRTYPE, tarfile.REGTYPE, tarfile.SYMTYPE
os.makedirs(os.path.join(top, "blobs/sha256"))
image("h/tiny:v1", layer(("bin", DIR, ""), ("bin/x", FILE, "x")))
image("g/contig:v1", layer(("c", b"7", "contiguous"), ("v", b"V", "a label"), ("z", b"Z", "unknown"), comment="of all"))
image("g/nolayer:v1")
image("g/subfile:v1", layer(("sub", DIR, ""), ("sub/x", FILE, "x"), ("top/x", FILE, "x"), ("one", FILE, "1"), ("one/x", FILE, "x")),
      layer(("sub", FILE, "a file"), ("top", FILE, "a file")), layer(("sub/y", FILE, "y")))
image("g/sized:v1", layer(("a", FILE, "a"), ("d", DIR, 700), ("b", FILE, "b")))
image("g/zeros:v1", layer(("zeros", FILE, "\0" * 700000)))
# A kernel with its modules, and roots whose directories have become links, as in every merged-/usr Debian.
modules = layer(("lib", DIR, ""), ("lib/modules", DIR, ""), ("lib/modules/6.1", DIR, ""), ("lib/modules/6.1/a.ko", FILE, "module"))
image("s/km:v1", layer(("kernel", FILE, "kernel"), ("kernel.tar", FILE, modules.decode())))
image("s/sbindir:v1", layer(("sbin", DIR, ""), ("sbin/init", FILE, "init")))
image("s/usrmerge:v1", layer(("usr", DIR, ""), ("usr/lib", DIR, ""), ("usr/lib/libc.so", FILE, "libc"), ("usr/sbin", DIR, ""),
                             ("lib", LINK, "usr/lib"), ("sbin", LINK, "usr/sbin")))
image("s/linked:v1", layer(("a", DIR, ""), ("a/x", FILE, "x"), ("z", LINK, "a")))
image("s/again:v1", layer(("z", DIR, ""), ("z/x", FILE, "another")))
image("x/user:v1", layer(("bin/x", FILE, "x"), records={"SCHILY.xattr.user.note": "x"}))
image("x/security:v1", layer(("bin/x", FILE, "x"), records={"SCHILY.xattr.security.capability": "x"}))
with open(os.path.join(top, "oci-layout"), "w") as out:
    out.write('{"imageLayoutVersion":"1.0.0"}')
with open(os.path.join(top, "index.json"), "w") as out:
    json.dump({"schemaVersion": 2, "manifests": images}, out)
