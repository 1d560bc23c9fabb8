#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges a tar of strict mode by LinuxKit's own tar of the same file.

linuxkit_strict.py CASE LINUXKIT.tar OURS.tar EPOCH LAYOUT...

What strict mode must give is derived here from LinuxKit's tar (which compat mode writes byte for byte) by the
differences of docs/formats/linuxkit-strict.md; the files of images whose layers LinuxKit flattens wrongly are
applied here again, bottom-up, from the OCI layouts. Every difference is printed; nothing means right.
"""
import gzip
import hashlib
import io
import json
import posixpath
import subprocess
import sys
import tarfile

FIXED = 1492533000  # of what LinuxKit makes itself
KINDS = {tarfile.REGTYPE: "file", tarfile.AREGTYPE: "file", tarfile.LNKTYPE: "hard", tarfile.SYMTYPE: "link", tarfile.DIRTYPE: "dir",
         tarfile.CHRTYPE: "char", tarfile.BLKTYPE: "block", tarfile.FIFOTYPE: "fifo"}
SKIPPED = (".dockerenv", "Dockerfile", "dev/console", "dev/pts", "dev/shm", "etc/hostname")


def clean(name):
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def fact_of(tar, member):
    kind = KINDS[member.type]
    fact = {"kind": kind, "uid": member.uid, "gid": member.gid, "time": max(0, int(member.mtime // 1))}
    if kind == "link":
        fact["link"] = member.linkname
    else:
        fact["mode"] = member.mode
    if kind == "file":
        fact["data"] = tar.extractfile(member).read()
    if kind in ("char", "block"):
        fact["device"] = (member.devmajor, member.devminor)
    if kind == "hard":
        fact["to"] = clean(member.linkname)
    xattrs = {k: v for k, v in member.pax_headers.items() if k.startswith("SCHILY.xattr.")}
    if xattrs and kind != "hard":
        fact["xattrs"] = sorted(xattrs)
    return fact


def read_tar(data):
    """(location, path, fact) of each entry in order; a hard link has the fact of what it names."""
    tar = tarfile.open(fileobj=io.BytesIO(data))
    for member in tar:
        yield member.pax_headers.get("LINUXKIT.location", ""), clean(member.name), fact_of(tar, member)


def resolve(tree):
    for path, fact in list(tree.items()):
        if fact["kind"] == "hard":
            tree[path] = dict(tree[fact["to"]])
    return tree


# ---- layers, as the OCI image specification has them -----------------------------------------------------


def remove(tree, path, itself=True):
    for other in [p for p in tree if p.startswith(path + "/") or (itself and p == path)]:
        del tree[other]


def apply_layer(tree, data):
    """Whiteouts hide what is below; then the layer's own entries."""
    entries = [(path, fact) for _, path, fact in read_tar(data)]
    for path, _ in entries:
        base = posixpath.basename(path)
        if base == ".wh..wh..opq":
            remove(tree, posixpath.dirname(path), itself=False)
        elif base.startswith(".wh."):
            remove(tree, posixpath.join(posixpath.dirname(path), base[4:]))
    for path, fact in entries:
        if path == "" or posixpath.basename(path).startswith(".wh."):
            continue
        if fact["kind"] == "hard":
            fact = tree[fact["to"]]
        if path in tree and fact["kind"] != "dir":
            remove(tree, path)
        tree[path] = fact


def image_tree(layouts, name):
    for layout in layouts:
        def blob(digest):
            return layout["blobs/sha256/" + digest.split(":")[1]]
        for entry in json.loads(layout["index.json"])["manifests"]:
            if entry.get("annotations", {}).get("org.opencontainers.image.ref.name") != name:
                continue
            document = json.loads(blob(entry["digest"]))
            if "manifests" in document:
                document = json.loads(blob([m["digest"] for m in document["manifests"] if m["platform"]["architecture"] == "amd64"][0]))
            tree = {}
            for layer in document["layers"]:
                data = blob(layer["digest"])
                if data[:2] == b"\x1f\x8b":
                    data = gzip.decompress(data)
                elif data[:4] == b"\x28\xb5\x2f\xfd":
                    data = subprocess.run(["zstd", "-dqc"], input=data, stdout=subprocess.PIPE, check=True).stdout
                apply_layer(tree, data)
            return tree
    sys.exit("no image " + name)


def read_layout(path):
    data = subprocess.run(["zstd", "-dqc", path], stdout=subprocess.PIPE, check=True).stdout
    tar = tarfile.open(fileobj=io.BytesIO(data))
    return {clean(m.name): tar.extractfile(m).read() for m in tar if m.isfile()}


# ---- what strict mode makes of LinuxKit's entries --------------------------------------------------------


def parents(path):
    while "/" in path:
        path = posixpath.dirname(path)
        yield path


def merge(entries, epoch):
    """The last of equal names counts; a directory keeps the metadata that an image gave it."""
    tree = {}
    entries = [entry for entry in entries if entry[1] != ""]
    for i, (location, path, fact) in enumerate(entries):
        made = fact["time"] == FIXED
        if path not in tree:
            for parent in parents(path):
                tree.setdefault(parent, {"kind": "dir", "mode": 0o755, "uid": 0, "gid": 0, "time": epoch})
        there = tree.get(path)
        if made:
            fact["time"] = epoch
        item = location.startswith("files[") and (i + 1 == len(entries) or entries[i + 1][0] != location)
        if fact["kind"] == "dir" and made and not item:
            if there is not None and there["kind"] == "dir":
                continue
            if location.startswith("files["):
                fact.update(mode=0o755, uid=0, gid=0)  # a parent
        if location.startswith("volume[") and "/lower/" in path and not fact["time"]:
            fact["time"] = epoch  # of an OCI layout
        if path.endswith("etc/mtab") and fact["kind"] == "file":
            del fact["time"]  # an image's own: LinuxKit changes its time, and it alone
        if path == "lib/apk/db/installed" and location == "init":
            fact["time"] = epoch
        tree[path] = fact
    return tree


def config(tree, path):
    return json.loads(tree[path]["data"])


def put_json(tree, path, value):
    tree[path]["data"] = json.dumps(value, sort_keys=True).encode()
    tree[path]["json"] = True


def edit(tree, path, change):
    value = config(tree, path)
    change(value)
    put_json(tree, path, value)


def unique(values):
    return list(dict.fromkeys(values))


def resources(value):
    """Keys of vector 04 that LinuxKit's decoder loses."""
    r = value["linux"]["resources"]
    r["memory"].update(kernelTCP=6, disableOOMKiller=True)
    r["cpu"].update(realtimeRuntime=4, realtimePeriod=5)
    r["blockIO"].update(leafWeight=11, weightDevice=[{"major": 8, "minor": 0, "weight": 5, "leafWeight": 6}],
                        throttleReadBpsDevice=[{"major": 8, "minor": 0, "rate": 1000}])
    r["hugepageLimits"] = [{"pageSize": "2MB", "limit": 5}]
    r["network"]["classID"] = 5
    for key in ("uidMappings", "gidMappings"):
        value["linux"][key] = [{"containerID": 0, "hostID": 1000, "size": 10}]


def user(uid, gid):
    def change(value):
        value["process"]["user"] = {"uid": uid, "gid": gid}
    return change


def no_path_for_ipc(value):
    for namespace in value["linux"]["namespaces"]:
        if namespace["type"] == "ipc":
            namespace.pop("path")


def volume_mount(value):
    for mount in value["mounts"]:
        if mount["destination"] == "/v1":
            mount["source"] = "/containers/volumes/v1/merged"


def once(value):
    value["mounts"] = [m for i, m in enumerate(value["mounts"]) if m not in value["mounts"][:i]]
    for key, names in value["process"]["capabilities"].items():
        value["process"]["capabilities"][key] = unique(names)


def relayered(tree, layouts, name, prefix):
    """The files of an image that LinuxKit flattens wrongly, below a prefix."""
    image = image_tree(layouts, name)
    keep = {p for p in tree if p.startswith(prefix + "etc/") or p in (prefix + "etc", prefix + "dev", prefix + "dev/pts", prefix + "dev/shm",
                                                                     prefix + "proc", prefix + "sys")}
    for path in [p for p in tree if p.startswith(prefix) and p not in keep and not p.startswith(prefix + "containers")]:
        if path != prefix.rstrip("/"):
            del tree[path]
    for path, fact in image.items():
        if path not in SKIPPED and path not in ("etc/hosts", "etc/resolv.conf"):
            tree[prefix + path] = dict(fact)


def case_02(tree, layouts, _):
    edit(tree, "containers/services/app/config.json", user(102, 102))  # USER app: the container of that name


def case_03(tree, layouts, _):
    for name in ("ro", "fsro"):
        del tree["containers/volumes/%s/tmp" % name]
    # References of volumes are spelt out.
    for path in ("etc/linuxkit.yml", "etc/linuxkit.json"):
        head, tail = tree[path]["data"].split(b"volumes", 1)
        tree[path]["data"] = head + b"volumes" + tail.replace(b"lk/two:v1", b"docker.io/lk/two:v1")


def case_04(tree, layouts, _):
    edit(tree, "containers/services/everything/config.json", resources)
    edit(tree, "containers/services/none/config.json", no_path_for_ipc)


def case_05(tree, layouts, _):
    for name in ("000-dflt", "001-over", "002-add", "003-addand"):
        edit(tree, "containers/onboot/%s/config.json" % name, once)


def case_06(tree, layouts, epoch):
    relayered(tree, layouts, "docker.io/lk/layers:v1", "")
    relayered(tree, layouts, "docker.io/lk/layers:v1", "containers/services/layers/lower/")


def case_10(tree, layouts, _):
    edit(tree, "containers/services/two/config.json", volume_mount)


CASES = {"02-minimal": case_02, "03-full": case_03, "04-imageconfig": case_04, "05-label": case_05, "06-layers": case_06,
         "10-volumes-oci": case_10}


def main():
    case, theirs, ours, epoch = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    layouts = [read_layout(p) for p in sys.argv[5:]]
    tree = merge(read_tar(open(theirs, "rb").read()), epoch)
    if case != "06-layers":
        resolve(tree)
    CASES.get(case, lambda *_: None)(tree, layouts, epoch)
    mine = {path: fact for _, path, fact in read_tar(open(ours, "rb").read()) if path != ""}
    resolve(mine)
    for path in sorted(set(tree) | set(mine)):
        if path not in mine or path not in tree:
            print(path, "only in", "ours" if path in mine else "what is wanted", (tree.get(path) or mine.get(path))["kind"])
            continue
        wanted, got = tree[path], mine[path]
        if "time" in wanted:
            wanted["time"] = min(wanted["time"], epoch)
        if wanted.pop("json", False):
            wanted["data"], got["data"] = json.loads(wanted["data"]), json.loads(got["data"])
        for key in sorted(set(wanted) | set(got) - ({"time"} - set(wanted))):
            if wanted.get(key) != got.get(key):
                print(path, key, "wanted:", str(wanted.get(key))[:3000], "got:", str(got.get(key))[:3000])
    print(len(mine), "entries")


main()
