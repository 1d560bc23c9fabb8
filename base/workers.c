/* SPDX-License-Identifier: Apache-2.0 */
#include "base/workers.h"

#include "base/buf.h"

#include <pthread.h>
#include <sched.h>

struct pool {
    pthread_mutex_t lock;
    size_t next;
    size_t count;
    size_t failed_at; /* lowest index that failed; count = none */
    struct err error;
    int (*fn)(void *context, size_t i, struct err *e);
    void *context;
};

static void *work(void *arg)
{
    struct pool *pool = arg;
    for (;;) {
        pthread_mutex_lock(&pool->lock);
        size_t i = pool->failed_at < pool->count ? pool->count : pool->next;
        if (i < pool->count)
            pool->next++;
        pthread_mutex_unlock(&pool->lock);
        if (i >= pool->count)
            return NULL;
        struct err e = ERR_INIT;
        if (pool->fn(pool->context, i, &e) < 0) {
            pthread_mutex_lock(&pool->lock);
            if (i < pool->failed_at) {
                pool->failed_at = i;
                pool->error = e;
            }
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

int workers_run(unsigned jobs, size_t count, int (*fn)(void *context, size_t i, struct err *e),
                void *context, struct err *e)
{
    struct pool pool = {.count = count, .failed_at = count, .fn = fn, .context = context};
    if (pthread_mutex_init(&pool.lock, NULL) != 0)
        return err_oom(e);
    size_t extra = jobs > 1 && count > 1 ? (jobs < count ? jobs : count) - 1 : 0;
    AUTO_FREE pthread_t *threads = array_new(extra, sizeof(*threads));
    size_t started = 0;
    /* A thread that cannot be started only costs speed: this one works too. */
    while (threads != NULL && started < extra &&
           pthread_create(&threads[started], NULL, work, &pool) == 0)
        started++;
    work(&pool);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&pool.lock);
    if (pool.failed_at < count) {
        *e = pool.error;
        return err_rc(&pool.error);
    }
    return 0;
}

unsigned workers_default(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1;
}
