# SPDX-License-Identifier: Apache-2.0
"""ports.py SOCKET: asks a QEMU's monitor which ports of this machine lead to which of the guest; prints "GUEST HOST" lines."""
import re
import socket
import sys


def answer(monitor):
    text = b""
    while not text.endswith(b"(qemu) "):
        text += monitor.recv(65536) or sys.exit("the monitor has ended")
    return text.decode("latin-1")


with socket.socket(socket.AF_UNIX) as monitor:
    monitor.connect(sys.argv[1])
    answer(monitor)
    monitor.sendall(b"info usernet\n")
    for match in re.finditer(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)", answer(monitor)):
        print(match[2], match[1])
