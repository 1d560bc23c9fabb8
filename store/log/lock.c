/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/lock.h"

#include "base/file.h"
#include "store/log/db.h"
#include "store/log/line.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define FIRST_LINE "assay log lock v1"
#define COUNT_PREFIX "checkpoints "

enum { TEXT_MAX = NOTE_MAX + 256, TRIES_A_SECOND = 100, LINKS_MAX = 8 };

void log_lock_init(struct log_lock *lock)
{
    *lock = (struct log_lock){.note = BUF_INIT(NOTE_MAX), .text = BUF_INIT(TEXT_MAX)};
}

void log_lock_dispose(struct log_lock *lock)
{
    buf_dispose(&lock->note);
    buf_dispose(&lock->text);
}

static int path_parent(const char *path, char **out, struct err *e)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return str_copy(out, ".", e);
    return slash == path ? str_copy(out, "/", e)
                         : str_format(out, e, "%.*s", (int)(slash - path), path);
}

/* What the link `path` names, seen from here. */
static int follow(char **path, const char *target, struct err *e)
{
    AUTO_FREE char *parent = NULL;
    char *next = NULL;
    int rc = path_parent(*path, &parent, e);
    if (rc == 0)
        rc = target[0] == '/' ? str_copy(&next, target, e) : path_join(&next, parent, target, e);
    if (rc < 0)
        return rc;
    free(*path);
    *path = next;
    return 0;
}

int log_lock_place(const char *directory, char **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    char target[PATH_MAX];
    int rc = path_join(&path, directory, LOG_LOCK_NAME, e);
    for (unsigned i = 0; rc == 0 && path != NULL && i < LINKS_MAX; i++) {
        ssize_t len = readlink(path, target, sizeof(target) - 1);
        if (len < 0) {
            *out = steal_ptr(&path);
            return 0;
        }
        target[len] = '\0';
        rc = follow(&path, target, e);
    }
    return rc < 0 ? rc : err_set(e, ERR_LOG, "its lock is a link that leads to no file");
}

/* The file's bytes; *there is false without one. */
static int read_text(const char *directory, struct buf *out, bool *there, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = log_lock_place(directory, &path, e);
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

/* Holds the directory that the lock is in: a copy of the log whose lock is elsewhere waits too. */
static int hold_place(const char *place, int *fd, struct err *e)
{
    const struct timespec pause = {.tv_nsec = 1000000000L / TRIES_A_SECOND};
    AUTO_FREE char *directory = NULL;
    int rc = path_parent(place, &directory, e);
    if (rc < 0)
        return rc;
    AUTO_CLOSE int opened = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (opened < 0)
        return err_os_code(e, errno == ENOENT ? ERR_LOG : ERR_HOST, errno,
                           "cannot open the directory of its lock, '%s'", directory);
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

int log_lock_hold(const char *directory, int *fd, struct err *e)
{
    for (unsigned i = 0; i < LINKS_MAX; i++) {
        AUTO_FREE char *place = NULL;
        AUTO_FREE char *now = NULL;
        AUTO_CLOSE int held = -1;
        int rc = log_lock_place(directory, &place, e);
        if (rc == 0)
            rc = hold_place(place, &held, e);
        if (rc == 0) /* it may have been moved while we waited */
            rc = log_lock_place(directory, &now, e);
        if (rc < 0 || place == NULL || now == NULL)
            return rc;
        if (strcmp(place, now) == 0) {
            *fd = steal_fd(&held);
            return 0;
        }
    }
    return err_set(e, ERR_HOST, "its lock is moved again and again");
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
    int rc = log_lock_place(directory, &path, e);
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

int log_lock_link(const char *directory, const char *place, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *fresh = NULL;
    int rc = path_join(&path, directory, LOG_LOCK_NAME, e);
    if (rc == 0)
        rc = str_format(&fresh, e, "%s.new", path);
    if (rc < 0 || path == NULL || fresh == NULL)
        return rc;
    (void)unlink(fresh); /* of one that was killed; the log is held */
    if (symlink(place, fresh) != 0 || rename(fresh, path) != 0) {
        rc = err_os(e, errno, "cannot make the link '%s'", path);
        (void)unlink(fresh);
        return rc;
    }
    return dir_sync(directory, e);
}

int log_lock_absolute(const char *directory, const char *given, char **out, struct err *e)
{
    AUTO_FREE char *parent = NULL;
    struct stat inside;
    struct stat log;
    int rc = path_parent(given, &parent, e);
    if (rc < 0)
        return rc;
    const char *base = strrchr(given, '/') != NULL ? strrchr(given, '/') + 1 : given;
    AUTO_FREE char *real = realpath(parent, NULL);
    if (real == NULL)
        return err_os_code(e, ERR_USAGE, errno, "the lock's directory '%s'", parent);
    if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return err_set(e, ERR_USAGE, "'%s' is no name for the lock", given);
    if (stat(real, &inside) == 0 && stat(directory, &log) == 0 && inside.st_dev == log.st_dev &&
        inside.st_ino == log.st_ino)
        return err_set(e, ERR_USAGE, "'%s' is in the log itself: a place outside is wanted", given);
    if (access(given, F_OK) == 0 || errno != ENOENT)
        return err_set(e, ERR_USAGE, "'%s' exists already", given);
    return path_join(out, real, base, e);
}
