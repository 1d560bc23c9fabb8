/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of files, one after another, from a file or from standard input, for commands that take
 * more of them than a command line holds. Memory does not depend on how many they are.
 */
#ifndef ASSAY_BASE_NAMES_H
#define ASSAY_BASE_NAMES_H

#include "base/err.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct names {
    const char *path; /* borrowed */
    int fd;           /* -1 = not open; standard input's is borrowed */
    char end;         /* of each name */
    uint64_t count;   /* of names so far */
    size_t at;        /* in `block` */
    size_t len;
    char name[PATH_MAX];
    char block[65536];
};
#define NAMES_INIT                                                                                 \
    {                                                                                              \
        .fd = -1                                                                                   \
    }

/* `path` "-" is standard input. `zero`: each name ends with a NUL, not with a newline. ERR_INPUT
 * when it cannot be opened. */
int names_open(struct names *n, const char *path, bool zero, struct err *e);
/*
 * *name is the next one, borrowed until the next call, or NULL after the last, whose end may be
 * missing. An empty one, one that holds a NUL and one of PATH_MAX bytes are ERR_INPUT.
 */
int names_next(struct names *n, const char **name, struct err *e);
void names_close(struct names *n);

#define AUTO_NAMES AUTO(names_close) struct names

/* The options of a command that reads them, for its table (base/cli.h). */
#define CLI_OPTIONS_NAMES                                                                          \
    {"from-file", 0, CLI_STRING, "LIST",                                                           \
     "also the files that LIST names, one a line; '-' is standard input"},                         \
    {                                                                                              \
        "null", '0', CLI_FLAG, NULL, "names in LIST end with a NUL byte, not with a newline"       \
    }

#endif
