/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quota: a file of one line, "LIMIT USED\n" in bytes, twenty digits each, changed in place
 * under flock(2). What is used is counted with each blob that gets its name, so that all programs
 * together stay below the limit; it is counted afresh after a crash, and by the collector.
 */
#include "store/cas/cas_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define QUOTA_FILE "quota"
enum { DIGITS = 20, LINE = 2 * DIGITS + 2, BOOT_ID_MAX = 64 };

struct quota {
    uint64_t limit;
    uint64_t used;
};

static int lock(const struct cas *cas, int operation, struct err *e)
{
    int rc = 0;
    do {
        rc = flock(cas->quota, operation);
    } while (rc != 0 && errno == EINTR);
    return rc == 0 ? 0 : err_os(e, errno, "cannot lock the quota of store '%s'", cas->path);
}

static bool parse_number(const char *text, uint64_t *out)
{
    *out = 0;
    for (int i = 0; i < DIGITS; i++) {
        unsigned digit = (unsigned char)text[i] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(*out, 10, out) || !add_u64(*out, digit, out))
            return false;
    }
    return true;
}

static int read_quota(const struct cas *cas, struct quota *q, struct err *e)
{
    char line[LINE + 1];
    ssize_t n = pread(cas->quota, line, sizeof(line), 0);
    if (n < 0)
        return err_os(e, errno, "cannot read the quota of store '%s'", cas->path);
    if (n != LINE || line[DIGITS] != ' ' || line[LINE - 1] != '\n' ||
        !parse_number(line, &q->limit) || !parse_number(line + DIGITS + 1, &q->used))
        return err_set(e, ERR_INPUT, "the quota of store '%s' is damaged: set it again", cas->path);
    return 0;
}

static int write_quota(const struct cas *cas, int fd, const struct quota *q, struct err *e)
{
    char line[LINE + 1];
    (void)snprintf(line, sizeof(line), "%020" PRIu64 " %020" PRIu64 "\n", q->limit, q->used);
    ssize_t n = pwrite(fd, line, LINE, 0);
    return n == LINE ? 0 : err_os(e, errno, "cannot write the quota of store '%s'", cas->path);
}

static int full(const struct cas *cas, const struct quota *q, uint64_t more, struct err *e)
{
    return err_set(e, ERR_HOST,
                   "store '%s' is full: %" PRIu64 " of its quota of %" PRIu64
                   " bytes are used, and %" PRIu64
                   " more are needed; 'assay store gc' removes what "
                   "nothing refers to",
                   cas->path, q->used, q->limit, more);
}

static bool fits(const struct quota *q, uint64_t more)
{
    uint64_t after = 0;
    return add_u64(q->used, more, &after) && after <= q->limit;
}

int cas_quota_open(struct cas *cas, struct err *e)
{
    struct stat st;
    cas->quota = openat(cas->root, QUOTA_FILE, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (cas->quota < 0)
        return errno == ENOENT ? 0
                               : err_os(e, errno, "cannot open the quota of store '%s'", cas->path);
    if (fstat(cas->quota, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "the quota of store '%s' is no regular file", cas->path);
    return 0;
}

int cas_quota_room(struct cas *cas, uint64_t *room, struct err *e)
{
    struct quota q = {0};
    *room = UINT64_MAX;
    if (cas->quota < 0)
        return 0;
    (void)pthread_mutex_lock(&cas->mutex); /* flock(2) does not part threads */
    int rc = lock(cas, LOCK_SH, e);
    if (rc == 0)
        rc = read_quota(cas, &q, e);
    (void)flock(cas->quota, LOCK_UN);
    (void)pthread_mutex_unlock(&cas->mutex);
    if (rc == 0)
        *room = q.limit > q.used ? q.limit - q.used : 0;
    return rc;
}

int cas_quota_refuse(struct cas *cas, uint64_t more, struct err *e)
{
    struct quota q = {0};
    int rc = read_quota(cas, &q, e);
    return rc < 0 ? rc : full(cas, &q, more, e);
}

/* Changes what is used; `more` may be taken back. */
static int change(struct cas *cas, uint64_t more, bool back, struct err *e)
{
    struct quota q = {0};
    if (cas->quota < 0)
        return 0;
    (void)pthread_mutex_lock(&cas->mutex);
    int rc = lock(cas, LOCK_EX, e);
    if (rc == 0)
        rc = read_quota(cas, &q, e);
    if (rc == 0 && !back && !fits(&q, more))
        rc = full(cas, &q, more, e);
    if (rc == 0) {
        q.used = back ? q.used - (more < q.used ? more : q.used) : q.used + more;
        rc = write_quota(cas, cas->quota, &q, e);
    }
    (void)flock(cas->quota, LOCK_UN);
    (void)pthread_mutex_unlock(&cas->mutex);
    return rc;
}

int cas_quota_charge(struct cas *cas, uint64_t size, struct err *e)
{
    return change(cas, size, false, e);
}

void cas_quota_return(struct cas *cas, uint64_t size)
{
    struct err ignored = ERR_INIT;
    (void)change(cas, size, true, &ignored);
}

static int count(struct cas *cas, uint64_t *used, struct err *e)
{
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    int rc = cas_list(cas, &listing, e);
    *used = 0;
    for (size_t i = 0; rc == 0 && i < listing.count; i++)
        *used += listing.blobs[i].size;
    return rc;
}

/*
 * The store's lock file names the run of the kernel in which the blobs were counted last: what is
 * counted with a blob is not synced, so after a power cut the two may be of different moments.
 */
static size_t boot_id(char text[BOOT_ID_MAX])
{
    AUTO_CLOSE int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, BOOT_ID_MAX);
    return n < 0 ? 0 : (size_t)n;
}

static bool same_boot(const struct cas *cas)
{
    char now[BOOT_ID_MAX];
    char last[BOOT_ID_MAX];
    size_t len = boot_id(now);
    ssize_t had = pread(cas->lock, last, sizeof(last), 0);
    return len > 0 && had == (ssize_t)len && memcmp(now, last, len) == 0;
}

int cas_quota_forget(struct cas *cas, struct err *e)
{
    if (cas->quota < 0 || ftruncate(cas->lock, 0) == 0)
        return 0;
    return err_os(e, errno, "cannot write to the lock of store '%s'", cas->path);
}

static int remember_boot(struct cas *cas, struct err *e)
{
    char now[BOOT_ID_MAX];
    size_t len = boot_id(now);
    int rc = cas_quota_forget(cas, e);
    /* One that cannot be written is no fault: the next program counts once more. */
    if (rc == 0 && pwrite(cas->lock, now, len, 0) != (ssize_t)len)
        rc = cas_quota_forget(cas, e);
    return rc;
}

int cas_quota_recount(struct cas *cas, struct err *e)
{
    struct quota q = {0};
    uint64_t used = 0;
    if (cas->quota < 0)
        return 0;
    int rc = lock(cas, LOCK_EX, e);
    if (rc == 0)
        rc = read_quota(cas, &q, e);
    if (rc == 0)
        rc = count(cas, &used, e);
    if (rc == 0 && used != q.used) {
        q.used = used;
        rc = write_quota(cas, cas->quota, &q, e);
    }
    (void)flock(cas->quota, LOCK_UN);
    return rc == 0 ? remember_boot(cas, e) : rc;
}

int cas_quota_settle(struct cas *cas, struct err *e)
{
    struct quota q;
    if (cas->quota < 0)
        return 0;
    if (!same_boot(cas))
        return cas_quota_recount(cas, e);
    int rc = lock(cas, LOCK_SH, e);
    if (rc == 0)
        rc = read_quota(cas, &q, e);
    (void)flock(cas->quota, LOCK_UN);
    return rc;
}

int cas_quota_get(struct cas *cas, bool *has, uint64_t *limit, uint64_t *used, struct err *e)
{
    struct quota q = {0};
    *has = cas->quota >= 0;
    int rc = *has ? read_quota(cas, &q, e) : count(cas, used, e);
    if (rc == 0 && *has) {
        *limit = q.limit;
        *used = q.used;
    }
    return rc;
}

int cas_quota_set(struct cas *cas, uint64_t limit, struct err *e)
{
    struct quota q = {.limit = limit};
    int rc = cas_need_writable(cas, e);
    if (rc == 0 && flock(cas->lock, LOCK_EX | LOCK_NB) != 0)
        rc = err_set(e, ERR_HOST, "cannot change the quota of store '%s': another program uses it",
                     cas->path);
    if (rc == 0)
        rc = count(cas, &q.used, e);
    if (rc == 0 && limit == 0) {
        if (unlinkat(cas->root, QUOTA_FILE, 0) != 0 && errno != ENOENT)
            rc = err_os(e, errno, "cannot remove the quota of store '%s'", cas->path);
    } else if (rc == 0) {
        char line[LINE + 1];
        (void)snprintf(line, sizeof(line), "%020" PRIu64 " %020" PRIu64 "\n", q.limit, q.used);
        rc = cas_replace(cas, cas->root, QUOTA_FILE, line, LINE, true, e);
    }
    while (cas->lock >= 0 && flock(cas->lock, LOCK_SH) != 0 && errno == EINTR)
        ;
    return rc;
}
