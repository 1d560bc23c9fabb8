/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sandbox's file system: a fresh tmpfs that holds the named views
 * (read-only), /out, /tmp, /proc and four devices, and nothing else.
 *
 * Mounts are copied detached (open_tree), given their attributes while nobody
 * can reach them, and only then put in place: there is no instant at which a
 * view is writable.
 */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#define VIEW_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)
/* Nothing that a program has written may be executed. */
#define OUT_ATTRS (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define DEVICE_ATTRS (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

/* A directory that is there on every host that has /proc; what we mount on it only we can see. */
#define BASE "/proc"

static const struct {
    const char *host;
    const char *inside; /* relative to the new root */
    unsigned minor;     /* of major 1: a host's /dev is not believed */
} devices[] = {
    {"/dev/null", "dev/null", 3},
    {"/dev/zero", "dev/zero", 5},
    {"/dev/full", "dev/full", 7},
    {"/dev/urandom", "dev/urandom", 9},
};

/* A detached copy of what is mounted at path, with its attributes; -1 and errno. */
static int copy_tree(const char *path, uint64_t attrs)
{
    unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE;
    int fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, flags);
    if (fd < 0)
        return -1;
    struct mount_attr attr = {.attr_set = attrs, .propagation = MS_PRIVATE};
    if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) !=
        0) {
        int errnum = errno;
        (void)close(fd);
        errno = errnum;
        return -1;
    }
    return fd;
}

static const char *tree_path(const struct enclosure *s, size_t i)
{
    return i < s->view_count ? s->views[i].host : s->writable;
}

static uint64_t tree_attrs(const struct enclosure *s, size_t i)
{
    return i < s->view_count ? VIEW_ATTRS : OUT_ATTRS;
}

int mounts_prepare(struct enclosure *s, struct err *e)
{
    size_t count = s->view_count + (s->writable != NULL ? 1 : 0);
    for (size_t i = 0; i < count; i++) {
        s->trees[i] = copy_tree(tree_path(s, i), tree_attrs(s, i));
        if (s->trees[i] >= 0)
            continue;
        /* Not privileged here: the same is done inside, with the same rights to the same files. */
        if (errno == EPERM)
            return 0;
        bool input = errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP;
        return err_os_code(e, input ? ERR_INPUT : ERR_HOST, errno,
                           "cannot show '%s' in the sandbox", tree_path(s, i));
    }
    return 0;
}

/* Makes the directories above `path` (relative, normal form) in the new root, which is the cwd. */
static bool make_parents(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part)) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (path[i] == '/') {
            part[i] = '\0';
            if (mkdir(part, 0755) != 0 && errno != EEXIST)
                return false;
        }
        part[i] = path[i];
    }
    return true;
}

/* Puts a tree at `path`, on an empty directory or file made for it. */
static bool attach(int tree, const char *path, bool directory)
{
    if (!make_parents(path))
        return false;
    if (directory) {
        if (mkdir(path, 0755) != 0)
            return false;
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0444);
        if (fd < 0)
            return false;
        (void)close(fd);
    }
    return syscall(SYS_move_mount, tree, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH) == 0;
}

static bool attach_trees(struct enclosure *s, struct report *r)
{
    for (size_t i = 0; i < s->view_count; i++) {
        struct stat st;
        if (fstat(s->trees[i], &st) != 0)
            return fail_at(r, STAGE_VIEW, i);
        if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode)) {
            errno = EINVAL; /* a device, socket or FIFO would be a way out */
            return fail_at(r, STAGE_VIEW, i);
        }
        if (!attach(s->trees[i], s->views[i].inside + 1, S_ISDIR(st.st_mode)))
            return fail_at(r, STAGE_VIEW, i);
    }
    if (s->writable == NULL)
        return true;
    struct stat st;
    if (fstat(s->trees[s->view_count], &st) != 0)
        return fail_at(r, STAGE_VIEW, s->view_count);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return fail_at(r, STAGE_VIEW, s->view_count);
    }
    if (!attach(s->trees[s->view_count], "out", true))
        return fail_at(r, STAGE_VIEW, s->view_count);
    return true;
}

/* The host's devices are copied before the new root hides the host's file system. */
static bool open_devices(int *trees, struct report *r)
{
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        struct stat st;
        trees[i] = copy_tree(devices[i].host, DEVICE_ATTRS);
        if (trees[i] < 0 || fstat(trees[i], &st) != 0)
            return fail_at(r, STAGE_DEVICE, i);
        if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, devices[i].minor)) {
            errno = ENODEV;
            return fail_at(r, STAGE_DEVICE, i);
        }
    }
    return true;
}

/*
 * Two instances of proc. The program's shows no process but those it may trace (so not pid 1, whose
 * command line is the caller's) and nothing but processes: no cpuinfo, meminfo, sys, version. Ours
 * shows all processes, is never mounted anywhere, and is for counting them.
 */
static bool mount_proc(int *proc_fd, struct report *r)
{
    int fs = (int)syscall(SYS_fsopen, "proc", FSOPEN_CLOEXEC);
    if (fs < 0)
        return fail_at(r, STAGE_PROC, 0);
    if (syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, "subset", "pid", 0) != 0 ||
        syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        return fail_at(r, STAGE_PROC, 0);
    int ours = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC,
                            MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    (void)close(fs);
    if (ours < 0)
        return fail_at(r, STAGE_PROC, 0);
    *proc_fd = openat(ours, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(ours);
    if (*proc_fd < 0)
        return fail_at(r, STAGE_PROC, 0);
    if (mkdir("proc", 0555) != 0 || mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                          "hidepid=ptraceable,subset=pid") != 0)
        return fail_at(r, STAGE_PROC, 0);
    return true;
}

static bool populate(struct enclosure *s, const int *device_trees, int *proc_fd, struct report *r)
{
    for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        if (!attach(device_trees[i], devices[i].inside, false))
            return fail_at(r, STAGE_DEVICE, i);
    }
    if (mkdir("tmp", 0755) != 0 || mount("tmpfs", "tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                         "mode=1777,size=64m,nr_inodes=16384") != 0)
        return fail_at(r, STAGE_MOUNTS, 0);
    return mount_proc(proc_fd, r) && attach_trees(s, r);
}

/* The new root takes the old one's place; the old one, with all of the host below it, goes. */
static bool switch_root(struct report *r)
{
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return fail_at(r, STAGE_ROOT, 0);
    struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
    if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attr, sizeof(attr)) != 0)
        return fail_at(r, STAGE_ROOT, 0);
    return true;
}

bool mounts_enter(struct enclosure *s, int *proc_fd, struct report *r)
{
    int device_trees[sizeof(devices) / sizeof(devices[0])] = {-1, -1, -1, -1};
    size_t count = s->view_count + (s->writable != NULL ? 1 : 0);
    /* Nothing that is mounted on either side from now on is seen on the other. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        return fail_at(r, STAGE_MOUNTS, 0);
    for (size_t i = 0; i < count; i++) {
        if (s->trees[i] < 0)
            s->trees[i] = copy_tree(tree_path(s, i), tree_attrs(s, i));
        if (s->trees[i] < 0)
            return fail_at(r, STAGE_VIEW, i);
    }
    if (!open_devices(device_trees, r))
        return false;
    if (mount("tmpfs", BASE, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOATIME,
              "mode=0755,size=1m,nr_inodes=4096") != 0 ||
        chdir(BASE) != 0)
        return fail_at(r, STAGE_MOUNTS, 0);
    return populate(s, device_trees, proc_fd, r) && switch_root(r);
}
