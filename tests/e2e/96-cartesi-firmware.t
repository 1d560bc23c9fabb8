#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The firmware of the example machine: it is what its source says, and does what it promises, on a machine of QEMU's
# that has the same kind of console (at another address) and no other firmware.
. "$(dirname "$0")/lib.sh"

example=$top/examples/hello-cartesi
ok "the source is assembled" sh "$example/firmware/build.sh" "$work/sbi.bin"
ok "and gives the firmware that stands beside the recipe, byte for byte" cmp "$work/sbi.bin" "$example/sbi.bin"
is "whose size the README says" "$(grep -c "assembled: $(stat -c %s "$example/sbi.bin") bytes" "$example/README.md")" 1

# The payload lies where a kernel would, 2 MiB behind.
sh "$example/firmware/build.sh" "$work/spike.bin" --defsym HTIF=0x1000008
riscv64-linux-gnu-as -march=rv64ima_zicsr_zifencei -mabi=lp64 -o "$work/payload.o" "$top/tests/data/sbi-payload.S"
sed 's/0x80000000/0x80200000/' "$example/firmware/sbi.ld" >"$work/payload.ld"
riscv64-linux-gnu-ld --no-warn-rwx-segments -T "$work/payload.ld" -o "$work/payload.elf" "$work/payload.o"
riscv64-linux-gnu-objcopy -O binary "$work/payload.elf" "$work/payload.bin"

# A device tree whose letters are in the alphabet's order, as the emulator's are.
qemu-system-riscv64 -M spike,dumpdtb="$work/spike.dtb" -m 64M -display none -bios none 2>/dev/null
python3 - "$work/spike.dtb" <<'END'
import re, sys
data = open(sys.argv[1], "rb").read()
isa = re.search(rb"rv64([a-z]+)", data)
open(sys.argv[1], "wb").write(data[:isa.start(1)] + bytes(sorted(isa.group(1))) + data[isa.end(1):])
END
letters=$(grep -ao 'rv64[a-z]*' "$work/spike.dtb" | head -n 1)
ok "the letters are not in order" sh -c 'case $1 in rv64ima*) exit 1 ;; esac' - "$letters"

run timeout "$patience" qemu-system-riscv64 -M spike -m 64M -dtb "$work/spike.dtb" -nographic -monitor none -serial stdio \
    -bios "$work/spike.bin" -device loader,file="$work/payload.bin",addr=0x80200000
exits 0 "the machine is shut down by its guest"
tr -d '\r' <"$work/stdout" >"$work/lines"
is "both consoles print" "$(sed -n 1p "$work/lines")" A
ok "Linux would take the letters" sh -c 'sed -n 2p "$1" | grep -q "^rv64ima"' - "$work/lines"
is "they are the same ones" "$(sed -n 2p "$work/lines" | fold -w 1 | sort | tr -d '\n')" "$(echo "$letters" | fold -w 1 | sort | tr -d '\n')"
is "a text, the timer, an interrupt of its own, the end" "$(sed -n '3,$p' "$work/lines" | tr '\n' ' ')" "hello timer ipi shut down "
done_testing
