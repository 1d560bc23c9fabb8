/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/guest.h"

#include "base/capture.h"
#include "base/process.h"
#include "runner/console.h"
#include "runner/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What QEMU exits with when it does not begin. */
enum { ERRORS_MAX = 4096, REFUSED = 1 };

const char *guest_end_name(enum guest_end end)
{
    static const char *const names[] = {"expected", "powered-off", "reset", "panicked", "expired"};
    return names[end];
}

/* QEMU would say it, too, but not in our words nor with our exit code. */
static int check_file(const char *path, const char *what, struct err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open the %s '%s'", what, path);
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot read the %s '%s'", what, path);
    if (!S_ISREG(st.st_mode) || st.st_size == 0)
        return err_set(e, ERR_INPUT, "cannot boot the %s '%s': not a regular file with contents",
                       what, path);
    return 0;
}

static int check_emulator(const struct machine *m, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct err ignored = ERR_INIT;
    if (process_find(m->emulator, &path, &ignored) < 0)
        return err_set(e, ERR_UNDECIDED,
                       "cannot boot a guest for %s: '%s' is not installed (Debian package %s)",
                       m->arch, m->emulator, m->package);
    return 0;
}

/* Keeps the last line, which says most when a guest did not do what was expected. */
struct watcher {
    const struct guest_options *options;
    struct guest_result *result;
};

static void watch(void *context, const char *line)
{
    struct watcher *w = context;
    if (*line != '\0')
        (void)text_print(w->result->last, sizeof(w->result->last), "%s", line);
    if (w->options->show != NULL)
        w->options->show(w->options->show_context, line);
}

/* Its first line: the others explain. */
static const char *words_of(const struct machine *m, struct buf *errors)
{
    const char *text = buf_str(errors);
    size_t start = strspn(text, "\n");
    size_t end = start + strcspn(text + start, "\n");
    if (end == start)
        return m->emulator;
    if (end < errors->len)
        errors->data[end] = '\0';
    return text + start;
}

static bool no_more(void *context, const uint8_t *data, size_t len)
{
    (void)context;
    (void)data;
    (void)len;
    return true;
}

/*
 * The emulator ended before the guest began. Whose fault that is, it does not say: when it does
 * start the same machine with nothing to boot, it is what was to be booted.
 */
static int refused(const struct guest_options *o, const struct machine_command *command, int status,
                   struct buf *errors, struct err *e)
{
    AUTO_FREE const char **argv = array_new(command->machine_args + 1, sizeof(*argv));
    if (argv == NULL)
        return err_oom(e);
    memcpy(argv, command->argv, command->machine_args * sizeof(*argv));
    AUTO_BUF ignored = BUF_INIT(ERRORS_MAX);
    bool timed_out = false;
    int alone = 0;
    struct process_options process = {
        .argv = argv,
        .errors = &ignored,
        .timeout_seconds = o->timeout_seconds,
        .timed_out = &timed_out,
        .channel_text = QMP_QUIT,
        .channel_sink = no_more,
    };
    int rc = process_run(&process, &alone, e);
    if (rc < 0)
        return rc;
    if (alone == 0 && !timed_out)
        return err_set(e, ERR_INPUT, "cannot boot '%s' with '%s': %s", o->boot.kernel,
                       o->boot.initrd, words_of(o->machine, errors));
    return err_set(e, ERR_HOST, "the emulator failed with status %d: %s", status,
                   words_of(o->machine, errors));
}

/* Why the machine stopped, when neither the expected line nor the timeout stopped it. */
static int how_it_ended(const struct machine *m, const struct qmp *qmp, int status,
                        struct buf *errors, enum guest_end *out, struct err *e)
{
    static const struct {
        const char *reason;
        enum guest_end end;
    } ends[] = {
        {"guest-shutdown", GUEST_POWERED_OFF},
        {"guest-reset", GUEST_RESET},
        {"guest-panic", GUEST_PANICKED},
    };
    enum { A_SIGNAL = 128 };
    if (qmp->panicked) {
        *out = GUEST_PANICKED;
        return 0;
    }
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcmp(qmp->reason, ends[i].reason) == 0) {
            *out = ends[i].end;
            return 0;
        }
    }
    if (qmp->started && qmp->reason[0] == '\0' && m->test_device &&
        (status == 0 || (status < A_SIGNAL && errors->len == 0))) {
        *out = status == 0 ? GUEST_POWERED_OFF : GUEST_PANICKED;
        return 0;
    }
    return err_set(e, ERR_HOST, "the emulator failed with status %d%s%s: %s", status,
                   qmp->reason[0] != '\0' ? ", " : "", qmp->reason, words_of(m, errors));
}

static int emulate(const struct guest_options *o, const struct machine_command *command,
                   struct guest_result *result, struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    bool timed_out = false;
    int status = 0;
    struct watcher w = {.options = o, .result = result};
    struct console console = {.expect = o->expect, .show = watch, .show_context = &w};
    struct qmp qmp = {0};
    struct process_options process = {
        .argv = command->argv,
        .errors = &errors,
        .timeout_seconds = o->timeout_seconds,
        .timed_out = &timed_out,
        .sink = console_feed,
        .sink_context = &console,
        .channel_text = QMP_START,
        .channel_sink = qmp_feed,
        .channel_context = &qmp,
    };
    int64_t start = monotonic_ms();
    int rc = process_run(&process, &status, e);
    if (rc < 0)
        return rc;
    console_end(&console);
    result->milliseconds = monotonic_ms() - start;
    result->lines = console.lines;
    if (console.seen || timed_out) {
        result->end = console.seen ? GUEST_EXPECTED : GUEST_EXPIRED;
        return 0;
    }
    if (!qmp.started && status == REFUSED && errors.len > 0)
        return refused(o, command, status, &errors, e);
    return how_it_ended(o->machine, &qmp, status, &errors, &result->end, e);
}

int guest_run(const struct guest_options *options, struct guest_result *result, struct err *e)
{
    struct guest_result made = {0};
    struct machine_command command = {0};
    int rc = check_emulator(options->machine, e);
    if (rc == 0)
        rc = check_file(options->boot.kernel, "kernel", e);
    if (rc == 0)
        rc = check_file(options->boot.initrd, "initrd", e);
    if (rc == 0)
        rc = machine_command_make(options->machine, &options->boot, &command, e);
    if (rc == 0)
        rc = emulate(options, &command, &made, e);
    machine_command_dispose(&command);
    if (rc == 0)
        *result = made;
    return rc;
}
