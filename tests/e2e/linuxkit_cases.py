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


def layer(*entries):
    """(name, type, content or target) each, with odd headers as a caller's tarfile.TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, kind, text in entries:
            info = tarfile.TarInfo(name)
            info.type = kind
            info.mode = 0o755 if kind == tarfile.DIRTYPE else 0o644
            data = b""
            if kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
                info.linkname = text
            elif kind != tarfile.DIRTYPE:
                data = text.encode()
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
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
with open(os.path.join(top, "oci-layout"), "w") as out:
    out.write('{"imageLayoutVersion":"1.0.0"}')
with open(os.path.join(top, "index.json"), "w") as out:
    json.dump({"schemaVersion": 2, "manifests": images}, out)
