#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Assay for arm64: its programs run, a plan built on arm64 gives this machine's bytes, and the tests that
# an emulation of system calls cannot pass do on arm64's own kernel.
#
#   ASSAY_ARM64   what was built for arm64 (build/arm64), with its libraries in sysroot/root
. "$(dirname "$0")/../e2e/lib.sh"

: "${ASSAY_ARM64:=$top/build/arm64}"
root=$ASSAY_ARM64/sysroot/root

# ---- the programs, in QEMU's user emulation ----
for program in "$ASSAY_BIN"/assay*; do
    name=$(basename "$program")
    run qemu-aarch64-static -L "$root" "$ASSAY_ARM64/bin/$name" --help
    exits 0 "$name --help"
    is "says the same as here" "$(cat "$work/stdout")" "$("$program" --help)"
done
run qemu-aarch64-static "$ASSAY_ARM64/bin/assay-build" --version
prints '^assay-build [0-9.]+$' "assay-build needs no library"

# ---- a build, here and in an arm64 machine ----
python3 "$here/../e2e/make_plan.py" layer "$work/base.tar" base
python3 "$here/../e2e/make_plan.py" layer "$work/top.tar.gz" top
for layer in base.tar top.tar.gz; do "$assay" store add "$work/$layer" >/dev/null; done
"$assay" plan toolchain --json | python3 "$here/../e2e/make_plan.py" plan "$work/plan.json" "$work/base.tar:none" "$work/top.tar.gz:gzip"
cp -R "$work/store" "$work/inputs"
run "$assay" build "$work/plan.json" --no-cache -o "$work/out"
exits 0 "the plan builds here"
# The provenance names the builder's digest, which is another one there.
(cd "$work/out" && find . -type f ! -name '*.provenance.json' | LC_ALL=C sort | xargs sha256sum) >"$work/here"

debian_inputs disk-arm64
deb() { printf '%s/blobs/sha256/%s' "$inputs_store" "$(jq -r --arg name "$1" '.inputs[] | select(.from.debian.package | test($name)) | .digest' "$inputs_plan" | sed 's/^sha256://')"; }
dpkg-deb --fsys-tarfile "$(deb '^linux-image-[0-9].*-arm64$')" | tar -xf - -C "$work" --wildcards './boot/vmlinuz-*'
dpkg-deb -x "$(deb '^busybox-static$')" "$work/guest"
mkdir -p "$work/guest/assay/tests/helpers" "$work/guest/lib" "$work/guest/dev" "$work/guest/proc" "$work/guest/tmp" "$work/guest/etc"
chmod 1777 "$work/guest/tmp"
# Seccomp filters and clone3, openat2: what needs a kernel. Each with the libraries that it asks for.
find "$ASSAY_ARM64/tests/unit" -type f -name test_sandbox -o -type f -name test_file | sort >"$work/tests"
is "both tests are there" "$(wc -l <"$work/tests")" 2
while read -r test; do
    there=$work/guest/assay/${test#"$ASSAY_ARM64/"}
    mkdir -p "$(dirname "$there")"
    cp "$test" "$there"
    readelf -d "$test"
done <"$work/tests" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort -u | while read -r library; do
    cp -L "$(find "$root/lib" "$root/usr/lib" -name "$library" | head -n 1)" "$work/guest/lib/$library"
done
cp -L "$root"/lib/ld-linux-aarch64.so.1 "$work/guest/lib/"
cp "$ASSAY_ARM64/tests/helpers/spy" "$work/guest/assay/tests/helpers/"
cp -R "$work/inputs" "$work/guest/store"
cp "$work/plan.json" "$ASSAY_ARM64/bin/assay-build" "$work/guest/"
cat >"$work/guest/init" <<'EOF_INIT'
#!/bin/busybox sh
busybox=/bin/busybox
# The first root cannot be pivoted away from, which the sandbox does: on to another.
if [ "$$" = 1 ] && [ ! -e /second ]; then
    $busybox mkdir /root
    $busybox mount -t tmpfs root /root
    for entry in /*; do [ "$entry" = /root ] || $busybox cp -a "$entry" /root; done
    : >/root/second
    exec $busybox switch_root /root /init
fi
$busybox mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
$busybox mount -t proc proc /proc
$busybox mount -t tmpfs tmp /tmp
$busybox mount -t tmpfs run /store/tmp
echo "on $($busybox uname -m)"
/assay-build --store /store --no-cache /plan.json -o /tmp/out
echo "build exits with $?"
cd /tmp/out && $busybox find . -type f ! -name '*.provenance.json' | $busybox sort | $busybox xargs $busybox sha256sum
cd /
$busybox find /assay/tests/unit -name 'test_*' | while read -r test; do
    CMOCKA_MESSAGE_OUTPUT=TAP $test </dev/null
    echo "$test exits with $?"
done
echo "the machine is done"
$busybox poweroff -f
EOF_INIT
chmod 0755 "$work/guest/init"
(cd "$work/guest" && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) >"$work/initrd"
run "$assay" run test -v --arch arm64 --memory 1024 --timeout 600 --kernel "$(echo "$work"/boot/vmlinuz-*)" --initrd "$work/initrd" --expect 'the machine is done'
exits 0 "an arm64 machine runs it"
says '^on aarch64$' "which is one"
says '^build exits with 0$' "assay-build builds there, behind its own fence"
tr -d '\r' <"$work/stderr" >"$work/console"
is "the artifacts are this machine's, byte for byte" "$(grep -E '^[0-9a-f]{64}  \./' "$work/console")" "$(cat "$work/here")"
while read -r test; do
    name=${test#"$ASSAY_ARM64/"}
    if grep -qx "/assay/$name exits with 0" "$work/console"; then pass "$name"; else fail "$name" "$(grep -v '^ok' "$work/console" | tail -30)"; fi
done <"$work/tests"
done_testing
