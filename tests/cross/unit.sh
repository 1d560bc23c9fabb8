#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one unit test that was built for arm64 in QEMU's user emulation, for prove.
#
#   ASSAY_ARM64=build/arm64 unit.sh TEST
exec qemu-aarch64-static -L "$ASSAY_ARM64/sysroot/root" "$1"
