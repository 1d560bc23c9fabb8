/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams: sequential reading that hashes on the way. For a large blob a thread
 * reads ahead into a small ring of chunks and hashes them, so that whoever
 * unpacks the bytes does not wait for the digest as well.
 */
#include "store/cas/cas_internal.h"

#include "base/sparse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

enum {
    AHEAD_FROM = 4 * 1024 * 1024, /* smaller blobs are not worth a thread */
    RING = 4,                     /* chunks of CAS_CHUNK bytes */
};

/* Chunks are numbered from 0; number n is in slot n % RING. */
struct ahead {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint8_t *bytes;   /* RING * CAS_CHUNK */
    size_t len[RING]; /* bytes of the chunk in each slot; a short one is the last */
    uint64_t made;    /* chunks that are read and hashed */
    uint64_t taken;   /* chunks that the consumer is done with */
    bool stop;        /* the consumer goes away */
    bool failed;      /* the thread ended with `error` */
    struct err error;
};

struct cas_stream {
    struct cas *cas; /* the store that has the blob */
    struct digest digest;
    struct hasher *hasher; /* the ahead thread's while it runs */
    struct stat st;
    int fd;
    struct sparse_reader from;
    uint64_t zeros; /* of a hole that is not given out yet */
    bool ended;     /* all was given out and was right */
    bool broken;    /* it was not, for the reason `why` */
    struct err why;
    struct ahead *ahead; /* NULL: read and hashed as it is asked for */
    size_t used;         /* bytes given out of the chunk number ahead->taken */
};

uint64_t cas_stream_size(const struct cas_stream *s)
{
    return (uint64_t)s->st.st_size;
}

/* Holes are zeros that need not be read. */
static int read_some(struct cas_stream *s, void *data, size_t len, size_t *got, struct err *e)
{
    size_t n = 0;
    if (s->zeros == 0 && sparse_read(&s->from, data, len, &n, &s->zeros) < 0)
        return err_os(e, errno, "cannot read a blob in '%s'", s->cas->path);
    if (s->zeros > 0) {
        n = s->zeros < len ? (size_t)s->zeros : len;
        memset(data, 0, n);
        s->zeros -= n;
    }
    *got = n;
    return 0;
}

/* ---- the thread ---- */

/* Fills a slot and hashes it. */
static int make_chunk(struct cas_stream *s, struct ahead *a, size_t slot, struct err *e)
{
    uint8_t *at = a->bytes + slot * CAS_CHUNK;
    size_t len = 0;
    size_t got = 1;
    int rc = 0;
    while (rc == 0 && got != 0 && len < CAS_CHUNK) {
        rc = read_some(s, at + len, CAS_CHUNK - len, &got, e);
        if (rc == 0)
            len += got;
    }
    if (rc == 0)
        rc = hasher_update(s->hasher, at, len, e);
    a->len[slot] = len;
    return rc;
}

static void *run_ahead(void *context)
{
    struct cas_stream *s = context;
    struct ahead *a = s->ahead;
    struct err e = ERR_INIT;
    bool more = true;
    for (uint64_t number = 0; more; number++) {
        (void)pthread_mutex_lock(&a->mutex);
        while (!a->stop && number - a->taken >= RING)
            (void)pthread_cond_wait(&a->changed, &a->mutex);
        bool stop = a->stop;
        (void)pthread_mutex_unlock(&a->mutex);
        if (stop)
            break;
        int rc = make_chunk(s, a, number % RING, &e);
        more = rc == 0 && a->len[number % RING] == CAS_CHUNK;
        (void)pthread_mutex_lock(&a->mutex);
        a->failed = rc < 0;
        a->error = e;
        a->made += rc == 0;
        (void)pthread_cond_signal(&a->changed);
        (void)pthread_mutex_unlock(&a->mutex);
    }
    return NULL;
}

static void ahead_free(struct ahead *a)
{
    if (a == NULL)
        return;
    (void)pthread_cond_destroy(&a->changed);
    (void)pthread_mutex_destroy(&a->mutex);
    free(a->bytes);
    free(a);
}

/* Best effort: without a thread the stream works all the same. */
static void start_ahead(struct cas_stream *s)
{
    struct ahead *a = calloc(1, sizeof(*a));
    if (a == NULL)
        return;
    (void)pthread_mutex_init(&a->mutex, NULL);
    (void)pthread_cond_init(&a->changed, NULL);
    a->bytes = malloc((size_t)RING * CAS_CHUNK);
    s->ahead = a;
    if (a->bytes != NULL && pthread_create(&a->thread, NULL, run_ahead, s) == 0)
        return;
    s->ahead = NULL;
    ahead_free(a);
}

/* ---- the consumer ---- */

/* Waits for the chunk that is next; *len is what is in it. */
static int wait_chunk(struct ahead *a, size_t *len, struct err *e)
{
    (void)pthread_mutex_lock(&a->mutex);
    while (a->made == a->taken && !a->failed)
        (void)pthread_cond_wait(&a->changed, &a->mutex);
    bool there = a->made > a->taken;
    if (there)
        *len = a->len[a->taken % RING];
    else
        *e = a->error;
    (void)pthread_mutex_unlock(&a->mutex);
    return there ? 0 : err_rc(e);
}

static void release_chunk(struct ahead *a)
{
    (void)pthread_mutex_lock(&a->mutex);
    a->taken++;
    (void)pthread_cond_signal(&a->changed);
    (void)pthread_mutex_unlock(&a->mutex);
}

static int read_ahead(struct cas_stream *s, void *data, size_t len, size_t *got, struct err *e)
{
    struct ahead *a = s->ahead;
    size_t chunk = 0;
    int rc = wait_chunk(a, &chunk, e);
    if (rc == 0 && s->used == chunk && chunk == CAS_CHUNK) {
        release_chunk(a);
        s->used = 0;
        rc = wait_chunk(a, &chunk, e);
    }
    if (rc < 0)
        return rc;
    size_t n = chunk - s->used < len ? chunk - s->used : len;
    memcpy(data, a->bytes + (a->taken % RING) * CAS_CHUNK + s->used, n);
    s->used += n;
    *got = n;
    return 0;
}

static int read_direct(struct cas_stream *s, void *data, size_t len, size_t *got, struct err *e)
{
    int rc = read_some(s, data, len, got, e);
    return rc == 0 && *got != 0 ? hasher_update(s->hasher, data, *got, e) : rc;
}

static void stop_ahead(struct cas_stream *s)
{
    struct ahead *a = s->ahead;
    if (a == NULL)
        return;
    (void)pthread_mutex_lock(&a->mutex);
    a->stop = true;
    (void)pthread_cond_signal(&a->changed);
    (void)pthread_mutex_unlock(&a->mutex);
    (void)pthread_join(a->thread, NULL);
    s->ahead = NULL;
    ahead_free(a);
}

/* All bytes were given out: were they the right ones? */
static int stream_end(struct cas_stream *s, struct err *e)
{
    struct digest actual;
    stop_ahead(s); /* it has met the end, so the hasher is ours again */
    int rc = hasher_final(s->hasher, &actual, e);
    if (rc == 0)
        rc = cas_compare(s->cas, &s->digest, &actual, e);
    s->broken = rc < 0;
    if (rc < 0) {
        s->why = *e;
        return rc;
    }
    cas_memo_settle(s->cas, &s->digest, s->fd, &s->st);
    s->ended = true;
    return 0;
}

int cas_stream_read(struct cas_stream *s, void *data, size_t len, size_t *got, struct err *e)
{
    size_t n = 0;
    int rc = 0;
    if (s->broken) {
        *e = s->why;
        return err_rc(e);
    }
    if (!s->ended && len != 0) {
        rc = s->ahead != NULL ? read_ahead(s, data, len, &n, e) : read_direct(s, data, len, &n, e);
        if (rc == 0 && n == 0)
            rc = stream_end(s, e);
    }
    if (rc == 0)
        *got = n;
    return rc;
}

int cas_stream_finish(struct cas_stream *s, int rc, struct err *e)
{
    AUTO_FREE uint8_t *rest = malloc(CAS_CHUNK);
    struct err damage = ERR_INIT;
    size_t got = 1;
    int end = rest == NULL ? err_oom(&damage) : 0;
    while (end == 0 && got != 0)
        end = cas_stream_read(s, rest, CAS_CHUNK, &got, &damage);
    if (end == 0)
        return rc;
    *e = damage;
    return end;
}

int cas_stream_open(struct cas *cas, const struct digest *digest, struct cas_stream **out,
                    struct err *e)
{
    struct cas_stream *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_oom(e);
    s->fd = -1;
    s->digest = *digest;
    int rc = cas_open_somewhere(cas, digest, &s->cas, &s->fd, &s->st, e);
    if (rc == 0)
        rc = hasher_new(DIGEST_SHA256, &s->hasher, e);
    if (rc < 0) {
        cas_stream_close(s);
        return rc;
    }
    s->from = (struct sparse_reader){.fd = s->fd};
    (void)posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (s->st.st_size >= AHEAD_FROM)
        start_ahead(s);
    *out = s;
    return 0;
}

void cas_stream_close(struct cas_stream *s)
{
    if (s == NULL)
        return;
    stop_ahead(s);
    scope_close(&s->fd);
    hasher_free(s->hasher);
    free(s);
}
