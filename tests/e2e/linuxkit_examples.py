#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What Assay does with every LinuxKit file of a corpus, as a page of the documentation.

linuxkit_examples.py ASSAY CORPUS WORK >docs/reference/linuxkit-examples.md

CORPUS is tests/data/linuxkit-yaml/corpus.tar.zst, unpacked; WORK an empty directory.

Each file is locked in both modes, with stand-ins for its images (one image under every name that the files say, for two
architectures, with a kernel, modules and microcode) and for the files that it takes from beside it.
"""
import collections
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile

assay, corpus, work = (os.path.abspath(path) for path in sys.argv[1:])
files = sorted(os.listdir(os.path.join(corpus, "linuxkit")))
layout, home, here = (os.path.join(work, name) for name in ("layout", "home", "here"))


def text_of(folder, name):
    path = os.path.join(corpus, folder, name)
    return open(path, encoding="utf-8").read() if os.path.exists(path) else ""


# ---- stand-ins ---------------------------------------------------------------------------------------


def names():
    """Every image that LinuxKit's merged configurations name; of files that it refuses, what they say themselves."""
    found = set()
    for name in files:
        text = text_of("dry-run", name) or text_of("linuxkit", name)
        found.update(re.findall(r"""^\s*(?:- )?image: ["']?([^\s"'#]+)""", text, re.M))
        for block in re.findall(r"^init:\n((?:[ -].*\n|\s*#.*\n)*)", text, re.M):
            found.update(re.findall(r"""^\s*- ["']?([^\s"'#]+)""", block, re.M))
    return sorted(found)


def reference(name):
    first, slash, _ = name.partition("/")
    if not slash:
        return "docker.io/library/" + name
    return name if "." in first or ":" in first or first == "localhost" else "docker.io/" + name


def archive(members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE if data is None else tarfile.REGTYPE
            info.mode = 0o755
            info.size = len(data or b"")
            tar.addfile(info, io.BytesIO(data or b""))
    return out.getvalue()


def blob(data, media):
    name = hashlib.sha256(data).hexdigest()
    with open(os.path.join(layout, "blobs/sha256", name), "wb") as out:
        out.write(data)
    return {"mediaType": "application/vnd.oci.image." + media, "digest": "sha256:" + name, "size": len(data)}


def make_layout():
    os.makedirs(os.path.join(layout, "blobs/sha256"))
    modules = archive([("lib", None), ("lib/modules", None), ("lib/modules/a.ko", b"module")])
    layer = archive([("bin", None), ("bin/sh", b"#"), ("kernel", b"kernel"), ("kernel.tar", modules), ("bzImage", b"kernel"),
                     ("ucode.cpio", b"ucode"), ("intel-ucode.cpio", b"ucode")])
    packed = blob(gzip.compress(layer, mtime=0), "layer.v1.tar+gzip")
    manifests = []
    for architecture in ("amd64", "arm64"):
        config = {"architecture": architecture, "os": "linux", "config": {"Cmd": ["/bin/sh"]},
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer).hexdigest()]}}
        document = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                    "config": blob(json.dumps(config).encode(), "config.v1+json"), "layers": [packed]}
        manifests.append(dict(blob(json.dumps(document).encode(), "manifest.v1+json"),
                              platform={"os": "linux", "architecture": architecture}))
    index = blob(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests}).encode(),
                 "index.v1+json")
    entries = [dict(index, annotations={"org.opencontainers.image.ref.name": name}) for name in sorted({reference(n) for n in names()})]
    with open(os.path.join(layout, "oci-layout"), "w", encoding="utf-8") as out:
        out.write('{"imageLayoutVersion":"1.0.0"}')
    with open(os.path.join(layout, "index.json"), "w", encoding="utf-8") as out:
        json.dump({"schemaVersion": 2, "manifests": entries}, out)


def make_files():
    os.makedirs(here)
    os.makedirs(os.path.join(home, ".ssh"))
    for name in files:
        with open(os.path.join(here, name), "w", encoding="utf-8") as out:
            out.write(text_of("linuxkit", name))
        block = re.findall(r"""^\s*(?:- )?source: ["']?([^\s"'#]+)""", text_of("linuxkit", name), re.M)
        for source in block:
            path = os.path.normpath(os.path.join(home, source[2:]) if source.startswith("~/") else os.path.join(here, source))
            if os.path.dirname(path) in (here, os.path.join(home, ".ssh")):
                with open(path, "w", encoding="utf-8") as out:
                    out.write("a stand-in\n")


# ---- runs -----------------------------------------------------------------------------------------------


def lock(name, *mode):
    """(whether it was taken, the texts on stderr without where they stand)."""
    plan = os.path.join(work, "plan.json")
    environment = {"PATH": os.environ["PATH"], "HOME": home, "ASSAY_STORE": os.path.join(work, "store"), "LC_ALL": "C.UTF-8"}
    done = subprocess.run([assay, "lock", name, *mode, "--images", layout, "--name", "x", "-o", plan, "-q"], cwd=here, env=environment,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 5, 6):
        sys.exit("%s: exit code %d: %s" % (name, done.returncode, done.stderr.decode()))
    lines = [re.sub(r"^assay-lock: ", "", line).replace(name + ":", "line ", 1) for line in done.stderr.decode().splitlines()]
    lines = [re.sub(r"^line (\d+):\d+: ", r"line \1: ", line) for line in lines]
    return done.returncode == 0, lines


def cell(text):
    return text.replace("|", "\\|").replace("<", "&lt;")


# Of the tar of every system with images, so they are said once, above the table.
ALWAYS = re.compile(r"^the tar: several entries of one name")


def main():
    make_layout()
    make_files()
    verdicts = dict(line.split("\t")[:2] for line in text_of("", "VERDICTS.tsv").splitlines())
    rows = []
    counts = collections.Counter()
    for name in files:
        strict, said = lock(name, "--arch", "amd64")
        compat, warned = lock(name, "--compat", "linuxkit")
        warned = [line for line in warned if not ALWAYS.match(line)]
        theirs = verdicts[name]
        counts["LinuxKit " + theirs] += 1
        counts["strict" if strict else "not strict"] += 1
        counts["compat" if compat else "not compat"] += 1
        reasons = ["strict: " + line for line in said if line not in warned]
        reasons += [("both: " if line in said else "compat: ") + line for line in warned]
        rows.append("| %s | %s | %s | %s | %s |" % (name.replace("__", "/"), "takes" if theirs == "accepted" else "refuses",
                                                    "takes" if strict else "refuses", "takes" if compat else "refuses",
                                                    cell("; ".join(reasons))))
    print(PAGE % (len(files), counts["LinuxKit accepted"], counts["LinuxKit rejected"], counts["strict"], counts["not strict"],
                  counts["compat"], counts["not compat"], "\n".join(rows)))


PAGE = """# LinuxKit's own files, one by one

The %d files of LinuxKit's tree (head 3bf33c3a: examples, projects and tests), and what Assay makes of each. This page is written by `tests/e2e/linuxkit_examples.py` out of a run over all of them, with stand-ins for
their images and for the files beside them; `tests/e2e/64-linuxkit-corpus.t` makes it again and compares. Paths are those of LinuxKit's tree.

| | takes | refuses |
|---|---|---|
| LinuxKit (`build --dry-run`) | %d | %d |
| Assay, [strict mode](../formats/linuxkit-strict.md) (`assay lock`) | %d | %d |
| Assay, [compat mode](../formats/linuxkit-compat.md) (`assay lock --compat linuxkit`) | %d | %d |

Where the last column is empty, the file is taken as it is, and nothing of it is lost. Else it has what `assay lock` says: why it refuses, or what it warns of. Left out is one warning that compat mode has for every system:
LinuxKit's tar has several entries of one name (`dev`, `etc`, …).

| file | LinuxKit | strict | compat | what is said |
|---|---|---|---|---|
%s
"""

main()
