/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seccomp filters.
 *
 * The sandbox's is an allow-list. What it refuses falls in two classes: calls
 * that a program could be tempted to make and that must fail visibly (EPERM,
 * listed with their reasons), and everything else, which a program is told
 * this kernel does not have (ENOSYS), so that libraries take their fallbacks
 * and a call invented tomorrow is refused today. A foreign architecture's
 * system call ends the process. Starting a process or thread is decided by
 * pid 1 (supervise.c), which counts.
 */
#include "base/sandbox/internal.h"

#include <errno.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <linux/fs.h>

/* Files, memory, time, signals and threads of the program's own. */
static const char *const allowed[] = {
    /* reading and writing what is open */
    "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "preadv2",
    "pwritev2", "lseek", "_llseek", "close", "close_range", "dup", "dup2", "dup3", "fcntl", "pipe",
    "pipe2", "splice", "tee", "sendfile", "copy_file_range", "readahead", "fadvise64", "fallocate",
    "ftruncate", "truncate", "fsync", "fdatasync", "syncfs", "sync_file_range", "flock",
    /* files by name: the mount namespace says which there are */
    "open", "openat", "openat2", "creat", "stat", "lstat", "fstat", "newfstatat", "statx", "access",
    "faccessat", "faccessat2", "readlink", "readlinkat", "getdents64", "getdents", "mkdir",
    "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2", "link", "linkat",
    "symlink", "symlinkat", "utimensat", "utimes", "utime", "futimesat", "chown", "fchown",
    "lchown", "fchownat", "getcwd", "chdir", "fchdir", "umask", "statfs", "fstatfs", "getxattr",
    "lgetxattr", "fgetxattr", "listxattr", "llistxattr", "flistxattr",
    /* memory */
    "mmap", "munmap", "mprotect", "mremap", "msync", "madvise", "mincore", "mlock", "mlock2",
    "munlock", "mlockall", "munlockall", "brk", "memfd_create", "membarrier",
    /* processes and threads: fork, vfork and clone have rules of their own below */
    "execve", "execveat", "exit", "exit_group", "wait4", "waitid", "kill", "tkill", "tgkill",
    "getpid", "getppid", "gettid", "getpgid", "getpgrp", "setpgid", "getsid", "setsid",
    "pidfd_open", "pidfd_send_signal", "set_tid_address", "set_robust_list", "get_robust_list",
    "rseq", "futex", "futex_waitv", "arch_prctl", "riscv_flush_icache", "riscv_hwprobe",
    "sched_yield", "sched_getaffinity", "sched_setaffinity", "sched_getparam", "sched_getscheduler",
    "sched_get_priority_max", "sched_get_priority_min", "getcpu", "getpriority", "setpriority",
    "getrlimit", "setrlimit", "getrusage", "times", "sysinfo", "uname",
    /* who am I */
    "getuid", "geteuid", "getgid", "getegid", "getresuid", "getresgid", "getgroups", "capget",
    /* signals */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending", "rt_sigsuspend",
    "rt_sigtimedwait", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "sigaltstack", "signalfd",
    "signalfd4", "pause", "restart_syscall",
    /* waiting, and clocks to read */
    "poll", "ppoll", "select", "pselect6", "epoll_create", "epoll_create1", "epoll_ctl",
    "epoll_wait", "epoll_pwait", "epoll_pwait2", "eventfd", "eventfd2", "timerfd_create",
    "timerfd_settime", "timerfd_gettime", "timer_create", "timer_settime", "timer_gettime",
    "timer_getoverrun", "timer_delete", "alarm", "getitimer", "setitimer", "nanosleep",
    "clock_nanosleep", "clock_gettime", "clock_getres", "gettimeofday", "time", "getrandom"};

/* No way to another machine or process: every family, AF_UNIX and AF_NETLINK too. */
#define DENIED_NETWORK                                                                             \
    "socket", "socketpair", "socketcall", "connect", "bind", "listen", "accept", "accept4",        \
        "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg", "shutdown",            \
        "getsockname", "getpeername", "getsockopt", "setsockopt"

/* No look into, or hold on, another process. */
#define DENIED_PROCESSES                                                                           \
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease",      \
        "kcmp", "pidfd_getfd", "move_pages", "migrate_pages"

/*
 * Wide interfaces whose bugs have been ways into the kernel, and which do work outside the filter:
 * io_uring's sockets and openings are not seen by seccomp.
 */
#define DENIED_KERNEL                                                                              \
    "io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "perf_event_open",             \
        "userfaultfd", "fanotify_init", "fanotify_mark", "lookup_dcookie", "vmsplice",             \
        "modify_ldt", "iopl", "ioperm", "kexec_load", "kexec_file_load", "init_module",            \
        "finit_module", "delete_module", "create_module", "query_module", "nfsservctl",            \
        "memfd_secret", "uselib", "_sysctl", "ustat", "sysfs"

/* No new world: namespaces and mounts would give capabilities, or undo the view. */
#define DENIED_WORLDS                                                                              \
    "unshare", "setns", "mount", "umount", "umount2", "pivot_root", "chroot", "open_tree",         \
        "move_mount", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr"

static const char *const denied[] = {
    DENIED_NETWORK, DENIED_PROCESSES, DENIED_KERNEL, DENIED_WORLDS,
    /* kernel keyrings are shared with the caller's session and survive us */
    "add_key", "keyctl", "request_key",
    /* the host's clock, name and state */
    "clock_settime", "settimeofday", "stime", "adjtimex", "clock_adjtime", "sethostname",
    "setdomainname", "reboot", "swapon", "swapoff", "acct", "quotactl", "quotactl_fd", "syslog",
    "vhangup", "sync",
    /* other identities, and what survives in a file beyond its bytes and mode */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "setxattr", "lsetxattr", "fsetxattr", "removexattr", "lremovexattr",
    "fremovexattr", "mknod", "mknodat", "name_to_handle_at", "open_by_handle_at",
    /* ASLR stays as it was set */
    "personality",
    /* System V and POSIX message objects: nothing to talk to */
    "shmget", "shmat", "shmctl", "shmdt", "semget", "semop", "semtimedop", "semctl", "msgget",
    "msgsnd", "msgrcv", "msgctl", "ipc", "mq_open", "mq_unlink", "mq_timedsend", "mq_timedreceive",
    "mq_notify", "mq_getsetattr"};

/* What a program that denies itself the network gives up (sandbox_deny_network). */
static const char *const denied_offline[] = {DENIED_NETWORK, DENIED_PROCESSES, DENIED_KERNEL,
                                             DENIED_WORLDS,  "add_key",        "keyctl",
                                             "request_key"};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int failed(int rc, const char *what, struct err *e)
{
    return err_os(e, -rc, "cannot make the system call filter: %s", what);
}

/* A name that this architecture or libseccomp does not have cannot be called by it either. */
static int add_names(scmp_filter_ctx ctx, uint32_t action, const char *const *names, size_t count,
                     struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        int nr = seccomp_syscall_resolve_name(names[i]);
        if (nr == __NR_SCMP_ERROR)
            continue;
        int rc = seccomp_rule_add(ctx, action, nr, 0);
        if (rc < 0)
            return failed(rc, names[i], e);
    }
    return 0;
}

static int add_masked(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned arg,
                      uint64_t mask, uint64_t value, struct err *e)
{
    int nr = seccomp_syscall_resolve_name(name);
    if (nr == __NR_SCMP_ERROR)
        return 0;
    int rc = seccomp_rule_add(ctx, action, nr, 1, SCMP_CMP(arg, SCMP_CMP_MASKED_EQ, mask, value));
    return rc < 0 ? failed(rc, name, e) : 0;
}

/* A set-id bit that a program leaves would give the caller's rights to whoever runs the file. */
static int add_chmod(scmp_filter_ctx ctx, struct err *e)
{
    static const struct {
        const char *name;
        unsigned mode_arg;
    } calls[] = {{"chmod", 1}, {"fchmod", 1}, {"fchmodat", 2}};
    for (size_t i = 0; i < COUNT(calls); i++) {
        unsigned arg = calls[i].mode_arg;
        int rc = add_masked(ctx, SCMP_ACT_ALLOW, calls[i].name, arg, S_ISUID | S_ISGID, 0, e);
        const uint64_t bits[] = {S_ISUID, S_ISGID};
        for (size_t b = 0; rc == 0 && b < COUNT(bits); b++)
            rc = add_masked(ctx, SCMP_ACT_ERRNO(EPERM), calls[i].name, arg, bits[b], bits[b], e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/*
 * fork, vfork and clone are asked of pid 1; clone with a namespace flag fails. clone3 hides its
 * flags behind a pointer that a filter cannot read, so it does not exist here: libc uses clone.
 */
static int add_clone(scmp_filter_ctx ctx, struct err *e)
{
    static const uint64_t namespaces[] = {CLONE_NEWUSER,   CLONE_NEWNS,  CLONE_NEWPID,
                                          CLONE_NEWIPC,    CLONE_NEWUTS, CLONE_NEWNET,
                                          CLONE_NEWCGROUP, CLONE_PTRACE};
    static const char *const plain[] = {"fork", "vfork"};
    uint64_t mask = 0;
    for (size_t i = 0; i < COUNT(namespaces); i++) {
        mask |= namespaces[i];
        int rc =
            add_masked(ctx, SCMP_ACT_ERRNO(EPERM), "clone", 0, namespaces[i], namespaces[i], e);
        if (rc < 0)
            return rc;
    }
    int rc = add_masked(ctx, SCMP_ACT_NOTIFY, "clone", 0, mask, 0, e);
    return rc < 0 ? rc : add_names(ctx, SCMP_ACT_NOTIFY, plain, COUNT(plain), e);
}

static int add_values(scmp_filter_ctx ctx, const char *name, unsigned arg, const uint64_t *values,
                      size_t count, struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(name), 1,
                                  SCMP_CMP(arg, SCMP_CMP_EQ, values[i], 0));
        if (rc < 0)
            return failed(rc, name, e);
    }
    return 0;
}

static int add_arguments(scmp_filter_ctx ctx, struct err *e)
{
    /* isatty, bytes waiting, flags of a descriptor, reflinks; no TIOCSTI, no FS_IOC_SETFLAGS. */
    static const uint64_t ioctls[] = {TCGETS,  TIOCGWINSZ, FIONREAD, FIONBIO,
                                      FIOCLEX, FIONCLEX,   FICLONE,  FICLONERANGE};
    static const uint64_t prctls[] = {PR_SET_NAME,         PR_GET_NAME,     PR_SET_PDEATHSIG,
                                      PR_GET_PDEATHSIG,    PR_GET_DUMPABLE, PR_SET_NO_NEW_PRIVS,
                                      PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,  PR_SET_SECCOMP,
                                      PR_CAPBSET_READ,     PR_SET_VMA,      PR_GET_SECUREBITS};
    static const uint64_t self[] = {0};
    int rc = add_values(ctx, "ioctl", 1, ioctls, COUNT(ioctls), e);
    if (rc == 0)
        rc = add_values(ctx, "prctl", 0, prctls, COUNT(prctls), e);
    /* Its own limits only: pid 1 has the same uid. */
    if (rc == 0)
        rc = add_values(ctx, "prlimit64", 0, self, COUNT(self), e);
    /* A further filter may only narrow; a listener of its own could answer for this one. */
    if (rc == 0)
        rc = add_masked(ctx, SCMP_ACT_ALLOW, "seccomp", 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, 0, e);
    return rc;
}

static int fill(scmp_filter_ctx ctx, struct err *e)
{
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0) /* a binary tree: some ten comparisons a call, not hundreds */
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        return failed(rc, "attributes", e);
    rc = add_names(ctx, SCMP_ACT_ALLOW, allowed, COUNT(allowed), e);
    if (rc == 0)
        rc = add_names(ctx, SCMP_ACT_ERRNO(EPERM), denied, COUNT(denied), e);
    if (rc == 0)
        rc = add_chmod(ctx, e);
    if (rc == 0)
        rc = add_clone(ctx, e);
    return rc < 0 ? rc : add_arguments(ctx, e);
}

/* libseccomp 2.5 exports to a descriptor only. */
static int export(scmp_filter_ctx ctx, struct sock_filter **code, unsigned short *count,
                  struct err *e)
{
    struct stat st;
    AUTO_CLOSE int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot make a file in memory");
    int rc = seccomp_export_bpf(ctx, fd);
    if (rc < 0)
        return failed(rc, "export", e);
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot read the system call filter");
    size_t size = (size_t)st.st_size;
    size_t n = size / sizeof(struct sock_filter);
    if (n == 0 || n > BPF_MAXINSNS || size % sizeof(struct sock_filter) != 0)
        return err_set(e, ERR_HOST, "the system call filter has %zu bytes", size);
    AUTO_FREE struct sock_filter *bpf = malloc(size);
    if (bpf == NULL)
        return err_oom(e);
    if (pread(fd, bpf, size, 0) != (ssize_t)size)
        return err_os(e, errno, "cannot read the system call filter");
    *count = (unsigned short)n;
    *code = steal_ptr(&bpf);
    return 0;
}

int filter_make(struct sock_filter **code, unsigned short *count, struct err *e)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (ctx == NULL)
        return err_oom(e);
    int rc = fill(ctx, e);
    if (rc == 0)
        rc = export(ctx, code, count, e);
    seccomp_release(ctx);
    return rc;
}

int sandbox_deny_network(struct err *e)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
    if (ctx == NULL)
        return err_oom(e);
    int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0) /* all threads, should a library have started one */
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (rc < 0)
        rc = failed(rc, "attributes", e);
    else
        rc = add_names(ctx, SCMP_ACT_ERRNO(EPERM), denied_offline, COUNT(denied_offline), e);
    if (rc == 0) {
        rc = seccomp_load(ctx); /* sets no_new_privs */
        if (rc < 0)
            rc = err_os(e, -rc, "cannot deny this program the network");
    }
    seccomp_release(ctx);
    return rc;
}
