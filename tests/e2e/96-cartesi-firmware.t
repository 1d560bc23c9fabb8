#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The firmware of the example machine: it is what its source says, and does what it promises, on a machine of QEMU's
# that has the same kind of console (at another address) and no other firmware.
. "$(dirname "$0")/lib.sh"

example=$top/examples/hello-cartesi
ok "the source is assembled" sh "$example/firmware/build.sh" "$work/sbi.bin"
ok "and gives the firmware that stands beside the recipe, byte for byte" cmp "$work/sbi.bin" "$example/sbi.bin"
is "whose size the README says" "$(grep -c "assembled: $(stat -c %s "$example/sbi.bin") bytes" "$example/README.md")" 1

# A device tree whose letters are in the alphabet's order, as the emulator's are; where in it they stand, and which they are.
qemu-system-riscv64 -M spike,dumpdtb="$work/spike.dtb" -m 64M -display none -bios none 2>/dev/null
python3 - "$work/spike.dtb" >"$work/letters" <<'END'
import re, sys
data = open(sys.argv[1], "rb").read()
strings = int.from_bytes(data[12:16], "big")
name = data.index(b"\0riscv,isa\0", strings) + 1 - strings
isa = re.search(rb"\x00\x00\x00\x03....%s(rv64)([a-z]+)" % re.escape(name.to_bytes(4, "big")), data, re.S)
open(sys.argv[1], "wb").write(data[:isa.start(2)] + bytes(sorted(isa.group(2))) + data[isa.end(2):])
print(isa.start(1), "rv64" + "".join(sorted(isa.group(2).decode())))
END
read -r place letters <"$work/letters"
ok "the letters are not in order" sh -c 'case $1 in rv64ima*) exit 1 ;; rv64*) ;; *) exit 1 ;; esac' - "$letters"

# The payload lies where a kernel would, 2 MiB behind.
sh "$example/firmware/build.sh" "$work/spike.bin" --defsym HTIF=0x1000008
riscv64-linux-gnu-as -march=rv64ima_zicsr_zifencei -mabi=lp64 --defsym LETTERS="$place" -o "$work/payload.o" "$top/tests/data/sbi-payload.S"
sed 's/0x80000000/0x80200000/' "$example/firmware/sbi.ld" >"$work/payload.ld"
riscv64-linux-gnu-ld --no-warn-rwx-segments -T "$work/payload.ld" -o "$work/payload.elf" "$work/payload.o"
riscv64-linux-gnu-objcopy -O binary "$work/payload.elf" "$work/payload.bin"

# Not every version of QEMU takes another tree for this machine than its own: the hart starts in a few instructions of ours, which
# enter the firmware with that tree.
printf '%s\n' 'csrr a0, mhartid' 'li a1, 0x81000000' 'li t0, 0x80000000' 'jr t0' |
    riscv64-linux-gnu-as -march=rv64ima_zicsr_zifencei -mabi=lp64 -o "$work/enter.o" -
riscv64-linux-gnu-objcopy -O binary "$work/enter.o" "$work/enter.bin"

run timeout "$patience" qemu-system-riscv64 -M spike -m 64M -nographic -monitor none -serial stdio \
    -bios "$work/spike.bin" -device loader,file="$work/payload.bin",addr=0x80200000 \
    -device loader,file="$work/spike.dtb",addr=0x81000000 -device loader,file="$work/enter.bin",addr=0x80f00000,cpu-num=0
exits 0 "the machine is shut down by its guest"
tr -d '\r' <"$work/stdout" >"$work/lines"
is "both consoles print" "$(sed -n 1p "$work/lines")" A
ok "Linux would take the letters" sh -c 'sed -n 2p "$1" | grep -q "^rv64ima"' - "$work/lines"
is "they are the same ones" "$(sed -n 2p "$work/lines" | fold -w 1 | sort | tr -d '\n')" "$(echo "$letters" | fold -w 1 | sort | tr -d '\n')"
is "a text, the timer, an interrupt of its own, the end" "$(sed -n '3,$p' "$work/lines" | tr '\n' ' ')" "hello timer ipi shut down "
done_testing
