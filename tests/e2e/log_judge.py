#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second implementation of what the log writes, from the specifications alone:
RFC 6962 by recursion over leaf ranges, C2SP notes, and Ed25519 by the openssl program.

  log_judge.py checkpoint VKEYFILE CHECKPOINT
  log_judge.py proof VKEYFILE PROOF ENTRY INDEX
  log_judge.py consistency VKEYFILE PROOF OLDCHECKPOINT
"""
import base64
import hashlib
import subprocess
import sys
import tempfile


def sha(data):
    return hashlib.sha256(data).digest()


def ed25519(key, message, signature):
    pem = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + key).decode()
    files = []
    for data in (f"-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n".encode(), message, signature):
        f = tempfile.NamedTemporaryFile()
        f.write(data)
        f.flush()
        files.append(f)
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-inkey", files[0].name,
                           "-in", files[1].name, "-sigfile", files[2].name], stdout=subprocess.DEVNULL)
    return done.returncode == 0


def checkpoint(vkey, note):
    name, key_id, key = vkey.strip().split("+", 2)
    raw = base64.b64decode(key, validate=True)
    assert raw[0] == 1 and len(raw) == 33
    assert sha(name.encode() + b"\n" + raw)[:4].hex() == key_id
    text, lines = note.rsplit("\n\n", 1)
    text += "\n"
    assert lines.endswith("\n")
    good = 0
    for line in lines[:-1].split("\n"):
        dash, who, coded = line.split(" ")
        signature = base64.b64decode(coded, validate=True)
        assert dash == "\u2014"
        if who == name and signature[:4].hex() == key_id:
            assert ed25519(raw[1:], text.encode(), signature[4:])
            good += 1
    assert good == 1
    origin, size, root = text[:-1].split("\n")
    assert origin == name and str(int(size)) == size
    root = base64.b64decode(root, validate=True)
    assert len(root) == 32
    return int(size), root


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def root_from_path(leaf, index, size, path):
    """The root that PATH(index, D[size]) leads to; eats the path from its end (the root's side)."""
    if size == 1:
        assert not path
        return leaf
    k = split(size)
    sibling, rest = path[-1], path[:-1]
    if index < k:
        return sha(b"\1" + root_from_path(leaf, index, k, rest) + sibling)
    return sha(b"\1" + sibling + root_from_path(leaf, index - k, size - k, rest))


def roots_from_subproof(m, n, path, old, whole):
    """The old and new roots that SUBPROOF(m, D[n], whole) leads to."""
    if m == n:
        if whole:
            assert not path
            return old, old
        assert len(path) == 1
        return path[0], path[0]
    k = split(n)
    sibling, rest = path[-1], path[:-1]
    if m <= k:
        a, b = roots_from_subproof(m, k, rest, old, whole)
        return a, sha(b"\1" + b + sibling)
    a, b = roots_from_subproof(m - k, n - k, rest, old, False)
    return sha(b"\1" + sibling + a), sha(b"\1" + sibling + b)


def main():
    what, vkey = sys.argv[1], open(sys.argv[2]).read()
    document = open(sys.argv[3]).read()
    if what == "checkpoint":
        checkpoint(vkey, document)
        return
    head, note = document.split("\n\n", 1)
    lines = head.split("\n")
    if what == "proof":
        assert lines.pop(0) == "c2sp.org/tlog-proof@v1"
    path = [base64.b64decode(x, validate=True) for x in lines[1:]]
    assert all(len(x) == 32 for x in path)
    word, number = lines[0].split(" ")
    size, root = checkpoint(vkey, note)
    if what == "proof":
        assert word == "index" and number == sys.argv[5]
        leaf = sha(b"\0" + open(sys.argv[4], "rb").read())
        assert root_from_path(leaf, int(number), size, path) == root
    else:
        old_size, old_root = checkpoint(vkey, open(sys.argv[4]).read())
        assert word == "old" and int(number) == old_size
        assert roots_from_subproof(old_size, size, path, old_root, True) == (old_root, root)


main()
