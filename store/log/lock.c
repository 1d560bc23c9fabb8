/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/lock.h"

#include "base/file.h"
#include "store/log/db.h"
#include "store/log/line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define FIRST_LINE "assay log lock v1"
#define COUNT_PREFIX "checkpoints "

enum { TEXT_MAX = NOTE_MAX + 256, TRIES_A_SECOND = 100 };

void log_lock_init(struct log_lock *lock)
{
    *lock = (struct log_lock){.note = BUF_INIT(NOTE_MAX), .text = BUF_INIT(TEXT_MAX)};
}

void log_lock_dispose(struct log_lock *lock)
{
    buf_dispose(&lock->note);
    buf_dispose(&lock->text);
}

/* The file's bytes; *there is false without one. */
static int read_text(const char *directory, struct buf *out, bool *there, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, directory, LOG_LOCK_NAME, e);
    *there = rc < 0 || access(path, F_OK) == 0 || errno != ENOENT;
    if (rc < 0 || !*there)
        return rc;
    rc = file_read(path, out, e);
    if (rc == -ERR_INPUT)
        return err_set(e, ERR_LOG, "cannot read '%s'", path);
    return rc;
}

static int malformed(struct err *e)
{
    return err_set(e, ERR_LOG, "its lock file is malformed");
}

static int parse(const struct buf *text, const struct note_key *key, struct log_lock *out,
                 struct err *e)
{
    struct reader r = {.p = text->data, .end = text->data + text->len};
    struct line line;
    struct line count;
    if (!line_next(&r, &line) || !line_is(&line, FIRST_LINE) || !line_next(&r, &line) ||
        !line_after(&line, COUNT_PREFIX, &count) || !line_number(&count, &out->checkpoints) ||
        !line_next(&r, &line) || line.len != 0 || reader_left(&r) == 0)
        return malformed(e);
    int rc = checkpoint_open(r.p, reader_left(&r), key, &out->head, e);
    if (rc == -ERR_INPUT)
        return malformed(e);
    if (rc < 0)
        return err_wrap(e, "its lock file");
    return buf_add(&out->note, r.p, reader_left(&r), e);
}

int log_lock_read(const char *directory, const struct note_key *key, struct log_lock *lock,
                  struct err *e)
{
    AUTO(log_lock_dispose) struct log_lock fresh;
    log_lock_init(&fresh);
    int rc = read_text(directory, &fresh.text, &fresh.there, e);
    if (rc < 0)
        return rc;
    if (fresh.there && lock->there && fresh.text.len == lock->text.len &&
        memcmp(fresh.text.data, lock->text.data, fresh.text.len) == 0)
        return 0; /* verified already */
    if (fresh.there)
        rc = parse(&fresh.text, key, &fresh, e);
    if (rc < 0)
        return rc;
    struct log_lock old = *lock;
    *lock = fresh;
    fresh = old;
    return 0;
}

int log_lock_hold(const char *directory, int *fd, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 1000000000L / TRIES_A_SECOND};
    AUTO_CLOSE int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return err_os(e, errno, "cannot open '%s'", directory);
    for (int i = 0; flock(opened, LOCK_EX | LOCK_NB) != 0; i++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_os(e, errno, "cannot lock '%s'", directory);
        if (i >= DB_BUSY_SECONDS * TRIES_A_SECOND)
            return err_set(e, ERR_HOST, "another process held it for %d seconds", DB_BUSY_SECONDS);
        (void)nanosleep(&pause, NULL);
    }
    *fd = steal_fd(&opened);
    return 0;
}

/* The file is still what `lock` was read from. */
static int check_unchanged(const char *directory, const struct log_lock *lock, struct err *e)
{
    AUTO_BUF now = BUF_INIT(TEXT_MAX);
    bool there = false;
    int rc = read_text(directory, &now, &there, e);
    if (rc < 0)
        return rc;
    bool same = there == lock->there && now.len == lock->text.len &&
                (now.len == 0 || memcmp(now.data, lock->text.data, now.len) == 0);
    return same ? 0
                : err_set(e, ERR_LOG,
                          "somebody who does not wait for others has changed its lock file");
}

int log_lock_swap(const char *directory, struct log_lock *lock, const struct checkpoint *head,
                  const struct buf *note, uint64_t checkpoints, struct err *e)
{
    AUTO(log_lock_dispose) struct log_lock fresh;
    AUTO_FREE char *path = NULL;
    log_lock_init(&fresh);
    fresh.there = true;
    fresh.head = *head;
    fresh.checkpoints = checkpoints;
    int rc = path_join(&path, directory, LOG_LOCK_NAME, e);
    if (rc == 0)
        rc = buf_add(&fresh.note, note->data, note->len, e);
    if (rc == 0)
        rc = buf_addf(&fresh.text, e, "%s\n%s%" PRIu64 "\n\n", FIRST_LINE, COUNT_PREFIX,
                      checkpoints);
    if (rc == 0)
        rc = buf_add(&fresh.text, note->data, note->len, e);
    if (rc == 0)
        rc = check_unchanged(directory, lock, e);
    if (rc == 0)
        rc = file_replace(path, fresh.text.data, fresh.text.len, MODE_BY_UMASK, e);
    if (rc < 0)
        return rc;
    struct log_lock old = *lock;
    *lock = fresh;
    fresh = old;
    return 0;
}
