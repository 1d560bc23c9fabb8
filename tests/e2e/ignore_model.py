#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Judges what `.assayignore` leaves out, by rules of its own: what moby's ignorefile and patternmatcher do.

    ignore_model.py ASSAY DIRECTORY SEED COUNT

Makes COUNT random lists and locks a directory with each; prints those that differ, and fails if there are any.
"""
import json
import os
import posixpath
import random
import re
import subprocess
import sys

assay, work, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
draw = random.Random(seed)
DIRECTORIES = ["", "a", "b", "a/b", "a/b/c", "foo", "foo/bar", "x.d"]
LEAVES = ["a.o", "b", "foo", "keep.txt", ".hid", "a-b", "#x", "!y"]
ATOMS = ["*", "?", "a", "b", "foo", "*.o", "**", "a*", "*b", ".hid", "keep.txt", "[ab]", "x.d", "bar", "c", "a-b", ".*",
         "f??", "*.*", "[a-c]"]


def read_lines(text):
    """(back, pattern) of each line."""
    rules = []
    for line in text.removeprefix("\ufeff").split("\n"):
        if line.startswith("#"):
            continue
        line = line.strip()
        if not line:
            continue
        back = line.startswith("!")
        pattern = posixpath.normpath(line[1:].strip() if back else line)
        rules.append((back, pattern.lstrip("/")))
    return rules


def matcher(pattern):
    """The pattern as a regular expression of whole paths."""
    out, i = "", 0
    while i < len(pattern):
        c = pattern[i]
        i += 1
        if c == "*" and pattern[i:i + 1] == "*":
            i += 1
            if pattern[i:i + 1] == "/":
                i += 1
                out += "(.*/)?"
            else:
                out += ".*"
        elif c == "*":
            out += "[^/]*"
        elif c == "?":
            out += "[^/]"
        elif c == "\\":
            out += re.escape(pattern[i])
            i += 1
        elif c in "[]-":
            out += c
        else:
            out += re.escape(c)
    return re.compile(out, re.S)


def excluded(rules, path):
    parts = path.split("/")
    above = ["/".join(parts[:n]) for n in range(1, len(parts) + 1)]
    state = False
    for back, pattern in rules:
        if any(matcher(pattern).fullmatch(p) for p in above):
            state = not back
    return state


def random_rule():
    rule = "/".join(draw.choice(ATOMS) for _ in range(draw.choice((1, 1, 1, 2, 2, 3))))
    if draw.random() < .15:
        rule = "**/" + rule
    if draw.random() < .1:
        rule = "/" + rule
    if draw.random() < .1:
        rule += draw.choice(("/", "/**", "//", "/."))
    odd = draw.random()
    if odd < .15:
        rule = draw.choice(("./", ".//", "foo/../", "a/b/../../", "/./", "/../")) + rule
    elif odd < .3:
        rule = rule.replace("/", draw.choice(("//", "/./", "/x/../")), 1)
    elif odd < .35:
        rule = "../" + rule
    if draw.random() < .3:
        rule = "!" + draw.choice(("", "", " ", "\t ")) + rule
    if draw.random() < .1:
        rule = draw.choice((" ", "\t")) + rule + draw.choice((" ", "\r", " \t"))
    return draw.choice(("\\#x", " #x", "\\!y", "# no rule", "#x", "")) if draw.random() < .1 else rule


def main():
    root = work + "/tree"
    files = []
    for directory in DIRECTORIES:
        for leaf in LEAVES:
            path = posixpath.join(directory, leaf)
            if path not in DIRECTORIES:
                files.append(path)
                os.makedirs(posixpath.dirname(f"{root}/{path}"), exist_ok=True)
                with open(f"{root}/{path}", "w") as f:
                    f.write(path)
    with open(work + "/assay.yml", "w") as f:
        f.write("name: src\narch: amd64\nimages: {src: {directory: {path: tree}}}\nartifacts: [tar]\n")
    wrong = []
    for _ in range(count):
        text = "\n".join(random_rule() for _ in range(draw.choice((1, 2, 2, 3, 4)))) + "\n"
        if draw.random() < .05:
            text = "\ufeff" + text
        with open(root + "/.assayignore", "w") as f:
            f.write(text)
        rules = read_lines(text)
        wanted = sorted(p for p in files + [".assayignore"] if not excluded(rules, p))
        run = subprocess.run([assay, "lock", work + "/assay.yml", "-o", work + "/plan.json", "-q"], capture_output=True,
                             text=True, check=False)
        if run.returncode != 0:
            if wanted or "there is nothing in it" not in run.stderr:
                wrong.append((text, run.stderr))
            continue
        with open(work + "/plan.json") as f:
            digest = json.load(f)["inputs"][0]["digest"].removeprefix("sha256:")
        listed = subprocess.run(["tar", "-tf", f"{os.environ['ASSAY_STORE']}/blobs/sha256/{digest}"],
                                capture_output=True, text=True, check=True).stdout.splitlines()
        got = sorted(p for p in listed if not p.endswith("/"))
        if got != wanted:
            wrong.append((text, sorted(set(got) ^ set(wanted))))
    for text, what in wrong:
        print(repr(text), what)
    return bool(wrong)


sys.exit(main())
