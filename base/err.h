/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors: one object that carries a code, a message and the chain of contexts
 * it passed on its way up.
 *
 * Every function that can fail takes a `struct err *` last, returns 0 on
 * success and a negative `enum err_code` on failure. Expected outcomes (not
 * found, differs) are values, not errors. The codes are the exit codes of
 * docs/architecture.md, so an error never has to be translated on its way out.
 */
#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

#include <stddef.h>

enum err_code {
    ERR_NONE = 0,
    ERR_DIFFERS = 1,   /* the artifact differs from its rebuild */
    ERR_USAGE = 2,     /* the command line or a configuration file is wrong */
    ERR_REJECTED = 3,  /* a signature, certificate or policy rule rejects it */
    ERR_LOG = 4,       /* the log's proof, checkpoint or consistency fails */
    ERR_INPUT = 5,     /* an input is missing, malformed or does not match its digest */
    ERR_UNDECIDED = 6, /* toolchain, architecture or material not available */
    ERR_HOST = 7,      /* the host failed: I/O, memory, network, sandbox */
};

enum { ERR_FRAMES = 8, ERR_FRAME_MAX = 512 };

/* frame[0] is the root cause; higher frames are contexts added going up. */
struct err {
    enum err_code code;
    unsigned depth;
    char frame[ERR_FRAMES][ERR_FRAME_MAX];
};

#define ERR_INIT                                                                                   \
    {                                                                                              \
        .code = ERR_NONE                                                                           \
    }

/* Starts the error afresh; returns -code. Control bytes in the text are shown as '?'. */
int err_set(struct err *e, enum err_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As err_set with ERR_HOST, and the text of the errno value `errnum` appended after ": ". */
int err_os(struct err *e, int errnum, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_os with the code given: for a missing input file (ERR_INPUT) and the like. */
int err_os_code(struct err *e, enum err_code code, int errnum, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Out of memory: ERR_HOST with a fixed text. */
int err_oom(struct err *e);

/* The negative code that e holds, for where no call's result is at hand to be passed up. */
static inline int err_rc(const struct err *e)
{
    return -(int)e->code;
}

/* The same message under another code, for what is a fault of another kind here; returns -code. */
int err_recode(struct err *e, enum err_code code);

/* Adds a context in front of the message; keeps and returns the code (negative). */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Writes "outer: inner: cause" into `line`, always terminated; returns `line`. */
const char *err_line(const struct err *e, char *line, size_t size);

#ifdef __clang_analyzer__
/*
 * The analyzer sees one file at a time: it is told here what the contracts above say, that these
 * never return success, or it would follow paths that do not exist.
 */
#define err_is_negative(call)                                                                      \
    (__extension__({                                                                               \
        int err_result = (call);                                                                   \
        if (err_result >= 0)                                                                       \
            __builtin_unreachable();                                                               \
        err_result;                                                                                \
    }))
#define err_set(...) err_is_negative(err_set(__VA_ARGS__))
#define err_os(...) err_is_negative(err_os(__VA_ARGS__))
#define err_os_code(...) err_is_negative(err_os_code(__VA_ARGS__))
#define err_oom(e) err_is_negative(err_oom(e))
#define err_wrap(...) err_is_negative(err_wrap(__VA_ARGS__))
#define err_recode(e, code) err_is_negative(err_recode(e, code))
#endif

/* The word for a code in JSON ("usage", "rejected", …). Static. */
const char *err_code_name(enum err_code code);

#endif
