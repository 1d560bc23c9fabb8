/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A spy to be put into the sandbox. Static, on no library of ours, so that it sees what a program
 * sees and nothing helps it.
 *
 *   spy see             prints all that it can find out; two runs must print the same
 *   spy escape VIEW     tries to get out or to do harm; one line "name: ERRNO" or "name: ALLOWED"
 *   spy <deed>          one deed whose outcome the caller watches (see deeds)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- see ---- */

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void list(const char *path, unsigned depth)
{
    struct dirent **names = NULL;
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char below[4096];
        struct stat st;
        const char *name = names[i]->d_name;
        bool dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
        (void)snprintf(below, sizeof(below), "%s/%s", strcmp(path, "/") == 0 ? "" : path, name);
        if (!dots && lstat(below, &st) == 0) {
            printf("path %s %o\n", below, (unsigned)st.st_mode);
            if (depth > 0 && S_ISDIR(st.st_mode))
                list(below, depth - 1);
        }
        free(names[i]);
    }
    free(names);
}

/* Lines of a file that begin with one of the prefixes. */
static void lines(const char *path, const char *const *prefixes)
{
    char line[4096];
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        printf("%s %s\n", path, strerrorname_np(errno));
        return;
    }
    while (fgets(line, sizeof(line), f) != NULL) {
        for (const char *const *p = prefixes; *p != NULL; p++) {
            if (strncmp(line, *p, strlen(*p)) == 0)
                printf("%s %s", path, line);
        }
    }
    (void)fclose(f);
}

/* Mount point, its options and type; not the numbers, the source and the file system's options. */
static void see_mounts(void)
{
    char line[4096];
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        char point[1024];
        char options[1024];
        char type[64];
        const char *dash = strstr(line, " - ");
        if (dash != NULL && sscanf(line, "%*s %*s %*s %*s %1023s %1023s", point, options) == 2 &&
            sscanf(dash, " - %63s", type) == 1)
            printf("mount %s %s %s\n", point, options, type);
    }
    if (f != NULL)
        (void)fclose(f);
}

static void see_identity(void)
{
    struct utsname u;
    gid_t groups[64];
    char cwd[4096];
    printf("uid %u %u gid %u %u groups %d\n", getuid(), geteuid(), getgid(), getegid(),
           getgroups(64, groups));
    if (uname(&u) == 0)
        printf("host %s domain %s machine %s\n", u.nodename, u.domainname, u.machine);
    printf("cwd %s\n", getcwd(cwd, sizeof(cwd)) != NULL ? cwd : "none");
    mode_t mask = umask(0);
    (void)umask(mask);
    printf("umask %03o\n", (unsigned)mask);
    printf("pid %d parent %d session %d group %d\n", getpid(), getppid(), getsid(0), getpgid(0));
    for (char **v = environ; *v != NULL; v++)
        printf("env %s\n", *v);
}

static void see_descriptors(void)
{
    for (int fd = 0; fd < 4096; fd++) {
        struct stat st;
        if (fstat(fd, &st) == 0)
            printf("fd %d %o %x\n", fd, (unsigned)(st.st_mode & S_IFMT), (unsigned)st.st_rdev);
    }
}

static void see_limits(void)
{
    static const int which[] = {RLIMIT_AS,       RLIMIT_FSIZE, RLIMIT_CORE,
                                RLIMIT_NOFILE,   RLIMIT_STACK, RLIMIT_MEMLOCK,
                                RLIMIT_MSGQUEUE, RLIMIT_NICE,  RLIMIT_RTPRIO};
    for (size_t i = 0; i < sizeof(which) / sizeof(which[0]); i++) {
        struct rlimit l;
        if (getrlimit((__rlimit_resource_t)which[i], &l) == 0)
            printf("limit %d %llu %llu\n", which[i], (unsigned long long)l.rlim_cur,
                   (unsigned long long)l.rlim_max);
    }
}

static int see(void)
{
    static const char *const status[] = {"Umask",   "CapInh",    "CapPrm", "CapEff",     "CapBnd",
                                         "CapAmb",  "SigBlk",    "SigIgn", "NoNewPrivs", "Seccomp",
                                         "Threads", "TracerPid", "NSpid",  NULL};
    static const char *const all[] = {"", NULL};
    int local = 0;
    see_identity();
    see_descriptors();
    see_limits();
    lines("/proc/self/status", status);
    lines("/proc/self/cgroup", all);
    lines("/proc/self/net/dev", all);
    lines("/proc/self/timens_offsets", all);
    see_mounts();
    list("/dev", 1);
    list("/", 1);
    lines("/proc/self/personality", all);
    /* Without address randomisation these are the same each time. */
    printf("stack %p code %p break %p\n", (void *)&local, (void *)(uintptr_t)see, sbrk(0));
    return 0;
}

/* ---- escape ---- */

static unsigned escapes;

static void tell(const char *name, long r)
{
    if (r >= 0)
        escapes++;
    printf("%s: %s\n", name, r >= 0 ? "ALLOWED" : strerrorname_np(errno));
}

static void try_files(const char *view)
{
    static const char *const hidden[] = {"/etc/passwd",
                                         "/etc/hostname",
                                         "/root",
                                         "/home",
                                         "/sys",
                                         "/usr",
                                         "/var",
                                         "/proc/cpuinfo",
                                         "/proc/meminfo",
                                         "/proc/version",
                                         "/proc/sys",
                                         "/proc/mounts",
                                         "/proc/1",
                                         "/proc/1/environ",
                                         "/proc/1/root/etc/passwd",
                                         "/dev/mem",
                                         "/dev/kmsg",
                                         "/dev/tty",
                                         "/dev/ptmx",
                                         "/dev/shm",
                                         "/dev/random",
                                         "/proc/self/root/etc/passwd",
                                         "/proc/self/cwd/../etc/passwd",
                                         "/proc/2/root/../../etc/passwd"};
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
        tell(hidden[i], open(hidden[i], O_RDONLY | O_NONBLOCK));
    tell("create in /", open("/x", O_WRONLY | O_CREAT, 0644));
    tell("mkdir in /", mkdir("/x", 0755));
    tell("create in /dev", open("/dev/x", O_WRONLY | O_CREAT, 0644));
    tell("write to the view", open(view, O_WRONLY));
    tell("truncate the view", truncate(view, 0));
    tell("remove the view", unlink(view));
    tell("chmod the view", chmod(view, 0777));
    tell("touch the view", utimensat(AT_FDCWD, view, NULL, 0));
    tell("rename over the view", rename("/out/note", view));
    tell("link the view out", link(view, "/out/linked"));
    int readable = open(view, O_RDONLY);
    char again[64];
    (void)snprintf(again, sizeof(again), "/proc/self/fd/%d", readable);
    tell("reopen the view for writing", readable >= 0 ? open(again, O_WRONLY) : 0);
    (void)close(readable);
    tell("move /out away", rename("/out", "/tmp/out"));
    tell("write pid 1's memory", open("/proc/1/mem", O_RDWR));
    for (int fd = 3; fd < 1024; fd++) {
        if (openat(fd, "..", O_PATH) >= 0)
            tell("a directory left open", fd);
    }
}

static void try_mounts(void)
{
    tell("mount tmpfs", mount("tmpfs", "/tmp", "tmpfs", 0, NULL));
    tell("remount / read-write", mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    tell("umount", umount2("/out", MNT_DETACH));
    tell("pivot_root", syscall(SYS_pivot_root, "/out", "/out"));
    tell("chroot", chroot("/out"));
    tell("open_tree", syscall(SYS_open_tree, AT_FDCWD, "/", 1));
    tell("fsopen", syscall(SYS_fsopen, "proc", 0));
    tell("mount_setattr", syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, NULL, 0));
    tell("unshare user", unshare(CLONE_NEWUSER));
    tell("unshare mount", unshare(CLONE_NEWNS));
    tell("unshare files", unshare(CLONE_FILES));
    tell("setns", setns(open("/proc/self/ns/net", O_RDONLY), 0));
    tell("clone user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL));
    tell("clone net", syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, NULL, NULL, NULL, NULL));
    tell("clone3", syscall(SYS_clone3, NULL, 0));
    tell("mknod", mknod("/out/null", S_IFCHR | 0666, makedev(1, 3)));
    tell("mkfifo", mkfifo("/out/fifo", 0644));
    tell("mknod file", mknod("/out/node", S_IFREG | 0644, 0));
}

static void try_sockets(void)
{
    static const struct {
        const char *name;
        int family;
        int type;
    } sockets[] = {{"socket inet", AF_INET, SOCK_STREAM},  {"socket inet6", AF_INET6, SOCK_DGRAM},
                   {"socket unix", AF_UNIX, SOCK_STREAM},  {"socket netlink", AF_NETLINK, SOCK_RAW},
                   {"socket packet", AF_PACKET, SOCK_RAW}, {"socket vsock", AF_VSOCK, SOCK_STREAM},
                   {"socket alg", AF_ALG, SOCK_SEQPACKET}};
    int pair[2];
    struct sockaddr none = {0};
    for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++)
        tell(sockets[i].name, socket(sockets[i].family, sockets[i].type, 0));
    tell("socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    tell("connect", connect(0, &none, sizeof(none)));
    tell("sendmsg", sendmsg(0, NULL, 0));
}

static void try_processes(void)
{
    char byte = 0;
    struct iovec here = {&byte, 1};
    struct iovec there = {(void *)(uintptr_t)see, 1};
    struct rlimit l = {1, 1};
    tell("ptrace me", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
    tell("ptrace pid 1", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
    tell("process_vm_readv", process_vm_readv(getpid(), &here, 1, &there, 1, 0));
    tell("pidfd_getfd", syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, 1, 0), 0, 0));
    tell("limits of pid 1", prlimit(1, RLIMIT_NOFILE, &l, NULL));
    tell("second listener", syscall(SYS_seccomp, 1, 1UL << 3, NULL));
    tell("personality", personality(PER_LINUX));
}

static void try_identity(void)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{1, 1, 1}, {0, 0, 0}};
    gid_t group = 0;
    int fd = open("/out/note", O_WRONLY | O_CREAT, 0644);
    if (fd < 0)
        escapes++;
    tell("setuid 0", setuid(0));
    tell("setuid same", (long)syscall(SYS_setuid, 1000));
    tell("setresgid", (long)syscall(SYS_setresgid, 0, 0, 0));
    tell("setgroups", (long)syscall(SYS_setgroups, 1, &group));
    tell("capset", syscall(SYS_capset, &header, data));
    tell("chmod u+s", chmod("/out/note", 04755));
    tell("fchmod g+s", fchmod(fd, 02755));
    tell("fchmodat u+s", fchmodat(AT_FDCWD, "/out/note", 06755, 0));
    tell("setxattr", setxattr("/out/note", "user.x", "1", 1, 0));
    tell("fsetxattr", fsetxattr(fd, "user.x", "1", 1, 0));
    tell("chown to root", chown("/out/note", 0, 0));
    tell("chown to nobody", chown("/out/note", 65534, 65534));
    tell("write /proc/self/uid_map", open("/proc/self/uid_map", O_WRONLY) >= 0
                                         ? write(open("/proc/self/uid_map", O_WRONLY), "0 0 1", 5)
                                         : -1);
    (void)unlink("/out/note");
}

static void try_kernel(void)
{
    static union bpf_attr bpf;
    static struct perf_event_attr perf;
    static char params[256];
    struct timespec ts = {1, 0};
    struct {
        unsigned bytes;
        int type;
        unsigned char data[128];
    } handle = {.bytes = 128};
    int id = 0;
    tell("io_uring_setup", syscall(SYS_io_uring_setup, 1, params));
    tell("bpf", syscall(SYS_bpf, BPF_MAP_CREATE, &bpf, sizeof(bpf)));
    tell("perf_event_open", syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0));
    tell("userfaultfd", syscall(SYS_userfaultfd, 1));
    tell("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 1));
    tell("add_key", syscall(SYS_add_key, "user", "assay", "1", 1, KEY_SPEC_USER_KEYRING));
    tell("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
    tell("init_module", syscall(SYS_init_module, NULL, 0, ""));
    tell("clock_settime", clock_settime(CLOCK_REALTIME, &ts));
    tell("sethostname", sethostname("x", 1));
    tell("setdomainname", setdomainname("x", 1));
    tell("reboot", syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL));
    tell("swapon", syscall(SYS_swapon, "/out/note", 0));
    tell("syslog", syscall(SYS_syslog, 3, params, 100));
    tell("quotactl", syscall(SYS_quotactl, 0, NULL, 0, NULL));
    tell("name_to_handle_at", syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &handle, &id, 0));
    tell("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY));
    tell("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
    tell("shmget", syscall(SYS_shmget, 0, 4096, 01600));
    tell("mq_open", syscall(SYS_mq_open, "x", O_CREAT | O_RDWR, 0600, NULL));
    tell("TIOCSTI", ioctl(0, TIOCSTI, "x"));
    tell("a call of the future", syscall(4000));
    tell("map 64 GiB",
         mmap(NULL, (size_t)64 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
             ? -1
             : 0);
}

/* A system call of another architecture ends the process that makes it. */
static void try_architecture(void)
{
#ifdef __x86_64__
    for (int way = 0; way < 2; way++) {
        int how = 0;
        pid_t pid = fork();
        if (pid == 0) {
            long r = 20; /* getpid of i386 */
            if (way == 0)
                __asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10", "r11");
            else
                r = syscall(0x40000000 + SYS_getpid); /* x32 */
            _exit(0);
        }
        bool killed = pid > 0 && waitpid(pid, &how, 0) == pid && WIFSIGNALED(how) &&
                      (WTERMSIG(how) == SIGSYS || WTERMSIG(how) == SIGSEGV);
        errno = EPERM;
        tell(way == 0 ? "i386 call" : "x32 call", killed ? -1 : 0);
    }
#endif
}

static int escape(const char *view)
{
    try_files(view);
    try_mounts();
    try_sockets();
    try_processes();
    try_identity();
    try_kernel();
    try_architecture();
    /* Signals from inside do not reach pid 1. */
    (void)kill(1, SIGKILL);
    (void)kill(1, SIGSTOP);
    (void)usleep(50000);
    printf("escapes: %u\n", escapes);
    return escapes == 0 ? 0 : 1;
}

static int sockets(void)
{
    try_sockets();
    return escapes == 0 ? 0 : 1;
}

/* ---- deeds whose outcome the caller watches ---- */

/* Forks until it cannot; says how many there were. */
static int deed_forks(void)
{
    unsigned n = 0;
    while (n < 5000) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0)
            for (;;)
                (void)pause();
        n++;
    }
    printf("forks %u %s\n", n, strerrorname_np(errno));
    return 0;
}

static void *idle(void *arg)
{
    for (;;)
        (void)pause();
    return arg;
}

static int deed_threads(void)
{
    unsigned n = 0;
    int rc = 0;
    pthread_t t;
    while (n < 5000 && (rc = pthread_create(&t, NULL, idle, NULL)) == 0)
        n++;
    printf("threads %u %s\n", n, strerrorname_np(rc));
    (void)fflush(stdout);
    _exit(0);
}

/* Every child forks too, for ever. */
static int deed_bomb(void)
{
    while (getpid() > 0)
        (void)fork();
    return 1;
}

/* Shows that it lives. */
static int beat(void)
{
    int fd = open("/out/heartbeat", O_WRONLY | O_CREAT | O_APPEND, 0644);
    for (;;) {
        if (write(fd, ".", 1) != 1)
            return 1;
        (void)usleep(10000);
    }
}

/* A daemon by the book: new session, deaf to signals; it writes as long as it lives. */
static int deed_daemon(void)
{
    if (fork() != 0) {
        (void)usleep(100000);
        return 0;
    }
    (void)setsid();
    for (int s = 1; s < NSIG; s++)
        (void)signal(s, SIG_IGN);
    if (fork() != 0)
        _exit(0);
    return beat();
}

static int fill(const char *path, uint64_t limit)
{
    static char block[1 << 16];
    uint64_t done = 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    (void)signal(SIGXFSZ, SIG_IGN);
    while (done < limit) {
        ssize_t n = write(fd, block, sizeof(block));
        if (n <= 0)
            break;
        done += (uint64_t)n;
    }
    printf("wrote %llu %s\n", (unsigned long long)done, strerrorname_np(errno));
    return 0;
}

static int deed_huge(void)
{
    return fill("/out/huge", (uint64_t)1 << 30);
}

static int deed_tmp(void)
{
    return fill("/tmp/huge", (uint64_t)1 << 30);
}

static int deed_symlink(void)
{
    return symlink("/etc/passwd", "/out/link") == 0 ? 0 : 1;
}

static int deed_setid(void)
{
    (void)umask(0);
    return open("/out/lender", O_WRONLY | O_CREAT, 04755) >= 0 ? 0 : 1;
}

static int deed_closed(void)
{
    if (mkdir("/out/closed", 0755) != 0 || symlink("/", "/out/closed/link") != 0)
        return 1;
    return chmod("/out/closed", 0) == 0 ? 0 : 1;
}

static int deed_flood(void)
{
    for (;;) {
        if (printf("%4096d\n", 0) < 0)
            return 1;
    }
}

static int deed_crash(void)
{
    (void)signal(SIGABRT, SIG_DFL);
    abort();
}

/* A plain, well-behaved program: files, directories, threads. */
static int deed_work(void)
{
    pthread_t t[4];
    for (int i = 0; i < 4; i++) {
        if (pthread_create(&t[i], NULL, idle, NULL) != 0)
            return 1;
    }
    int fd = open("/out/result", O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (fd < 0 || write(fd, "fine\n", 5) != 5 || fsync(fd) != 0 || mkdir("/out/dir", 0755) != 0 ||
        rename("/out/result", "/out/dir/result") != 0)
        return 1;
    (void)fputs("to stdout\n", stdout);
    (void)fputs("to stderr\n", stderr);
    (void)fflush(NULL);
    _exit(7);
}

static const struct {
    const char *name;
    int (*run)(void);
} deeds[] = {
    {"see", see},
    {"sockets", sockets},
    {"forks", deed_forks},
    {"threads", deed_threads},
    {"bomb", deed_bomb},
    {"daemon", deed_daemon},
    {"huge", deed_huge},
    {"tmp", deed_tmp},
    {"symlink", deed_symlink},
    {"setid", deed_setid},
    {"flood", deed_flood},
    {"closed", deed_closed},
    {"beat", beat},
    {"crash", deed_crash},
    {"work", deed_work},
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "escape") == 0)
        return escape(argv[2]);
    for (size_t i = 0; argc == 2 && i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        if (strcmp(argv[1], deeds[i].name) == 0)
            return deeds[i].run();
    }
    (void)fputs("spy: what?\n", stderr);
    return 2;
}
