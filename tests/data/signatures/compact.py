#!/usr/bin/env python3
"""Writes the compact vector files of this folder from the published ones.

usage: compact.py DIRECTORY   (holding wycheproof/*.json and cctv/ed25519vectors.json)

Line forms:  key <SPKI or raw key, hex>   starts a group
             <number> <valid|invalid> <message, hex or -> <signature, hex or ->
"""
import json
import pathlib
import sys

source = pathlib.Path(sys.argv[1])
here = pathlib.Path(__file__).parent


def field(text):
    return text if text else "-"


for name in ("ed25519", "ecdsa_secp256r1_sha256", "ecdsa_secp256r1_sha256_p1363"):
    document = json.loads((source / "wycheproof" / f"{name}_test.json").read_text())
    lines = []
    for group in document["testGroups"]:
        lines.append("key " + group["publicKeyDer"])
        for t in group["tests"]:
            lines.append(f"{t['tcId']} {t['result']} {field(t['msg'])} {field(t['sig'])}")
    (here / f"wycheproof-{name}.txt").write_text("\n".join(lines) + "\n")

# No verdict is published for these; Assay's is the rule in the test that reads the flags.
lines = []
key = None
for t in json.loads((source / "cctv" / "ed25519vectors.json").read_text()):
    if t["key"] != key:
        key = t["key"]
        lines.append("key " + key)
    flags = ",".join(t["flags"] or []) or "-"
    lines.append(f"{t['number']} {flags} {t['msg'].encode().hex()} {t['sig']}")
(here / "cctv-ed25519.txt").write_text("\n".join(lines) + "\n")
