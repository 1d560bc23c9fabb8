#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job on real input, step by step: lock, build, attest, verify by rebuilding, record, prove, boot;
# then the same with one byte changed. Everything it makes stays in build/demo/ for you to look at.
set -eu
bin=${1:?usage: demo.sh BIN-DIRECTORY}
assay=$bin/assay
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
demo=$top/build/demo
rm -rf "$demo"
mkdir -p "$demo"
cd "$demo"
export ASSAY_STORE="$demo/store"
# A demonstration: real keys want real passphrases, typed at the prompt.
export ASSAY_PASSPHRASE='only for the demonstration'

. "$top/examples/demo-steps.sh"

step "1. Lock: the recipe's Debian packages become digests; their bytes go into the blob store"
cp "$top/examples/hello-riscv64/assay.yml" .
show lock assay.yml -o hello.plan.json
look "assay plan show build/demo/hello.plan.json" "assay store ls --store build/demo/store"

step "2. Build: offline, a pure function of the plan"
show build hello.plan.json -o out
look "unsquashfs -ll build/demo/out/hello.squashfs" "skopeo inspect oci:build/demo/out/hello.oci"

step "3. Attest: a key, and a signature over the provenance"
show attest keygen -o builder.key
show attest sign out/hello.provenance.json --key builder.key -o hello.sigstore.json
look "assay attest show build/demo/hello.sigstore.json"

step "4. Verify: signature and policy, a rebuild in the sandbox, the comparison, the signed verdict, the record"
show attest keygen -o verifier.key
show log init log --origin demo.log.example
jq -n --rawfile key builder.key.pub '{
  type: "https://assay.example/policy/v1",
  artifacts: [{name: "hello*"}],
  builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
  rebuilds: {minimum: 1, verifiers: []}}' > policy.json
show verify out/hello.squashfs --bundle hello.sigstore.json --policy policy.json --rebuild \
    --key verifier.key --record log -o verdict.sigstore.json
look "assay attest show build/demo/verdict.sigstore.json" "assay log show build/demo/log"

step "5. Prove: the verdict is in the log; anyone checks that offline with the log's public key"
show log prove log --index 0 -o verdict.tlog-proof
show log check verdict.tlog-proof --entry verdict.sigstore.json --key log/vkey
look "cat build/demo/verdict.tlog-proof"

step "6. Boot: what was verified runs (riscv64 under QEMU)"
show run test --arch riscv64 --kernel out/hello-kernel --initrd out/hello-initrd.img \
    --expect 'Hello from Assay on riscv64' --timeout 240

step "7. The same with one byte changed after signing"
cp -r store tampered
input=$(jq -r '.inputs[] | select(.from.debian.package == "busybox-static") | .digest' hello.plan.json)
blob=tampered/blobs/sha256/${input#sha256:}
chmod u+w "$blob"
printf 'X' | dd of="$blob" bs=1 seek=100000 conv=notrunc status=none
echo "   one byte of an input in the store:"
refused 5 verify out/hello.squashfs --bundle hello.sigstore.json --policy policy.json --rebuild --store tampered
cp out/hello.squashfs tampered.squashfs
printf 'X' | dd of=tampered.squashfs bs=1 seek=5000 conv=notrunc status=none
echo "   one byte of the artifact:"
refused 3 verify tampered.squashfs --bundle hello.sigstore.json --policy policy.json --rebuild

printf '\nDone. Everything is in build/demo/. Next: docs/getting-started.md, and make check.\n'
