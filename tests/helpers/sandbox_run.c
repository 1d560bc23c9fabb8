/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a program in the sandbox, for tests:
 *   sandbox_run [-w DIR] [-t SECONDS] [-p PROCESSES] [-f FILE_BYTES] [-m MEMORY_BYTES] [-F]
 *               [-v HOST=INSIDE]... -- PROGRAM [ARGUMENT...]
 * Prints the program's stdout and stderr. Exits with its status; with the error code (and one
 * line "sandbox: …") when the sandbox failed; prints "timed out" at a timeout. -F prints the
 * fences.
 */
#include "base/sandbox/sandbox.h"

#include <stdio.h>
#include <string.h>

struct request {
    struct sandbox_options options;
    struct sandbox_view views[32];
    bool fences;
    bool offline;
};

static int usage(void)
{
    (void)fputs("sandbox_run: bad arguments\n", stderr);
    return ERR_USAGE;
}

static bool add_view(struct request *q, char *text)
{
    char *mark = strchr(text, '=');
    if (mark == NULL || q->options.view_count == 32)
        return false;
    *mark = '\0';
    q->views[q->options.view_count++] = (struct sandbox_view){text, mark + 1};
    return true;
}

static bool parse(struct request *q, int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "+w:t:p:f:m:v:FN")) != -1) {
        if (c == 'w')
            q->options.writable = optarg;
        else if (c == 't')
            q->options.timeout_seconds = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'p')
            q->options.processes = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'f')
            q->options.file_bytes = strtoull(optarg, NULL, 10);
        else if (c == 'm')
            q->options.memory_bytes = strtoull(optarg, NULL, 10);
        else if (c == 'F')
            q->fences = true;
        else if (c == 'N')
            q->offline = true;
        else if (c != 'v' || !add_view(q, optarg))
            return false;
    }
    return optind < argc;
}

static int failed(int rc, const struct err *e)
{
    char line[1024];
    (void)fprintf(stderr, "sandbox: %s\n", err_line(e, line, sizeof(line)));
    return -rc;
}

static int offline(char **argv)
{
    struct err e = ERR_INIT;
    int rc = sandbox_deny_network(&e);
    if (rc < 0)
        return failed(rc, &e);
    (void)execv(argv[0], argv);
    perror(argv[0]);
    return 127;
}

int main(int argc, char **argv)
{
    AUTO_BUF output = BUF_INIT(1 << 20);
    AUTO_BUF errors = BUF_INIT(1 << 16);
    struct request q = {.options = {.output = &output, .errors = &errors}};
    struct sandbox_result result = {0};
    struct err e = ERR_INIT;
    if (!parse(&q, argc, argv))
        return usage();
    if (q.offline)
        return offline(argv + optind);
    union {
        char **in;
        const char *const *out;
    } args = {.in = argv + optind};
    q.options.argv = args.out;
    q.options.views = q.views;
    int rc = sandbox_run(&q.options, &result, &e);
    (void)fwrite(output.data, 1, output.len, stdout);
    (void)fwrite(errors.data, 1, errors.len, stderr);
    if (rc < 0)
        return failed(rc, &e);
    if (q.fences)
        (void)printf("%s\n", result.fences);
    if (result.timed_out)
        (void)fputs("timed out\n", stderr);
    return result.status;
}
