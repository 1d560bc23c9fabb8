#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A system with LinuxKit's layout boots, and Debian's runc runs its containers by the config.json
# and runtime.json that strict mode made: what they ask for is what their processes see.
. "$(dirname "$0")/lib.sh"
. "$here/boot.sh"

debian_inputs linuxkit-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -j2 -o "$work/out"
exits 0 "the system is built"
boot qemu-system-x86_64 -machine q35 -kernel "$work/out/linuxkit-kernel" -initrd "$work/out/linuxkit-initrd.img" \
    -append "$(cat "$work/out/linuxkit-cmdline")"
tr -d '\r' <"$work/console" >"$work/lines"
sees() { # NAME LINE
    if grep -qxF "$2" "$work/lines"; then pass "$1"; else fail "$1" "wanted: $2" "$(tail -n 40 "$work/lines")"; fi
}
sees "onboot containers run, and write volumes" "ONBOOT writes a volume"
sees "readonly: the root cannot be written" "GUARD has a read-only root"
sees "a read-only volume cannot be written" "GUARD has a read-only volume"
sees "uid by name, gid in digits, additional groups by name and number" "WEB ids 103 55 groups 55 7 101"
sees "hostname, env and cwd" "WEB host web-host hello /tmp"
sees "capabilities: the ambient one is left to an ordinary user" "WEB caps CapEff:	0000000000000400"
sees "rlimits and oomScoreAdj" "WEB files 99 oom 77"
sees "a volume by its name in mounts" "WEB note from onboot"
sees "sysctl in a network of its own" "WEB sysctl 1"
sees "resources" "WEB pids 64 memory 67108864"
sees "maskedPaths" "WEB masked 0"
sees "devices" "WEB device"
sees "tmpfs" "WEB tmpfs"
sees "onshutdown containers run" "ONSHUTDOWN says bye"
sees "and the guest ends" "ALL DONE"
ok "nothing failed" sh -c "! grep -q 'FAILED\|cannot mount\|ERRO' '$work/console'"

done_testing
