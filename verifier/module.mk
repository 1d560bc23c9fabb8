# SPDX-License-Identifier: Apache-2.0
verifier_SRCS := $(sort $(wildcard verifier/*.c verifier/*/*.c))

PROGRAMS += assay-verify
assay-verify_MAIN := verifier/assay_verify_main.c
assay-verify_FLOORS := verifier store attest base
assay-verify_LIBS := $(STORE_LIBS)
