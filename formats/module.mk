# SPDX-License-Identifier: Apache-2.0
formats_SRCS := $(sort $(wildcard formats/*/*.c))
# Compressors are part of a plan's toolchain; libsquashfs wants lzo whether it is used or not.
FORMATS_LIBS := -lsquashfs -llzo2 -llzma -llz4 -lzstd -lz $(BASE_LIBS)
