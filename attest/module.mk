# SPDX-License-Identifier: Apache-2.0
attest_SRCS := $(sort $(wildcard attest/*.c))
ATTEST_LIBS := -lmbedcrypto -lsodium $(BASE_LIBS)

PROGRAMS += assay-attest
assay-attest_MAIN := attest/assay_attest_main.c
assay-attest_FLOORS := attest base
assay-attest_LIBS := $(ATTEST_LIBS)
