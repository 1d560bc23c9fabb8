#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What git repositories may hold, and what they may be called: names, modes, links, judged by git itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"

bare=$work/recipe/x.git
mkdir -p "$bare" "$work/web"
g "$bare" init -q --bare

# ---- links without a target ------------------------------------------------------------
# Objects in the order of their ids: what stood in a buffer before must not become a target.
ok "commits with empty links" python3 - "$bare" <<'P'
import hashlib, os, sys, zlib
def put(kind, body):
    data = b"%s %d\0%s" % (kind, len(body), body)
    name = hashlib.sha1(data).hexdigest()
    path = f"{sys.argv[1]}/objects/{name[:2]}"
    os.makedirs(path, exist_ok=True)
    if not os.path.exists(f"{path}/{name[2:]}"):
        with open(f"{path}/{name[2:]}", "wb") as f:
            f.write(zlib.compress(data))
    return name
def commit(name, entries):
    tree = put(b"tree", b"".join(b"%s %s\0%s" % (mode, n, bytes.fromhex(i)) for mode, n, i in entries))
    text = b"tree %s\nauthor a <a@e> 1 +0000\ncommitter a <a@e> 1 +0000\n\nm\n" % tree.encode()
    with open(f"{sys.argv[1]}/refs/heads/{name}", "w") as f:
        f.write(put(b"commit", text) + "\n")
empty = put(b"blob", b"")
link, file = b"120000", b"100644"
commit("alone", [(link, b"l", empty)])
for name, target in (("before", b"/etc/shadow"), ("behind", b"../../secret-target")):
    commit(name, [(link, b"a", put(b"blob", target)), (link, b"l", empty)])
commit("shared", [(file, b"a", empty), (link, b"l", empty)])
commit("file", [(file, b"a", empty), (link, b"l", put(b"blob", b"a"))])
commit("nul", [(link, b"l", put(b"blob", b"a\0b"))])
P
for name in alone before behind shared; do
    lock "git: {repository: x.git, commit: $name}"
    refused "the link 'l' has a target of 0 bytes" "an empty link ($name)"
done
lock "git: {repository: x.git, commit: nul}"
refused "the link 'l' has a NUL byte" "a target with a NUL byte"
lock "git: {repository: x.git, commit: file}"
exits 0 "an empty file is one"

is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""
done_testing
