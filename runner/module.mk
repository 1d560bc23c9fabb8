# SPDX-License-Identifier: Apache-2.0
runner_SRCS := $(sort $(wildcard runner/*.c runner/*/*.c))

PROGRAMS += assay-run
assay-run_MAIN := runner/assay_run_main.c
assay-run_FLOORS := runner store attest base
assay-run_LIBS := $(BASE_LIBS)
