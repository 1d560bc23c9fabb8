#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plan that builds a stored machine again, from the config and the files of one that is there.

cartesi_plan.py MACHINE PLAN [--set KEY=JSON]... [--custom-dtb] [--no-squashfs]

Reads `assay plan toolchain --json` from stdin, writes PLAN in canonical form, and prints the files that
the store must have, one a line. Files of nothing but zeros are no inputs. --set changes a parameter of
tree.cartesi.
"""
import hashlib
import json
import os
import sys

RX, TX, DTB, UARCH = 0x60000000, 0x60800000, 0x7FF00000, 0x600000


def digest(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            h.update(block)
    return "sha256:" + h.hexdigest()


def zeros(path):
    with open(path, "rb") as f:
        while block := f.read(1 << 20):
            if block.count(0) != len(block):
                return False
    return True


def words(registers):
    return {k: words(v) if isinstance(v, dict) else hex(v) for k, v in registers.items()}


def machine(directory, custom_dtb):
    with open(os.path.join(directory, "config.json")) as f:
        config = json.load(f)["config"]
    files = []

    def give(role, start, length):
        path = os.path.join(directory, "%016x-%x.bin" % (start, length))
        if os.path.exists(path) and not zeros(path):
            files.append((role, path))

    def drives(key, role):
        out = []
        for i, d in enumerate(config[key]):
            give(f"{role}.{i}", d["start"], d["length"])
            out.append({"label": d["label"], "length": d["length"], "start": hex(d["start"]),
                        "readOnly": d["read_only"]})
        return out

    give("ram", 0x80000000, config["ram"]["length"])
    if custom_dtb:
        give("dtb", DTB, 1 << 20)
    give("uarchRam", UARCH, 2 << 20)
    give("rxBuffer", RX, 2 << 20)
    give("txBuffer", TX, 2 << 20)
    dtb = config["dtb"]
    params = {"emulator": "0.21", "hashFunction": config["hash_tree"]["hash_function"],
              "ramLength": config["ram"]["length"], "bootargs": dtb["bootargs"], "init": dtb["init"],
              "entrypoint": dtb["entrypoint"], "registers": words(config["processor"]["registers"]),
              "flashDrives": drives("flash_drive", "flashDrives"), "nvrams": drives("nvram", "nvrams")}
    if config["hash_tree"]["phtc_size"] != 4096:
        params["phtcSize"] = config["hash_tree"]["phtc_size"]
    return params, files


def main():
    directory, out, *rest = sys.argv[1:]
    params, files = machine(directory, "--custom-dtb" in rest)
    params["inputs"] = [role for role, _ in files]
    for i, word in enumerate(rest):
        if word == "--set":
            key, value = rest[i + 1].split("=", 1)
            params[key] = json.loads(value)
    inputs = []
    for role, path in files:
        inputs.append({"id": role.lower(), "kind": "blob", "digest": digest(path), "size": os.path.getsize(path),
                       "from": {"file": {"name": os.path.basename(path)}}})
    step = lambda name, kind, source, **params: {"id": name, "kind": kind, "in": [source], "params": params}
    steps = [
        {"id": "machine", "kind": "tree.cartesi", "in": [i["id"] for i in inputs], "params": params},
        step("hash", "encode.cartesi-hash", "machine"),
        step("run", "encode.cartesi-run", "machine", maxCycle=1000),
        step("config", "extract.file", "machine", path="config.json"),
        step("packed", "encode.tar", "machine", exclude=[], sparse=True),
        step("squashed", "encode.squashfs", "machine", compressor="zstd", level=3, blockSize=131072, fragments=True,
             exports=True, xattrs=True, time=0, exclude=[]),
    ]
    known = {"cartesi" + params["hashFunction"].capitalize(): "hash"}
    outputs = [
        {"name": "m.cartesi", "from": "packed", "mediaType": "application/vnd.assay.cartesi-machine.v1+tar",
         "digests": known},
        {"name": "m.cartesi.tar", "from": "packed", "mediaType": "application/x-tar", "digests": known},
        {"name": "m.cartesi.squashfs", "from": "squashed", "mediaType": "application/vnd.assay.squashfs"},
        {"name": "m.hash", "from": "hash", "mediaType": "text/plain"},
        {"name": "m.run.json", "from": "run", "mediaType": "application/vnd.assay.cartesi-run.v1+json"},
        {"name": "m.config.json", "from": "config", "mediaType": "application/json"},
    ]
    if "--no-squashfs" in rest:
        steps = [s for s in steps if s["id"] != "squashed"]
        outputs = [o for o in outputs if o["from"] != "squashed"]
    toolchain = json.load(sys.stdin)
    used = set() if "--no-squashfs" in rest else {"zstd", "zlib", "libsquashfs", "liblzma", "lz4"}
    document = {"type": "https://assay.example/plan/v1", "name": "m", "arch": "riscv64", "epoch": 0,
                "recipe": {"made by": "a test"}, "inputs": inputs, "steps": steps, "outputs": outputs,
                "toolchain": {"assay": toolchain["assay"],
                              "libraries": {k: v for k, v in toolchain["libraries"].items() if k in used}}}
    with open(out, "wb") as f:
        f.write(json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode())
    print("\n".join(path for _, path in files))


main()
