/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assay: the front. `assay build …` runs `assay-build …`, found beside this
 * program (so that build/bin/assay works from the tree), never through PATH.
 * Options that all programs have may stand before the command, too.
 */
#include "base/buf.h"
#include "base/cli_help.h"
#include "base/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PART(part, does)                                                                           \
    {                                                                                              \
        .name = part, .arguments = "…", .summary = does                                            \
    }

static const struct cli_command parts[] = {
    PART("lock", "pin a recipe's inputs by digest and write its plan"),
    PART("fetch", "fetch what a plan needs and the store lacks"),
    PART("plan", "show, compare and draw plans"),
    PART("build", "build a plan's artifacts, offline and bit for bit"),
    PART("attest", "make keys, sign statements, explain bundles"),
    PART("verify", "check an artifact: signatures, policy, rebuild, verdict"),
    PART("diff", "compare anything with anything and name the cause"),
    PART("log", "keep and check a transparency log"),
    PART("cartesi", "hash, prove, check and write stored Cartesi machines"),
    PART("store", "look into, verify and clean the blob store"),
    PART("push", "push an image or artifact to a registry, and attach what is said about it"),
    PART("pull", "pull an image or artifact from a registry, or list what is attached to it"),
    PART("run", "run what was built"),
};

static const struct cli_program program = {
    .name = "assay",
    .summary = "is this artifact what its source says it is?",
    .details =
        "A recipe is locked into a plan; a plan is built into artifacts by a pure function;\n"
        "what was built is attested; anyone can verify it by running the plan again; every\n"
        "verdict is recorded in a log that nobody can rewrite.\n\n"
        "Exit codes: 0 done; 1 it differs, or what ran did not end well; 2 usage; 3 rejected;\n"
        "4 log; 5 input; 6 undecided; 7 host. Each command's --help says what they mean there.",
    .commands = parts,
    .command_count = CLI_COUNT(parts),
};

/* The row of a command; CLI_COUNT(parts) when there is none. */
static size_t find_part(const char *name)
{
    size_t i = 0;
    while (i < CLI_COUNT(parts) && strcmp(parts[i].name, name) != 0)
        i++;
    return i;
}

/*
 * Becomes the program of the command at argv[at]; what is before that (options that all programs
 * have) comes first in its arguments, too.
 */
static int run_part(size_t part, char **argv, int at, struct err *e)
{
    AUTO_FREE char *program_name = NULL;
    AUTO_FREE char *path = NULL;
    int rc = str_format(&program_name, e, "assay-%s", parts[part].name);
    if (rc == 0)
        rc = process_beside(program_name, &path, e);
    if (path == NULL)
        return rc;
    for (int i = at; i > 1; i--)
        argv[i] = argv[i - 1];
    argv[1] = path;
    execv(path, argv + 1);
    return err_os(e, errno, "cannot run '%s'", path);
}

int main(int argc, char **argv)
{
    static char help[] = "--help";
    int at = 1;
    while (at < argc && cli_is_common(argv[at]))
        at++;
    /* "assay help build" is "assay --help build". */
    if (at < argc && strcmp(argv[at], "help") == 0) {
        argv[at++] = help;
        while (at < argc && cli_is_common(argv[at]))
            at++;
    }
    size_t part = at < argc ? find_part(argv[at]) : CLI_COUNT(parts);
    /* Without a command the table answers --help and its like, and refuses the rest. */
    if (part == CLI_COUNT(parts))
        return cli_main(&program, argc, argv);
    struct err e = ERR_INIT;
    int rc = run_part(part, argv, at, &e);
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    fprintf(stderr, "assay: %s\n", err_line(&e, line, sizeof(line)));
    return -rc;
}
