/* SPDX-License-Identifier: Apache-2.0 */
/* Subprocesses on the host (no shell): explicit argv and environment, output and time bounded. */
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

/* What the user allows all together (--timeout), and without anything happening (--stall). */
struct process_limits {
    int64_t deadline_ms;   /* on the scale of monotonic_ms(); 0 = none */
    unsigned idle_seconds; /* without a byte from the program; 0 = any time */
};

struct process_options {
    const char *const
        *argv; /* NULL-terminated; argv[0] is looked up in PATH_DEFAULT when it has no '/' */
    const char *const *env; /* NULL-terminated "K=V"; NULL = PATH, HOME=/, LC_ALL=C.UTF-8, TZ=UTC */
    const char *cwd;        /* NULL = unchanged */
    const void *input;      /* fed to stdin; NULL = /dev/null */
    size_t input_len;
    struct buf *output; /* stdout, bounded by its max (excess is ERR_INPUT); NULL = /dev/null */
    struct buf *errors; /* stderr, its last bytes up to max are kept; NULL = inherited */
    unsigned timeout_seconds;     /* 0 = none; on expiry all of it is killed, ERR_HOST */
    struct process_limits limits; /* what comes first of them and the timeout counts */
    /*
     * Sees stdout as it comes, before it is added to `output`; returns false when it has seen
     * enough: process_run then kills all of it, and *status is what became of it. NULL = none.
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
 * error (ERR_HOST; ERR_UNDECIDED when there is no such program). The child is in a process group of
 * its own, inherits no descriptor but the three and its channel and has default signal
 * dispositions. What it starts ends with it, and it ends with us however we end, a SIGKILL
 * included: daemons that left the group, too.
 */
int process_run(const struct process_options *options, int *status, struct err *e);

/* One that is talked to: its stdin is a pipe, `input` is not used. SIGPIPE must be ignored. */
struct process;
/* What the options point to lives as long as the process. */
int process_start(const struct process_options *options, struct process **out, struct err *e);
/*
 * Feeds it the bytes, and takes what it says until the sink has seen enough: then it waits for more
 * and *ended is false. True: it is over, or it will read no more.
 */
int process_talk(struct process *p, const void *data, size_t len, bool *ended, struct err *e);
/* Ends its input and waits for it. */
int process_finish(struct process *p, int *status, struct err *e);
/* Kills what still runs. */
void process_free(struct process *p);

static inline void scope_process(struct process **p)
{
    process_free(*p);
}
#define AUTO_PROCESS AUTO(scope_process)

/* Full path of a program as process_run would find it; caller frees. ERR_UNDECIDED when there is
 * none. */
int process_find(const char *name, char **out, struct err *e);

/* The same in directories that a variable like PATH lists; only absolute ones count. NULL: none. */
int process_find_in(const char *directories, const char *name, char **out, struct err *e);

/* The path of the program `name` in the directory of the running one; not looked for. Caller frees.
 */
int process_beside(const char *name, char **out, struct err *e);

#endif
