#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An artifact of more than 16 GiB is locked, built, signed and verified by a rebuild in the sandbox; nearly all of it are holes.
. "$(dirname "$0")/../e2e/lib.sh"
. "$(dirname "$0")/../e2e/verify.sh"

mkdir tree
echo hello >tree/hello
cat >test.yml <<'E'
name: test
arch: amd64
images: {tree: {directory: {path: tree}}}
artifacts: [{ext4: {size: 16400}}]
E
run "$assay" lock --quiet test.yml -o plan.json
exits 0 "is locked"
run "$assay" build --quiet plan.json -o out
exits 0 "is built"
is "has more than 16 GiB" "$(stat -c %s out/test.ext4)" $((16400 << 20))
ok "takes at most 8 MiB of the disk" test "$(du -sk out/test.ext4 | cut -f 1)" -le 8192
ok "e2fsck finds no fault" e2fsck -fn out/test.ext4
for key in builder verifier; do "$assay" attest keygen -o $key.key >/dev/null; done
sign out/test.provenance.json builder.key bundle.json
policy policy.json builder.key.pub 1
run "$assay" verify out/test.ext4 --bundle bundle.json --policy policy.json --rebuild --key verifier.key -o verdict.json
exits 0 "is verified"
is "reproduced" "$(payload verdict.json | jq -r .predicate.verificationResult)" PASSED

# The last byte counts.
cp --sparse=always out/test.ext4 other.ext4
printf x | dd of=other.ext4 bs=1 seek=$(((16400 << 20) - 1)) conv=notrunc 2>/dev/null
run "$assay" verify other.ext4 --bundle bundle.json --policy policy.json --rebuild
exits 3 "with another last byte it is not what was signed"
done_testing
