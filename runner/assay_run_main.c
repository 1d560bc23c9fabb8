/* SPDX-License-Identifier: Apache-2.0 */
/* assay-run: runs what was built. */
#include "base/buf.h"
#include "base/cli.h"
#include "base/json.h"
#include "runner/cartesi.h"
#include "runner/console.h"
#include "runner/guest.h"

#include <stdio.h>

enum { MEMORY_MB = 512, MEMORY_MB_MAX = 65536, TIMEOUT = 120, TIMEOUT_MAX = 86400 };

static void show_line(void *context, const char *line)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", line);
}

static int required(const struct cli *cli, const char *name, const char **out, struct err *e)
{
    *out = cli_string(cli, name);
    return *out != NULL ? 0 : err_set(e, ERR_USAGE, "--%s is missing", name);
}

static int bounded(const struct cli *cli, const char *name, unsigned missing, unsigned max,
                   unsigned *out, struct err *e)
{
    uint64_t n = cli_number(cli, name, missing);
    if (n == 0 || n > max)
        return err_set(e, ERR_USAGE, "--%s must be from 1 to %u", name, max);
    *out = (unsigned)n;
    return 0;
}

static int read_options(const struct cli *cli, struct guest_options *o, struct err *e)
{
    const char *arch = NULL;
    int rc = required(cli, "arch", &arch, e);
    if (rc == 0)
        rc = required(cli, "kernel", &o->boot.kernel, e);
    if (rc == 0)
        rc = required(cli, "initrd", &o->boot.initrd, e);
    if (rc == 0)
        rc = bounded(cli, "memory", MEMORY_MB, MEMORY_MB_MAX, &o->boot.memory_mb, e);
    if (rc == 0)
        rc = bounded(cli, "timeout", TIMEOUT, TIMEOUT_MAX, &o->timeout_seconds, e);
    if (rc < 0)
        return rc;
    o->machine = machine_find(arch);
    if (o->machine == NULL)
        return err_set(e, ERR_USAGE, "cannot run '%s': the architectures are %s", arch,
                       machine_names());
    o->boot.append = cli_string(cli, "append");
    o->expect = cli_string(cli, "expect");
    if (o->expect != NULL && !console_can_print(o->expect))
        return err_set(e, ERR_USAGE,
                       "--expect must be one line of 1 to %d bytes without control characters",
                       CONSOLE_LINE_MAX - 1);
    if (cli_verbose(cli))
        o->show = show_line;
    return 0;
}

static int result_json(struct cli *cli, const struct guest_options *o, const struct guest_result *g,
                       bool success, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "arch", o->machine->arch, e);
    if (rc == 0)
        rc = json_put_string(doc, "emulator", o->machine->emulator, e);
    if (rc == 0)
        rc = json_put_string(doc, "kernel", o->boot.kernel, e);
    if (rc == 0)
        rc = json_put_string(doc, "initrd", o->boot.initrd, e);
    if (rc == 0 && o->expect != NULL)
        rc = json_put_string(doc, "expect", o->expect, e);
    if (rc == 0)
        rc = json_put(doc, "passed", json_boolean(success), e);
    if (rc == 0)
        rc = json_put_string(doc, "end", guest_end_name(g->end), e);
    if (rc == 0)
        rc = json_put_u64(doc, "lines", g->lines, e);
    if (rc == 0)
        rc = json_put_u64(doc, "milliseconds", (uint64_t)g->milliseconds, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

static bool passed(const struct guest_options *o, enum guest_end end)
{
    return end == GUEST_EXPECTED || (end == GUEST_POWERED_OFF && o->expect == NULL);
}

static int verdict(const struct cli *cli, const struct guest_options *o,
                   const struct guest_result *g, struct err *e)
{
    static const char *const did[] = {"printed the line", "powered off", "reset itself", "panicked",
                                      "did not end"};
    double seconds = (double)g->milliseconds / 1000;
    AUTO_FREE char *last = NULL;
    int rc = g->lines == 0 ? str_copy(&last, "it printed nothing", e)
                           : str_format(&last, e, "its last line was '%s'", g->last);
    if (rc < 0)
        return rc;
    if (g->end == GUEST_EXPECTED) {
        cli_say(cli, "the %s guest printed '%s' after %.1f s\n", o->machine->arch, o->expect,
                seconds);
        return 0;
    }
    if (passed(o, g->end)) {
        cli_say(cli, "the %s guest powered off after %.1f s\n", o->machine->arch, seconds);
        return 0;
    }
    if (g->end == GUEST_EXPIRED && o->expect != NULL)
        return err_set(e, ERR_DIFFERS, "the guest did not print '%s' within %u seconds; %s",
                       o->expect, o->timeout_seconds, last);
    if (g->end == GUEST_EXPIRED)
        return err_set(e, ERR_DIFFERS, "the guest did not end within %u seconds; %s",
                       o->timeout_seconds, last);
    if (o->expect != NULL)
        return err_set(e, ERR_DIFFERS, "the guest %s without printing '%s'; %s", did[g->end],
                       o->expect, last);
    return err_set(e, ERR_DIFFERS, "the guest %s after %.1f s; only a power-off is success; %s",
                   did[g->end], seconds, last);
}

static int run_test(struct cli *cli, struct err *e)
{
    struct guest_options o = {0};
    struct guest_result g = {0};
    int rc = read_options(cli, &o, e);
    if (rc < 0)
        return rc;
    cli_note(cli, "booting '%s' under %s", o.boot.kernel, o.machine->emulator);
    rc = guest_run(&o, &g, e);
    if (rc == 0)
        rc = result_json(cli, &o, &g, passed(&o, g.end), e);
    return rc < 0 ? rc : verdict(cli, &o, &g, e);
}

/* ---- cartesi ---- */

struct cartesi_talk {
    const struct cli *cli;
    bool json;
};

static void cartesi_show(void *context, const char *line)
{
    const struct cartesi_talk *talk = context;
    if (talk->json)
        (void)fprintf(stderr, "%s\n", line);
    else
        cli_say(talk->cli, "%s\n", line);
}

static void cartesi_warn(void *context, const char *text)
{
    const struct cartesi_talk *talk = context;
    cli_warn(talk->cli, "%s", text);
}

static int cartesi_json(struct cli *cli, const struct cartesi_result *result, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "machine", result->machine, e);
    if (rc < 0 || (rc = json_put_u64(doc, "status", (uint64_t)result->status, e)) < 0 ||
        (rc = json_put_u64(doc, "lines", result->lines, e)) < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    return 0;
}

static int run_cartesi(struct cli *cli, struct err *e)
{
    size_t count = cli_arg_count(cli) - 1;
    AUTO_FREE const char **extra = array_new(count + 1, sizeof(*extra));
    AUTO_FREE char *store = NULL;
    struct cartesi_talk talk = {.cli = cli, .json = cli_json(cli)};
    struct cartesi_result result = {.status = 0};
    struct cartesi_options o = {
        .machine = cli_arg(cli, 0),
        .bundle = cli_string(cli, "bundle"),
        .policy = cli_string(cli, "policy"),
        .emulator = cli_string(cli, "emulator"),
        .scratch = cli_env(cli, "TMPDIR"),
        .extra = extra,
        .extra_count = count,
        .show = cartesi_show,
        .warn = cartesi_warn,
        .context = &talk,
    };
    if (extra == NULL)
        return err_oom(e);
    o.attestations = cli_list(cli, "attestation", &o.attestation_count);
    for (size_t i = 0; i < count; i++)
        extra[i] = cli_arg(cli, i + 1);
    int rc = required(cli, "config", &o.run, e);
    if (rc < 0)
        return rc;
    if ((o.bundle == NULL) != (o.policy == NULL))
        return err_set(e, ERR_USAGE, "--bundle and --policy go together");
    if (o.bundle == NULL && (o.attestation_count > 0 || cli_flag(cli, "rebuild")))
        return err_set(e, ERR_USAGE, "--attestation and --rebuild need --bundle and --policy");
    if (cli_flag(cli, "rebuild") && (rc = cli_store_path(cli, &store, e)) < 0)
        return rc;
    o.store = store;
    if (o.emulator == NULL)
        o.emulator = "cartesi-machine";
    o.path = cli_env(cli, "PATH");
    if (o.scratch == NULL)
        o.scratch = "/var/tmp"; /* a machine can be large: not where memory is */
    if ((rc = cartesi_run(&o, &result, e)) < 0 || (rc = cartesi_json(cli, &result, e)) < 0)
        return rc;
    return result.status == 0
               ? 0
               : err_set(e, ERR_DIFFERS, "the machine ended with status %d", result.status);
}

static const struct cli_option cartesi_options[] = {
    {"config", 'c', CLI_STRING, "FILE", "the run configuration, NAME.run.json (required)"},
    {"bundle", 'b', CLI_STRING, "FILE", "signed provenance that must vouch for it"},
    {"policy", 'p', CLI_STRING, "FILE", "whom to trust for that (docs/formats/policy.md)"},
    {"attestation", 'a', CLI_LIST, "FILE", "another verifier's signed verdict of it"},
    {"rebuild", 'r', CLI_FLAG, NULL, "rebuild it first, as assay verify does"},
    CLI_OPTION_STORE,
    {"emulator", 0, CLI_STRING, "FILE", "the emulator (default: cartesi-machine in PATH)"},
};

static const struct cli_option test_options[] = {
    {"arch", 'a', CLI_STRING, "ARCH", "the guest's architecture: riscv64, amd64 or arm64"},
    {"kernel", 'k', CLI_STRING, "FILE", "the kernel to boot"},
    {"initrd", 'i', CLI_STRING, "FILE", "its initial file system"},
    {"append", 0, CLI_STRING, "PARAMETERS",
     "further kernel parameters, after the console's and panic=-1"},
    {"expect", 'e', CLI_STRING, "LINE",
     "succeed as soon as the guest prints exactly this line (default: when it powers off)"},
    {"timeout", 't', CLI_NUMBER, "SECONDS", "give up after this long (default: 120)"},
    {"memory", 'm', CLI_NUMBER, "MB", "the guest's memory in MiB (default: 512)"},
};

static const struct cli_command commands[] = {
    {.name = "cartesi",
     .arguments = "MACHINE [-- EMULATOR OPTION]",
     .exits = "0\tthe emulator ended well\n"
              "1\tit did not\n"
              "3\tit is another machine, or an option would make it one\n"
              "5\tmachine or configuration is malformed\n"
              "6\tthere is no emulator\n",
     .summary = "run a stored machine as its run configuration says, and in no other way",
     .details =
         "The machine's hash is computed from its state, never taken from its caches, and must be\n"
         "the run configuration's, as config.json's digest must. With --bundle the configuration\n"
         "must be a subject of a provenance that the policy trusts. What runs is a private copy "
         "with\n"
         "empty caches; it has no network and no files of the host, and nobody types into it.\n"
         "The emulator gets --quiet, --initial-hash, --final-hash and --max-mcycle=N when they "
         "stand\n"
         "behind '--'; whatever would make it another machine is refused.",
     .examples = "assay run cartesi out/hello.cartesi --config out/hello.run.json\trun what was "
                 "built\n"
                 "assay run cartesi hello.cartesi.tar -c hello.run.json -b hello.sigstore.json -p "
                 "policy.json -a verdict.sigstore.json\tand only if it was signed and reproduced\n",
     .min_args = 1,
     .max_args = 16,
     .options = cartesi_options,
     .option_count = CLI_COUNT(cartesi_options),
     .run = run_cartesi},
    {.name = "test",
     .arguments = "",
     .exits = "0\tthe line was printed; without --expect: the guest powered off\n"
              "1\tthe guest ended otherwise, or the time was over\n"
              "5\tkernel or initrd cannot be read, or the emulator refuses them\n"
              "6\tthe emulator is not installed\n"
              "7\tthe emulator or the host failed\n",
     .summary = "boot a kernel and initrd in QEMU and look for a line on its console",
     .details =
         "The guest runs in software emulation on one processor, without network, disk or\n"
         "display; its console is the serial port. No root, no KVM and no host of its kind is\n"
         "needed. With -v the console is shown on stderr, control characters as '?'.\n\n"
         "How the guest ended is asked of QEMU, and is the member \"end\" with --json: expected,\n"
         "powered-off, reset (a reboot; also of a guest that reboots when it panics), panicked "
         "(it\n"
         "told the machine's panic device, or powered off with a failure's status) or expired.",
     .examples = "assay run test --arch riscv64 --kernel out/hello-kernel --initrd "
                 "out/hello-initrd.img --expect 'Hello from Assay on riscv64'\tboot what was "
                 "built, and see it greet\n"
                 "assay run test -v -a riscv64 -k out/hello-kernel -i out/hello-initrd.img -t "
                 "60\twatch it until it ends\n",
     .min_args = 0,
     .max_args = 0,
     .options = test_options,
     .option_count = CLI_COUNT(test_options),
     .run = run_test},
};

static const struct cli_named environment[] = {
    CLI_ENV_TMPDIR("/var/tmp"),
    {"PATH", "Where the Cartesi emulator is looked for. QEMU is looked for in the system's own "
             "directories."},
};

static const struct cli_program program = {
    .name = "assay-run",
    .summary = "run what was built",
    .details = "Runs artifacts to see that they work. Nothing that it does reaches an artifact or\n"
               "a verdict: what reproduces is a question for assay-verify.",
    .environment = environment,
    .environment_count = CLI_COUNT(environment),
    .related = "assay-build assay-cartesi assay-verify",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
