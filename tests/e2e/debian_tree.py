# SPDX-License-Identifier: Apache-2.0
"""Judges a tar that tree.debian made, by dpkg-deb and tar alone: debian_tree.py [--merge] PLAN STORE TAR SCRATCH ADDED…

Unpacks each package of the plan in dependency order into SCRATCH: with dpkg-deb -x, or, where packages of a suite from
before the merge of /usr are put into a merged system, as mmdebstrap does it (--merge). Then every path of that tree must
be in TAR with the same type, mode, owner, time, link target, content and hard links, and what TAR has besides must be
exactly dpkg's database, the accounts of base-passwd and the paths named as ADDED.
"""
import concurrent.futures
import hashlib
import io
import json
import os
import re
import stat
import subprocess
import sys
import tarfile
import time

MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32")
DATABASE = [
    "var/lib/dpkg",
    "var/lib/dpkg/alternatives",
    "var/lib/dpkg/available",
    "var/lib/dpkg/diversions",
    "var/lib/dpkg/info",
    "var/lib/dpkg/info/format",
    "var/lib/dpkg/parts",
    "var/lib/dpkg/statoverride",
    "var/lib/dpkg/status",
    "var/lib/dpkg/triggers",
    "var/lib/dpkg/triggers/File",
    "var/lib/dpkg/triggers/Unincorp",
    "var/lib/dpkg/updates",
]
ACCOUNTS = ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow"]
problems = []


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout


def package(path):
    """The fields of a package that say what comes before what."""
    fields, last = {}, None
    for line in run("dpkg-deb", "-f", path).decode().split("\n"):
        if line.startswith((" ", "\t")):
            fields[last] += "\n" + line
        elif ":" in line:
            last, value = line.split(":", 1)
            fields[last] = value.strip()
    return {
        "path": path,
        "name": fields["Package"],
        "version": fields["Version"],
        "same": fields.get("Multi-Arch") == "same",
        "arch": fields["Architecture"],
        "needs": names(fields.get("Pre-Depends", "")) + names(fields.get("Depends", "")),
        "gives": [fields["Package"]] + names(fields.get("Provides", "")),
    }


def names(relations):
    return [re.match(r"[a-z0-9+.-]+", part.strip()).group() for part in re.split(r"[,|]", relations) if part.strip()]


def in_order(packages):
    """docs/formats/debian.md, "Order"."""
    packages = sorted(packages, key=lambda p: p["name"])
    givers = {}
    for p in packages:
        for name in p["gives"]:
            givers.setdefault(name, []).append(p)
    order, seen = [], set()

    def visit(p):
        if p["name"] in seen:
            return
        seen.add(p["name"])
        for need in p["needs"]:
            for q in givers.get(need, []):
                visit(q)
        order.append(p)

    sys.setrecursionlimit(100000)
    for p in packages:
        visit(p)
    return order


def digest(file):
    h = hashlib.sha256()
    while chunk := file.read(1 << 20):
        h.update(chunk)
    return h.hexdigest()


def real(path, merge):
    first = path.split("/", 1)[0]
    return "usr/" + path if merge and first in MERGED else path


def headers(p):
    """What the archive says of owners, which only root can give files, and of times."""
    with tarfile.open(fileobj=io.BytesIO(run("dpkg-deb", "--fsys-tarfile", p["path"]))) as archive:
        return [("" if m.name in (".", "./") else re.sub(r"^\./", "", m.name), m.uid, m.gid, m.mtime) for m in archive]


def unpack(order, scratch, merge, pool):
    """Makes the reference on disk; gives what the last archive says of each path."""
    lists = pool.map(headers, order)
    if merge:
        for name in ("bin", "sbin", "lib", "lib64"):
            os.makedirs(f"{scratch}/usr/{name}")
            os.symlink(f"usr/{name}", f"{scratch}/{name}")
    for p in order:
        if merge:
            plain = run("dpkg-deb", "--fsys-tarfile", p["path"])
            subprocess.run(["tar", "-C", scratch, "--keep-directory-symlink", "-x", "-p", "-f", "-"],
                           input=plain, check=True)
        else:
            run("dpkg-deb", "-x", p["path"], scratch)
    said = {}
    for entries in lists:
        for name, uid, gid, mtime in entries:
            if not (merge and name in MERGED):
                said[real(name, merge)] = (uid, gid), mtime
    return said


def reference(scratch, said, merge, started, clamp):
    found, links = {}, {}

    def add(path, name):
        s = os.lstat(path)
        owner, mtime = (s.st_uid, s.st_gid), int(s.st_mtime)
        if os.getuid() != 0:
            owner = said.get(name, ((0, 0), clamp))[0]
        # tar puts links in their places last, when it has given directories their times (and --merge puts
        # files into directories through links): the time of unpacking is not the archive's.
        if stat.S_ISDIR(s.st_mode) and mtime >= started:
            mtime = said.get(name, ((0, 0), clamp))[1]
        what = None
        if stat.S_ISLNK(s.st_mode):
            what = os.readlink(path)
            # The links of a merged system are ours to make, in a time of our own.
            if merge and name in MERGED and what == "usr/" + name:
                mtime = clamp
        elif stat.S_ISREG(s.st_mode):
            with open(path, "rb") as file:
                what = digest(file)
            if s.st_nlink > 1:
                links.setdefault((s.st_dev, s.st_ino), set()).add(name)
        found[name] = (stat.S_IFMT(s.st_mode), stat.S_IMODE(s.st_mode), owner, mtime, what)

    add(scratch, "")
    for folder, dirs, files in os.walk(scratch):
        for entry in dirs + files:
            path = os.path.join(folder, entry)
            add(path, os.path.relpath(path, scratch))
    return found, sorted(map(sorted, links.values()))


KINDS = {
    tarfile.REGTYPE: stat.S_IFREG,
    tarfile.DIRTYPE: stat.S_IFDIR,
    tarfile.SYMTYPE: stat.S_IFLNK,
    tarfile.CHRTYPE: stat.S_IFCHR,
    tarfile.BLKTYPE: stat.S_IFBLK,
    tarfile.FIFOTYPE: stat.S_IFIFO,
}


def ours(path):
    found, first, content = {}, {}, {}
    with tarfile.open(path) as archive:
        for m in archive:
            name = re.sub(r"^\./", "", m.name).rstrip("/").removeprefix(".")
            if m.islnk():
                to = re.sub(r"^\./", "", m.linkname)
                found[name] = found[to]
                first.setdefault(to, {to}).add(name)
                continue
            what = None
            if m.issym():
                what = m.linkname
            elif m.isreg():
                data = archive.extractfile(m)
                if name.startswith("var/lib/dpkg/"):
                    content[name] = data.read()
                    data.seek(0)
                what = digest(data)
            found[name] = (KINDS[m.type], m.mode, (m.uid, m.gid), m.mtime, what)
    return found, sorted(map(sorted, first.values())), content


def control_files(p):
    with tarfile.open(fileobj=io.BytesIO(run("dpkg-deb", "--ctrl-tarfile", p["path"]))) as archive:
        return {re.sub(r"^\./", "", m.name): archive.extractfile(m).read() for m in archive if m.isreg()}


def check_info(order, content, pool):
    """What is expected below var/lib/dpkg/info: the packages' own files, and lists."""
    expected = []
    for p, members in zip(order, pool.map(control_files, order)):
        base = "var/lib/dpkg/info/" + p["name"] + (":" + p["arch"] if p["same"] else "")
        del members["control"]
        for name, data in members.items():
            if content.get(f"{base}.{name}") != data:
                problems.append(f"{base}.{name}: not what the package has")
        expected += [f"{base}.{name}" for name in members] + [base + ".list"]
        if "md5sums" not in members:
            expected.append(base + ".md5sums")
    return expected


def main():
    merge = sys.argv[1] == "--merge"
    plan_path, store, tar, scratch, *added = sys.argv[1 + merge:]
    with open(plan_path, "rb") as file:
        plan = json.load(file)
    clamp = plan["epoch"]
    pool = concurrent.futures.ThreadPoolExecutor(2)
    order = in_order(pool.map(package, [f"{store}/blobs/sha256/{i['digest'][7:]}" for i in plan["inputs"]]))
    os.umask(0o022)
    started = int(time.time())
    said = unpack(order, scratch, merge, pool)
    theirs, their_links = reference(scratch, said, merge, started, clamp)
    mine, my_links, content = ours(tar)
    for name in sorted(theirs):
        if mine.get(name) != theirs[name]:
            problems.append(f"{name or '/'}: ours {mine.get(name)}, dpkg-deb's {theirs[name]}")
    # Only accounts of ours that no package has: nothing there that the reference has was changed above.
    expected = set(DATABASE + check_info(order, content, pool) + added)
    if any(p["name"] == "base-passwd" for p in order):
        expected.update(ACCOUNTS)
    expected.update(n for n in mine if re.fullmatch(r"var/lib/dpkg/triggers/[a-z0-9+.-]+", n))
    for name in sorted(set(mine) - set(theirs) - expected):
        problems.append(f"{name}: ours alone")
    for name in sorted(expected - set(mine)):
        problems.append(f"{name}: was to be added, and is not")
    if my_links != their_links:
        problems.append(f"hard links: ours {my_links}, dpkg-deb's {their_links}")
    for line in problems[:20]:
        print(line)
    print(f"{len(order)} packages, {len(theirs)} paths, {len(their_links)} groups of hard links, "
          f"{len(set(mine) - set(theirs))} paths added, {len(problems)} differences")
    sys.exit(1 if problems else 0)


main()
