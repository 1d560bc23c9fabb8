/* SPDX-License-Identifier: Apache-2.0 */
/* A guest's console: bytes in, lines out; knows whether the expected line was among them. */
#ifndef ASSAY_RUNNER_CONSOLE_H
#define ASSAY_RUNNER_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CONSOLE_LINE_MAX = 4096 };

/* The caller zeroes it and sets the first three members. */
struct console {
    const char *expect; /* the whole line wanted, without its end; NULL = none */
    /* Sees each line, NUL-terminated, control bytes as '?': a guest is not trusted with a terminal.
     */
    void (*show)(void *context, const char *line);
    void *show_context;
    bool seen;      /* the expected line was printed */
    uint64_t lines; /* printed so far */
    size_t len;
    bool too_long; /* the line being read was cut; it can no longer match */
    char line[CONSOLE_LINE_MAX];
};

/* False once the expected line was seen; usable as process_options.sink. */
bool console_feed(void *console, const uint8_t *data, size_t len);
/* The guest has ended: what it printed after its last newline is a line, too. */
void console_end(struct console *c);
/* A line that a guest can print: not empty, shorter than CONSOLE_LINE_MAX, no control bytes. */
bool console_can_print(const char *line);

#endif
