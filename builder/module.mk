# SPDX-License-Identifier: Apache-2.0
builder_SRCS := $(sort $(wildcard builder/*/*.c))
BUILDER_LIBS := -lyaml $(FORMATS_LIBS)
# Programs that only read plans have no encoder in them (tests/lint/floors.sh looks), so nobody asks for its library; but a
# sanitizer keeps functions that nothing calls.
PLAN_LIBS := $(if $(SANITIZE),$(BUILDER_LIBS),$(filter-out -lsquashfs,$(BUILDER_LIBS)))

# assay-build is static: its own digest then says everything about its libraries.
PROGRAMS += assay-lock assay-fetch assay-build assay-plan assay-cartesi
assay-lock_MAIN := builder/lock/assay_lock_main.c
assay-lock_FLOORS := builder net formats store attest base
assay-lock_LIBS := $(PLAN_LIBS) -lcurl
assay-fetch_MAIN := builder/lock/assay_fetch_main.c
assay-fetch_FLOORS := builder net formats store attest base
assay-fetch_LIBS := $(PLAN_LIBS) -lcurl
assay-build_MAIN := builder/run/assay_build_main.c builder/run/assay_build_absent.c
assay-build_FLOORS := builder formats store attest base
assay-build_LIBS := $(BUILDER_LIBS) $(STATIC_LIBS)
assay-build_LDFLAGS := -static-pie -Wl,--wrap=dlopen
assay-plan_MAIN := builder/run/assay_plan_main.c
assay-plan_FLOORS := builder formats store attest base
assay-plan_LIBS := $(PLAN_LIBS)
assay-cartesi_MAIN := builder/cartesi/assay_cartesi_main.c $(sort $(wildcard builder/cartesi/cartesi_*.c))
assay-cartesi_FLOORS := builder formats store attest base
assay-cartesi_LIBS := $(BUILDER_LIBS)
