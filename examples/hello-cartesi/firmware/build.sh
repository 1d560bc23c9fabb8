#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Assembles the firmware: build.sh OUTPUT [OPTION OF THE ASSEMBLER]… (Debian package binutils-riscv64-linux-gnu).
# ../sbi.bin is what this gives without options, byte for byte; tests/e2e/96-cartesi-firmware.t sees to it.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
out=${1:?usage: build.sh OUTPUT [OPTION]...}
shift
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
riscv64-linux-gnu-as -march=rv64ima_zicsr_zifencei -mabi=lp64 "$@" -o "$parts/sbi.o" "$here/sbi.S"
riscv64-linux-gnu-ld --no-warn-rwx-segments -T "$here/sbi.ld" -o "$parts/sbi.elf" "$parts/sbi.o"
riscv64-linux-gnu-objcopy -O binary "$parts/sbi.elf" "$out"
