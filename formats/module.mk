# SPDX-License-Identifier: Apache-2.0
formats_SRCS := $(sort $(wildcard formats/*/*.c))
# Compressors are part of a plan's toolchain.
FORMATS_LIBS := -lbz2 -lsquashfs -llzma -llz4 -lzstd -lz $(BASE_LIBS)
