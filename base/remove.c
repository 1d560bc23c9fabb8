/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As deep as LEVELS there is a descriptor and a frame of the stack for each level. What lies deeper
 * is moved up to the top, under a new name, and goes from there: neither depth nor the length of a
 * path matters.
 */
#include "base/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    BATCH = 1024,       /* bytes of directory entries read at a time */
    NEW_NAME_MAX = 16,  /* of what is moved up */
    LEVELS = 64,        /* where it is moved up */
    LEVELS_MAX = 800,   /* where it cannot be */
    REFILLS_MAX = 1000, /* of a directory that somebody fills while it is emptied */
};

/* getdents64(2) */
struct entry {
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

/* The tree's root directory, and the name of what is moved there next. */
struct top {
    int fd;
    uint32_t serial;
};

/* "r" and the number in hexadecimal. */
static void new_name(uint32_t serial, char out[NEW_NAME_MAX])
{
    static const char digits[] = "0123456789abcdef";
    char *p = out;
    *p++ = 'r';
    for (int shift = 28; shift >= 0; shift -= 4)
        *p++ = digits[serial >> shift & 15];
    *p = '\0';
}

/* Opens a directory, and makes it one of ours to change: its mode is what its maker chose. */
static int open_directory(int dirfd, const char *name, int *out)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY;
    struct stat st;
    int fd = openat(dirfd, name, flags);
    if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, AT_SYMLINK_NOFOLLOW) == 0)
        fd = openat(dirfd, name, flags);
    if (fd < 0)
        return errno == ENOTDIR ? EPERM : errno; /* a file that cannot be unlinked */
    if (fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
        (void)fchmod(fd, 0700);
    *out = fd;
    return 0;
}

/* Moves the directory `name` of `dir` to the top. */
static int move_up(struct top *top, int dir, const char *name)
{
    char fresh[NEW_NAME_MAX];
    bool opened = false;
    for (;;) {
        new_name(top->serial++, fresh);
        if (renameat2(dir, name, top->fd, fresh, RENAME_NOREPLACE) == 0)
            return 0;
        if (errno == EEXIST)
            continue;
        /* Its ".." changes: it must be one that we may write to. */
        if (errno != EACCES || opened || fchmodat(dir, name, 0700, AT_SYMLINK_NOFOLLOW) != 0)
            return errno;
        opened = true;
    }
}

static int remove_below(struct top *top, int dir, const char *name, unsigned level);

/* One pass over `dir`; *found: there was something. */
static int clear(struct top *top, int dir, unsigned level, bool *found)
{
    union {
        struct entry align;
        char bytes[BATCH];
    } batch;
    *found = false;
    if (lseek(dir, 0, SEEK_SET) < 0)
        return errno;
    for (;;) {
        long n = syscall(SYS_getdents64, dir, batch.bytes, sizeof(batch.bytes));
        if (n <= 0)
            return n == 0 ? 0 : errno;
        for (long at = 0; at < n;) {
            const struct entry *e = (const struct entry *)(const void *)(batch.bytes + at);
            at += e->length;
            if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
                continue;
            *found = true;
            int rc = remove_below(top, dir, e->name, level + 1);
            if (rc != 0)
                return rc;
        }
    }
}

/* Empties the open directory `fd`, whose name is `name` in `dir`, and removes it. */
static int clear_and_remove(struct top *top, int fd, int dir, const char *name, unsigned level)
{
    for (int refills = 0; refills < REFILLS_MAX; refills++) {
        bool found = true;
        int rc = 0;
        while (rc == 0 && found)
            rc = clear(top, fd, level, &found);
        if (rc != 0)
            return rc;
        if (unlinkat(dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
            return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return errno;
    }
    return ENOTEMPTY;
}

static int remove_below(struct top *top, int dir, const char *name, unsigned level)
{
    int fd = -1;
    if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
        return 0;
    if (errno != EISDIR && errno != EPERM)
        return errno;
    if (level >= LEVELS && move_up(top, dir, name) == 0)
        return 0;
    if (level >= LEVELS_MAX)
        return ENAMETOOLONG;
    int rc = open_directory(dir, name, &fd);
    if (rc != 0)
        return rc;
    if (level == 0)
        top->fd = fd;
    rc = clear_and_remove(top, fd, dir, name, level);
    (void)close(fd);
    return rc;
}

int remove_tree(int dirfd, const char *name)
{
    struct top top = {.fd = -1};
    return remove_below(&top, dirfd, name, 0);
}
