/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler runs at any moment, in any thread, so it only looks at a list that never shrinks,
 * whose members are taken out by atomic exchange, and makes system calls.
 */
#include "base/cleanup.h"

#include "base/buf.h"
#include "base/child.h"
#include "base/remove.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PATIENCE = 200 /* times TICK that a child may take */, TICK = 10 /* milliseconds */ };

/* A path, or a child, or free for either. */
struct slot {
    struct slot *next;
    _Atomic(char *) path;
    atomic_int pid;
    atomic_bool gently;
};

static _Atomic(struct slot *) slots;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER; /* of those who write, not the handler */
static const char *name = "assay";
static atomic_int owner; /* the process that the slots are of: 0 until cleanup_start */
static atomic_int deferred;
static atomic_int pending;
static atomic_flag leaving = ATOMIC_FLAG_INIT;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
enum { SIGNALS = sizeof(signals) / sizeof(signals[0]) };

/* ---- in the handler --------------------------------------------------------------- */

static void say_interrupted(void)
{
    static const char text[] = ": interrupted\n";
    ssize_t n = write(2, name, strlen(name));
    if (n > 0)
        n = write(2, text, sizeof(text) - 1);
    (void)n;
}

static bool is_over(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

static void await_end(pid_t pid)
{
    const struct timespec tick = {.tv_nsec = TICK * 1000000L};
    for (int i = 0; i < PATIENCE && !is_over(pid); i++)
        (void)nanosleep(&tick, NULL);
}

/* The child is a zombie until it is reaped, so its number is nobody else's. */
static void end_child(pid_t pid, bool gently)
{
    if (gently) {
        (void)kill(-pid, SIGTERM);
        await_end(pid);
        (void)kill(pid, CHILD_END);
        await_end(pid);
        (void)kill(-pid, SIGKILL);
    }
    (void)kill(pid, SIGKILL);
    await_end(pid);
}

static _Noreturn void leave(int number)
{
    /* One thread cleans up; another that comes here waits for the end. */
    while (atomic_flag_test_and_set(&leaving))
        (void)pause();
    say_interrupted();
    for (struct slot *s = atomic_load(&slots); s != NULL; s = s->next) {
        int pid = atomic_exchange(&s->pid, 0);
        if (pid > 0)
            end_child(pid, atomic_load(&s->gently));
    }
    for (struct slot *s = atomic_load(&slots); s != NULL; s = s->next) {
        const char *path = atomic_exchange(&s->path, NULL);
        if (path != NULL)
            (void)remove_tree(AT_FDCWD, path);
    }
    sigset_t only;
    (void)sigemptyset(&only);
    (void)sigaddset(&only, number);
    (void)signal(number, SIG_DFL);
    (void)kill(getpid(), number);
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    _exit(128 + number);
}

static void on_signal(int number)
{
    if (atomic_load(&owner) != getpid())
        _exit(128 + number); /* a child that has not become another program yet */
    if (atomic_load(&deferred) > 0)
        atomic_store(&pending, number);
    else
        leave(number);
}

/* ---- outside of it ------------------------------------------------------------------ */

void cleanup_start(const char *program)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < SIGNALS; i++)
        (void)sigaddset(&action.sa_mask, signals[i]);
    name = program;
    atomic_store(&owner, getpid());
    for (size_t i = 0; i < SIGNALS; i++) {
        struct sigaction before;
        if (sigaction(signals[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
            (void)sigaction(signals[i], &action, NULL);
    }
    (void)signal(SIGPIPE, SIG_IGN);
}

/* A free slot. With the mutex held. */
static struct slot *free_slot(void)
{
    struct slot *first = atomic_load(&slots);
    for (struct slot *s = first; s != NULL; s = s->next)
        if (atomic_load(&s->path) == NULL && atomic_load(&s->pid) == 0)
            return s;
    struct slot *fresh = array_new(1, sizeof(*fresh));
    if (fresh == NULL)
        return NULL;
    fresh->next = first;
    atomic_store(&slots, fresh);
    return fresh;
}

int cleanup_path(const char *path, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = str_copy(&copy, path, e);
    if (rc < 0)
        return rc;
    (void)pthread_mutex_lock(&mutex);
    struct slot *s = free_slot();
    if (s != NULL)
        atomic_store(&s->path, steal_ptr(&copy));
    (void)pthread_mutex_unlock(&mutex);
    return s != NULL ? 0 : err_oom(e);
}

void cleanup_forget(const char *path)
{
    char *gone = NULL;
    (void)pthread_mutex_lock(&mutex);
    for (struct slot *s = atomic_load(&slots); s != NULL && gone == NULL; s = s->next) {
        const char *has = atomic_load(&s->path);
        if (has != NULL && strcmp(has, path) == 0)
            gone = atomic_exchange(&s->path, NULL);
    }
    (void)pthread_mutex_unlock(&mutex);
    free(gone);
}

void cleanup_child(pid_t pid, bool gently)
{
    (void)pthread_mutex_lock(&mutex);
    struct slot *s = free_slot();
    /* Without memory it is not remembered: it dies with us all the same (PR_SET_PDEATHSIG). */
    if (s != NULL) {
        atomic_store(&s->gently, gently);
        atomic_store(&s->pid, pid);
    }
    (void)pthread_mutex_unlock(&mutex);
}

void cleanup_forget_child(pid_t pid)
{
    (void)pthread_mutex_lock(&mutex);
    for (struct slot *s = atomic_load(&slots); s != NULL; s = s->next) {
        int has = pid;
        if (atomic_compare_exchange_strong(&s->pid, &has, 0))
            break;
    }
    (void)pthread_mutex_unlock(&mutex);
}

void cleanup_defer(void)
{
    atomic_fetch_add(&deferred, 1);
}

void cleanup_resume(void)
{
    if (atomic_fetch_sub(&deferred, 1) != 1)
        return;
    int number = atomic_exchange(&pending, 0);
    if (number != 0)
        leave(number);
}
