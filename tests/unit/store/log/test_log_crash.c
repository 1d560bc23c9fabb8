/* SPDX-License-Identifier: Apache-2.0 */
/* The log under kill -9, many writers, and a full disk: what was acknowledged stays. */
#include "base/file.h"
#include "store/log/log.h"
#include "store/log/proof.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ORIGIN "log.example.org"
#define PASS "correct horse"

enum { KILLS = 10, WRITERS = 3, EACH = 25 };

static char *top;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    return dir_make_temp("/tmp", "assay-test-crash-", &top, &e);
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    int rc = dir_remove(top, &e);
    free(top);
    return rc;
}

static char *new_log(const char *name)
{
    struct err e = ERR_INIT;
    char *path = NULL;
    assert_int_equal(path_join(&path, top, name, &e), 0);
    assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    return path;
}

/* Always the same numbers; what they hit depends on the machine's timing. */
static unsigned next_random(unsigned below)
{
    static uint32_t seed = 2026;
    seed = seed * 1664525 + 1013904223;
    return (unsigned)(((uint64_t)seed * below) >> 32);
}

static void entry_text(uint64_t index, char text[64])
{
    (void)snprintf(text, 64, "entry %llu, of some length", (unsigned long long)index);
}

static void audit(const char *path, const struct buf *against)
{
    struct err e = ERR_INIT;
    struct tlog_audit result;
    struct tlog_audit_options options = {0};
    if (against != NULL) {
        options.against = against->data;
        options.against_len = against->len;
    }
    char line[4096];
    if (tlog_audit(path, &options, &result, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

/* ---- killed while appending ------------------------------------------------------- */

/* In the child: appends for ever; the index of each entry goes down the pipe once it is durable. */
static int append_for_ever(const char *path, int out)
{
    struct err e = ERR_INIT;
    struct tlog *log = NULL;
    if (tlog_open(path, PASS, &log, &e) < 0)
        return 1;
    for (;;) {
        char text[64];
        uint64_t index;
        entry_text(tlog_size(log), text);
        if (tlog_append(log, text, strlen(text), &index, &e) < 0 ||
            write(out, &index, sizeof(index)) != (ssize_t)sizeof(index))
            return 1;
    }
}

/* Returns how many entries were acknowledged before the child was killed. */
static uint64_t kill_one(const char *path, uint64_t before)
{
    int ends[2];
    uint64_t index = 0;
    uint64_t acknowledged = before;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(append_for_ever(path, ends[1]));
    (void)close(ends[1]);
    assert_int_equal(read(ends[0], &index, sizeof(index)), sizeof(index));
    assert_int_equal(index, acknowledged);
    acknowledged++;
    (void)usleep(next_random(20000));
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    while (read(ends[0], &index, sizeof(index)) == (ssize_t)sizeof(index))
        assert_int_equal(index, acknowledged++);
    (void)close(ends[0]);
    return acknowledged;
}

static void check_history(struct tlog *log, const struct buf *notes, size_t count)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; i < count; i++) {
        AUTO_BUF proof = BUF_INIT(PROOF_MAX);
        assert_int_equal(tlog_prove_consistency(log, notes[i].data, notes[i].len, &proof, &e), 0);
    }
}

static void test_killed_appending(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = new_log("killed");
    struct buf notes[KILLS];
    uint64_t size = 0;
    for (size_t round = 0; round < KILLS; round++) {
        uint64_t acknowledged = kill_one(path, size);
        AUTO_TLOG struct tlog *log = NULL;
        assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
        /* The one that was under way may have been committed and not acknowledged. */
        assert_true(tlog_size(log) == acknowledged || tlog_size(log) == acknowledged + 1);
        for (uint64_t i = size; i < tlog_size(log); i++) {
            AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
            char text[64];
            entry_text(i, text);
            assert_int_equal(tlog_entry(log, i, &entry, &e), 0);
            assert_string_equal(buf_str(&entry), text);
        }
        size = tlog_size(log);
        notes[round] = (struct buf)BUF_INIT(NOTE_MAX);
        assert_int_equal(tlog_checkpoint(log, &notes[round], &e), 0);
        check_history(log, notes, round);
    }
    audit(path, &notes[0]);
    for (size_t i = 0; i < KILLS; i++)
        buf_dispose(&notes[i]);
}

/* Whenever it is killed: there is no log under the name, or a whole one. */
static void test_killed_creating(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    for (unsigned round = 0; round < 8; round++) {
        AUTO_FREE char *path = NULL;
        struct stat st;
        assert_int_equal(str_format(&path, &e, "%s/created%u", top, round), 0);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(tlog_create(path, ORIGIN, PASS, &e) == 0 ? 0 : 1);
        (void)usleep(round * 30000 + next_random(30000));
        (void)kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        bool exists = lstat(path, &st) == 0;
        if (WIFEXITED(status))
            assert_true(exists && WEXITSTATUS(status) == 0);
        if (exists)
            audit(path, NULL);
        else
            assert_int_equal(tlog_create(path, ORIGIN, PASS, &e), 0);
    }
}

/* ---- many writers -------------------------------------------------------------------- */

static int write_some(const char *path, unsigned writer)
{
    struct err e = ERR_INIT;
    struct tlog *log = NULL;
    if (tlog_open(path, PASS, &log, &e) < 0)
        return 1;
    uint64_t last = 0;
    for (unsigned i = 0; i < EACH; i++) {
        char text[64];
        uint64_t index;
        (void)snprintf(text, sizeof(text), "writer %u entry %u", writer, i);
        if (tlog_append(log, text, strlen(text), &index, &e) < 0 || (i > 0 && index <= last))
            return 2;
        last = index;
        struct buf entry = BUF_INIT(LOG_ENTRY_MAX);
        if (tlog_entry(log, index, &entry, &e) < 0 || strcmp(buf_str(&entry), text) != 0)
            return 3;
        buf_dispose(&entry);
    }
    tlog_close(log);
    return 0;
}

static void test_many_writers(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *path = new_log("shared");
    pid_t pids[WRITERS];
    for (unsigned w = 0; w < WRITERS; w++) {
        pids[w] = fork();
        assert_true(pids[w] >= 0);
        if (pids[w] == 0)
            _exit(write_some(path, w));
    }
    /* And a reader beside them, which never sees the log go back. */
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
    uint64_t seen = 0;
    unsigned running = WRITERS;
    while (running > 0) {
        AUTO_BUF note = BUF_INIT(NOTE_MAX);
        AUTO_BUF proof = BUF_INIT(PROOF_MAX);
        assert_int_equal(tlog_checkpoint(log, &note, &e), 0);
        assert_true(tlog_size(log) >= seen);
        seen = tlog_size(log);
        if (seen > 0)
            assert_int_equal(tlog_prove(log, seen / 2, &proof, &e), 0);
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        assert_true(pid >= 0);
        if (pid > 0) {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 0);
            running--;
        }
        (void)usleep(2000);
    }
    audit(path, NULL);
    for (unsigned w = 0; w < WRITERS; w++)
        for (unsigned i = 0; i < EACH; i++) {
            char text[64];
            bool found = false;
            uint64_t index;
            (void)snprintf(text, sizeof(text), "writer %u entry %u", w, i);
            assert_int_equal(tlog_find(log, text, strlen(text), &found, &index, &e), 0);
            assert_true(found && index < (uint64_t)WRITERS * EACH);
        }
    assert_int_equal(tlog_size(log), WRITERS * EACH);
}

/* ---- no room ----------------------------------------------------------------------------- */

static uint8_t big[LOG_ENTRY_MAX];

/* Appends until it fails; the failure must be the host's and leave the log as it was. 0 when so. */
static int append_until_full(struct tlog *log, uint64_t *acknowledged)
{
    struct err e = ERR_INIT;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t index;
        memset(big, (int)(i & 0xff), sizeof(big));
        int rc = tlog_append(log, big, sizeof(big), &index, &e);
        if (rc == 0 && index != *acknowledged)
            return 10;
        if (rc < 0)
            return rc == -ERR_HOST ? 0 : 11;
        ++*acknowledged;
    }
    return 12;
}

static int check_after(const char *path, uint64_t acknowledged)
{
    struct err e = ERR_INIT;
    struct tlog_audit_options options = {0};
    struct tlog_audit result;
    char line[4096];
    if (tlog_audit(path, &options, &result, &e) < 0) {
        print_error("%s\n", err_line(&e, line, sizeof(line)));
        return 20;
    }
    return result.head.size == acknowledged ? 0 : 21;
}

/* A limit on the size of files stands for a disk that takes no more. */
static int file_limit(const char *path)
{
    struct err e = ERR_INIT;
    struct tlog *log = NULL;
    struct rlimit limit;
    uint64_t size = 0;
    uint64_t index;
    (void)signal(SIGXFSZ, SIG_IGN);
    if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || tlog_open(path, PASS, &log, &e) < 0)
        return 1;
    const struct rlimit small = {.rlim_cur = 1536 * 1024, .rlim_max = limit.rlim_max};
    if (setrlimit(RLIMIT_FSIZE, &small) < 0)
        return 2;
    int rc = append_until_full(log, &size);
    if (rc != 0 || size < 5)
        return rc != 0 ? rc : 3;
    rc = append_until_full(log, &size); /* and once more: it says the same */
    if (rc != 0)
        return rc;
    if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
        return 4;
    if (tlog_append(log, "room again", 10, &index, &e) < 0 || index != size)
        return 5;
    tlog_close(log);
    return check_after(path, size + 1);
}

static void in_child(int (*fn)(const char *path), const char *path)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(fn(path));
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_file_limit(void **state)
{
    (void)state;
    AUTO_FREE char *path = new_log("limited");
    in_child(file_limit, path);
}

static int write_proc(const char *path, const char *text)
{
    AUTO_CLOSE int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

/* A mount namespace of our own: as root, or as root of a new user namespace (a tmpfs there takes no
 * file whose owner or group is not mapped). */
static int private_mounts(void)
{
    if (geteuid() == 0)
        return unshare(CLONE_NEWNS);
    char users[64];
    char groups[64];
    (void)snprintf(users, sizeof(users), "0 %u 1", (unsigned)geteuid());
    (void)snprintf(groups, sizeof(groups), "0 %u 1", (unsigned)getegid());
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
        return -1;
    return write_proc("/proc/self/uid_map", users) < 0 ||
                   write_proc("/proc/self/setgroups", "deny") < 0 ||
                   write_proc("/proc/self/gid_map", groups) < 0
               ? -1
               : 0;
}

/* A disk of 1.5 MiB that is really full. */
static int full_disk(const char *dir)
{
    struct err e = ERR_INIT;
    struct tlog *log = NULL;
    char *path = NULL;
    char *filler = NULL;
    uint64_t size = 0;
    uint64_t index;
    if (private_mounts() < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("none", dir, "tmpfs", 0, "size=1536k") < 0)
        return 1;
    if (path_join(&path, dir, "log", &e) < 0 || path_join(&filler, dir, "filler", &e) < 0 ||
        file_replace(filler, big, sizeof(big), 0600, &e) < 0 ||
        tlog_create(path, ORIGIN, PASS, &e) < 0 || tlog_open(path, PASS, &log, &e) < 0)
        return 2;
    int rc = append_until_full(log, &size);
    if (rc != 0 || size < 3)
        return rc != 0 ? rc : 3;
    rc = append_until_full(log, &size);
    tlog_close(log);
    if (rc == 0)
        rc = check_after(path, size);
    if (rc != 0)
        return rc;
    if (unlink(filler) < 0 || tlog_open(path, PASS, &log, &e) < 0 ||
        tlog_append(log, "room again", 10, &index, &e) < 0 || index != size)
        return 5;
    tlog_close(log);
    rc = check_after(path, size + 1);
    free(path);
    free(filler);
    return rc;
}

static void test_full_disk(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_FREE char *dir = NULL;
    assert_int_equal(path_join(&dir, top, "small", &e), 0);
    assert_int_equal(dir_make(dir, &e), 0);
    in_child(full_disk, dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_appending), cmocka_unit_test(test_killed_creating),
        cmocka_unit_test(test_many_writers),     cmocka_unit_test(test_file_limit),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
