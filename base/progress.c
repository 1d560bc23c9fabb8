/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include "base/text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct progress {
    pthread_mutex_t lock;
    int64_t shown; /* milliseconds, monotonic */
};

static int64_t now_ms(void)
{
    struct timespec ts;
    if (clock_gettime(CLOCK_MONOTONIC, &ts) != 0)
        return 0;
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct progress *progress_start(bool allowed)
{
    if (!allowed || isatty(STDERR_FILENO) != 1)
        return NULL;
    struct progress *p = calloc(1, sizeof(*p));
    if (p != NULL && pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return NULL;
    }
    return p;
}

void progress_show(struct progress *p, const char *label, uint64_t done, uint64_t total)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    int64_t now = now_ms();
    if (now - p->shown >= 100) {
        p->shown = now;
        char name[61];
        (void)text_print(name, sizeof(name), "%s", label);
        text_clean(name);
        if (total > 0)
            fprintf(stderr, "\r\033[K%s  %llu/%llu (%llu%%)", name, (unsigned long long)done,
                    (unsigned long long)total, (unsigned long long)(done * 100 / total));
        else
            fprintf(stderr, "\r\033[K%s  %llu", name, (unsigned long long)done);
        (void)fflush(stderr);
    }
    pthread_mutex_unlock(&p->lock);
}

void progress_say(struct progress *p, const char *text)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    int64_t now = now_ms();
    if (now - p->shown >= 100) {
        char line[200];
        p->shown = now;
        (void)text_print(line, sizeof(line), "%s", text);
        text_clean(line);
        fprintf(stderr, "\r\033[K%s", line);
        (void)fflush(stderr);
    }
    pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
    if (p == NULL)
        return;
    fputs("\r\033[K", stderr);
    (void)fflush(stderr);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
