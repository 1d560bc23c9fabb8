/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifdef __clang_analyzer__
#undef err_set
#undef err_os
#undef err_os_code
#undef err_oom
#undef err_wrap
#endif

/* Bytes of the UTF-8 character at p (text that ends in a NUL is never left); 0 = malformed. */
static size_t utf8_length(const unsigned char *p, unsigned *code)
{
    size_t len = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : p[0] >= 0xc0 ? 2 : 0;
    static const unsigned lowest[] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    if (len == 0 || p[0] > 0xf4)
        return 0;
    unsigned c = p[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    *code = c;
    return c < lowest[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) ? 0 : len;
}

/* C0, DEL and C1 controls, line separators, and marks that change the direction of writing. */
static bool is_control(unsigned c)
{
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/*
 * Text from outside may hold terminal control sequences, and may be no UTF-8 or be cut inside a
 * character; an error is one harmless line that JSON can carry.
 */
static void clean_line(char *text)
{
    size_t len;
    unsigned code = 0;
    for (unsigned char *p = (unsigned char *)text; *p != 0; p += len > 0 ? len : 1) {
        len = utf8_length(p, &code);
        if (len == 0)
            *p = '?';
        else if (is_control(code))
            memset(p, '?', len);
    }
}

__attribute__((format(printf, 2, 0))) static void set_frame(char *frame, const char *fmt,
                                                            va_list args)
{
    if (vsnprintf(frame, ERR_FRAME_MAX, fmt, args) < 0)
        frame[0] = 0;
    clean_line(frame);
}

int err_set(struct err *e, enum err_code code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    e->code = code;
    e->depth = 1;
    set_frame(e->frame[0], fmt, args);
    va_end(args);
    return err_rc(e);
}

static void add_errno(char *frame, int errnum)
{
    const char *text = strerrordesc_np(errnum); /* unlike strerror, never translated */
    size_t used = strlen(frame);
    snprintf(frame + used, ERR_FRAME_MAX - used, ": %s", text != NULL ? text : "unknown error");
    /* "No such file" reads as "no such file" in the middle of a line; "RPC …" stays. */
    char *first = used + 3 < ERR_FRAME_MAX ? frame + used + 2 : NULL;
    if (first != NULL && first[0] >= 'A' && first[0] <= 'Z' && first[1] >= 'a')
        first[0] = (char)(first[0] - 'A' + 'a');
}

__attribute__((format(printf, 4, 0))) static int set_os(struct err *e, enum err_code code,
                                                        int errnum, const char *fmt, va_list args)
{
    e->code = code;
    e->depth = 1;
    set_frame(e->frame[0], fmt, args);
    add_errno(e->frame[0], errnum);
    return err_rc(e);
}

int err_os(struct err *e, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = set_os(e, ERR_HOST, errnum, fmt, args);
    va_end(args);
    return rc;
}

int err_os_code(struct err *e, enum err_code code, int errnum, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = set_os(e, code, errnum, fmt, args);
    va_end(args);
    return rc;
}

int err_oom(struct err *e)
{
    return err_set(e, ERR_HOST, "out of memory");
}

int err_wrap(struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    /* When the chain is full the newest context replaces the last one: the cause is never lost. */
    unsigned at = e->depth < ERR_FRAMES ? e->depth++ : ERR_FRAMES - 1;
    set_frame(e->frame[at], fmt, args);
    va_end(args);
    return err_rc(e);
}

const char *err_line(const struct err *e, char *line, size_t size)
{
    size_t used = 0;
    if (size == 0)
        return line;
    line[0] = 0;
    for (unsigned i = e->depth; i-- > 0 && used < size;) {
        int n = snprintf(line + used, size - used, "%s%s", e->frame[i], i > 0 ? ": " : "");
        if (n < 0)
            break;
        used += (size_t)n;
    }
    return line;
}

const char *err_code_name(enum err_code code)
{
    switch (code) {
    case ERR_NONE:
        return "done";
    case ERR_DIFFERS:
        return "differs";
    case ERR_USAGE:
        return "usage";
    case ERR_REJECTED:
        return "rejected";
    case ERR_LOG:
        return "log";
    case ERR_INPUT:
        return "input";
    case ERR_UNDECIDED:
        return "undecided";
    case ERR_HOST:
        return "host";
    }
    return "host";
}
