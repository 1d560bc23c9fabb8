/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stores that are a group's: an administrator gave the directory to a group, writable for it and
 * with the set-group-ID bit, so what is made in it is the group's, too. What its members have to
 * write to is then opened to the group, whatever the umask of the one who makes it.
 */
#include "store/cas/cas_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROUPS_DIR = S_ISGID | S_IRWXG, GROUPS_FILE = S_IRGRP | S_IWGRP };

static bool is_shared(int root)
{
    struct stat st;
    return fstat(root, &st) == 0 && (st.st_mode & S_ISGID) != 0 && (st.st_mode & S_IWGRP) != 0;
}

void cas_share(int root, int fd)
{
    struct stat st;
    if (!is_shared(root) || fstat(fd, &st) != 0)
        return;
    mode_t wanted = st.st_mode | (S_ISDIR(st.st_mode) ? GROUPS_DIR : GROUPS_FILE);
    /* Another's is his to open; if that is needed, whoever needs it is told. */
    if (wanted != st.st_mode && st.st_uid == geteuid())
        (void)fchmod(fd, wanted & 07777);
}

int cas_lock_file(int root, const char *name)
{
    int fd =
        openat(root, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0644);
    if (fd >= 0)
        cas_share(root, fd);
    return fd;
}
