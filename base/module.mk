# SPDX-License-Identifier: Apache-2.0
base_SRCS := $(sort $(wildcard base/*.c base/*/*.c))
BASE_LIBS := -ljansson -lseccomp -lcrypto
# What libcrypto.a asks for itself from OpenSSL 3.2 on, where that is linked statically.
STATIC_LIBS := -lz -lzstd

PROGRAMS += assay
assay_MAIN := base/assay_main.c
assay_FLOORS := base
assay_LIBS := $(BASE_LIBS)
