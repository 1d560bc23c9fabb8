/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/machine.h"

#include "base/buf.h"
#include "base/process.h"

#include <stdio.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct machine machines[] = {
    {.arch = "riscv64",
     .emulator = "qemu-system-riscv64",
     .package = "qemu-system-misc",
     .type = "virt",
     .console = "console=ttyS0",
     .panic = "pvpanic-pci",
     .test_device = true},
    {.arch = "amd64",
     .alias = "x86_64",
     .emulator = "qemu-system-x86_64",
     .package = "qemu-system-x86",
     .type = "q35",
     .console = "console=ttyS0",
     .panic = "pvpanic"},
    {.arch = "arm64",
     .alias = "aarch64",
     .emulator = "qemu-system-aarch64",
     .package = "qemu-system-arm",
     .type = "virt",
     .cpu = "cortex-a57",
     .console = "console=ttyAMA0",
     .panic = "pvpanic-pci"},
};

const struct machine *machine_find(const char *arch)
{
    for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
        const struct machine *m = &machines[i];
        if (strcmp(m->arch, arch) == 0 || (m->alias != NULL && strcmp(m->alias, arch) == 0))
            return m;
    }
    return NULL;
}

const char *machine_names(void)
{
    return "riscv64, amd64, arm64";
}

/* A relative path may begin with '-', which QEMU would take for an option. */
static int plain_path(char **out, const char *path, struct err *e)
{
    return path[0] == '/' ? str_copy(out, path, e) : str_format(out, e, "./%s", path);
}

int machine_command_make(const struct machine *machine, const struct machine_boot *boot,
                         struct machine_command *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    (void)snprintf(out->memory, sizeof(out->memory), "%u", boot->memory_mb);
    int rc = plain_path(&out->kernel, boot->kernel, e);
    if (rc == 0)
        rc = plain_path(&out->initrd, boot->initrd, e);
    /* panic=-1: a panic reboots at once, which -no-reboot turns into the emulator's end. */
    if (rc == 0)
        rc = str_format(&out->parameters, e, "%s panic=-1%s%s", machine->console,
                        boot->append != NULL ? " " : "", boot->append != NULL ? boot->append : "");
    if (rc < 0)
        return rc;
    const char *const fixed[] = {
        machine->emulator, "-machine", machine->type, "-accel", "tcg", "-smp", "1",
        /* Nothing but what is named here, whatever the user's or the system's configuration says.
         */
        "-nodefaults", "-no-user-config", "-display", "none", "-monitor", "none", "-serial",
        "stdio", "-nic", "none", "-no-reboot", "-action", "panic=shutdown", "-device",
        machine->panic,
        /* Events are told from the first instruction on: it waits until they are asked for. */
        "-S", "-chardev", "socket,id=events,fd=3", "-mon", "chardev=events,mode=control",
        /* The guest is not trusted: an emulator that it breaks may not start or become anything. */
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny", "-m",
        out->memory};
    const char *const boots[] = {"-kernel",   out->kernel, "-initrd",
                                 out->initrd, "-append",   out->parameters};
    size_t n = COUNT(fixed);
    _Static_assert(PROCESS_CHANNEL == 3, "the socket of the events is another");
    _Static_assert(COUNT(fixed) + COUNT(boots) + 3 <= MACHINE_ARGS, "argv is too short");
    memcpy(out->argv, fixed, sizeof(fixed));
    if (machine->cpu != NULL) {
        out->argv[n++] = "-cpu";
        out->argv[n++] = machine->cpu;
    }
    out->machine_args = n;
    memcpy(out->argv + n, boots, sizeof(boots));
    out->argv[n + COUNT(boots)] = NULL;
    return 0;
}

void machine_command_dispose(struct machine_command *c)
{
    free(c->kernel);
    free(c->initrd);
    free(c->parameters);
    memset(c, 0, sizeof(*c));
}
