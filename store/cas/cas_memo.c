/* SPDX-License-Identifier: Apache-2.0 */
/* Which files were already seen to match their digest: an open-addressed table, whose order reaches
 * nothing. */
#include "store/cas/cas_internal.h"

#include <stdlib.h>
#include <string.h>

static size_t slot_of(const struct cas_memo_entry *table, size_t cap, const uint8_t *digest)
{
    uint64_t start = 0;
    memcpy(&start, digest, sizeof(start)); /* the digest is the hash */
    size_t at = (size_t)start & (cap - 1);
    while (table[at].used && memcmp(table[at].digest, digest, DIGEST_SHA256_SIZE) != 0)
        at = (at + 1) & (cap - 1);
    return at;
}

static const struct cas_memo_entry *find(const struct cas_memo_table *t, const uint8_t *digest)
{
    const struct cas_memo_entry *m =
        t->cap == 0 ? NULL : &t->entries[slot_of(t->entries, t->cap, digest)];
    return m != NULL && m->used ? m : NULL;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool cas_table_has(const struct cas_memo_table *t, const uint8_t *digest)
{
    return find(t, digest) != NULL;
}

bool cas_table_knows(const struct cas_memo_table *t, const uint8_t *digest, const struct stat *st)
{
    const struct cas_memo_entry *m = find(t, digest);
    return m != NULL && m->dev == st->st_dev && m->ino == st->st_ino && m->size == st->st_size &&
           same_time(&m->mtime, &st->st_mtim) && same_time(&m->ctime, &st->st_ctim);
}

static bool grow(struct cas_memo_table *t)
{
    size_t cap = t->cap == 0 ? 64 : t->cap * 2;
    struct cas_memo_entry *table = calloc(cap, sizeof(*table));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < t->cap; i++) {
        if (t->entries[i].used)
            table[slot_of(table, cap, t->entries[i].digest)] = t->entries[i];
    }
    free(t->entries);
    t->entries = table;
    t->cap = cap;
    return true;
}

void cas_table_put(struct cas_memo_table *t, const uint8_t *digest, const struct stat *st)
{
    if (t->count * 2 >= t->cap && !grow(t))
        return;
    struct cas_memo_entry *m = &t->entries[slot_of(t->entries, t->cap, digest)];
    t->count += m->used ? 0 : 1;
    *m = (struct cas_memo_entry){.used = true,
                                 .dev = st->st_dev,
                                 .ino = st->st_ino,
                                 .size = st->st_size,
                                 .mtime = st->st_mtim,
                                 .ctime = st->st_ctim};
    memcpy(m->digest, digest, DIGEST_SHA256_SIZE);
}

struct digest cas_table_digest(const struct cas_memo_entry *m)
{
    struct digest digest = {.alg = DIGEST_SHA256};
    memcpy(digest.bytes, m->digest, DIGEST_SHA256_SIZE);
    return digest;
}

bool cas_memo_knows(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    (void)pthread_mutex_lock(&cas->mutex);
    bool known = cas_table_knows(&cas->memo, digest->bytes, st);
    (void)pthread_mutex_unlock(&cas->mutex);
    return known;
}

void cas_memo_add(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    (void)pthread_mutex_lock(&cas->mutex);
    cas_table_put(&cas->memo, digest->bytes, st);
    (void)pthread_mutex_unlock(&cas->mutex);
    cas_record_add(cas, digest, st);
}
