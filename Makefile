# SPDX-License-Identifier: Apache-2.0
# Assay: one Makefile; each folder says what it has in its module.mk.
#
#   make            build everything into $(BUILD)/bin
#   make demo       install what is needed, build, and run the main job on real input
#   make demo-cartesi  the same for a machine snapshot of the Cartesi emulator
#   make check      unit and end-to-end tests, as root or not, without a network once `make inputs peers` has been run
#   make test T=x   the one test that x means: a file's name, its path, or a part that only one has
#   make help       all targets

BUILD ?= build
CC = gcc
CLANG ?= clang
PREFIX ?= /usr/local
DESTDIR ?=
SUDO ?= $(shell test "$$(id -u)" = 0 || echo sudo)
NPROC := $(shell nproc)

.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules

# Only sorted lists and relative paths reach a command line, so objects do not depend on where or by whom they are built.
SQUASHFS_VERSION := $(shell pkg-config --modversion libsquashfs1 2>/dev/null)

# Warnings are errors for who works on Assay, in a git checkout; who builds a release with a compiler that we have not seen yet
# reads them. WERROR=1 and WERROR= say so either way.
WERROR ?= $(wildcard .git)
WARNINGS = -Wall -Wextra -Wpedantic $(if $(WERROR),-Werror) -Wdate-time -Wvla -Wshadow -Wmissing-prototypes \
  -Wstrict-prototypes -Wformat=2 -Wconversion -Wwrite-strings -Wundef -Wcast-qual -Wpointer-arith
HARDEN = -D_FORTIFY_SOURCE=3 -fstack-protector-strong
OPTIMIZE = -O2 -g1
CPPFLAGS_ALL = -I. -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -DSQUASHFS_VERSION='"$(SQUASHFS_VERSION)"'
CFLAGS_ALL = -std=gnu17 $(OPTIMIZE) $(HARDEN) -fPIE -pthread -ffunction-sections -fdata-sections \
  -ffile-prefix-map=$(CURDIR)=. -frandom-seed=$< $(WARNINGS) $(SANITIZE) $(CFLAGS)
LDFLAGS_ALL = -pie -pthread -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--gc-sections -Wl,--build-id=sha1 $(SANITIZE) $(LDFLAGS)

# Floors, lowest first: a folder includes headers only of folders before it.
FLOORS := base attest store formats net builder verifier runner
include $(FLOORS:%=%/module.mk)

# A program: <name>_MAIN (its own sources), <name>_FLOORS (archives, highest first), <name>_LIBS, <name>_LDFLAGS.
BIN := $(BUILD)/bin
LIB := $(BUILD)/lib
OBJ := $(BUILD)/obj
MAINS := $(foreach p,$(PROGRAMS),$($(p)_MAIN))
objects = $(patsubst %.c,$(OBJ)/%.o,$(filter-out $(MAINS),$(1)))

all: $(PROGRAMS:%=$(BIN)/%)

quote = '$(subst ','\'',$(1))'
# $(call remember,FILE,TEXT): FILE has TEXT, and is new only when that changes.
differ = $(subst x$(1)x,,x$(2)x)$(subst x$(2)x,,x$(1)x)
define remember
$(1): $(if $(call differ,$(strip $(file <$(1))),$(strip $(2))),FORCE)
	@mkdir -p $$(@D) && printf '%s\n' $(call quote,$(2)) > $$@
endef
# Flags are an input: when they change, everything is built again.
$(eval $(call remember,$(BUILD)/flags,$(CC) $(CFLAGS_ALL) $(CPPFLAGS_ALL) $(LDFLAGS_ALL)))
# V=1 shows whole command lines.
say = $(if $(V),,@printf '  %-6s %s\n' '$(1)' '$@';)

$(OBJ)/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

# Thin archives: an index of the symbols in the floor's objects. Which objects these are is an input, too.
define floor_template
$(call remember,$(LIB)/lib$(1).members,$(call objects,$($(1)_SRCS)))
$(LIB)/lib$(1).a: $(call objects,$($(1)_SRCS)) $(LIB)/lib$(1).members
	@rm -f $$@
	$$(call say,AR)ar rcDT $$@ $(call objects,$($(1)_SRCS))
endef
$(foreach f,$(FLOORS),$(eval $(call floor_template,$(f))))

# A program depends on the objects that are in it, not on the archives that they were found in: the linker tells which it
# took (--trace), and the record of that is read below as the .d of an object is. Adding a file or a symbol relinks nothing:
# what wants it has changed, too. This is right as long as no symbol is defined twice (tests/lint/symbols.sh).
# $(call link,PROGRAM,OBJECTS,ARCHIVES,FLAGS LIBRARIES): without its record, and when the command changes, it is linked again.
define link
$(call remember,$(LINKED)/$(1).command,$(LDFLAGS_ALL) $(2) $(3) $(4))
$(BUILD)/$(1): $(2) $(LINKED)/$(1).command $(if $(wildcard $(LINKED)/$(1).d),,FORCE) | $(3)
	@mkdir -p $$(@D) && rm -f $(LINKED)/$(1).d
	$$(call say,LINK)$(CC) $(LDFLAGS_ALL) -Wl,--trace -o $$@ $(2) $(3) $(4) > $(LINKED)/$(1).trace
	@sed -n 's,^$(LIB)/\.\./\(.*\),$(BUILD)/$(1): $(BUILD)/\1\n$(BUILD)/\1:,p' $(LINKED)/$(1).trace > $(LINKED)/$(1).new
	@mv $(LINKED)/$(1).new $(LINKED)/$(1).d
endef
LINKED := $(BUILD)/linked
$(foreach p,$(PROGRAMS),$(eval $(call link,bin/$(p),$(patsubst %.c,$(OBJ)/%.o,$($(p)_MAIN)),\
  $($(p)_FLOORS:%=$(LIB)/lib%.a),$(if $(SANITIZE),,$($(p)_LDFLAGS)) $($(p)_LIBS))))

# ---- tests -----------------------------------------------------------------
ALL_LIBS := $(sort $(foreach p,$(PROGRAMS),$($(p)_LIBS)))
ARCHIVES := $(foreach f,runner verifier builder net formats store attest base,$(LIB)/lib$(f).a)
UNIT_SRCS := $(sort $(wildcard tests/unit/*/test_*.c tests/unit/*/*/test_*.c))
UNIT_BINS := $(UNIT_SRCS:%.c=$(BUILD)/%)
FUZZ_SRCS := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_NAMES := $(FUZZ_SRCS:tests/fuzz/%.c=%)

$(foreach t,$(UNIT_SRCS:%.c=%),$(eval $(call link,$(t),$(OBJ)/$(t).o,$(ARCHIVES),-lcmocka $(ALL_LIBS))))
$(foreach t,$(FUZZ_SRCS:%.c=%),$(eval $(call link,$(t),$(OBJ)/$(t).o,$(ARCHIVES),-fsanitize=fuzzer $(ALL_LIBS))))

# Programs that tests run (spies, fault injectors): tests/helpers/<name>.c; some use the builder and need its libraries.
HELPER_SRCS := $(sort $(wildcard tests/helpers/*.c))
HELPER_BINS := $(HELPER_SRCS:%.c=$(BUILD)/%)
LONE_HELPERS := tests/helpers/false_builder tests/helpers/spy
BUILDER_HELPERS := $(patsubst %,tests/helpers/%,encode_blob encode_tree plan_schema tree_dump)
$(foreach t,$(BUILDER_HELPERS),$(eval $(call link,$(t),$(OBJ)/$(t).o,$(ARCHIVES),$(BUILDER_LIBS))))
$(foreach t,$(filter-out $(LONE_HELPERS) $(BUILDER_HELPERS),$(HELPER_SRCS:%.c=%)),\
  $(eval $(call link,$(t),$(OBJ)/$(t).o,$(ARCHIVES),$(if $(SANITIZE),,-static-pie) $(BASE_LIBS) $(STATIC_LIBS))))
# These run where there is nothing but themselves: static in every build, on no archive of ours.
$(LONE_HELPERS:%=$(BUILD)/%): $(BUILD)/%: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,LINK)$(CC) $(CPPFLAGS_ALL) $(filter-out $(SANITIZE) -pie,$(CFLAGS_ALL) $(LDFLAGS_ALL)) -static-pie -o $@ $<

# How unit tests and scripts are run; a script needs what the programs need and what judges them.
PROVE_UNIT = CMOCKA_MESSAGE_OUTPUT=TAP prove -e ''
PROVE_E2E = ASSAY_BIN=$(abspath $(BIN)) ASSAY_INPUTS=$(abspath $(INPUTS)) ASSAY_HELPERS=$(abspath $(BUILD)/tests/helpers) prove --timer

check-unit: $(UNIT_BINS) $(HELPER_BINS) all
	$(PROVE_UNIT) -j$(NPROC) $(if $(V),-v) $(UNIT_BINS)

for-e2e: all $(HELPER_BINS) peers inputs

check-e2e: for-e2e
	$(PROVE_E2E) -j$(NPROC) $(if $(V),-v) tests/e2e/*.t

# The end-to-end tests that ask who runs them: root tries there what nobody else can (tests/e2e/README.md).
ROOT_E2E = $(shell grep -l 'id -u' tests/e2e/*.t)
check-root: for-e2e
	@[ "$$(id -u)" = 0 ] || { echo "check-root: this is for root; make check is for everybody" >&2; exit 1; }
	$(PROVE_E2E) -j$(NPROC) $(if $(V),-v) $(ROOT_E2E)

# All of check once more, as an ordinary user without a network.
check-ordinary: peers inputs
	$(SUDO) sh tests/ordinary.sh make -j$(NPROC) check

# Built, and the unit tests run, on another Debian release (tests/release.sh has compilers as further arguments).
RELEASE ?= $(shell . /etc/os-release; [ "$$VERSION_CODENAME" = trixie ] && echo bookworm || echo trixie)
check-release:
	$(SUDO) sh tests/release.sh $(RELEASE) gcc clang

# One unit test builds only itself.
test:
	@test=$$(sh tests/find.sh $(call quote,$(T))) || exit 1; \
	case $$test in \
	*.c) $(MAKE) --no-print-directory $(BUILD)/$${test%.c} && $(PROVE_UNIT) -v $(BUILD)/$${test%.c} ;; \
	*) $(MAKE) --no-print-directory for-e2e && $(PROVE_E2E) -v $$test ;; \
	esac

check: check-unit check-e2e

# Slow, so not a part of check (tests/slow/README.md): all, or in CI those whose paths changed since they passed.
SLOW = ASSAY_BIN=$(abspath $(BIN)) ASSAY_INPUTS=$(abspath $(INPUTS)) ASSAY_HELPERS=$(abspath $(BUILD)/tests/helpers) \
  STAMPS=$(abspath $(BUILD)/tests/slow/passed) SUDO=$(SUDO) sh tests/slow/run.sh
check-slow: for-e2e
	$(SLOW) all
check-slow-changed: for-e2e
	$(SLOW) changed
slow-record:
	$(SLOW) record
.PHONY: check-slow-changed slow-record

# One build by clang serves three: its warnings (lint-clang), the sanitizers under the unit tests, and fuzzing.
WITH_CLANG = BUILD=$(BUILD)/clang CC=$(CLANG) HARDEN= OPTIMIZE="-O1 -g" \
  SANITIZE="-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer"

check-sanitize:
	$(MAKE) $(WITH_CLANG) check-unit

fuzz-smoke:
	$(MAKE) $(WITH_CLANG) fuzz-run

fuzz-run: $(FUZZ_NAMES:%=$(BUILD)/tests/fuzz/%)
	sh tests/fuzz/run.sh $(BUILD)/tests/fuzz $(FUZZ_NAMES)

# ---- lint ------------------------------------------------------------------
SOURCES = $(sort $(foreach f,$(FLOORS),$($(f)_SRCS)) $(MAINS))
HEADERS = $(sort $(wildcard $(FLOORS:%=%/*.h) $(FLOORS:%=%/*/*.h) $(FLOORS:%=%/*/*/*.h)))
TEST_SRCS = $(UNIT_SRCS) $(FUZZ_SRCS) $(HELPER_SRCS)
TIDY_STAMPS = $(SOURCES:%=$(BUILD)/tidy/%.ok)

lint: lint-format lint-clang lint-gcc lint-tidy lint-cppcheck lint-floors lint-facts lint-papers lint-spdx lint-packages lint-symbols

lint-format:
	$(call say,FORMAT)clang-format --dry-run --Werror $(SOURCES) $(HEADERS) $(TEST_SRCS) $(TEST_HEADERS)

lint-gcc:
	$(MAKE) BUILD=$(BUILD) all $(UNIT_BINS) $(HELPER_BINS)

lint-clang:
	$(MAKE) $(WITH_CLANG) objects

objects: $(call objects,$(SOURCES) $(TEST_SRCS)) $(patsubst %.c,$(OBJ)/%.o,$(MAINS))

# What passed with exactly this input, here or as recorded, is not checked again (tests/lint/tidy.sh): lint-tidy checks what a
# change reaches, lint-tidy-all everything; tidy-record keeps what passed so far, for others and for CI.
TIDY_RECORD := tests/lint/tidy.passed
lint-tidy: $(TIDY_STAMPS)
	@sh tests/lint/tidy.sh --comments $(SOURCES) $(HEADERS)
TIDY_VERSION = $(eval TIDY_VERSION := $$(shell sh tests/lint/tidy.sh --version))$(TIDY_VERSION)
$(BUILD)/tidy/%.ok: % FORCE
	@TIDY_VERSION='$(TIDY_VERSION)' sh tests/lint/tidy.sh $< $@ $(TIDY_RECORD) -std=gnu17 $(CPPFLAGS_ALL)
lint-tidy-all:
	rm -rf $(BUILD)/tidy
	$(MAKE) lint-tidy TIDY_RECORD=/dev/null
.PHONY: lint-tidy-all tidy-record
tidy-record:
	cat $(wildcard $(TIDY_STAMPS)) /dev/null | sort > $(TIDY_RECORD)

# cppcheck 2.10 does not know the cleanup attribute, so its leak checks are off: LeakSanitizer finds leaks.
lint-cppcheck:
	@mkdir -p $(BUILD)/cppcheck
	$(call say,CHECK)cppcheck --quiet --std=c11 --enable=warning,portability,performance --inline-suppr --error-exitcode=1 \
	  --suppress=missingIncludeSystem --suppress=memleak --suppress=resourceLeak --cppcheck-build-dir=$(BUILD)/cppcheck -j$(NPROC) -I. -D_GNU_SOURCE $(SOURCES)

# The order of floors and rooms, over includes and link symbols; circles; the banned functions.
lint-floors: all
	sh tests/lint/floors.sh . $(BUILD)

# One fact in one place: media types, the order of bytes.
lint-facts:
	sh tests/lint/facts.sh

# READMEs list their folders, formats have pages and tests, links and citations lead somewhere, no file is too long.
lint-papers:
	PYTHONDONTWRITEBYTECODE=1 python3 tests/lint/papers.py

# Each source says its licence.
lint-spdx:
	sh tests/lint/spdx.sh

# Packages stand once; each library that is linked has its licence in docs/dependencies.md.
lint-packages:
	sh tests/lint/packages.sh packages.txt docs/dependencies.md packaging/debian/control $(ALL_LIBS)

# No symbol has two definitions.
lint-symbols: $(ARCHIVES)
	sh tests/lint/symbols.sh $(CC) $(ARCHIVES) $(ALL_LIBS) -lc

format:
	clang-format -i $(SOURCES) $(HEADERS) $(TEST_SRCS) $(TEST_HEADERS)

# What the tables of step kinds say, into the schema of plans; test_step_schema wants it to be there.
schemas: $(BUILD)/tests/helpers/plan_schema
	$< schemas/plan.schema.json > $(BUILD)/plan.schema.json && cp $(BUILD)/plan.schema.json schemas/plan.schema.json

# ---- running, benchmarks, installing ---------------------------------------
deps:
	$(SUDO) apt-get update -q
	while read -r name how program; do \
	  case "$$name $$how" in ' ' | '#'* | *' unpacked') continue ;; esac; \
	  case $$how in \
	  unless) command -v "$$program" >/dev/null && continue ;; \
	  or) [ -n "$$(apt-cache show "$$name" 2>/dev/null)" ] || name=$$program ;; \
	  esac; \
	  echo "$$name"; \
	done < packages.txt | DEBIAN_FRONTEND=noninteractive xargs $(SUDO) apt-get install -q -y --no-install-recommends
	$(MAKE) peers || echo "deps: the peers could not all be fetched; only make check needs them, and tries again" >&2

# Clients of others that judge what Assay writes and Debian does not have (needs npm; exact versions and hashes).
PEER_STAMPS := tests/peers/axe/node_modules/.from tests/peers/sigstore/node_modules/.from \
  $(patsubst %,tests/peers/debian/%/unpacked,$(shell sed -n 's/ unpacked$$//p' packages.txt))
peers: $(PEER_STAMPS)
tests/peers/%/node_modules/.from: tests/peers/%/package-lock.json FORCE
	@cmp -s $< $@ || { cd tests/peers/$* && npm ci --ignore-scripts --omit=dev --no-audit --no-fund && cp package-lock.json node_modules/.from; }
tests/peers/debian/%/unpacked:
	rm -rf $(@D) && mkdir -p $(@D)
	cd $(@D) && apt-get download -q $* && dpkg-deb -x $*_*.deb . && rm $*_*.deb && touch unpacked

# Debian packages that tests boot and compare (tests/inputs/README.md).
INPUTS := $(BUILD)/tests/inputs
inputs: $(patsubst tests/inputs/%.yml,$(INPUTS)/%.plan.json,$(wildcard tests/inputs/*.yml))
$(INPUTS)/%.plan.json: tests/inputs/%.yml FORCE | all
	@sh tests/inputs/lock.sh $(BIN)/assay $(INPUTS)/store $< $@

# Another architecture, by Debian's cross compiler and QEMU (tests/cross/README.md).
ARM64 = $(BUILD)/arm64
ARM64_ROOT = $(ARM64)/sysroot/root
WITH_ARM64 = BUILD=$(ARM64) CC="aarch64-linux-gnu-gcc --sysroot=$(ARM64_ROOT)" PKG_CONFIG_LIBDIR=$(ARM64_ROOT)/usr/lib/aarch64-linux-gnu/pkgconfig
$(ARM64)/sysroot/done: tests/cross/sysroot.sh packages.txt
	sh tests/cross/sysroot.sh arm64 $(@D) $$(grep -E '^(lib|zlib).*-dev$$' packages.txt | grep -v '^libclang')
	touch $@

.PHONY: cross-arm64 check-arm64
# What the user emulation cannot run is in the machine that arm64.t boots.
ARM64_UNIT = $(UNIT_SRCS:%.c=$(ARM64)/%)
ARM64_IN_MACHINE = $(filter %/test_sandbox %/test_file,$(ARM64_UNIT))
cross-arm64: all $(ARM64)/sysroot/done $(INPUTS)/disk-arm64.plan.json
	$(MAKE) $(WITH_ARM64) all $(ARM64_IN_MACHINE) $(ARM64)/tests/helpers/spy
	ASSAY_BIN=$(abspath $(BIN)) ASSAY_INPUTS=$(abspath $(INPUTS)) ASSAY_ARM64=$(abspath $(ARM64)) prove $(if $(V),-v) --timer tests/cross/arm64.t

check-arm64: cross-arm64
	$(MAKE) $(WITH_ARM64) $(ARM64_UNIT)
	ASSAY_BIN=$(abspath $(ARM64)/bin) ASSAY_ARM64=$(ARM64) CMOCKA_MESSAGE_OUTPUT=TAP prove -j$(NPROC) $(if $(V),-v) -e 'sh tests/cross/unit.sh' $(filter-out $(ARM64_IN_MACHINE),$(ARM64_UNIT))

demo: deps
	$(MAKE) -j$(NPROC) all
	sh examples/demo.sh $(abspath $(BIN))

demo-cartesi: deps
	$(MAKE) -j$(NPROC) all
	sh examples/demo-cartesi.sh $(abspath $(BIN))

bench: all
	sh tests/bench/run.sh $(abspath $(BIN))

bench-cartesi: all $(HELPER_BINS)
	sh tests/bench/cartesi.sh $(abspath $(BIN)) $(abspath $(BUILD)/tests/helpers)

MANPAGES = $(PROGRAMS:%=$(BUILD)/man/%.1)
man: $(MANPAGES)
$(BUILD)/man/%.1: $(BIN)/%
	@mkdir -p $(@D)
	$(BIN)/$* --help-man > $@.tmp && mv $@.tmp $@

# What a program completes in each shell, out of its own table.
BASH_COMPLETIONS = $(PROGRAMS:%=$(BUILD)/complete/bash/%)
ZSH_COMPLETIONS = $(PROGRAMS:%=$(BUILD)/complete/zsh/_%)
FISH_COMPLETIONS = $(PROGRAMS:%=$(BUILD)/complete/fish/%.fish)
complete = @mkdir -p $(@D) && $(BIN)/$* --help-$(1) > $@.tmp && mv $@.tmp $@
$(BUILD)/complete/bash/%: $(BIN)/%
	$(call complete,bash)
$(BUILD)/complete/zsh/_%: $(BIN)/%
	$(call complete,zsh)
$(BUILD)/complete/fish/%.fish: $(BIN)/%
	$(call complete,fish)

# Where things go below $(PREFIX)/share; distributions have their own minds about zsh.
SHARE = $(DESTDIR)$(PREFIX)/share
ZSH_FUNCTIONS ?= $(PREFIX)/share/zsh/site-functions
install: all man $(BASH_COMPLETIONS) $(ZSH_COMPLETIONS) $(FISH_COMPLETIONS)
	install -d $(DESTDIR)$(PREFIX)/bin $(SHARE)/man/man1 $(SHARE)/bash-completion/completions $(DESTDIR)$(ZSH_FUNCTIONS) \
	  $(SHARE)/fish/vendor_completions.d $(SHARE)/assay/schemas $(patsubst %,$(SHARE)/doc/assay/%,$(sort $(dir $(wildcard docs/*.md docs/*/*.md))))
	install -m 0755 $(PROGRAMS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 0644 $(MANPAGES) $(SHARE)/man/man1
	install -m 0644 $(BASH_COMPLETIONS) $(SHARE)/bash-completion/completions
	install -m 0644 $(ZSH_COMPLETIONS) $(DESTDIR)$(ZSH_FUNCTIONS)
	install -m 0644 $(FISH_COMPLETIONS) $(SHARE)/fish/vendor_completions.d
	install -m 0644 schemas/*.json $(SHARE)/assay/schemas
	install -m 0644 README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md LICENSE $(SHARE)/doc/assay
	for d in $(sort $(dir $(wildcard docs/*.md docs/*/*.md))); do install -m 0644 $$d*.md $(SHARE)/doc/assay/$$d || exit 1; done

# The source tarball of the commit, and the Debian package of it (packaging/README.md).
.PHONY: dist deb
dist:
	sh packaging/dist.sh $(BUILD)/dist

deb:
	sh packaging/deb.sh "$$(sh packaging/dist.sh $(BUILD)/dist)" $(BUILD)/deb

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#   //p' Makefile; echo "  also: check-unit check-e2e check-root check-ordinary check-release check-slow check-slow-changed slow-record check-sanitize cross-arm64 check-arm64 lint lint-tidy-all tidy-record format schemas fuzz-smoke bench bench-cartesi man install dist deb deps peers inputs clean"

.PHONY: all check test for-e2e check-unit check-e2e check-root check-ordinary check-release check-slow check-sanitize fuzz-smoke fuzz-run lint lint-format lint-gcc \
  lint-clang lint-tidy lint-cppcheck lint-floors lint-facts lint-papers lint-spdx lint-packages lint-symbols objects format schemas deps peers inputs demo demo-cartesi bench bench-cartesi man install clean help FORCE
# What compilers and linkers recorded. An object whose source is gone goes, too: then what was linked with it is not up to date.
RECORDED := $(shell find $(OBJ) $(LINKED) -name '*.[do]' 2>/dev/null)
GONE := $(filter-out $(patsubst %.c,$(OBJ)/%.o,$(SOURCES) $(TEST_SRCS)),$(filter %.o,$(RECORDED)))
$(if $(GONE),$(shell rm -f $(GONE) $(GONE:.o=.d)))
-include $(filter-out $(GONE:.o=.d),$(filter %.d,$(RECORDED)))
