#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random layer stacks for the peer test of layers, and the peer's tree in Assay's serialisation.

layers_peer.py make SEED DIR    writes DIR/0.tar, 1.tar, … and DIR/image, an OCI layout with the tag "t"
layers_peer.py dump ROOTFS      prints the canonical serialisation of what is there
layers_peer.py compare A B      of two serialisations, A being the peer's

Left out: the root's metadata, which no layer states here; owners, when not run by root; the time of
a directory that the peer changed by removing from it (umoci leaves the time of unpacking there).
Attributes with empty values, which Go's reader of archives drops, are not made.
"""
import gzip
import hashlib
import io
import json
import os
import random
import stat
import sys
import tarfile

LATEST = 2**30  # later times are the clock's
NAMES = ["a", "b", "c", "d", "a-b", "a b", "\u00e4", ".x", "%41"]


class Layer:
    """One tar being written; remembers what it states, so that no entry contradicts an earlier one."""

    def __init__(self, rng, path):
        self.rng = rng
        self.tar = tarfile.open(path, "w", format=rng.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]))
        self.pax = self.tar.format == tarfile.PAX_FORMAT
        self.kind = {}  # path -> type, as this layer left it
        self.files = []
        self.whiteouts = set()

    def add(self, path, kind, link=None, data=b""):
        rng = self.rng
        info = tarfile.TarInfo(rng.choice(["", "./"]) + path)
        info.type = kind
        info.mode = rng.choice([0o644, 0o755, 0o600, 0o4755, 0o2755, 0o1777, 0o400])
        if kind == tarfile.DIRTYPE:
            info.mode = rng.choice([0o755, 0o700, 0o1777, 0o2755])
        if kind == tarfile.SYMTYPE:
            info.mode = 0o777
        info.uid = rng.choice([0, 0, 1, 1000, 3000000])
        info.gid = rng.choice([0, 0, 5, 65534])
        info.mtime = rng.randrange(1, LATEST)
        if link is not None:
            info.linkname = link
        if kind == tarfile.REGTYPE:
            info.size = len(data)
            if self.pax and XATTRS and rng.random() < 0.2:
                info.pax_headers = {"SCHILY.xattr.user." + rng.choice("xyz"): rng.choice(["1", "\u00e4=%"])}
        self.tar.addfile(info, io.BytesIO(data))
        self.kind[path] = kind

    def parents(self, path):
        parts = path.split("/")[:-1]
        for i in range(1, len(parts) + 1):
            up = "/".join(parts[:i])
            if self.kind.get(up) != tarfile.DIRTYPE:
                self.gone(up)
                self.add(up, tarfile.DIRTYPE)

    def gone(self, path):
        """What lay below a path that another entry takes in this layer."""
        for known in list(self.kind):
            if known.startswith(path + "/"):
                del self.kind[known]
        self.files = [f for f in self.files if f != path and not f.startswith(path + "/")]

    def entry(self, path):
        rng = self.rng
        self.parents(path)
        choice = rng.random()
        if choice < 0.3:
            if self.kind.get(path) != tarfile.DIRTYPE:
                self.gone(path)
            self.add(path, tarfile.DIRTYPE)
            return
        if choice < 0.45 and self.files:
            target = rng.choice(self.files)
            if target != path and not target.startswith(path + "/"):
                self.gone(path)
                self.add(path, tarfile.LNKTYPE, link=rng.choice(["", "./"]) + target)
                return
        self.gone(path)
        if choice < 0.65:
            self.add(path, tarfile.SYMTYPE, link=rng.choice(["a", "../b", "/etc/passwd", "nowhere", "/", ".."]))
        else:
            self.add(path, tarfile.REGTYPE, data=rng.randbytes(rng.choice([0, 1, 511, 512, 513, 5000])))
            self.files.append(path)

    def whiteout(self, path):
        directory, _, name = path.rpartition("/")
        self.add((directory + "/" if directory else "") + ".wh." + name, tarfile.REGTYPE)


def any_path(rng):
    return "/".join(rng.choice(NAMES) for _ in range(rng.choice([1, 1, 2, 2, 3])))


def write_base(layer):
    """What no layer takes away: directories and symlinks to reach them by."""
    layer.add("keep", tarfile.DIRTYPE)
    layer.add("keep/dir", tarfile.DIRTYPE)
    layer.add("keep/dir/sub", tarfile.DIRTYPE)
    layer.add("keep/ln", tarfile.SYMTYPE, link="dir")
    layer.add("keep/abs", tarfile.SYMTYPE, link="/keep/dir")
    layer.add("keep/up", tarfile.SYMTYPE, link="../../../../keep/dir/./sub/")
    layer.add("keep/dir/first", tarfile.REGTYPE, data=b"first\n")
    layer.add("keep/second", tarfile.LNKTYPE, link="keep/dir/first")


def write_kept(rng, layer, index):
    """Entries and whiteouts through the symlinks, and links to files of the layers below."""
    by = rng.choice(["keep/dir", "keep/ln", "keep/abs", "keep/up"])
    layer.add(f"{by}/f{rng.randrange(4)}", tarfile.REGTYPE, data=rng.randbytes(10))
    if rng.random() < 0.3:
        layer.add(f"{by}/.wh.f{rng.randrange(4)}", tarfile.REGTYPE)
    if rng.random() < 0.3:
        layer.add(f"keep/link{index}", tarfile.LNKTYPE, link="keep/dir/first")
    if rng.random() < 0.3:
        layer.add("keep/dir", tarfile.DIRTYPE)


def write_layer(rng, path, index):
    layer = Layer(rng, path)
    if index == 0:
        write_base(layer)
    removed = set()
    if index > 0:
        for _ in range(rng.randrange(4)):
            removed.add(any_path(rng))
    opaque = any_path(rng) if index > 0 and rng.random() < 0.4 else None
    actions = [("entry", any_path(rng)) for _ in range(rng.randrange(2, 14))]
    actions += [("whiteout", p) for p in sorted(removed)]
    if opaque:
        actions.append(("opaque", opaque))
    rng.shuffle(actions)
    for action, where in actions:
        if action == "entry":
            layer.entry(where)
        elif action == "whiteout":
            # The directory is stated, so that no reader has to invent it.
            layer.parents(where)
            layer.whiteout(where)
        else:
            layer.parents(where + "/x")
            layer.add(where + "/.wh..wh..opq", tarfile.REGTYPE)
    if index > 0:
        write_kept(rng, layer, index)
    layer.tar.close()


def blob(image, data):
    name = hashlib.sha256(data).hexdigest()
    with open(f"{image}/blobs/sha256/{name}", "wb") as out:
        out.write(data)
    return {"digest": "sha256:" + name, "size": len(data)}


def write_image(directory, count):
    image = directory + "/image"
    os.makedirs(image + "/blobs/sha256")
    layers, ids = [], []
    for i in range(count):
        with open(f"{directory}/{i}.tar", "rb") as tar:
            data = tar.read()
        ids.append("sha256:" + hashlib.sha256(data).hexdigest())
        packed = gzip.compress(data, 1, mtime=0)
        layers.append({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **blob(image, packed)})
    config = json.dumps({"architecture": "amd64", "os": "linux", "config": {},
                         "rootfs": {"type": "layers", "diff_ids": ids}}).encode()
    manifest = json.dumps({
        "schemaVersion": 2, "layers": layers,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(image, config)}}).encode()
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", **blob(image, manifest),
        "annotations": {"org.opencontainers.image.ref.name": "t"}}]}
    with open(image + "/index.json", "w") as out:
        json.dump(index, out)
    with open(image + "/oci-layout", "w") as out:
        out.write('{"imageLayoutVersion": "1.0.0"}')


def make(seed, directory):
    rng = random.Random(seed)
    count = rng.randrange(2, 6)
    os.makedirs(directory)
    for i in range(count):
        write_layer(rng, f"{directory}/{i}.tar", i)
    write_image(directory, count)


def escape(name):
    return b"".join(bytes([c]) if 0x20 < c < 0x7F and c != 0x25 else b"%%%02x" % c for c in name)


LETTERS = {stat.S_IFDIR: b"d", stat.S_IFREG: b"f", stat.S_IFLNK: b"l", stat.S_IFCHR: b"c",
           stat.S_IFBLK: b"b", stat.S_IFIFO: b"p", stat.S_IFSOCK: b"s"}


def dump(root, path, first, out):
    full = os.path.join(root, path) if path else root
    st = os.lstat(full)
    if not stat.S_ISDIR(st.st_mode) and st.st_nlink > 1:
        if st.st_ino in first:
            out.write(b"h %s %s\n" % (escape(path), escape(first[st.st_ino])))
            return
        first[st.st_ino] = path
    out.write(b"%s %04o %d %d %d %s" % (LETTERS[stat.S_IFMT(st.st_mode)], stat.S_IMODE(st.st_mode), st.st_uid,
                                        st.st_gid, int(st.st_mtime_ns // 10**9), escape(path) or b"."))
    if stat.S_ISREG(st.st_mode):
        with open(full, "rb") as f:
            data = f.read()
        out.write(b" %d %s" % (len(data), hashlib.sha256(data).hexdigest().encode()))
    if stat.S_ISLNK(st.st_mode):
        out.write(b" " + escape(os.readlink(full)))
    if XATTRS and not stat.S_ISLNK(st.st_mode):
        for name in sorted(os.fsencode(n) for n in os.listxattr(full, follow_symlinks=False)):
            if name.startswith(b"user.") and name != b"user.rootlesscontainers":
                value = os.getxattr(full, name, follow_symlinks=False)
                out.write(b" %s=%s" % (escape(name), value.hex().encode()))
    out.write(b"\n")
    if stat.S_ISDIR(st.st_mode):
        for name in sorted(os.listdir(full)):
            dump(root, path + b"/" + name if path else name, first, out)


def supports_xattrs():
    if os.getuid() != 0:
        return False  # without root, umoci cannot set them on files that nobody may write
    path = os.environ["LAYERS_PEER_PROBE"]
    with open(path, "w"):
        pass
    try:
        os.setxattr(path, "user.probe", b"")
        return True
    except OSError:
        return False


def fields(line, owners):
    f = line.rstrip("\n").split(" ")
    if f[0] != "h" and not owners:
        f[2:4] = "--"
    return f


def compare(peer, ours):
    owners = os.getuid() == 0
    with open(peer, encoding="ascii") as a, open(ours, encoding="ascii") as b:
        left = [fields(line, owners) for line in list(a)[2:]]
        right = [fields(line, owners) for line in list(b)[2:]]
    differ = len(left) != len(right) or not left
    for x, y in zip(left, right):
        if x[0] == "d" and y[0] == "d" and int(x[4]) > LATEST:
            y[4] = x[4]
        differ = differ or x != y
    if differ:
        sys.exit("\n".join(["peer:"] + [" ".join(x) for x in left if x not in right] +
                           ["ours:"] + [" ".join(y) for y in right if y not in left]))


XATTRS = supports_xattrs()
if sys.argv[1] == "make":
    make(int(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == "compare":
    compare(sys.argv[2], sys.argv[3])
else:
    sys.stdout.buffer.write(b"assay-tree 1\n")
    dump(os.fsencode(sys.argv[2]), b"", {}, sys.stdout.buffer)
