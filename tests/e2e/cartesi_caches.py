#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Flips every field of an honest machine's caches and judges each by a second model of the emulator's.

    cartesi_caches.py DIRECTORY SCRATCH -- ASSAY

DIRECTORY is a stored machine (sha256, without its uarch RAM) that verifies. The model follows
docs/formats/machine.md ("What the emulator makes of caches"): it loads the caches, updates them, and says whether
they are refused, which root hash comes out, and what else is amiss. `assay cartesi verify --state-only` must give
the same verdict, and name the same false root. Prints TAP lines without a plan, one for each kind of field.
"""
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys

PAGE = 4096
ENTRY = 12304
NONE = (1 << 64) - 1


def sha(data):
    return hashlib.sha256(data).digest()


PRISTINE = {5: sha(bytes(32))}
for k in range(6, 65):
    PRISTINE[k] = sha(PRISTINE[k - 1] * 2)


def heap(page):
    """The hashes within a page, heap order; 0 is unused."""
    out = [bytes(32)] * 256
    for i in range(128):
        out[128 + i] = sha(page[32 * i:32 * i + 32])
    for i in range(127, 0, -1):
        out[i] = sha(out[2 * i] + out[2 * i + 1])
    return out


ZERO_HEAP = heap(bytes(PAGE))


def page_hash(page):
    return PRISTINE[12] if not any(page) else heap(page)[1]


class Machine:
    """State and config: what no cache decides."""

    def __init__(self, path):
        with open(os.path.join(path, "config.json"), encoding="utf-8") as f:
            config = json.load(f)["config"]
        self.phtc = config["hash_tree"]["phtc_size"]
        ram = config["ram"]["length"]
        drives = [(d["start"], d["length"], d["read_only"]) for d in config["flash_drive"]]
        self.ranges = sorted([(0, 0x8000), (0x10000, PAGE), (0x400000, PAGE), (0x600000, 0x200000),
                              (0x60000000, 0x200000), (0x60800000, 0x200000), (0x7ff00000, 0x100000),
                              (0x80000000, ram)] + [d[:2] for d in drives])
        self.pmas = [(0x80000000, ram), (0x7ff00000, 0x100000)] + [d[:2] for d in drives] + [
            (0x60800000, 0x200000), (0x60000000, 0x200000), None, None, None, (0x10000, PAGE)]
        self.memory, self.truth = {}, {}
        for start, length in self.ranges:
            name = os.path.join(path, f"{start:016x}-{length:x}.bin")
            if os.path.exists(name):
                with open(name, "rb") as f:
                    self.memory[start] = f.read()
        for start, length in self.ranges:
            self.truth[start] = self.dense_truth(start, length)

    @staticmethod
    def leaves(length):
        return 1 << (length // PAGE - 1).bit_length()

    def log2(self, length):
        return 12 + self.leaves(length).bit_length() - 1

    def dense_truth(self, start, length):
        n = self.leaves(length)
        if start not in self.memory:  # the untouched uarch RAM
            return [b""] + [bytes.fromhex("197e476d6bdb316aa51cc3b904ff919b2892a8e1cb6d92566982e68868f44d5d")] * (2 * n)
        data = self.memory[start]
        out = [b""] * n + [page_hash(data[i * PAGE:i * PAGE + PAGE]) if i * PAGE < length else PRISTINE[12]
                           for i in range(n)]
        for i in range(n - 1, 0, -1):
            out[i] = sha(out[2 * i] + out[2 * i + 1])
        return out

    def always_dirty(self):
        """Addresses of pages that are dirty whatever the files say."""
        state = self.memory[0]
        out = []
        for slot in range(256):
            page, offset, pma, pad = struct.unpack_from("<4Q", state, 0x5000 + 32 * slot)
            where = self.pmas[pma] if pma < len(self.pmas) else None
            address = (page + offset) & NONE
            if page % PAGE == 0 and address % PAGE == 0 and pad == 0 and where is not None \
                    and where[0] <= address <= where[0] + where[1] - PAGE:
                out.append(address)
        return out + [0x400000] + [PAGE * i for i in range(7)]


class Pages:
    """The cache of pages. `faults` are what the emulator refuses or never writes."""

    def __init__(self, machine, data):
        self.machine, self.faults = machine, []
        n = machine.phtc
        data = data.ljust(32 + ENTRY * n, b"\0")
        tag, used, first, last = struct.unpack_from("<QQqq", data, 0)
        self.entries = [[0, bytearray(PAGE), list(ZERO_HEAP)] for _ in range(n)]  # address, page, hashes
        self.lru, self.map, self.used = [], {}, 0
        if tag == 0:
            return
        if tag != 0x50485443 or used > n:
            self.faults.append("head")
            return
        self.used = used
        links = {}
        for i in range(n):
            at = 32 + ENTRY * i
            nxt, prv = struct.unpack_from("<qq", data, at)
            address, borrowed = struct.unpack_from("<QQ", data, at + 16 + PAGE)
            self.entries[i] = [address, bytearray(data[at + 16:at + 16 + PAGE]),
                               [data[at + 16 + PAGE + 32 * h:at + 48 + PAGE + 32 * h] for h in range(256)]]
            links[at] = (at + nxt, at + 8 + prv)
            if i >= used and (nxt, prv) != (1, 1):
                self.faults.append("an unused entry has links")
            if borrowed:
                self.faults.append("borrowed")
            wanted = heap(self.entries[i][1])
            if i == n - 1:  # the end of the file is missing
                wanted[255] = wanted[255][:24] + bytes(8)
                self.entries[i][2][255] = self.entries[i][2][255][:24] + bytes(8)
            if self.entries[i][2][1:] != wanted[1:]:
                self.faults.append("hashes")
        links[16] = (16 + first, 24 + last)
        at = 16
        for _ in range(used + 1):
            to = links[at][0]
            if to not in links or links[to][1] != at:
                self.faults.append("list")
                return
            at = to
            if at == 16:
                break
            self.lru.append((at - 32) // ENTRY)
        if sorted(self.lru) != list(range(used)):
            self.faults.append("list")
        for i in self.lru:
            self.map.setdefault(self.entries[i][0], i)

    def structural(self):
        return any(f != "hashes" for f in self.faults)

    def hash(self, address, page):
        if address in self.map:
            i = self.map[address]
            self.lru.remove(i)
        elif self.used < len(self.entries):
            i = self.used
            self.used += 1
        else:
            i = self.lru.pop()
            self.map.pop(self.entries[i][0], None)
        self.lru.insert(0, i)
        entry = self.entries[i]
        entry[0] = address
        self.map.setdefault(address, i)
        if not any(page):
            entry[1], entry[2] = bytearray(PAGE), list(ZERO_HEAP)
        else:
            changed = set()
            for w in range(128):
                if entry[1][32 * w:32 * w + 32] != page[32 * w:32 * w + 32]:
                    entry[1][32 * w:32 * w + 32] = page[32 * w:32 * w + 32]
                    entry[2][128 + w] = sha(page[32 * w:32 * w + 32])
                    changed.add((128 + w) // 2)
            while changed:
                for node in changed:
                    entry[2][node] = sha(entry[2][2 * node] + entry[2][2 * node + 1])
                changed = {node // 2 for node in changed if node > 1}
        return entry[2][1]

    def lies(self):
        for address, i in self.map.items():
            where = [r for r in self.machine.ranges if r[0] <= address < r[0] + r[1]]
            if not where or address % PAGE:
                return True
            data = self.machine.memory.get(where[0][0])
            offset = address - where[0][0]
            if data is not None and self.entries[i][1] != data[offset:offset + PAGE]:
                return True
        return False


class Dense:
    def __init__(self, machine, start, length, dpt, dht):
        self.machine, self.start, self.length = machine, start, length
        self.n = machine.leaves(length)
        self.marks = bytearray(dpt)
        self.hashes = [dht[32 * i:32 * i + 32] for i in range(2 * self.n)]
        self.faults, self.changed = [], False
        if self.marks[0] == 0:
            self.marks = bytearray(b"\1" * (2 * self.n))
            return
        if self.marks[0] != 1 or any(m > 1 for m in self.marks):
            self.faults.append("marks")
        for i in range(1, self.n):
            if self.marks[i] != max(self.marks[2 * i], self.marks[2 * i + 1]):
                self.faults.append("inner marks")

    def mark(self, address):
        node = self.n + (address - self.start) // PAGE
        while node != 1 and self.marks[node] != 1:
            self.marks[node] = 1
            node //= 2
        if node == 1:
            self.marks[1] = 1

    def clean(self, node):
        while node != 1:
            self.marks[node] = 0
            if self.marks[node ^ 1] == 1:
                return
            node //= 2
        self.marks[1] = 0

    def dirty(self, level):
        """Nodes of the level that begins with this number, as the emulator finds them."""
        out, node = [], level
        if self.marks[node] == 1:
            out.append(node)
        while True:
            while node != 1 and (node & 1 or self.marks[node + 1] != 1):
                node //= 2
            if node == 1:
                return out
            node += 1
            while node < level:
                if self.marks[2 * node] == 1:
                    node = 2 * node
                elif self.marks[2 * node + 1] == 1:
                    node = 2 * node + 1
                else:
                    return out
            out.append(node)

    def update(self, pages):
        for node in self.dirty(self.n):
            offset = (node - self.n) * PAGE
            if offset >= self.length:
                self.hashes[node] = PRISTINE[12]
                continue
            new = pages.hash(self.start + offset, self.machine.memory[self.start][offset:offset + PAGE])
            if new == self.hashes[node]:
                self.clean(node)
            else:
                self.hashes[node] = new
                self.changed = True
        level = self.n // 2
        while self.changed and level:
            for node in self.dirty(level):
                self.hashes[node] = sha(self.hashes[2 * node] + self.hashes[2 * node + 1])
            level //= 2

    def lies(self):
        return self.hashes[1:] != self.machine.truth[self.start][1:]


class Sparse:
    def __init__(self, machine, data):
        self.machine, self.faults = machine, []
        self.shape = [[0, 0, 0, 0], [0, 0, 0, 0]] + [None] * len(machine.ranges)
        self.next_range = 0
        self.build(0, 64, 0)
        rows = [list(struct.unpack_from("<qqqII", data, 64 * i)) + [data[64 * i + 32:64 * i + 64]]
                for i in range(len(data) // 64)]
        if rows[1][3] == 0:
            rows = [s + [0, bytes(32)] for s in self.shape]
        self.rows = rows
        if [r[:4] for r in rows] != self.shape or any(r[4] > 1 for r in rows):
            self.faults.append("shape")
        elif any(r[4] for r in rows):
            self.faults.append("marked")
        if not self.faults and any(any(r[5]) for r in rows[1:]) and \
                any(self.join(r) != r[5] for r in rows[1:] if r[0] != -1):
            self.faults.append("joins")

    def build(self, start, log2, parent):
        if self.next_range == len(self.machine.ranges):
            return 0
        at, length = self.machine.ranges[self.next_range]
        if at >= start + (1 << log2):
            return 0
        if at == start and self.machine.log2(length) == log2:
            self.shape[2 + self.next_range] = [-1, self.next_range, parent, log2]
            self.next_range += 1
            return 1 + self.next_range
        i = 1
        if parent:
            i = len(self.shape)
            self.shape.append(None)
        self.shape[i] = [0, 0, parent, log2]
        self.shape[i][0] = self.build(start, log2 - 1, i)
        self.shape[i][1] = self.build(start + (1 << (log2 - 1)), log2 - 1, i)
        return i

    def join(self, row):
        return sha(b"".join(self.rows[c][5] if c else PRISTINE[row[3] - 1] for c in row[:2]))

    def update(self, dense):
        queue = set()

        def enqueue(i):
            if i and self.rows[i][4] == 0:
                self.rows[i][4] = 1
                queue.add((self.rows[i][3], i))
        for i, (changed, root) in enumerate(dense):
            row = self.rows[2 + i]
            if changed or row[5] != root:
                row[5] = root
                enqueue(row[2])
        while queue:
            log2, i = min(queue)
            queue.remove((log2, i))
            self.rows[i][4] = 0
            self.rows[i][5] = self.join(self.rows[i])
            enqueue(self.rows[i][2])

    def lies(self):
        return any(r[5] != (self.join(r) if r[0] != -1 else self.machine.truth[self.machine.ranges[r[1]][0]][1])
                   for r in self.rows[1:])


def verdict(machine, files):
    """(is anything wrong, the root that comes out or None)"""
    pages = Pages(machine, files["hash_tree.phtc"])
    sparse = Sparse(machine, files["hash_tree.sht"])
    wrong = bool(pages.faults or sparse.faults)
    dirty = machine.always_dirty()
    dense = []
    for start, length in machine.ranges:
        if start not in machine.memory:
            dense.append((False, machine.truth[start][1]))
            continue
        base = f"{start:016x}-{length:x}"
        d = Dense(machine, start, length, files[base + ".dpt"], files[base + ".dht"])
        for address in dirty:
            if start <= address < start + length:
                d.mark(address)
        wrong = wrong or bool(d.faults)
        if not pages.structural():
            d.update(pages)
            wrong = wrong or d.lies()
        dense.append((d.changed, d.hashes[1]))
    if pages.structural() or "shape" in sparse.faults:
        return True, None
    sparse.update(dense)
    return wrong or sparse.lies() or pages.lies(), sparse.rows[1][5].hex()


def spread(n, count):
    """Numbers below n, the first and the last ones and some between."""
    if n <= count:
        return list(range(n))
    return sorted({*range(count // 3), *range(n - count // 3, n), *range(0, n, 3 * n // count + 1)})


def mutations(machine, files):
    """(kind, file, offset, new bytes)"""
    for name in sorted(files):
        data = files[name]
        if name.endswith(".dpt") and "600000-" not in name:
            for i in spread(len(data), 16):
                for value in {data[i] ^ 1, 2}:
                    yield "a mark in .dpt", name, i, bytes([value])
        elif name.endswith(".dht") and "600000-" not in name:
            for i in spread(len(data) // 32, 16):
                yield "a hash in .dht", name, 32 * i + 7, bytes([data[32 * i + 7] ^ 16])
        elif name.endswith(".sht"):
            for i in range(len(data) // 64):
                if i > 2 + len(machine.ranges) and i % 7:
                    continue
                for field, at in (("left", 0), ("right", 8), ("parent", 16), ("log2_size", 24), ("hash", 40)):
                    yield f"{field} in hash_tree.sht", name, 64 * i + at, bytes([data[64 * i + at] ^ 1])
                for value in (1, 2):
                    yield f"marked {value} in hash_tree.sht", name, 64 * i + 28, struct.pack("<I", value)
    name = "hash_tree.phtc"
    data = files[name]
    for value in (0, 1):
        yield "the tag of hash_tree.phtc", name, 0, struct.pack("<Q", value)
    used = struct.unpack_from("<Q", data, 8)[0]
    for value in {0, used - 1 & NONE, used + 1, machine.phtc, machine.phtc + 1} - {used}:
        yield "the size of the list in hash_tree.phtc", name, 8, struct.pack("<Q", value)
    places = [16] + [32 + ENTRY * i for i in spread(machine.phtc, 9)]
    for at in places:
        for link in (at, at + 8):
            for to in places[:3] + places[-2:] + [at + 24]:
                yield "a link in hash_tree.phtc", name, link, struct.pack("<q", to - link)
            yield "a link in hash_tree.phtc", name, link, struct.pack("<q", 1)
    for at in places[1:]:
        for value in (0, 0x80000000, 0x80001000, 0x80001001, 0x7ff00000, 0x600000, 1 << 60):
            yield "the address of an entry", name, at + 16 + PAGE, struct.pack("<Q", value)
        yield "the borrowed flag of an entry", name, at + 24 + PAGE, struct.pack("<Q", 1)
        for i in (0, 31, 32, 2048, 4095):
            yield "a page's byte in an entry", name, at + 16 + i, bytes([data[at + 16 + i] ^ 1])
        for i in spread(256, 24)[1:]:
            yield "a hash in an entry", name, at + 16 + PAGE + 32 * i + 7, bytes([data[at + 16 + PAGE + 32 * i + 7] ^ 1])


def main():
    path, scratch, assay = sys.argv[1], sys.argv[2], sys.argv[4:]
    machine = Machine(path)
    files = {}
    for name in os.listdir(path):
        if name.rsplit(".", 1)[1] in ("dpt", "dht", "sht", "phtc"):
            with open(os.path.join(path, name), "rb") as f:
                files[name] = f.read()
    assert not verdict(machine, files)[0], "the model refuses the honest machine"
    shutil.copytree(path, scratch)
    true_root = None
    kinds = {}
    for kind, name, offset, value in [("honest", "hash_tree.sht", 0, b"")] + list(mutations(machine, files)):
        data = bytearray(files[name])
        if len(value) and bytes(data[offset:offset + len(value)]) == value:
            continue
        data[offset:offset + len(value)] = value
        with open(os.path.join(scratch, name), "wb") as f:
            f.write(data)
        wrong, root = verdict(machine, {**files, name: bytes(data)})
        done = subprocess.run(assay + ["cartesi", "verify", "--state-only", "--custom-dtb", scratch], text=True,
                              capture_output=True, check=False)
        with open(os.path.join(scratch, name), "wb") as f:
            f.write(files[name])
        printed = re.search(r"^sha256:(\w+)$", done.stdout, re.M).group(1)
        true_root = true_root or printed
        other = re.search(r"the emulator's root hash is sha256:(\w+)$", done.stdout, re.M)
        row = kinds.setdefault(kind, {"all": 0, "refused": 0, "false root": 0, "differ": []})
        row["all"] += 1
        row["refused"] += wrong
        row["false root"] += root is not None and root != true_root
        said = other.group(1) if other else true_root
        if done.returncode != (5 if wrong else 0) or printed != true_root or (root is not None and said != root):
            row["differ"].append(f"{name} at {offset}: {value.hex()}: model: {wrong} {root}, assay: {done.returncode} "
                                 + done.stdout.replace("\n", " "))
    for kind, row in kinds.items():
        print(f"{'not ok' if row['differ'] else 'ok'} - {kind}: {row['all']} of them, {row['refused']} refused, "
              f"{row['false root']} with a false root" + "".join(f"\n#   {d}" for d in row["differ"][:5]))


if __name__ == "__main__":
    main()
