#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What an interactive bash makes of a line when Tab is pressed.

complete_bash.py RC LINE...: RC is what bash reads first; for each line, the line after Tab."""
import os
import pty
import select
import sys
import time

SHOW = b"\x18\x10"  # bound below to a command that prints the line between two marks
CLEAR = b"\x15"
TAB = b"\t"
FIRST, LAST = b"\x01", b"\x02"


def read_until(fd, mark):
    got, end = b"", time.monotonic() + 60
    while mark not in got:
        if not select.select([fd], [], [], max(0, end - time.monotonic()))[0]:
            sys.exit(f"bash says nothing more after {got!r}")
        got += os.read(fd, 65536)
    return got


def main():
    rc, lines = sys.argv[1], sys.argv[2:]
    pid, fd = pty.fork()
    if pid == 0:
        os.execvp("bash", ["bash", "--noprofile", "--rcfile", rc, "-i"])
    read_until(fd, b"READY")
    for line in lines:
        os.write(fd, line.encode() + TAB + SHOW)
        got = read_until(fd, LAST)
        print(got.rsplit(FIRST, 1)[1].split(LAST)[0].decode())
        os.write(fd, CLEAR)
    os.write(fd, b"exit\r")
    while True:
        try:
            if not os.read(fd, 65536):
                break
        except OSError:
            break
    os.waitpid(pid, 0)


main()
