# SPDX-License-Identifier: Apache-2.0
base_SRCS := $(sort $(wildcard base/*.c base/*/*.c))
BASE_LIBS := -ljansson -lseccomp -lcrypto

PROGRAMS += assay
assay_MAIN := base/assay_main.c
assay_FLOORS := base
assay_LIBS := $(BASE_LIBS)
