# SPDX-License-Identifier: Apache-2.0
"""Hostile Debian packages for 66-debian-bad.t, one file each: debian_bad.py DIR"""
import gzip
import io
import lzma
import os
import subprocess
import sys
import tarfile

out = sys.argv[1]
HEAD = "Package: ab\nVersion: 1\nArchitecture: all\n"


def tar(entries):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as t:
        for name, kind, link, data in entries:
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, link, len(data)
            t.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def one(name, data=b"", kind=tarfile.REGTYPE, link=""):
    return name, kind, link, data.encode() if isinstance(data, str) else data


def member(name, data):
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)


def deb(name, members):
    with open(os.path.join(out, name + ".deb"), "wb") as f:
        f.write(b"!<arch>\n" + b"".join(member(*m) for m in members))


def package(name, control=HEAD, info=(), data=(), pack=lambda b: b, ending=""):
    entries = ([one("./control", control)] if control is not None else []) + list(info)
    deb(name, [("debian-binary", b"2.0\n"), ("control.tar" + ending, pack(tar(entries))), ("data.tar", tar(data))])


package("good", data=[one("./etc/x", "x")])

# ---- the archive
DATA = ("data.tar", tar([one("x", "x")]))
CONTROL = ("control.tar", tar([one("./control", HEAD)]))
BINARY = ("debian-binary", b"2.0\n")
deb("no-control-tar", [BINARY, DATA])
deb("two-control-tars", [BINARY, CONTROL, CONTROL, DATA])
deb("control-last", [BINARY, DATA, CONTROL])
deb("two-datas", [BINARY, CONTROL, DATA, DATA])
deb("cut-control", [BINARY, ("control.tar", CONTROL[1][:700]), DATA])
deb("control-bzip2", [BINARY, ("control.tar.bz2", CONTROL[1]), DATA])
deb("data-bz2", [BINARY, CONTROL, ("data.tar.bz2", b"BZh")])
deb("data-lzma", [BINARY, CONTROL, ("data.tar.lzma", b"]")])
deb("control-no-xz", [BINARY, ("control.tar.xz", CONTROL[1]), DATA])

# ---- what control.tar holds
zeros = bytes(80 << 20)
package("bomb-xz", info=[one("./md5sums", zeros)], pack=lambda b: lzma.compress(b, preset=1), ending=".xz")
package("bomb-gz", info=[one("./md5sums", zeros)], pack=lambda b: gzip.compress(b, 1, mtime=0), ending=".gz")
package("long-control", HEAD + "Description: " + "x" * (1 << 20) + "\n")
package("long-conffiles", info=[one("./conffiles", "/etc/x\n" * 160000)])
package("many-files", info=[one(f"./f{i}", "x") for i in range(70)])
package("no-control", None, [one("./postinst", "x")])
package("twice", info=[one("./control", HEAD)])
package("link-control", None, [one("./control", kind=tarfile.SYMTYPE, link="/etc/passwd")])
package("hard-control", info=[one("./postinst", kind=tarfile.LNKTYPE, link="./control")])
package("device", info=[one("./postinst", kind=tarfile.CHRTYPE)])
package("deep", info=[one("./a/postinst", "x")])
package("out", info=[one("../postinst", "x")])
package("absolute", info=[one("/postinst", "x")])
package("dotted", info=[one("./..postinst", "x")])
package("list", info=[one("./list", "/etc/shadow\n")])

# ---- members of several streams, and with bytes behind: streams-*, for dpkg-deb to judge
WHOLE = tar([one("./f", "x" * 600), one("./g", "y")])
OTHER = tar([one("./h", "z")])
for ending, packed in ((".gz", lambda b: gzip.compress(b, 1, mtime=0)), (".xz", lzma.compress),
                       (".zst", lambda b: subprocess.run(["zstd", "-qc"], input=b, stdout=subprocess.PIPE, check=True).stdout)):
    SKIPPED = b"\x50\x2a\x4d\x18\x04\0\0\0abcd" if ending == ".zst" else b""
    for name, data in (("halves", packed(WHOLE[:1024]) + packed(WHOLE[1024:])), ("header", packed(WHOLE[:700]) + packed(WHOLE[700:])),
                       ("tail", packed(WHOLE) + b"no stream"), ("zeros", packed(WHOLE) + bytes(512)), ("one-byte", packed(WHOLE) + b"\x1f"),
                       ("empty-first", packed(b"") + packed(WHOLE)), ("empty-last", packed(WHOLE) + packed(b"")), ("cut", packed(WHOLE)[:-5]),
                       ("full-pipe", packed(WHOLE) + os.urandom(1 << 19)), ("skipped-first", SKIPPED + packed(WHOLE)), ("skipped-last", packed(WHOLE) + SKIPPED)):
        deb(f"streams-{name}{ending.replace('.', '-')}", [BINARY, CONTROL, ("data.tar" + ending, data)])
    deb(f"streams-two{ending.replace('.', '-')}", [BINARY, CONTROL, ("data.tar" + ending, packed(WHOLE) + (packed(OTHER) if ending != ".gz" else b""))])
    # Of the control archive, too.
    deb(f"streams-control{ending.replace('.', '-')}", [BINARY, ("control.tar" + ending, packed(CONTROL[1]) + b"no stream"), DATA])

# Ends of archives, and versions of the format.
ENTRIES = WHOLE[:512 + 1024 + 512 + 512]
for ending, packed in (("", lambda b: b), (".gz", lambda b: gzip.compress(b, 1, mtime=0))):
    for name, data in (("one", ENTRIES + bytes(512)), ("one-behind", ENTRIES + bytes(512) + b"x" * 700), ("one-entry", ENTRIES + bytes(512) + OTHER),
                       ("two-behind", WHOLE + b"no tar"), ("two-entry", ENTRIES + bytes(1024) + OTHER), ("none", ENTRIES), ("cut-content", ENTRIES[:-512]),
                       ("cut-padding", ENTRIES[:-100])):
        deb(f"streams-end-{name}{ending.replace('.', '-')}", [BINARY, CONTROL, ("data.tar" + ending, packed(data))])
deb("end-header", [BINARY, CONTROL, ("data.tar", ENTRIES + OTHER[:300])])
for name, text in (("minor", b"2.1\n"), ("lines", b"2.17\nmore of it\n"), ("odd", b"2.0\n\n"), ("junk", b"2.0 x\n"), ("major", b"3.0\n"), ("no-line", b"2.0"), ("word", b"two\n")):
    deb(f"streams-version-{name}", [("debian-binary", text), CONTROL, DATA])

# ---- control files
package("name-path", HEAD.replace("ab", "../../etc/cron.d/ab"))
package("name-dots", HEAD.replace("ab", ".."))
package("name-blank", HEAD.replace("ab", "a b"))
package("name-empty", HEAD.replace(" ab", ""))
package("name-folded", HEAD.replace("ab", "ab\n cd"))
package("name-arch", HEAD.replace("ab", "ab:amd64"))
package("name-long", HEAD.replace("ab", "a" * 121))
package("arch-path", HEAD.replace("all", "../all") + "Multi-Arch: same\n")
package("arch-other", HEAD.replace("all", "arm64"))
package("version-words", HEAD.replace(" 1\n", " 1 hold ok\n"))
package("status", HEAD + "Status: install ok installed\n")
package("status-case", HEAD + "sTATUS: deinstall ok config-files\n")
package("conffiles-field", HEAD + "Conffiles:\n /etc/shadow 0\n")
package("pending", HEAD + "Triggers-Pending: x\n")
package("stanza", HEAD + "\nPackage: libc6\nVersion: 99\nArchitecture: all\nStatus: install ok installed\n")
package("again", HEAD + "version: 2\n")
package("nul", HEAD + "X: a\0b\n")
package("return", HEAD + "X: a\r\nStatus: x\n")
package("escape", HEAD + "X: \x1b]0;x\x07\n")
package("blanks", HEAD + "Description: a\n  \nStatus: install ok installed\n")
package("no-version", "Package: ab\nArchitecture: all\n")
package("depends", HEAD + "Depends: ${misc:Depends}\n")
package("provides", HEAD + "Provides: ../libc6\n")
package("replaces", HEAD + "Replaces: libc6 (all of it)\n")
package("fields", HEAD + "".join(f"X-{i}: y\n" for i in range(300)))

# ---- lists
package("conffile-relative", info=[one("./conffiles", "etc/x\n")])
package("conffile-up", info=[one("./conffiles", "/etc/../../x\n")])
package("conffile-twice", info=[one("./conffiles", "/etc/x\n/etc/x\n")])
package("trigger-path", info=[one("./triggers", "interest ../../status\n")])
package("trigger-file", info=[one("./triggers", "interest File\n")])
package("trigger-word", info=[one("./triggers", "interested x\n")])

# ---- files that are dpkg's, or lead to them
package("ships-status", data=[one("./var/lib/dpkg/status", "Package: zz\n")])
package("ships-list", data=[one("./var/lib/dpkg/info/ab.list", "/etc/shadow\n")])
package("ships-passwd", data=[one("./etc/passwd", "x"), one("./usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/sh\n"),
                              one("./usr/share/base-passwd/group.master", "root:*:0:\n")])
package("newline", data=[one("./etc/a\n/etc/b", "x")])
package("data-up", data=[one("../x", "x")])
package("whiteout", data=[one("./etc/.wh.x", "x")])
package("link-out", data=[one("./var", kind=tarfile.SYMTYPE, link="../../../../../../tmp")])
package("link-etc", data=[one("./etc", kind=tarfile.SYMTYPE, link="/usr/share/base-passwd"),
                          one("./usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/sh\n"),
                          one("./usr/share/base-passwd/group.master", "root:*:0:\n")])
package("usr-file", data=[one("./bin", "no directory")])

# ---- accounts
GROUP = one("./usr/share/base-passwd/group.master", "root:*:0:\n")
for name, text in (("columns", "root:*:0:0:root:/root:/bin/sh:x\n"), ("uid", "root:*:4294967296:0::/:/\n"),
                   ("uid-text", "root:*:0x0:0::/:/\n"), ("name", "ro ot:*:0:0::/:/\n"), ("twice", "root:*:0:0::/:/\nroot:*:1:0::/:/\n"),
                   ("same-uid", "root:*:0:0::/:/\ntoor:*:0:0::/:/\n"), ("nul", "root:*:0:0:\0:/:/\n"), ("empty", "\nx:*:1:0::/:/\nx\n")):
    package("passwd-" + name, data=[one("./usr/share/base-passwd/passwd.master", text), GROUP])
package("passwd-dir", data=[one("./usr/share/base-passwd/passwd.master", kind=tarfile.DIRTYPE), GROUP])

# ---- more than one
package("same-name", "Package: ab\nVersion: 2\nArchitecture: amd64\n")
package("other", "Package: cd\nVersion: 1\nArchitecture: all\n", data=[one("./etc/x", "another")])
package("taker", "Package: cd\nVersion: 1\nArchitecture: all\nReplaces: ab (<< 2)\n", data=[one("./etc/x", "taken")])
package("under", "Package: cd\nVersion: 1\nArchitecture: all\nReplaces: ab\n", data=[one("./etc/x/y", "below a file")])
for i in range(40):
    package(f"circle{i}", f"Package: p{i:02}\nVersion: 1\nArchitecture: all\nDepends: p{(i + 1) % 40:02}, p{(i * 7) % 40:02}\nProvides: all\n")
