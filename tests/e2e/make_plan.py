#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Layers and plans for the end-to-end tests, made without Assay.

make_plan.py layer FILE KIND [COUNT]     a tar layer (base, top, or big with COUNT files of 1 MiB)
make_plan.py plan FILE [--set PATH=JSON]... LAYER:COMPRESSION...
                                         a plan over these files, in canonical form
`assay plan toolchain --json` is read from stdin for a plan.
"""
import hashlib
import io
import json
import os
import sys
import tarfile


def noise(seed, size):
    """Bytes that look random and are the same everywhere."""
    out = bytearray()
    block = seed.encode()
    while len(out) < size:
        block = hashlib.sha512(block).digest()
        out += block
    return bytes(out[:size])


def add(tar, name, kind=tarfile.REGTYPE, data=b"", mode=0o644, mtime=1700000000, link="", **more):
    info = tarfile.TarInfo(name)
    info.type, info.mode, info.mtime, info.linkname, info.size = kind, mode, mtime, link, len(data)
    for key, value in more.items():
        setattr(info, key, value)
    tar.addfile(info, io.BytesIO(data))


def layer(path, kind, count="1"):
    with tarfile.open(path, "w:gz" if path.endswith(".gz") else "w", format=tarfile.PAX_FORMAT) as tar:
        if kind == "big":
            for i in range(int(count)):
                # Half noise, half text: a compressor has something to do.
                data = b"".join(noise(f"{i}.{j}", 512) + b"%08d" % j * 64 for j in range(1024))
                add(tar, f"big/{i}", data=data)
        elif kind == "base":
            for name in ("etc", "usr", "usr/bin", "dev", "tmp"):
                add(tar, name, tarfile.DIRTYPE, mode=0o1777 if name == "tmp" else 0o755)
            add(tar, "etc/hello.conf", data=b"greeting = hello\n")
            add(tar, "etc/removed", data=b"gone\n")
            add(tar, "usr/bin/hello", data=noise("hello", 300000), mode=0o4755)
            add(tar, "usr/bin/hallo", tarfile.LNKTYPE, link="usr/bin/hello")
            add(tar, "bin", tarfile.SYMTYPE, link="usr/bin", mode=0o777)
            add(tar, "dev/console", tarfile.CHRTYPE, mode=0o600, devmajor=5, devminor=1)
            add(tar, "usr/caf\u00e9", data=b"", uid=1000, gid=1000)
        else:
            add(tar, "etc/.wh.removed")
            add(tar, "etc/hello.conf", data=b"greeting = good day\n", mode=0o600, mtime=1800000000)
            add(tar, "usr/zeros", data=bytes(1 << 20))


def digest(path):
    with open(path, "rb") as f:
        return "sha256:" + hashlib.sha256(f.read()).hexdigest()


def document(toolchain, layers):
    inputs, forms = [], []
    for i, item in enumerate(layers):
        path, compression = item.rsplit(":", 1)
        inputs.append({"id": f"layer{i}", "kind": "blob", "digest": digest(path), "size": os.path.getsize(path),
                       "from": {"file": {"name": os.path.basename(path)}}})
        forms.append({"form": "tar", "compression": compression})
    step = lambda name, kind, **params: {"id": name, "kind": kind, "in": ["root"], "params": params}
    steps = [
        {"id": "root", "kind": "tree.layers", "in": [i["id"] for i in inputs],
         "params": {"layers": forms, "include": [], "exclude": [], "place": [], "usrMerged": False,
                    "clamp": 1750000000}},
        step("tar", "encode.tar", exclude=[]),
        step("image", "encode.squashfs", compressor="zstd", level=15, blockSize=131072, fragments=True,
             exports=True, xattrs=True, time=0, exclude=[]),
        step("initrd", "encode.initrd", compressor="gzip", level=9, exclude=[]),
        step("oci", "encode.oci", architecture="riscv64", os="linux", created=0, compressor="gzip", level=9,
             config={"Entrypoint": ["/usr/bin/hello"]}, exclude=[]),
    ]
    outputs = [
        {"name": "test.tar", "from": "tar", "mediaType": "application/x-tar"},
        {"name": "test.squashfs", "from": "image", "mediaType": "application/vnd.assay.squashfs"},
        {"name": "test-initrd.img", "from": "initrd", "mediaType": "application/vnd.assay.initrd"},
        {"name": "test.oci", "from": "oci", "mediaType": "application/vnd.oci.image.manifest.v1+json"},
    ]
    used = {"zstd", "zlib", "libsquashfs", "liblzma", "lz4"}
    libraries = {k: v for k, v in toolchain["libraries"].items() if k in used}
    return {"type": "https://assay.example/plan/v1", "name": "test", "arch": "riscv64", "epoch": 0,
            "recipe": {"made by": "a test"}, "inputs": inputs, "steps": steps, "outputs": outputs,
            "toolchain": {"assay": toolchain["assay"], "libraries": libraries}}


def assign(value, path, new):
    keys = path.split(".")
    for key in keys[:-1]:
        value = value[int(key) if isinstance(value, list) else key]
    last = int(keys[-1]) if isinstance(value, list) else keys[-1]
    if new == "delete":
        del value[last]
    else:
        value[last] = json.loads(new)


def plan(path, *arguments):
    arguments = list(arguments)
    changes = []
    while arguments and arguments[0] == "--set":
        changes.append(arguments[1].split("=", 1))
        del arguments[:2]
    value = document(json.load(sys.stdin), arguments)
    for where, new in changes:
        assign(value, where, new)
    # Sorted keys, no spaces, UTF-8, integers only: RFC 8785 for what is in here (no key is outside of ASCII).
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    with open(path, "wb") as f:
        f.write(text.encode())


{"layer": layer, "plan": plan}[sys.argv[1]](*sys.argv[2:])
