/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include "base/text.h"

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
#undef err_recode
#undef err_wrap
#endif

/*
 * Text from outside may hold terminal control sequences, and may be no UTF-8: an error is one
 * harmless line that JSON can carry, and none of its text, the format's included, may break it.
 */
__attribute__((format(printf, 2, 0))) static void set_frame(char *frame, const char *fmt,
                                                            va_list args)
{
    (void)text_vprint(frame, ERR_FRAME_MAX, TEXT_AS_IT_IS, fmt, args);
    text_clean(frame);
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
    (void)text_print(frame + used, ERR_FRAME_MAX - used, ": %s",
                     text != NULL ? text : "unknown error");
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

int err_recode(struct err *e, enum err_code code)
{
    e->code = code;
    return err_rc(e);
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
    for (unsigned i = e->depth; i-- > 0 && used + 1 < size;)
        used += text_print(line + used, size - used, "%s%s", e->frame[i], i > 0 ? ": " : "");
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
