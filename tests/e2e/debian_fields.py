# SPDX-License-Identifier: Apache-2.0
"""Packages whose control files have what dpkg reads by rules of its own.

debian_fields.py make DIR                one package for each case, DIR/CASE.deb, each of a name of its own; DIR/cases lists them
debian_fields.py plan FILE PACKAGE...    a plan of a root file system of these, as a tar; `assay plan toolchain --json` is read from stdin
What becomes of each case is dpkg's to say."""
import hashlib
import io
import json
import os
import sys
import tarfile

HEAD = "Package: pk\nVersion: 1\nArchitecture: amd64\nMaintainer: a <a@b.c>\nDescription: x\n"


def tar(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as t:
        for name, data in entries:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.mode = tarfile.DIRTYPE if data is None else tarfile.REGTYPE, len(data or b""), 0o755
            t.addfile(info, io.BytesIO(data or b""))
    return buffer.getvalue()


def member(name, data):
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)


cases = {}


def case(name, extra="", head=HEAD):
    assert name not in cases
    cases[name] = head + extra


case("plain")
# ---- what only an index has
for field in ("Filename", "Size", "MD5sum", "MSDOS-Filename", "fIlEnAmE"):
    case("index-" + field, field + ": x\n")
    if field != "MSDOS-Filename":  # which later dpkgs do not know
        case("index-empty-" + field, field + ":\nX-Own: y\n")
case("index-two", "Filename: x y\n")
case("index-all", "Filename: a\nSize: 1\nMD5sum: x\n")
case("index-pairs", "Filename: a b\nSize: 1 2\nMD5sum: x\n y\n")
case("index-uneven", "Filename: a b\nSize: 1\n")
case("index-uneven-back", "Filename: a\nSize: 1 2\n")
case("index-sha", "SHA256: x\nSHA512:\nSHA1: y\n")
# ---- words of a set
WORDS = ("yes", "No", "yes no", "yes\n no", "", "  ", "SAME", "same ", "allowed", "foreign", "maybe", "samefoo", "Optional", "optional x", "optionally", "\n yes")
for field in ("Essential", "Multi-Arch", "Priority"):
    for value in WORDS:
        tag = "".join(c if c.isalnum() else {"\n": "N", " ": "S"}[c] for c in value)
        case(f"{field}-{tag}", f"{field}: {value}\n")
for field, values in (("Protected", "yes no true"), ("Class", "extra vital extras"), ("Priority", "required important standard vital")):
    for value in values.split():
        case(f"{field}-is-{value}", f"{field}: {value}\n")
case("Multi-Arch-all", "Multi-Arch: same\n", HEAD.replace("amd64", "all"))
case("Priority-Class", "Priority: extra\nClass: required\n")
case("Class-Priority", "Class: required\nPriority: extra\n")
# ---- texts
TEXTS = (("words", "a b"), ("empty", ""), ("lines", "a\n b\n  c"), ("below", "\n b"), ("trailing", "a \t "), ("odd", "\xe4:{}"))
for field, texts in (("Section", TEXTS), ("X-Own", TEXTS), ("Installed-Size", TEXTS[:2]), ("Origin", TEXTS[:2]), ("Bugs", TEXTS[:2]), ("Source", TEXTS[:2])):
    for tag, value in texts:
        case(f"{field}-{tag}", f"{field}: {value}\n")
case("no-description", head=HEAD.replace("Description: x\n", ""))
case("no-maintainer", head=HEAD.replace("Maintainer: a <a@b.c>\n", ""))
case("empty-description", head=HEAD.replace("Description: x", "Description:"))
case("empty-maintainer", head=HEAD.replace("Maintainer: a <a@b.c>", "Maintainer:"))
# ---- relations
for field in ("Replaces", "Provides", "Depends", "Pre-Depends", "Recommends", "Suggests", "Breaks", "Conflicts", "Enhances", "Recommended", "Optional"):
    for tag, value in (("two", "aa, bb (= 1)"), ("or", "aa | bb"), ("least", "aa (>= 1)")):
        case(f"{field}-{tag}", f"{field}: {value}\n")
for tag, value in (("empty", ""), ("bare", "aa (1)"), ("ends", "aa,"), ("begins", ", aa"), ("gap", "aa,, bb"), ("or-ends", "aa |"), ("or-begins", "| aa"), ("or-comma", "aa |, bb"), ("comma", ","),
                   ("tight", "aa(>=1)|bb(<<2),cc(=3)"), ("loose", "aa  (  >=   1  )   |  bb ,cc"), ("lines", "aa,\n bb\n ,cc"), ("less", "aa (< 1)"),
                   ("more", "aa (> 1)"), ("odd", "aa (<> 1)"), ("equals", "aa (== 1)"), ("no-version", "aa (>=)"), ("open", "aa (>= 1"), ("words", "aa (>= 1 2)"),
                   ("any", "aa:any"), ("arch", "aa:arm64 (>= 1)"), ("arch-empty", "aa: (>= 1)"), ("arch-odd", "aa:a_b"), ("arch-upper", "aa:ARM"), ("native", "aa:native"),
                   ("arch-digit", "aa:64"), ("arch-dash", "aa:-x"), ("upper", "Aa"), ("under", "a_a"), ("short", "a"), ("digit", "7zip"), ("dash", "-a"), ("dot", "a.b+c"),
                   ("brackets", "aa [amd64]"), ("profile", "aa <!nocheck>"), ("substvar", "${misc:Depends}"), ("epoch", "aa (>= 1:2-3)"), ("epoch-zero", "aa (>= 0:2-3)"),
                   ("epoch-odd", "aa (>= x:2)"), ("epoch-zeros", "aa (>= 007:2)"), ("revision-empty", "aa (>= 1-)"), ("letter", "aa (>= a1)"), ("after", "aa bb"),
                   ("epoch-big", "aa (>= 2147483648:1)"), ("epoch-most", "aa (>= 2147483647:1)"), ("bad", "aa (>= 1_2)"), ("colon", "aa (>= 1:2:3)"), ("tab", "aa\t(>=\t1)"),
                   ("space-arch", "aa :any"), ("twice", "aa (= 1) (= 2)")):
    case("relation-" + tag, f"Depends: {value}\n")
case("both-recommend", "Recommended: cc\nRecommends: aa, bb\n")
case("both-suggest", "Suggests: aa\nOptional: bb | cc\n")
# ---- versions
for version in ("1", "1-1", "0:1", "1:1", "007:1", "1:a", "a", "1-", "1-1-1", "1:2:3-4", "1-2:3", "1:", ":1", "1_2", "2147483648:1", "2147483647:1", "1-a_b", "-1", "1:-1",
                "1~", "1+b1", "1 2", "1.", "0", "1-0", "1-~"):
    case("version-" + version.replace(":", "C").replace(" ", "S"), head=HEAD.replace("Version: 1", "Version: " + version))
for field in ("Revision", "Package-Revision", "Package_Revision"):
    case(field, field + ": 2\n")
    case(field + "-empty", field + ":\n")
# ---- names of fields
case("field-short", "X: y\n")
case("field-two", "XY: y\n")
case("field-space", "X-Y : y\n")
case("field-hyphen", "-X: y\n")
case("field-hash", "#X: y\n")
case("field-odd", "X{}=/\"': y\n")
case("field-tight", "X-Y:y\n")
case("field-colons", "X-Y::y\n")
case("field-twice", "X-Y: a\nx-y: b\n")
case("field-known-twice", "Section: a\nsection: b\n")
case("no-newline", "X-Y: y")
case("blank-line-before", head="\n\n" + HEAD)
case("blank-line-after", "\n\n")
case("line-of-blanks", "X-Y: a\n  \n b\n")
case("line-of-dot", "X-Y: a\n .\n b\n")
case("status", "Status: install ok installed\n")
case("config-version", "Config-Version: 1\n")
case("triggers-pending", "Triggers-Pending: x\n")
case("triggers-awaited", "Triggers-Awaited: x\n")


def make(out):
    with open(os.path.join(out, "cases"), "w") as names:
        for i, (name, control) in enumerate(cases.items()):
            names.write(name + "\n")
            control = control.replace("Package: pk", f"Package: pk{i:03}").encode("latin-1")
            with open(os.path.join(out, name + ".deb"), "wb") as f:
                f.write(b"!<arch>\n" + member("debian-binary", b"2.0\n") + member("control.tar", tar([("./control", control)])) +
                        member("data.tar", tar([("./", None)])))


def plan(path, *packages):
    inputs = []
    for package in packages:
        data = open(package, "rb").read()
        inputs.append({"id": f"deb{len(inputs):03}", "kind": "blob", "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data),
                       "from": {"file": {"name": os.path.basename(package)}}})
    nothing = {name: [] for name in ("alternatives", "divert", "exclude", "groups", "include", "users")}
    steps = [{"id": "root", "kind": "tree.debian", "in": [i["id"] for i in inputs], "params": {"architecture": "amd64", "clamp": 0, **nothing}},
             {"id": "tar", "kind": "encode.tar", "in": ["root"], "params": {"exclude": []}}]
    value = {"type": "https://assay.example/plan/v1", "name": "test", "arch": "amd64", "epoch": 0, "recipe": {"made by": "a test"}, "inputs": inputs,
             "steps": steps, "outputs": [{"name": "test.tar", "from": "tar", "mediaType": "application/x-tar"}],
             "toolchain": {"assay": json.load(sys.stdin)["assay"], "libraries": {}}}
    with open(path, "w") as f:
        f.write(json.dumps(value, sort_keys=True, separators=(",", ":")))


{"make": make, "plan": plan}[sys.argv[1]](*sys.argv[2:])
