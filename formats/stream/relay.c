/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/stream/relay.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 256 * 1024, SLOTS = 4 };

/*
 * Chunks from one thread to another. They are numbered from 0; number n is in slot n % SLOTS. One
 * side makes them, the other takes them; either may give up, and the other then stops.
 */
struct ring {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint8_t *bytes; /* SLOTS * CHUNK */
    size_t len[SLOTS];
    uint64_t made;
    uint64_t taken;
    bool ended;  /* no more will be made */
    bool closed; /* no more will be taken */
    int rc;      /* why it ended or was closed: 0 or that of `error` */
    struct err error;
};

static int ring_init(struct ring *r, struct err *e)
{
    r->bytes = malloc((size_t)SLOTS * CHUNK);
    if (r->bytes == NULL)
        return err_oom(e);
    (void)pthread_mutex_init(&r->mutex, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    return 0;
}

static void ring_dispose(struct ring *r)
{
    if (r->bytes == NULL)
        return;
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->mutex);
    free(r->bytes);
}

/* The slot for the next chunk, or NULL when nobody takes it any more. */
static uint8_t *ring_room(struct ring *r)
{
    (void)pthread_mutex_lock(&r->mutex);
    while (!r->closed && r->made - r->taken >= SLOTS)
        (void)pthread_cond_wait(&r->changed, &r->mutex);
    bool closed = r->closed;
    (void)pthread_mutex_unlock(&r->mutex);
    return closed ? NULL : r->bytes + (r->made % SLOTS) * CHUNK;
}

static void ring_put(struct ring *r, size_t len)
{
    (void)pthread_mutex_lock(&r->mutex);
    r->len[r->made % SLOTS] = len;
    r->made++;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->mutex);
}

/* The next chunk, or NULL when there is none any more. */
static const uint8_t *ring_next(struct ring *r, size_t *len)
{
    (void)pthread_mutex_lock(&r->mutex);
    while (!r->ended && !r->closed && r->made == r->taken)
        (void)pthread_cond_wait(&r->changed, &r->mutex);
    bool there = !r->closed && r->made > r->taken;
    if (there)
        *len = r->len[r->taken % SLOTS];
    (void)pthread_mutex_unlock(&r->mutex);
    return there ? r->bytes + (r->taken % SLOTS) * CHUNK : NULL;
}

static void ring_release(struct ring *r)
{
    (void)pthread_mutex_lock(&r->mutex);
    r->taken++;
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->mutex);
}

/* Sets `ended` or `closed`, with the reason. */
static void ring_stop(struct ring *r, bool *how, int rc, const struct err *why)
{
    (void)pthread_mutex_lock(&r->mutex);
    *how = true;
    if (rc < 0 && r->rc == 0) {
        r->rc = rc;
        r->error = *why;
    }
    (void)pthread_cond_signal(&r->changed);
    (void)pthread_mutex_unlock(&r->mutex);
}

static int ring_why(struct ring *r, struct err *e)
{
    (void)pthread_mutex_lock(&r->mutex);
    int rc = r->rc;
    if (rc < 0)
        *e = r->error;
    (void)pthread_mutex_unlock(&r->mutex);
    return rc;
}

/* ---- reading ahead ------------------------------------------------------------------ */

struct source_relay {
    struct source from;
    struct ring ring;
    pthread_t thread;
    bool running;
    const uint8_t *chunk; /* the one that is given out; NULL: none */
    size_t len;
    size_t used;
};

static void *read_ahead(void *context)
{
    struct source_relay *r = context;
    struct err e = ERR_INIT;
    uint8_t *slot;
    int rc = 0;
    bool more = true;
    while (more && (slot = ring_room(&r->ring)) != NULL) {
        size_t len = 0;
        size_t got = 1;
        while (rc == 0 && got > 0 && len < CHUNK) {
            rc = r->from.read(r->from.context, slot + len, CHUNK - len, &got, &e);
            len += rc == 0 ? got : 0;
        }
        more = rc == 0 && got > 0;
        if (len > 0)
            ring_put(&r->ring, len);
    }
    ring_stop(&r->ring, &r->ring.ended, rc, &e);
    return NULL;
}

int source_relay_new(const struct source *from, struct source_relay **out, struct err *e)
{
    struct source_relay *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    r->from = *from;
    int rc = ring_init(&r->ring, e);
    if (rc < 0) {
        source_relay_free(r);
        return rc;
    }
    r->running = pthread_create(&r->thread, NULL, read_ahead, r) == 0;
    *out = r;
    return 0;
}

void source_relay_free(struct source_relay *r)
{
    if (r == NULL)
        return;
    if (r->running) {
        ring_stop(&r->ring, &r->ring.closed, 0, NULL);
        (void)pthread_join(r->thread, NULL);
    }
    ring_dispose(&r->ring);
    free(r);
}

static int read_relay(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    struct source_relay *r = context;
    if (!r->running)
        return r->from.read(r->from.context, data, len, got, e);
    if (r->chunk != NULL && r->used == r->len) {
        ring_release(&r->ring);
        r->chunk = NULL;
    }
    if (r->chunk == NULL) {
        r->chunk = ring_next(&r->ring, &r->len);
        r->used = 0;
    }
    if (r->chunk == NULL) {
        *got = 0;
        return ring_why(&r->ring, e);
    }
    size_t n = r->len - r->used < len ? r->len - r->used : len;
    memcpy(data, r->chunk + r->used, n);
    r->used += n;
    *got = n;
    return 0;
}

struct source source_relay_source(struct source_relay *r)
{
    return (struct source){.context = r, .read = read_relay};
}

/* ---- writing behind ----------------------------------------------------------------- */

struct sink_relay {
    struct sink to;
    struct ring ring;
    pthread_t thread;
    bool running;
    uint8_t *slot; /* that is being filled; NULL: none */
    size_t len;
};

static void *write_behind(void *context)
{
    struct sink_relay *r = context;
    struct err e = ERR_INIT;
    const uint8_t *chunk;
    size_t len = 0;
    int rc = 0;
    while (rc == 0 && (chunk = ring_next(&r->ring, &len)) != NULL) {
        rc = sink_write(&r->to, chunk, len, &e);
        ring_release(&r->ring);
    }
    ring_stop(&r->ring, &r->ring.closed, rc, &e);
    return NULL;
}

int sink_relay_new(const struct sink *to, struct sink_relay **out, struct err *e)
{
    struct sink_relay *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    r->to = *to;
    int rc = ring_init(&r->ring, e);
    if (rc < 0) {
        sink_relay_free(r);
        return rc;
    }
    r->running = pthread_create(&r->thread, NULL, write_behind, r) == 0;
    *out = r;
    return 0;
}

static int write_relay(void *context, const void *data, size_t len, struct err *e)
{
    struct sink_relay *r = context;
    const uint8_t *p = data;
    if (!r->running)
        return sink_write(&r->to, data, len, e);
    while (len > 0) {
        if (r->slot == NULL && (r->slot = ring_room(&r->ring)) == NULL)
            return ring_why(&r->ring, e);
        size_t n = CHUNK - r->len < len ? CHUNK - r->len : len;
        memcpy(r->slot + r->len, p, n);
        r->len += n;
        p += n;
        len -= n;
        if (r->len == CHUNK) {
            ring_put(&r->ring, CHUNK);
            r->slot = NULL;
            r->len = 0;
        }
    }
    return 0;
}

struct sink sink_relay_sink(struct sink_relay *r)
{
    return (struct sink){.context = r, .write = write_relay};
}

int sink_relay_finish(struct sink_relay *r, struct err *e)
{
    if (!r->running)
        return 0;
    if (r->len > 0)
        ring_put(&r->ring, r->len);
    ring_stop(&r->ring, &r->ring.ended, 0, NULL);
    (void)pthread_join(r->thread, NULL);
    r->running = false;
    return ring_why(&r->ring, e);
}

void sink_relay_free(struct sink_relay *r)
{
    if (r == NULL)
        return;
    if (r->running) {
        ring_stop(&r->ring, &r->ring.closed, 0, NULL);
        (void)pthread_join(r->thread, NULL);
    }
    ring_dispose(&r->ring);
    free(r);
}
