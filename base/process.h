/* SPDX-License-Identifier: Apache-2.0 */
/* Subprocesses on the host (no shell): explicit argv and environment, captured bounded output. */
#ifndef ASSAY_BASE_PROCESS_H
#define ASSAY_BASE_PROCESS_H

#include "base/buf.h"

/* Where a program named without '/' is looked for. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The words of a program as execve wants them: it changes nothing, whatever its type says. */
static inline char *const *process_words(const char *const *list)
{
    union {
        const char *const *in;
        char *const *out;
    } u = {.in = list};
    return u.out;
}

/* The descriptor of a child's channel. */
enum { PROCESS_CHANNEL = 3 };

struct process_options {
    const char *const
        *argv; /* NULL-terminated; argv[0] is looked up in PATH_DEFAULT when it has no '/' */
    const char *const *env; /* NULL-terminated "K=V"; NULL = PATH, HOME=/, LC_ALL=C.UTF-8, TZ=UTC */
    const char *cwd;        /* NULL = unchanged */
    const void *input;      /* fed to stdin; NULL = /dev/null */
    size_t input_len;
    struct buf *output; /* stdout, bounded by its max (excess is ERR_INPUT); NULL = /dev/null */
    struct buf *errors; /* stderr, its last bytes up to max are kept; NULL = inherited */
    unsigned timeout_seconds; /* 0 = none; on expiry the process group is killed, ERR_HOST */
    /*
     * Sees stdout as it comes, before it is added to `output`; returns false when it has seen
     * enough: the process group is then killed and *status is what became of it. NULL = none.
     */
    bool (*sink)(void *context, const uint8_t *data, size_t len);
    void *sink_context;
    bool *timed_out; /* not NULL: a timeout is no error, sets this instead */
    /*
     * Not NULL: the child has a socket at PROCESS_CHANNEL. This text (at most some KiB: it has to
     * fit the socket) is there for it to read from the start; what it answers goes to channel_sink.
     */
    const char *channel_text;
    bool (*channel_sink)(void *context, const uint8_t *data, size_t len);
    void *channel_context;
};

/*
 * Runs it and waits. *status is the exit status 0..255, or 128+signal. Not starting at all is an
 * error (ERR_HOST; ERR_UNDECIDED when there is no such program). The child leads its own process
 * group, inherits no descriptor but the three and its channel, has default signal dispositions, and
 * dies with its parent; whatever is left of its group when it ends is killed.
 */
int process_run(const struct process_options *options, int *status, struct err *e);

/* Full path of a program as process_run would find it; caller frees. ERR_UNDECIDED when there is
 * none. */
int process_find(const char *name, char **out, struct err *e);

/* The same in directories that a variable like PATH lists; only absolute ones count. NULL: none. */
int process_find_in(const char *directories, const char *name, char **out, struct err *e);

/* The path of the program `name` in the directory of the running one; not looked for. Caller frees.
 */
int process_beside(const char *name, char **out, struct err *e);

#endif
