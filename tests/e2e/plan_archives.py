#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad copies of a self-contained plan: plan_archives.py ARCHIVE DIRECTORY"""
import hashlib
import io
import json
import sys
import tarfile

source, out = sys.argv[1:3]
with tarfile.open(source) as t:
    entries = [(m, t.extractfile(m).read() if m.isfile() else b"") for m in t.getmembers()]


def write(name, members):
    with tarfile.open(f"{out}/{name}", "w", format=tarfile.USTAR_FORMAT) as t:
        for m, data in members:
            t.addfile(m, io.BytesIO(data))


def info(name, size=0, kind=tarfile.REGTYPE, link=""):
    m = tarfile.TarInfo(name)
    m.size, m.type, m.linkname = size, kind, link
    return m


def blob(data):
    return info("blobs/sha256/" + hashlib.sha256(data).hexdigest(), len(data)), data


def plain(name, data):
    return info(name, len(data)), data


docs = {m.name: data for m, data in entries}
index = json.loads(docs["index.json"])
digest = index["manifests"][0]["digest"][7:]
manifest = json.loads(docs["blobs/sha256/" + digest])
plan_digest = manifest["layers"][0]["digest"][7:]
inputs = [layer["digest"][7:] for layer in manifest["layers"][1:]]


def without(*names):
    return [(m, d) for m, d in entries if m.name not in names]


def relabelled(change):
    """Another manifest, with an index that names it."""
    new = json.loads(json.dumps(manifest))
    change(new)
    data = json.dumps(new).encode()
    top = json.loads(json.dumps(index))
    top["manifests"][0]["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
    top["manifests"][0]["size"] = len(data)
    return without("blobs/sha256/" + digest, "index.json") + [blob(data), plain("index.json", json.dumps(top).encode())]


def damaged(name):
    return [(m, d[:-1] + bytes([d[-1] ^ 1]) if m.name == name else d) for m, d in entries]


write("same", entries)
write("no-input", without("blobs/sha256/" + inputs[0]))
write("no-plan", without("blobs/sha256/" + plan_digest))
write("no-index", without("index.json"))
write("no-layout", without("oci-layout"))
write("extra-blob", entries + [blob(b"more")])
write("extra-file", entries + [plain("hello", b"x")])
write("twice", entries + [(m, d) for m, d in entries if m.name.endswith(inputs[0])])
write("index-twice", entries + [plain("index.json", docs["index.json"])])
write("link", without("blobs/sha256/" + inputs[0]) + [(info("blobs/sha256/" + inputs[0], kind=tarfile.SYMTYPE, link="/etc/passwd"), b"")])
write("hard", without("oci-layout") + [(info("oci-layout", kind=tarfile.LNKTYPE, link="index.json"), b"")])
write("escape", entries + [plain("../evil", b"x")])
write("misnamed", entries + [plain("blobs/sha256/XYZ", b"x")])
write("bad-plan", damaged("blobs/sha256/" + plan_digest))
write("bad-manifest", damaged("blobs/sha256/" + digest))
write("bad-input", damaged("blobs/sha256/" + inputs[0]))
write("short-input", [(info(m.name, len(d) - 1), d[:-1]) if m.name.endswith(inputs[0]) else (m, d) for m, d in entries])
write("no-type", relabelled(lambda m: m.pop("artifactType")))
write("other-type", relabelled(lambda m: m.update(artifactType="application/x")))
write("no-layers", relabelled(lambda m: m.update(layers=[])))
write("two-plans", without("index.json") + [plain("index.json", json.dumps({**index, "manifests": index["manifests"] * 2}).encode())])
write("version", without("oci-layout") + [plain("oci-layout", b'{"imageLayoutVersion":"2.0.0"}')])
with open(source, "rb") as f:
    data = f.read()
with open(f"{out}/cut", "wb") as f:
    f.write(data[:-700])
with open(f"{out}/garbage", "wb") as f:
    f.write(b"\0" * 4096)
