/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/guest.h"

#include "base/capture.h"
#include "base/process.h"
#include "runner/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { ERRORS_MAX = 4096 };

const char *guest_end_name(enum guest_end end)
{
    static const char *const names[] = {"expected", "ended", "expired"};
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

static int emulator_failed(const struct machine *m, int status, struct buf *errors, struct err *e)
{
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *line = strrchr(buf_str(errors), '\n');
    line = line != NULL ? line + 1 : buf_str(errors);
    return err_set(e, ERR_HOST, "the emulator failed with status %d: %s", status,
                   *line != '\0' ? line : m->emulator);
}

static int emulate(const struct guest_options *o, const struct machine_command *command,
                   struct guest_result *result, struct err *e)
{
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    bool timed_out = false;
    int status = 0;
    struct watcher w = {.options = o, .result = result};
    struct console console = {.expect = o->expect, .show = watch, .show_context = &w};
    struct process_options process = {
        .argv = command->argv,
        .errors = &errors,
        .timeout_seconds = o->timeout_seconds,
        .timed_out = &timed_out,
        .sink = console_feed,
        .sink_context = &console,
    };
    int64_t start = monotonic_ms();
    int rc = process_run(&process, &status, e);
    if (rc < 0)
        return rc;
    console_end(&console);
    result->milliseconds = monotonic_ms() - start;
    result->lines = console.lines;
    result->end = console.seen ? GUEST_EXPECTED : timed_out ? GUEST_EXPIRED : GUEST_ENDED;
    if (result->end == GUEST_ENDED && status != 0)
        return emulator_failed(o->machine, status, &errors, e);
    return 0;
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
