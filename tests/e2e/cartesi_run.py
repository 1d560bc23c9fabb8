#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A plain interpreter of Cartesi machines, only to make snapshots that have run.

    cartesi_run.py MACHINE END

Runs the stored machine MACHINE (a directory, changed in place) until mcycle END, as the emulator's
run(END) does, and prints mcycle and why it stopped: 5 the target, 1 halted, 2 yielded manually,
3 yielded automatically. Written from the specification alone (cartesi-snapshot, cartesi-execution), slowly and obviously:
RV64 I M A C and Zicsr in machine mode without translation or interrupts, doubles moved but not computed
with; anything else ends with an error. Assay's own code has no part in it, so that a root hash which
agrees with the reference emulator's after such a run was not made by one mistake made twice.
"""
import json
import os
import struct
import sys

M64 = (1 << 64) - 1
NAMES = (
    [f"x{i}" for i in range(32)] + ["mcycle", "pc", "fcsr"] + [f"f{i}" for i in range(32)]
    + "iprv mstatus mtvec mscratch mepc mcause mtval misa mie mip medeleg mideleg mcounteren menvcfg mvendorid"
      " marchid mimpid stvec sscratch sepc scause stval satp scounteren senvcfg ilrsc icycleinstret iunrep"
      " imcyclemax iflags_X iflags_Y iflags_H mtimecmp girqpend girqsrvd tohost fromhost ihalt iconsole"
      " iyield".split())
OFFSET = {name: 8 * i for i, name in enumerate(NAMES)}
CODE, READ, WRITE = 0, 1, 2
HTIF = 0x40008000
CSRS = {0x300: "mstatus", 0x305: "mtvec", 0x340: "mscratch", 0x341: "mepc", 0x342: "mcause", 0x343: "mtval",
        0x304: "mie", 0x003: "fcsr"}
MSTATUS_WRITABLE = (1 << 1 | 1 << 3 | 1 << 5 | 1 << 7 | 1 << 8 | 3 << 11 | 3 << 13 | 1 << 17 | 1 << 18 | 1 << 19
                    | 1 << 20 | 1 << 21 | 1 << 22)


class Trap(Exception):
    def __init__(self, cause, tval):
        super().__init__()
        self.cause, self.tval = cause, tval


def sx(value, bits):
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def bits(word, high, low):
    return word >> low & ((1 << (high - low + 1)) - 1)


class Machine:
    def __init__(self, path):
        self.path = path
        self.files = {}
        for name in os.listdir(path):
            if name.endswith(".bin"):
                start, length = name[:-4].split("-")
                with open(os.path.join(path, name), "rb") as f:
                    self.files[int(start, 16)] = (name, bytearray(f.read()), int(length, 16))
        self.shadow = self.files[0][1]
        self.pmas = []
        for i in range(0, 4096, 16):
            istart, length = struct.unpack_from("<QQ", self.files[0x10000][1], i)
            if length == 0:
                break
            self.pmas.append((istart & ~0xfff, length, istart & 0xfff))
        self.r = {name: struct.unpack_from("<Q", self.shadow, at)[0] for name, at in OFFSET.items()}
        self.x = [self.r[f"x{i}"] for i in range(32)]
        self.stop = None

    def save(self):
        for i in range(32):
            self.r[f"x{i}"] = self.x[i]
        for name, at in OFFSET.items():
            struct.pack_into("<Q", self.shadow, at, self.r[name])
        for name, data, _ in self.files.values():
            path = os.path.join(self.path, name)
            os.chmod(path, 0o644)
            with open(path, "wb") as f:
                f.write(data)

    # ---- memory ----

    def find(self, address, size, wanted, fault):
        for index, (start, length, flags) in enumerate(self.pmas):
            if start <= address and address + size <= start + length:
                if not flags & wanted:
                    raise Trap(fault, address)
                return index, start, flags
        raise Trap(fault, address)

    def touch(self, kind, address, index):
        """The slot of the page in one of the three sets, after an access to memory."""
        page = address & ~0xfff & M64
        slot = 0x1000 + kind * 0x2000 + (page >> 12 & 255) * 32
        if struct.unpack_from("<Q", self.shadow, slot)[0] != page:
            struct.pack_into("<QQQQ", self.shadow, slot, page, 0, index, 0)

    def load(self, address, size, fault=5):
        if address % size:
            raise Trap(4 if fault == 5 else 6, address)
        index, start, flags = self.find(address, size, 4, fault)
        if not flags & 1:
            if start == HTIF and size == 8:
                names = {0: "tohost", 8: "fromhost", 16: "ihalt", 24: "iconsole", 32: "iyield"}
                return self.r[names[address - start]]
            raise Trap(fault, address)
        self.touch(READ, address, index)
        data = self.files[start][1]
        return int.from_bytes(data[address - start:address - start + size], "little")

    def store(self, address, size, value):
        if address % size:
            raise Trap(6, address)
        index, start, flags = self.find(address, size, 8, 7)
        if not flags & 1:
            if start == HTIF and address == HTIF and size == 8:
                self.tohost(value & M64)
                return
            raise Trap(7, address)
        self.touch(WRITE, address, index)
        self.files[start][1][address - start:address - start + size] = (value & ((1 << 8 * size) - 1)).to_bytes(
            size, "little")

    def fetch(self, pc):
        def half(at, look_up):
            index, start, flags = self.find(at, 2, 0x10, 1)
            if not flags & 1:
                raise Trap(1, at)
            if look_up:
                self.touch(CODE, at, index)
            data = self.files[start][1]
            return data[at - start] | data[at - start + 1] << 8
        low = half(pc, True)
        if low & 3 != 3:
            return low, 2
        return low | half(pc + 2, pc & 0xfff == 0xffe) << 16, 4

    def tohost(self, value):
        r = self.r
        r["tohost"] = value
        device, command, data = value >> 56, value >> 48 & 0xff, value & ((1 << 48) - 1)
        if device == 0 and command == 0 and data & 1:
            r["iflags_H"], self.stop = 1, 1
        elif device == 1 and command == 1 and r["iconsole"] & 2:
            r["fromhost"] = 0x0101000000000000
        elif device == 2 and command < 2 and r["iyield"] >> command & 1:
            r["fromhost"] = device << 56 | command << 48
            r["iflags_X" if command == 0 else "iflags_Y"] = 1
            self.stop = 3 if command == 0 else 2

    # ---- control and status registers, traps ----

    def csr_read(self, number, word):
        if number not in CSRS:
            raise Trap(2, word)
        value = self.r[CSRS[number]]
        return value & ~1 if number == 0x341 else value

    def csr_write(self, number, value, word):
        if number not in CSRS:
            raise Trap(2, word)
        if number == 0x300:
            value = self.r["mstatus"] & ~MSTATUS_WRITABLE | value & MSTATUS_WRITABLE
            value &= ~(3 << 11) if value >> 11 & 3 == 2 else M64
            value = value | 3 << 13 | 1 << 63 if value >> 13 & 3 else value & ~(1 << 63)
        elif number == 0x305:
            value &= ~3
        elif number == 0x341:
            value &= ~1
        elif number == 0x003:
            value &= 0xff
        self.r[CSRS[number]] = value & M64

    def trap(self, t, pc):
        r = self.r
        s = r["mstatus"]
        r["icycleinstret"] += 1
        r["mcause"], r["mepc"], r["mtval"] = t.cause, pc, t.tval & M64
        r["mstatus"] = s & ~(1 << 7 | 1 << 3 | 3 << 11) | (s >> 3 & 1) << 7 | 3 << 11
        r["pc"] = r["mtvec"]

    def mret(self):
        s = self.r["mstatus"]
        if s >> 11 & 3 != 3:
            sys.exit("cartesi_run: only machine mode is known")
        self.r["mstatus"] = s & ~(1 << 3 | 3 << 11) | (s >> 7 & 1) << 3 | 1 << 7
        self.r["pc"] = self.r["mepc"]

    # ---- the loop ----

    def run(self, end):
        r = self.r
        if r["iflags_H"]:
            return 1
        if r["iflags_Y"]:
            return 2
        if r["mcycle"] >= end:
            return 5
        r["iflags_X"] = 0
        while r["mcycle"] < end and self.stop is None:
            pc = r["pc"]
            try:
                word, size = self.fetch(pc)
                r["pc"] = (pc + size) & M64
                if size == 2:
                    self.compressed(word, pc)
                else:
                    self.execute(word, pc)
            except Trap as t:
                self.trap(t, pc)
            r["mcycle"] += 1
        return 5 if self.stop is None else self.stop

    def set(self, rd, value):
        if rd:
            self.x[rd] = value & M64

    # ---- instructions of 32 bits ----

    def execute(self, w, pc):
        x = self.x
        op, rd, f3, rs1, rs2, f7 = (w & 0x7f, bits(w, 11, 7), bits(w, 14, 12), bits(w, 19, 15), bits(w, 24, 20),
                                    w >> 25)
        a, b = x[rs1], x[rs2]
        imm_i = sx(w >> 20, 12)
        imm_s = sx(f7 << 5 | rd, 12)
        if op == 0x37:
            self.set(rd, sx(w & 0xfffff000, 32))
        elif op == 0x17:
            self.set(rd, pc + sx(w & 0xfffff000, 32))
        elif op == 0x6f:
            offset = sx(bits(w, 31, 31) << 20 | bits(w, 19, 12) << 12 | bits(w, 20, 20) << 11 | bits(w, 30, 21) << 1, 21)
            self.set(rd, pc + 4)
            self.r["pc"] = (pc + offset) & M64
        elif op == 0x67 and f3 == 0:
            self.set(rd, pc + 4)
            self.r["pc"] = (a + imm_i) & M64 & ~1
        elif op == 0x63 and f3 not in (2, 3):
            offset = sx(bits(w, 31, 31) << 12 | bits(w, 7, 7) << 11 | bits(w, 30, 25) << 5 | bits(w, 11, 8) << 1, 13)
            if branch(f3, a, b):
                self.r["pc"] = (pc + offset) & M64
        elif op == 0x03 and f3 != 7:
            size = 1 << (f3 & 3)
            value = self.load((a + imm_i) & M64, size)
            self.set(rd, value if f3 & 4 else sx(value, 8 * size))
        elif op == 0x23 and f3 < 4:
            self.store((a + imm_s) & M64, 1 << f3, b)
        elif op == 0x07 and f3 == 3:
            self.r[f"f{rd}"] = self.load((a + imm_i) & M64, 8)
        elif op == 0x27 and f3 == 3:
            self.store((a + imm_s) & M64, 8, self.r[f"f{rs2}"])
        elif op == 0x53 and w & 0xfff0707f == 0xf2000053:  # fmv.d.x
            self.r[f"f{rd}"] = a
        elif op == 0x13:
            self.set(rd, self.immediate(f3, a, imm_i, w))
        elif op == 0x1b:
            self.set(rd, self.immediate_word(f3, a, imm_i, w))
        elif op == 0x33 or op == 0x3b:
            self.set(rd, arithmetic(f3, f7, a, b, op == 0x3b, w))
        elif op == 0x2f and f3 in (2, 3):
            self.atomic(rd, a, b, w >> 27, 4 if f3 == 2 else 8, w)
        elif op == 0x0f:
            pass
        elif w == 0x30200073:
            self.mret()
        elif w == 0x00100073:
            raise Trap(3, pc)
        elif op == 0x73 and f3 & 3:
            self.csr(rd, f3, rs1, w)
        else:
            raise Trap(2, w)

    def csr(self, rd, f3, rs1, w):
        number = w >> 20
        operand = rs1 if f3 & 4 else self.x[rs1]
        old = 0 if f3 & 3 == 1 and rd == 0 else self.csr_read(number, w)
        if f3 & 3 == 1:
            self.csr_write(number, operand, w)
        elif rs1:
            self.csr_write(number, old | operand if f3 & 3 == 2 else old & ~operand & M64, w)
        self.set(rd, old)

    @staticmethod
    def immediate(f3, a, imm, w):
        if f3 == 1 and w >> 26 == 0:
            return a << (imm & 63)
        if f3 == 5 and w >> 26 in (0, 16):
            return (sx(a, 64) if w >> 26 else a) >> (imm & 63)
        if f3 in (1, 5):
            raise Trap(2, w)
        return {0: a + imm, 2: int(sx(a, 64) < imm), 3: int(a < imm & M64), 4: a ^ imm, 6: a | imm & M64,
                7: a & imm}[f3]

    @staticmethod
    def immediate_word(f3, a, imm, w):
        if f3 == 0:
            return sx(a + imm, 32)
        if f3 == 1 and w >> 25 == 0:
            return sx(a << (imm & 31), 32)
        if f3 == 5 and w >> 25 in (0, 32):
            return sx((sx(a, 32) if w >> 25 else a & 0xffffffff) >> (imm & 31), 32)
        raise Trap(2, w)

    def atomic(self, rd, address, value, f5, size, w):
        if f5 == 2:
            self.set(rd, sx(self.load(address, size), 8 * size))
            self.r["ilrsc"] = address
            return
        if f5 == 3:
            failed = self.r["ilrsc"] != address
            self.r["ilrsc"] = M64
            if address % size:
                raise Trap(6, address)
            if not failed:
                self.store(address, size, value)
            self.set(rd, int(failed))
            return
        old = self.load(address, size, 7)
        width = 8 * size
        a, b = sx(old, width), sx(value, width)
        mask = (1 << width) - 1
        if f5 not in (0, 1, 4, 8, 12, 16, 20, 24, 28):
            raise Trap(2, w)
        new = {0: a + b, 1: b, 4: a ^ b, 8: a | b, 12: a & b, 16: min(a, b), 20: max(a, b),
               24: min(a & mask, b & mask), 28: max(a & mask, b & mask)}[f5]
        self.store(address, size, new)
        self.set(rd, a)

    # ---- instructions of 16 bits, by their long forms' effects ----

    def compressed(self, c, pc):
        x = self.x
        quadrant, f3 = c & 3, c >> 13
        rd, rs2 = bits(c, 11, 7), bits(c, 6, 2)
        rds, rs1s = 8 + bits(c, 4, 2), 8 + bits(c, 9, 7)
        imm6 = sx(bits(c, 12, 12) << 5 | rs2, 6)
        offset8 = bits(c, 12, 10) << 3 | bits(c, 6, 5) << 6
        offset4 = bits(c, 12, 10) << 3 | bits(c, 6, 6) << 2 | bits(c, 5, 5) << 6
        if quadrant == 0:
            if f3 == 0 and c:
                imm = bits(c, 12, 11) << 4 | bits(c, 10, 7) << 6 | bits(c, 6, 6) << 2 | bits(c, 5, 5) << 3
                if imm == 0:
                    raise Trap(2, c)
                self.set(rds, x[2] + imm)
            elif f3 == 1:
                self.r[f"f{rds}"] = self.load((x[rs1s] + offset8) & M64, 8)
            elif f3 == 2:
                self.set(rds, sx(self.load((x[rs1s] + offset4) & M64, 4), 32))
            elif f3 == 3:
                self.set(rds, self.load((x[rs1s] + offset8) & M64, 8))
            elif f3 == 5:
                self.store((x[rs1s] + offset8) & M64, 8, self.r[f"f{rds}"])
            elif f3 == 6:
                self.store((x[rs1s] + offset4) & M64, 4, x[rds])
            elif f3 == 7:
                self.store((x[rs1s] + offset8) & M64, 8, x[rds])
            else:
                raise Trap(2, c)
        elif quadrant == 1:
            self.compressed_one(c, pc, f3, rd, rs2, imm6, rs1s, rds)
        else:
            self.compressed_two(c, pc, f3, rd, rs2)

    def compressed_one(self, c, pc, f3, rd, rs2, imm6, rs1s, rds):
        x = self.x
        if f3 == 0:
            self.set(rd, x[rd] + imm6)
        elif f3 == 1 and rd:
            self.set(rd, sx(x[rd] + imm6, 32))
        elif f3 == 2:
            self.set(rd, imm6)
        elif f3 == 3 and rd == 2 and c & 0x107c:
            imm = (bits(c, 12, 12) << 9 | bits(c, 6, 6) << 4 | bits(c, 5, 5) << 6 | bits(c, 4, 3) << 7
                   | bits(c, 2, 2) << 5)
            self.set(2, x[2] + sx(imm, 10))
        elif f3 == 3 and imm6:
            self.set(rd, imm6 << 12)
        elif f3 == 4:
            self.compressed_arithmetic(c, rs1s, rds, imm6)
        elif f3 == 5:
            imm = (bits(c, 12, 12) << 11 | bits(c, 11, 11) << 4 | bits(c, 10, 9) << 8 | bits(c, 8, 8) << 10
                   | bits(c, 7, 7) << 6 | bits(c, 6, 6) << 7 | bits(c, 5, 3) << 1 | bits(c, 2, 2) << 5)
            self.r["pc"] = (pc + sx(imm, 12)) & M64
        elif f3 in (6, 7):
            imm = (bits(c, 12, 12) << 8 | bits(c, 11, 10) << 3 | bits(c, 6, 5) << 6 | bits(c, 4, 3) << 1
                   | bits(c, 2, 2) << 5)
            if (x[rs1s] == 0) == (f3 == 6):
                self.r["pc"] = (pc + sx(imm, 9)) & M64
        else:
            raise Trap(2, c)

    def compressed_arithmetic(self, c, rd, rs2, imm6):
        a, b = self.x[rd], self.x[rs2]
        kind = bits(c, 11, 10)
        if kind == 0:
            value = a >> (imm6 & 63)
        elif kind == 1:
            value = sx(a, 64) >> (imm6 & 63)
        elif kind == 2:
            value = a & imm6
        elif bits(c, 12, 12) == 0:
            value = [a - b, a ^ b, a | b, a & b][bits(c, 6, 5)]
        elif bits(c, 6, 5) < 2:
            value = sx(a + b if bits(c, 6, 5) else a - b, 32)
        else:
            sys.exit("cartesi_run: Zcb is not known")
        self.set(rd, value)

    def compressed_two(self, c, pc, f3, rd, rs2):
        x = self.x
        load8 = bits(c, 12, 12) << 5 | bits(c, 6, 5) << 3 | bits(c, 4, 2) << 6
        load4 = bits(c, 12, 12) << 5 | bits(c, 6, 4) << 2 | bits(c, 3, 2) << 6
        store8 = bits(c, 12, 10) << 3 | bits(c, 9, 7) << 6
        store4 = bits(c, 12, 9) << 2 | bits(c, 8, 7) << 6
        if f3 == 0:
            self.set(rd, x[rd] << (bits(c, 12, 12) << 5 | rs2))
        elif f3 == 1:
            self.r[f"f{rd}"] = self.load((x[2] + load8) & M64, 8)
        elif f3 == 2 and rd:
            self.set(rd, sx(self.load((x[2] + load4) & M64, 4), 32))
        elif f3 == 3 and rd:
            self.set(rd, self.load((x[2] + load8) & M64, 8))
        elif f3 == 4 and bits(c, 12, 12) == 0:
            if rs2:
                self.set(rd, x[rs2])
            elif rd:
                self.r["pc"] = x[rd] & ~1
            else:
                raise Trap(2, c)
        elif f3 == 4 and rs2:
            self.set(rd, x[rd] + x[rs2])
        elif f3 == 4 and rd:
            target = x[rd] & ~1
            self.set(1, pc + 2)
            self.r["pc"] = target
        elif f3 == 4:
            raise Trap(3, pc)
        elif f3 == 5:
            self.store((x[2] + store8) & M64, 8, self.r[f"f{rs2}"])
        elif f3 == 6:
            self.store((x[2] + store4) & M64, 4, x[rs2])
        elif f3 == 7:
            self.store((x[2] + store8) & M64, 8, x[rs2])
        else:
            raise Trap(2, c)


def branch(f3, a, b):
    return {0: a == b, 1: a != b, 4: sx(a, 64) < sx(b, 64), 5: sx(a, 64) >= sx(b, 64), 6: a < b, 7: a >= b}[f3]


def divide(a, b, width, signed):
    """Quotient and remainder towards zero, with RISC-V's answers for zero; operands of `width` bits."""
    a, b = (sx(a, width), sx(b, width)) if signed else (a & ((1 << width) - 1), b & ((1 << width) - 1))
    if b == 0:
        return -1, a
    quotient = abs(a) // abs(b)
    if (a < 0) != (b < 0):
        quotient = -quotient
    return quotient, a - quotient * b


def arithmetic(f3, f7, a, b, word, w):
    width = 32 if word else 64
    if f7 == 1 and (not word or f3 in (0, 4, 5, 6, 7)):
        if f3 < 4:
            left = sx(a, 64) if f3 in (0, 1, 2) else a
            right = sx(b, 64) if f3 in (0, 1) else b
            value = left * right >> (64 if f3 else 0)
        else:
            value = divide(a, b, width, not f3 & 1)[0 if f3 < 6 else 1]
        return sx(value, 32) if word else value
    shift = b & (width - 1)
    if f7 == 0x20 and f3 == 0:
        value = a - b
    elif f7 == 0x20 and f3 == 5:
        value = sx(a, width) >> shift
    elif f7 == 0 and f3 in (0, 1, 5) or f7 == 0 and not word:
        value = {0: a + b, 1: a << shift, 2: int(sx(a, 64) < sx(b, 64)), 3: int(a < b), 4: a ^ b,
                 5: (a & ((1 << width) - 1)) >> shift, 6: a | b, 7: a & b}[f3]
    else:
        raise Trap(2, w)
    return sx(value, 32) if word else value


def main():
    machine = Machine(sys.argv[1])
    with open(os.path.join(sys.argv[1], "config.json"), encoding="utf-8") as f:
        if json.load(f)["archive_version"] != 7:
            sys.exit("cartesi_run: not a machine of archive version 7")
    reason = machine.run(int(sys.argv[2], 0))
    machine.save()
    print(machine.r["mcycle"], reason)


if __name__ == "__main__":
    main()
