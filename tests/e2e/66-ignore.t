#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# .assayignore against a second implementation of moby's rules: random lists, tidy ones and odd ones.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"

for seed in 1 2 3; do
    ok "random lists are read as moby reads them (seed $seed)" python3 "$here/ignore_model.py" "$assay" "$work/model" "$seed" 30
done
done_testing
