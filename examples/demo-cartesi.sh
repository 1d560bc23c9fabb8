#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A machine snapshot on real input, step by step: lock, build, look, attest, verify by rebuilding, record, run;
# then the same with one byte changed. Everything it makes stays in build/demo-cartesi/ for you to look at.
set -eu
bin=${1:?usage: demo-cartesi.sh BIN-DIRECTORY}
assay=$bin/assay
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
demo=$top/build/demo-cartesi
rm -rf "$demo"
mkdir -p "$demo"
cd "$demo"
export ASSAY_STORE="$demo/store"
# A demonstration: real keys want real passphrases, typed at the prompt.
export ASSAY_PASSPHRASE='only for the demonstration'

. "$top/examples/demo-steps.sh"

step "1. Lock: Debian's riscv64 kernel, its drivers for the drive, busybox and a small firmware become digests; their bytes go into the blob store"
cp "$top/examples/hello-cartesi/assay.yml" "$top/examples/hello-cartesi/sbi.bin" .
# Who has the emulator has its uarch RAM, and with it the machine runs; the root hash is the same without.
uarch=
for prefix in /usr /usr/local "${CARTESI_PREFIX:-/usr}"; do
    [ ! -f "$prefix/share/cartesi-machine/uarch/uarch-ram.bin" ] || uarch=$prefix/share/cartesi-machine/uarch/uarch-ram.bin
done
if [ -n "$uarch" ]; then
    cp "$uarch" .
    sed -i 's/# uarch:/uarch:/' assay.yml
fi
show lock assay.yml -o hello.plan.json
look "assay plan show build/demo-cartesi/hello.plan.json"

step "2. Build: squashfs, the machine with it as a drive, the machine packed, a dm-verity tree over that; one plan"
show build hello.plan.json -o out
cat <<'END'
   What starts at cycle 0 is the firmware of examples/hello-cartesi, then Debian's kernel, whose initrd mounts the
   drive; the program there says hello and powers the machine off, after about 2.5 * 10^9 cycles.
END
[ -n "$uarch" ] || cat <<'END'
   The uarch RAM is a program of the emulator's own, which nobody but its makers can give you: with
   `uarch: {file: uarch-ram.bin}` in the recipe (or the emulator's prefix in CARTESI_PREFIX) the directory loads.
END

step "3. Look: the hash is that of the state, whatever the cache files say; the verity tree carries it as its salt"
show cartesi hash out/hello.cartesi
show cartesi verify --state-only out/hello.cartesi
printf '   root hash of the dm-verity tree: %s\n' "$(cat out/hello.cartesi.squashfs.root-hash)"
if command -v veritysetup >/dev/null; then
    printf '   $ veritysetup verify\n'
    veritysetup verify out/hello.cartesi.squashfs out/hello.cartesi.squashfs "$(cat out/hello.cartesi.squashfs.root-hash)" \
        --hash-offset="$(jq .hashOffset out/hello.cartesi.squashfs.verity.json)"
fi
printf '   $ assay cartesi proof out/hello.cartesi 0x80000000 12 > first-page.proof.json\n'
"$assay" cartesi proof out/hello.cartesi 0x80000000 12 >first-page.proof.json 2>/dev/null
show cartesi verify-proof first-page.proof.json --root "$(cat out/hello.hash)"
look "assay cartesi inspect build/demo-cartesi/out/hello.cartesi" "jq .subject build/demo-cartesi/out/hello.provenance.json"

step "4. Attest: one signature over files, machine hash and verity root"
show attest keygen -o builder.key
show attest sign out/hello.provenance.json --key builder.key -o hello.sigstore.json

step "5. Verify: signature and policy, a rebuild in the sandbox, the comparison, the signed verdict, the record"
show attest keygen -o verifier.key
show log init log --origin demo.log.example
jq -n --rawfile key builder.key.pub --rawfile verifier verifier.key.pub '{
  type: "https://assay.example/policy/v1",
  artifacts: [{name: "hello*"}],
  builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
  rebuilds: {minimum: 1, verifiers: [{id: "https://verifier.example", keys: [$verifier]}]}}' >policy.json
show verify out/hello.cartesi --bundle hello.sigstore.json --policy policy.json --rebuild \
    --key verifier.key --verifier-id https://verifier.example --record log -o verdict.sigstore.json
show log prove log --index 0 -o verdict.tlog-proof
show log check verdict.tlog-proof --entry verdict.sigstore.json --key log/vkey

step "6. Run: the machine of the run configuration and no other; without an emulator it is checked and no more"
got=0
"$assay" run cartesi out/hello.cartesi --config out/hello.run.json --bundle hello.sigstore.json --policy policy.json \
    --rebuild || got=$?
case $got in
0) ;;
6) printf '   exit code 6: cartesi-machine is not installed\n' ;;
*) exit "$got" ;;
esac
refused 3 run cartesi out/hello.cartesi --config out/hello.run.json -- --virtio-net=user
refused 3 run cartesi out/hello.cartesi --config out/hello.run.json -- --skip-root-hash-check

step "7. The same with one byte of the guest's memory changed after signing"
cp -a out/hello.cartesi tampered.cartesi
printf 'X' | dd of=tampered.cartesi/0000000080000000-8000000.bin bs=1 seek=3000000 conv=notrunc status=none
echo "   whoever verifies is told what became of it:"
refused 3 verify tampered.cartesi --bundle hello.sigstore.json --policy policy.json --rebuild
echo "   and it does not run:"
refused 3 run cartesi tampered.cartesi --config out/hello.run.json

printf '\nDone. Everything is in build/demo-cartesi/. Next: docs/formats/machine.md.\n'
