#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a Cartesi machine at cycle 0 a second time, by the specification alone, and compares.

    cartesi_judge.py COUNT SEED DIR RNG-SEED -- ASSAY

Makes COUNT random configurations with their input files below DIR, lets `assay cartesi write` make each machine,
and compares config.json and every .bin with what this program makes of the same configuration
(docs/formats/machine.md, sections 1 to 4). RNG-SEED is the device tree's fixed rng-seed. Prints TAP lines without a plan.
"""
import json
import os
import random
import shutil
import struct
import subprocess
import sys

PAGE = 4096
AUTO = (1 << 64) - 1
REGISTERS = (
    [f"x{i}" for i in range(32)] + ["mcycle", "pc", "fcsr"] + [f"f{i}" for i in range(32)]
    + "iprv mstatus mtvec mscratch mepc mcause mtval misa mie mip medeleg mideleg mcounteren menvcfg mvendorid"
      " marchid mimpid stvec sscratch sepc scause stval satp scounteren senvcfg ilrsc icycleinstret iunrep"
      " imcyclemax iflags.X iflags.Y iflags.H clint.mtimecmp plic.girqpend plic.girqsrvd htif.tohost"
      " htif.fromhost htif.ihalt htif.iconsole htif.iyield".split())
DEFAULTS = {"pc": 0x80000000, "x11": 0x7ff00000, "iprv": 3, "mstatus": 0xa00000000, "misa": 0x800000000014112d,
            "mvendorid": 0x6361727465736920, "marchid": 21, "mimpid": 21, "ilrsc": AUTO, "imcyclemax": AUTO,
            "htif.ihalt": 1, "htif.iconsole": 2, "htif.iyield": 3}
BOOTARGS = ("quiet earlycon=sbi console=hvc0 uio_pdrv_genirq.of_id=generic-uio root=/dev/pmem0 rw "
            "init=/usr/sbin/cartesi-init")


def pow2ceil(n):
    return 1 << (n - 1).bit_length()


def dumps(document):
    """The emulator's JSON: keys in byte order, UTF-8 as it is, other controls as \\u00xx."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


# ---- a random configuration ----

class Inputs:
    def __init__(self, rng, path):
        self.rng, self.path, self.files = rng, path, {}
        os.makedirs(path)

    def make(self, size):
        name = f"input-{len(self.files)}.dat"
        data = self.rng.randbytes(size)
        if size > PAGE and self.rng.random() < 0.5:
            data = data[:PAGE] + bytes(size - PAGE)
        self.files[name] = data
        with open(os.path.join(self.path, name), "wb") as f:
            f.write(data)
        return name


def drive(rng, inputs, label, start):
    d = {}
    length = PAGE * rng.choice([1, 2, 3, 5, 8, 16, 31])
    if rng.random() < 0.7:
        exact = rng.random() < 0.6
        d["backing_store"] = {"data_filename": inputs.make(length if exact else rng.randrange(1, length + 1))}
        if not exact:
            d["length"] = length
        elif rng.random() < 0.4:
            d["length"] = rng.choice([length, AUTO])
        if exact and rng.random() < 0.2:
            d["backing_store"]["shared"] = True
    else:
        d["length"] = length
    if label:
        d["label"] = label
    if rng.random() < 0.3:
        d["read_only"] = True
    if start is not None:
        d["start"] = start
    elif rng.random() < 0.2:
        d["start"] = AUTO
    return d


def random_config(rng, inputs):
    c = {"ram": {"length": PAGE * rng.choice([1, 2, 3, 7, 16, 40])}}
    if rng.random() < 0.7:
        c["ram"]["backing_store"] = {"data_filename": inputs.make(rng.randrange(1, c["ram"]["length"] + 1))}
    words = ["quiet", "root=/dev/pmem0", "\"quoted\"", "back\\slash", "tab\there", "é", "日本", "/", "\x01", "𝄞", "\x7f"]
    if rng.random() < 0.7:
        c["dtb"] = {}
        for key in ("bootargs", "init", "entrypoint"):
            if rng.random() < 0.6:
                c["dtb"][key] = " ".join(rng.choice(words) for _ in range(rng.randrange(6)))
    labels = ["a", "data", "root", "state-1", "x-y-z", "n" * 31, "flashdrive", "nvramx", "q0", "w", "z9", "k", "l",
              "m", "o", "p"]
    rng.shuffle(labels)
    for key, low in (("flash_drive", 0x80000000000000), ("nvram", 0xa0000000000000)):
        count = rng.choice([0, 0, 1, 1, 2, 3, 8])
        drives = []
        for i in range(count):
            start = low + (i << 30) if rng.random() < 0.3 else None
            drives.append(drive(rng, inputs, labels.pop() if rng.random() < 0.5 else "", start))
        if drives or rng.random() < 0.3:
            c[key] = drives
    if rng.random() < 0.6:
        registers = {}
        fixed = ("mvendorid", "marchid", "mimpid", "iunrep", "x0")
        for name in rng.sample([r for r in REGISTERS if r not in fixed], rng.randrange(12)):
            value = rng.choice([0, 1, 2, 3, rng.getrandbits(64), rng.getrandbits(8), AUTO])
            group, _, leaf = name.rpartition(".")
            (registers.setdefault(group, {}) if group else registers)[leaf] = value
        c["processor"] = {"registers": registers}
    if rng.random() < 0.4:
        c["uarch"] = {"processor": {"registers": {rng.choice(["cycle", "x1", "x31", "pc"]): rng.getrandbits(64)}}}
    if rng.random() < 0.5:
        c["cmio"] = {}
        for key in ("rx_buffer", "tx_buffer"):
            if rng.random() < 0.6:
                c["cmio"][key] = {"backing_store": {"data_filename": inputs.make(rng.randrange(1, 9000))}}
    if rng.random() < 0.6:
        c["hash_tree"] = {}
        if rng.random() < 0.6:
            c["hash_tree"]["hash_function"] = rng.choice(["keccak256", "sha256"])
        if rng.random() < 0.5:
            c["hash_tree"]["phtc_size"] = rng.choice([1, 16, 300])
    return c


# ---- what the emulator stores ----

class Judge:
    def __init__(self, config, inputs, rng_seed):
        self.c, self.inputs, self.rng_seed = config, inputs, rng_seed
        self.registers = {name: DEFAULTS.get(name, 0) for name in REGISTERS}
        for key, value in config.get("processor", {}).get("registers", {}).items():
            for leaf, v in value.items() if isinstance(value, dict) else [(None, value)]:
                self.registers[key if leaf is None else f"{key}.{leaf}"] = v
        self.uarch = {"halt": 0, "cycle": 0, "pc": 0x600000, **{f"x{i}": 0 for i in range(32)}}
        self.uarch.update(config.get("uarch", {}).get("processor", {}).get("registers", {}))
        self.ram = config["ram"]["length"]
        cursor = 0x80000000 + pow2ceil(self.ram)
        self.drives, self.nvrams = [], []
        for key, out in (("flash_drive", self.drives), ("nvram", self.nvrams)):
            for d in config.get(key, []):
                store = d.get("backing_store", {})
                data = inputs.files.get(store.get("data_filename"), b"")
                length = d.get("length", AUTO)
                length = len(data) if length == AUTO else length
                start = d.get("start", AUTO)
                if start == AUTO:
                    size = pow2ceil(length)
                    start = (cursor + size - 1) // size * size
                    cursor = start + size
                out.append({"start": start, "length": length, "label": d.get("label", ""), "data": data,
                            "read_only": d.get("read_only", False), "shared": store.get("shared", False)})

    def store(self, start, length, shared=False):
        base = f"./{start:016x}-{length:x}"
        return {"create": False, "data_filename": base + ".bin", "dht_filename": base + ".dht",
                "dpt_filename": base + ".dpt", "shared": shared, "truncate": False}

    def config(self):
        def drives(items):
            return [{"backing_store": self.store(d["start"], d["length"], d["shared"]), "label": d["label"],
                     "length": d["length"], "read_only": d["read_only"], "start": d["start"]} for d in items]
        registers = {}
        for name in REGISTERS:
            group, _, leaf = name.rpartition(".")
            (registers.setdefault(group, {}) if group else registers)[leaf] = self.registers[name]
        dtb = self.c.get("dtb", {})
        tree = self.c.get("hash_tree", {})
        return dumps({"archive_version": 7, "config": {
            "cmio": {"rx_buffer": {"backing_store": self.store(0x60000000, 0x200000)},
                     "tx_buffer": {"backing_store": self.store(0x60800000, 0x200000)}},
            "dtb": {"backing_store": self.store(0x7ff00000, 0x100000), "bootargs": dtb.get("bootargs", BOOTARGS),
                    "entrypoint": dtb.get("entrypoint", ""), "init": dtb.get("init", "")},
            "flash_drive": drives(self.drives), "nvram": drives(self.nvrams),
            "hash_tree": {"create": False, "hash_function": tree.get("hash_function", "keccak256"),
                          "phtc_filename": "./hash_tree.phtc", "phtc_size": tree.get("phtc_size", 4096),
                          "shared": False, "sht_filename": "./hash_tree.sht"},
            "pmas": {"backing_store": self.store(0x10000, 0x1000)},
            "processor": {"backing_store": self.store(0, 0x8000), "registers": registers},
            "ram": {"backing_store": self.store(0x80000000, self.ram), "length": self.ram},
            "uarch": {"processor": {"backing_store": self.store(0x400000, 0x1000), "registers": self.uarch},
                      "ram": {"backing_store": self.store(0x600000, 0x200000)}},
            "virtio": []}})

    def state(self):
        out = bytearray(0x8000)
        for i, name in enumerate(REGISTERS):
            struct.pack_into("<Q", out, 8 * i, self.registers[name])
        for slot in range(3 * 256):
            struct.pack_into("<QQQQ", out, 0x1000 + 32 * slot, AUTO, 0, AUTO, 0)
        return bytes(out)

    def uarch_state(self):
        values = [self.uarch["halt"], self.uarch["cycle"], self.uarch["pc"]] + [self.uarch[f"x{i}"] for i in range(32)]
        return struct.pack("<35Q", *values).ljust(PAGE, b"\0")

    def pmas(self):
        rows = [(0x80000000, self.ram, 0x0fd), (0x7ff00000, 0x100000, 0x0fd)]
        rows += [(d["start"], d["length"], 0x1a5 if d["read_only"] else 0x1ed) for d in self.drives]
        rows += [(d["start"], d["length"], 0x5a5 if d["read_only"] else 0x5ed) for d in self.nvrams]
        rows += [(0x60800000, 0x200000, 0x46d), (0x60000000, 0x200000, 0x3e5), (0x40008000, 0x1000, 0x28e),
                 (0x2000000, 0xc0000, 0x20e), (0x40100000, 0x400000, 0x30e), (0x10000, 0x1000, 0x0a5)]
        return b"".join(struct.pack("<QQ", start | flags, length) for start, length, flags in rows).ljust(PAGE, b"\0")

    def dtb(self):
        def text(s):
            return s.encode() + b"\0"

        def cells(*values):
            return b"".join(struct.pack(">I", v) for v in values)

        def reg(start, length):
            return struct.pack(">QQ", start, length)
        dtb = self.c.get("dtb", {})
        misa = self.registers["misa"]
        isa = "rv64" + "".join(chr(97 + i) for i in range(26) if misa >> i & 1)
        two = [("#address-cells", cells(2)), ("#size-cells", cells(2))]
        children = [
            ("chosen", [("bootargs", text(dtb.get("bootargs", BOOTARGS))), ("rng-seed", self.rng_seed)], []),
            ("cartesi-machine", [("version", text("0.21")), ("init", dtb.get("init", "").encode()),
                                 ("entrypoint", dtb.get("entrypoint", "").encode())], []),
            ("cpus", [("#address-cells", cells(1)), ("#size-cells", cells(0)), ("timebase-frequency", cells(15625))], [
                ("cpu@0", [("device_type", text("cpu")), ("reg", cells(0)), ("status", text("okay")),
                           ("compatible", text("riscv")), ("riscv,isa", text(isa)), ("mmu-type", text("riscv,sv39")),
                           ("clock-frequency", cells(128000000))], [
                    ("interrupt-controller", [("#address-cells", cells(0)), ("#interrupt-cells", cells(1)),
                                              ("interrupt-controller", b""), ("compatible", text("riscv,cpu-intc")),
                                              ("phandle", cells(1))], [])])]),
            ("soc", two + [("compatible", b"ucbbar,riscvemu-bar-soc\0simple-bus\0"), ("ranges", b"")], [
                ("clint@2000000", [("compatible", text("riscv,clint0")), ("reg", reg(0x2000000, 0xc0000)),
                                   ("interrupts-extended", cells(1, 3, 1, 7))], []),
                ("plic@40100000", [("#interrupt-cells", cells(1)), ("interrupt-controller", b""),
                                   ("compatible", text("riscv,plic0")), ("riscv,ndev", cells(31)),
                                   ("reg", reg(0x40100000, 0x400000)), ("interrupts-extended", cells(1, 9, 1, 11)),
                                   ("phandle", cells(2))], []),
                ("htif@40008000", [("compatible", text("ucb,htif0")), ("reg", reg(0x40008000, 0x1000)),
                                   ("interrupts-extended", cells(1, 13))], [])]),
            ("memory@80000000", [("device_type", text("memory")), ("reg", reg(0x80000000, self.ram))], []),
            ("reserved-memory", two + [("ranges", b"")], [
                ("fw_resv@80000000", [("reg", reg(0x80000000, 0x80000)), ("no-map", b"")], [])]),
        ]
        aliases = []
        for kind, device, name, items, props in (
                ("flashdrive", "pmem", "pmem-region", self.drives, [("volatile", b"")]),
                ("nvram", "uio", "generic-uio", self.nvrams, [])):
            for i, d in enumerate(items):
                node = f"{device}@{d['start']:x}"
                children.append((node, [("compatible", text(name)), ("reg", reg(d["start"], d["length"]))] + props, []))
                aliases.append((f"{kind}{i}", text("/" + node)))
                if d["label"]:
                    aliases.append((d["label"], text("/" + node)))
        if aliases:
            children.append(("aliases", aliases, []))
        children.append(("cmio", two + [("compatible", text("ctsi-cmio"))], [
            ("rx_buffer@60000000", [("reg", reg(0x60000000, 0x200000))], []),
            ("tx_buffer@60800000", [("reg", reg(0x60800000, 0x200000))], [])]))
        iyield = self.registers["htif.iyield"]
        if iyield:
            children.append(("yield", [("compatible", text("ctsi-yield"))] + ([("manual", b"")] if iyield & 2 else [])
                             + ([("automatic", b"")] if iyield & 1 else []), []))
        root = ("", two + [("compatible", text("ucbbar,riscvemu-bar_dev")), ("model", text("ucbbar,riscvemu-bare"))],
                children)
        return self.flatten(root)

    @staticmethod
    def flatten(root):
        strings, offsets = bytearray(), {}
        body = bytearray()

        def pad():
            body.extend(bytes(-len(body) % 4))

        def node(n):
            name, properties, children = n
            body.extend(struct.pack(">I", 1) + name.encode() + b"\0")
            pad()
            for key, value in properties:
                if key not in offsets:
                    offsets[key] = len(strings)
                    strings.extend(key.encode() + b"\0")
                body.extend(struct.pack(">III", 3, len(value), offsets[key]) + value)
                pad()
            for child in children:
                node(child)
            body.extend(struct.pack(">I", 2))
        node(root)
        body.extend(struct.pack(">I", 9))
        at_strings = (40 + len(body) + 7) // 8 * 8
        at_reserved = (at_strings + len(strings) + 7) // 8 * 8
        head = struct.pack(">10I", 0xd00dfeed, at_reserved + 16, 40, at_strings, at_reserved, 17, 16, 0, len(strings),
                           len(body))
        out = (head + body).ljust(at_strings, b"\0") + strings
        return out.ljust(0x100000, b"\0")

    def files(self):
        def data(section):
            name = section.get("backing_store", {}).get("data_filename")
            return self.inputs.files.get(name, b"")
        cmio = self.c.get("cmio", {})
        out = {self.name(0, 0x8000): self.state(), self.name(0x10000, PAGE): self.pmas(),
               self.name(0x400000, PAGE): self.uarch_state(), self.name(0x7ff00000, 0x100000): self.dtb(),
               self.name(0x60000000, 0x200000): data(cmio.get("rx_buffer", {})).ljust(0x200000, b"\0"),
               self.name(0x60800000, 0x200000): data(cmio.get("tx_buffer", {})).ljust(0x200000, b"\0"),
               self.name(0x80000000, self.ram): data(self.c["ram"]).ljust(self.ram, b"\0"),
               "config.json": self.config()}
        for d in self.drives + self.nvrams:
            out[self.name(d["start"], d["length"])] = d["data"].ljust(d["length"], b"\0")
        return out

    @staticmethod
    def name(start, length):
        return f"{start:016x}-{length:x}.bin"


def main():
    count, seed, base, rng_seed = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], open(sys.argv[4], "rb").read()
    assay = sys.argv[6:]
    for n in range(count):
        rng = random.Random(seed * 1000003 + n)
        path = os.path.join(base, f"machine-{n}")
        inputs = Inputs(rng, os.path.join(path, "in"))
        config = random_config(rng, inputs)
        with open(os.path.join(path, "config.json"), "wb") as f:
            f.write(dumps({"archive_version": 7, "config": config}))
        done = subprocess.run(assay + ["cartesi", "write", "--config", os.path.join(path, "config.json"), "--inputs",
                                       os.path.join(path, "in"), "-o", os.path.join(path, "out")],
                              capture_output=True, text=True, check=False)
        wrong = [] if done.returncode == 0 else [done.stderr.strip()]
        if not wrong:
            wanted = Judge(config, inputs, rng_seed).files()
            for name, content in wanted.items():
                got = os.path.join(path, "out", name)
                if not os.path.exists(got):
                    wrong.append(name + " is missing")
                else:
                    with open(got, "rb") as f:
                        if f.read() != content:
                            wrong.append(name + " differs")
            extra = {f for f in os.listdir(os.path.join(path, "out")) if f.endswith(".bin")} - set(wanted)
            wrong += [f + " is too many" for f in extra]
        print(f"{'not ok' if wrong else 'ok'} - machine {n} of seed {seed} is written as the specification says"
              + "".join(f"\n#   {w}" for w in wrong))
        if not wrong:
            shutil.rmtree(path)


if __name__ == "__main__":
    main()
