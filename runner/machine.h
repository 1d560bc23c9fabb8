/* SPDX-License-Identifier: Apache-2.0 */
/* The emulated machines: one row an architecture. */
#ifndef ASSAY_RUNNER_MACHINE_H
#define ASSAY_RUNNER_MACHINE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine {
    const char *arch;     /* as in a plan: "riscv64" */
    const char *alias;    /* what the kernel calls it, where that differs; NULL = none */
    const char *emulator; /* program */
    const char *package;  /* Debian's, that has it */
    const char *type;     /* of -machine */
    const char *cpu;      /* of -cpu; NULL = the machine's default */
    const char *console;  /* kernel parameter that makes the serial port the console */
    const char *panic;    /* the device that a guest tells of its panic */
    /*
     * The guest powers off through a device that, before QEMU 8, ends the emulator at once with the
     * status that the guest gave, and no event tells of it.
     */
    bool test_device;
};

/* NULL when there is no such architecture. Static. */
const struct machine *machine_find(const char *arch);
/* "riscv64, amd64, arm64" for messages. Static. */
const char *machine_names(void);

struct machine_boot {
    const char *kernel;
    const char *initrd;
    const char *append; /* further kernel parameters; NULL = none */
    unsigned memory_mb;
};

enum { MACHINE_ARGS = 40 };

/* A command line for process_run; borrows from `machine` and `boot`. */
struct machine_command {
    const char *argv[MACHINE_ARGS]; /* NULL-terminated */
    size_t machine_args;            /* how many of them make the machine, without what it boots */
    char memory[16];
    char *kernel;
    char *initrd;
    char *parameters;
};

/*
 * Software emulation on one processor: no acceleration, network, display, disk, or configuration of
 * the user's; the serial port is stdout; a panic or reboot ends the machine. It waits for "cont" on
 * its QMP socket, which is PROCESS_CHANNEL.
 * machine_command_dispose when done, also after an error.
 */
int machine_command_make(const struct machine *machine, const struct machine_boot *boot,
                         struct machine_command *out, struct err *e);
void machine_command_dispose(struct machine_command *c);

#endif
