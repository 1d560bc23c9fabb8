# SPDX-License-Identifier: Apache-2.0
net_SRCS := $(sort $(wildcard net/*/*.c))
NET_LIBS := -lcurl $(FORMATS_LIBS)

PROGRAMS += assay-pull assay-push
assay-pull_MAIN := net/registry/assay_pull_main.c
assay-pull_FLOORS := net formats store attest base
assay-pull_LIBS := $(NET_LIBS)
assay-push_MAIN := net/registry/assay_push_main.c
assay-push_FLOORS := net formats store attest base
assay-push_LIBS := $(NET_LIBS)
