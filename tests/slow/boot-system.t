#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The system of docs/guides/debian-system.md boots to a login, lets us in by ssh and serves TLS: from an initrd, from a squashfs,
# from an ext4 on a disk, and from a disk that a BIOS boots. Its network is QEMU's own and ends on this machine's loopback.
. "$(dirname "$0")/../e2e/lib.sh"
. "$here/../e2e/boot.sh"

# ---- the guide's recipes are those that are built ----
recipe() { # NAME: the block of the guide that begins with it
    awk -v first="    name: $1" '$0 == first { on = 1 } on && !/^(    .*)?$/ { exit } on { print }' "$top/docs/guides/debian-system.md" | sed 's/^    //' | sed -e :a -e '/^\n*$/{$d;N;ba' -e '}'
}
for name in web switch; do
    recipe $name >"$work/$name.yml"
    ok "$name: the guide has the recipe" cmp "$work/$name.yml" "$top/tests/inputs/$name-amd64.yml"
done

# ---- what is booted: with a key of this test's own ----
ok "a key" ssh-keygen -q -t ed25519 -N '' -C test -f "$work/key"
debian_inputs switch-amd64
run "$assay" build "$inputs_plan" --store "$inputs_store" --work "$work/scratch" -o "$work/out"
exits 0 "switch: builds"
debian_inputs web-amd64
jq -cSj --arg key "$(cat "$work/key.pub")" 'walk(if type == "string" then sub("ssh-ed25519 AAAA… you@example.org"; $key) else . end)' \
    "$inputs_plan" >"$work/web.json"
run "$assay" build "$work/web.json" --store "$inputs_store" --work "$work/scratch" -j2 -o "$work/out"
exits 0 "web: builds"

# ---- booting ----
# Idle, the guest's clock is the host's: who talks with it from outside must not find that hours went by. Busy, it counts
# instructions, and may run ahead of the host's: so it starts a day before.
clock="-accel tcg -smp 1 -icount shift=4,sleep=on -rtc base=$(date -u -d '1 day ago' +%FT%T),clock=vm"
guest=
quit() {
    status=$?
    kill $guest 2>/dev/null
    (exit $status)
    finish
}
trap quit EXIT
start() { # ARGUMENT…
    rm -f "$work/console" "$work/monitor" "$work/known"
    # shellcheck disable=SC2086 # the clock is several words
    qemu-system-x86_64 $clock -machine pc -m 1024 -nodefaults -no-user-config -display none -no-reboot -serial "file:$work/console" \
        -monitor "unix:$work/monitor,server=on,wait=off" -device virtio-net-pci,netdev=net,romfile= \
        -netdev user,id=net,restrict=on,hostfwd=tcp:127.0.0.1:0-:22,hostfwd=tcp:127.0.0.1:0-:443 \
        "$@" </dev/null >"$work/qemu.out" 2>&1 &
    guest=$!
}
shows() { tr -d '\r' <"$work/console" | grep -Eaq -- "$1"; }
ended() { ! kill -0 $guest 2>/dev/null; }
shows_or_ended() { shows "$1" || ended; }
inside() { # COMMAND: in the guest, by ssh
    timeout "$patience" ssh -F none -p "$ssh" -i "$work/key" -o BatchMode=yes -o IdentitiesOnly=yes -o StrictHostKeyChecking=accept-new \
        -o UserKnownHostsFile="$work/known" -o ConnectTimeout="$patience" root@127.0.0.1 "$1" </dev/null
}
answers() { inside true || ended; }
# judge NAME ROOT: what must be true of each, whatever it was booted from.
judge() {
    await shows_or_ended '^web login: '
    found '^web login: ' "$1: boots to a login"
    python3 "$here/ports.py" "$work/monitor" >"$work/ports"
    ssh=$(sed -n 's/^22 //p' "$work/ports") https=$(sed -n 's/^443 //p' "$work/ports")
    await answers
    run inside 'systemctl is-system-running --wait; systemctl --failed --no-legend; findmnt -no FSTYPE /'
    is "$1: ssh lets us in; all that was to start has started; its root is $2" "$(cat "$work/stdout")" "running
$2"
    run inside 'cat /etc/nginx/web.crt'
    cp "$work/stdout" "$work/web.crt"
    run curl -sS --noproxy '*' --cacert "$work/web.crt" --connect-to "web:443:127.0.0.1:$https" https://web/
    is "$1: it serves TLS, with a certificate of its own" "$(cat "$work/stdout" "$work/stderr")" "<h1>It is served</h1>"
    run inside 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub; cat /etc/machine-id'
    cp "$work/stdout" "$work/own.$1"
    run inside 'lsmod | grep -c "^virtio_net "; openssl verify -CApath /etc/ssl/certs /usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt'
    is "$1: its driver was found, and the authorities are" "$(cat "$work/stdout")" "1
/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt: OK"
    run inside 'systemctl poweroff'
    await ended
    if ended; then pass "$1: is switched off"; else fail "$1: is switched off" "$(tail -n 20 "$work/console")"; fi
    kill $guest 2>/dev/null
    wait $guest 2>/dev/null
}

start -kernel "$work/out/web-kernel" -initrd "$work/out/web-initrd.img" -append "$(cat "$work/out/web-cmdline")"
judge initrd rootfs
start -kernel "$work/out/switch-kernel" -initrd "$work/out/switch-initrd.img" \
    -append "$(cat "$work/out/switch-cmdline") root=/dev/vda rootfstype=squashfs" \
    -drive "if=virtio,format=raw,readonly=on,file=$work/out/web.squashfs"
judge squashfs overlay
start -kernel "$work/out/switch-kernel" -initrd "$work/out/switch-initrd.img" \
    -append "$(cat "$work/out/switch-cmdline") root=/dev/vda rootfstype=ext4" -drive "$(disk "$work/out/web.ext4" raw)"
judge ext4 ext4
start -drive "$(disk "$work/out/web-bios.img" raw)"
judge disk rootfs
is "each made keys and an id of its own" "$(sort -u "$work"/own.* | wc -l)" 8
done_testing
