#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Wraps bytes as kernels are: kernel_wrap.py bzimage|zboot PACKED UNPACKED-SIZE OUT.

UNPACKED-SIZE is appended to the payload, as the kernel's build does for all but gzip; 0: it is not.
"""

import struct
import sys

form, packed, size, out = sys.argv[1:5]
with open(packed, "rb") as f:
    payload = f.read()
if int(size):
    payload += struct.pack("<I", int(size))
if form == "bzimage":
    setup = bytearray(5 * 512)
    setup[0x1F1] = 4
    setup[0x1FE:0x200] = b"\x55\xaa"
    setup[0x202:0x208] = b"HdrS" + struct.pack("<H", 0x20F)
    # Code before the payload, as in a real one.
    struct.pack_into("<II", setup, 0x248, 700, len(payload))
    image = bytes(setup) + b"\x90" * 700 + payload + b"\xcc" * 300
else:
    image = struct.pack("<2s2x4sII8x16s16x", b"MZ", b"zimg", 64, len(payload), b"whatever") + bytes(8) + payload + bytes(99)
with open(out, "wb") as f:
    f.write(image)
