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

# ---- modes of old commits ----------------------------------------------------------------
blob=$(printf '#!/bin/sh\n' | g "$bare" hash-object -w --stdin)
link=$(printf plain | g "$bare" hash-object -w --stdin)
sub=$(printf '100644 blob %s\tf\n' "$blob" | g "$bare" mktree)
raw_tree() { # NAME, MODE NAME ID lines on stdin
    python3 -c 'import sys
sys.stdout.buffer.write(b"".join(b"%s %s\0%s" % (m, n, bytes.fromhex(i.decode())) for m, n, i in (l.split() for l in sys.stdin.buffer)))' |
        g "$bare" hash-object -t tree -w --literally --stdin >"$work/tree.id"
    g "$bare" update-ref "refs/heads/$1" "$(g "$bare" commit-tree -m x "$(cat "$work/tree.id")")"
}
raw_tree modes <<E
0100644 a $blob
100600 b $blob
100664 c $blob
100775 d $blob
100700 e $blob
040000 f $sub
40755 g $sub
120000 h $link
E
lock "git: {repository: x.git, commit: modes}"
exits 0 "modes that git reads"
built
ok "git clones it" g "$work" -c core.symlinks=true clone -q --branch modes "file://$bare" "$work/clone"
(cd "$work/clone" && find . -path ./.git -prune -o -mindepth 1 -printf '%y %m %P %l\n' | awk '{ $2 = substr($2, 1, 1); print }' | LC_ALL=C sort) >"$work/wanted"
mkdir "$work/got" && tar -xf "$work/out/src.tar" -C "$work/got"
(cd "$work/got" && find . -mindepth 1 -printf '%y %m %P %l\n' | awk '{ $2 = substr($2, 1, 1); print }' | LC_ALL=C sort) >"$work/is"
ok "files, executables, directories and links are those of git's clone" cmp "$work/is" "$work/wanted"
for mode in 20644 60644 644 0 100648 1100644; do
    echo "$mode a $blob" | raw_tree evil
    lock "git: {repository: x.git, commit: evil}"
    refused 'a tree object is not well formed' "mode $mode"
done

# ---- names -----------------------------------------------------------------------------------
file=$(g "$bare" rev-parse file)
g "$work/web" clone -q --mirror "file://$bare" x.git
serve plain
http=127.0.0.1:$port
while read -r name; do
    g "$work/web/x.git" update-ref "refs/tags/$name" "$file"
    g "$bare" update-ref "refs/heads/$name" "$file"
    lock "git: {repository: x.git, commit: '$name'}"
    is "a branch '$name'" "$code $(from git.commit)" "0 $file"
    lock "git: {repository: 'http://$http/git/x.git', commit: '$name'}" --plain-http "$http"
    is "a tag '$name' of a server" "$code $(from git.commit)" "0 $file"
done <<'E'
pkg@1.0.0
@scope/pkg@1.0.0
release#12
a=b
a,b
_private
+plus
zürich/✓
a{b}c
E
ok "names are refused as git check-ref-format refuses them" python3 - "$assay" "$work" <<'P'
import random, subprocess, sys
assay, work = sys.argv[1:]
draw = random.Random(11)
atoms = ["a", "b", "ü", ".", "..", ".lock", "/", "@", "{", "}", "@{", "~", "^", ":", "?", "*", "[", "\\", " ", "-", "_", "+", "=", "#", ",", "\x01", "\x7f"]
wrong = []
for _ in range(150):
    name = "".join(draw.choice(atoms) for _ in range(draw.choice((1, 1, 2, 3, 4))))
    git = subprocess.run(["git", "check-ref-format", "--allow-onelevel", name], check=False).returncode == 0
    wanted = git and not name.startswith("-")
    quoted = "".join("\\x%02x" % ord(c) if c in "\x01\x7f" else "\\" + c if c in '"\\' else c for c in name)
    with open(work + "/recipe/names.yml", "w", encoding="utf-8") as f:
        f.write('name: src\narch: amd64\nimages:\n  src:\n    git: {repository: nowhere, commit: "%s"}\nartifacts: [tar]\n' % quoted)
    r = subprocess.run([assay, "lock", work + "/recipe/names.yml", "-o", work + "/names.json"], capture_output=True, text=True, check=False)
    got = "is no commit id" not in r.stderr
    if r.returncode == 0 or got != wanted:
        wrong.append((name, git, r.stderr))
print(wrong)
sys.exit(bool(wrong))
P

is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""
done_testing
