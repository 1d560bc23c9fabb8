#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Archives of `docker save` in all their shapes, good and bad, into a directory."""
import gzip
import hashlib
import io
import json
import sys
import tarfile

top = sys.argv[1]


def tar(entries):
    """(name, bytes or None, link target, type) each"""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as t:
        for name, data, *link in entries:
            info = tarfile.TarInfo(name)
            if link:
                info.type, info.linkname = link[1], link[0]
                t.addfile(info)
            else:
                info.size = len(data)
                t.addfile(info, io.BytesIO(data))
    return out.getvalue()


def hexof(data):
    return hashlib.sha256(data).hexdigest()


def config(layers):
    return json.dumps({
        "architecture": "amd64",
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hexof(layer) for layer in layers]},
    }).encode()


def manifest(cfg, layers):
    return ("manifest.json", json.dumps([{"Config": cfg, "RepoTags": ["tool:1"], "Layers": layers}]).encode())


def put(name, *entries):
    with open(f"{top}/{name}.tar", "wb") as f:
        f.write(tar(entries))


SYM = tarfile.SYMTYPE
layer = tar([("hello", b"hello\n")])
other = tar([("bye", b"")])
packed = gzip.compress(layer, mtime=0)
one = config([layer])
two = config([layer, layer])
name = hexof(one) + ".json"
blob = "blobs/sha256/" + hexof(layer)

put("blobs", manifest("blobs/sha256/" + hexof(one), [blob]), ("blobs/sha256/" + hexof(one), one), (blob, layer))
put("linked", ("a/layer.tar", layer), ("b/layer.tar", None, "../a/layer.tar", SYM), (hexof(two) + ".json", two),
    manifest(hexof(two) + ".json", ["a/layer.tar", "b/layer.tar"]))
put("gzip", manifest(name, ["blobs/sha256/" + hexof(packed)]), (name, one), ("blobs/sha256/" + hexof(packed), packed))
put("two", ("manifest.json", json.dumps([{"Config": name, "RepoTags": [t], "Layers": ["l"]}
                                         for t in ("tool:1", "tool:latest")]).encode()), (name, one), ("l", layer))
put("escape", manifest(name, ["../l"]), (name, one), ("l", layer))
put("outlink", manifest(name, ["l"]), (name, one), ("l", None, "../../etc/passwd", SYM))
put("loop", manifest(name, ["l"]), (name, one), ("l", None, "m", SYM), ("m", None, "l", SYM))
put("diffid", manifest(name, ["l"]), (name, one), ("l", other))
put("lying", manifest(name, ["l"]), (name, one), ("l", gzip.compress(other, mtime=0)))
put("misnamed", manifest(name, ["l"]), (name, one + b" "), ("l", layer))
put("twice", manifest(name, ["l"]), (name, one), ("l", layer), ("l", layer))
put("manifests", manifest(name, ["l"]), ("manifest.json", b"[]"), (name, one), ("l", layer))
put("missing", manifest(name, ["l"]), (name, one))
put("count", manifest(name, ["l", "l"]), (name, one), ("l", layer))
put("keys", ("manifest.json", b'[{"Config":"x","Config":"y","Layers":["l"]}]'), ("l", layer))
put("device", manifest(name, ["l"]), (name, one), ("l", None, "", tarfile.FIFOTYPE))
