# SPDX-License-Identifier: Apache-2.0
verifier_SRCS := $(sort $(wildcard verifier/*.c verifier/*/*.c verifier/*/*/*.c))

PROGRAMS += assay-verify assay-diff
assay-verify_MAIN := verifier/assay_verify_main.c
assay-verify_FLOORS := verifier store attest base
assay-verify_LIBS := $(STORE_LIBS)
assay-diff_MAIN := verifier/assay_diff_main.c
assay-diff_FLOORS := verifier formats store base
assay-diff_LIBS := $(FORMATS_LIBS)
