# SPDX-License-Identifier: Apache-2.0
store_SRCS := $(sort $(wildcard store/*.c store/*/*.c))
STORE_LIBS := -lsqlite3 $(ATTEST_LIBS)

PROGRAMS += assay-store assay-log
assay-store_MAIN := store/cas/assay_store_main.c
assay-store_FLOORS := store attest base
assay-store_LIBS := $(BASE_LIBS)
assay-log_MAIN := store/log/assay_log_main.c store/log/log_commands.c
assay-log_FLOORS := store attest base
assay-log_LIBS := $(STORE_LIBS)
