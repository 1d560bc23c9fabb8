/* SPDX-License-Identifier: Apache-2.0 */
/* Which files were already seen to match their digest: an open-addressed table, looked up only,
 * never listed. */
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

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool cas_memo_knows(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    bool known = false;
    (void)pthread_mutex_lock(&cas->mutex);
    if (cas->memo_cap != 0) {
        const struct cas_memo_entry *m =
            &cas->memo[slot_of(cas->memo, cas->memo_cap, digest->bytes)];
        known = m->used && m->dev == st->st_dev && m->ino == st->st_ino && m->size == st->st_size &&
                same_time(&m->mtime, &st->st_mtim) && same_time(&m->ctime, &st->st_ctim);
    }
    (void)pthread_mutex_unlock(&cas->mutex);
    return known;
}

static bool memo_grow(struct cas *cas)
{
    size_t cap = cas->memo_cap == 0 ? 64 : cas->memo_cap * 2;
    struct cas_memo_entry *table = calloc(cap, sizeof(*table));
    if (table == NULL)
        return false;
    for (size_t i = 0; i < cas->memo_cap; i++) {
        if (cas->memo[i].used)
            table[slot_of(table, cap, cas->memo[i].digest)] = cas->memo[i];
    }
    free(cas->memo);
    cas->memo = table;
    cas->memo_cap = cap;
    return true;
}

void cas_memo_add(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    (void)pthread_mutex_lock(&cas->mutex);
    if (cas->memo_count * 2 < cas->memo_cap || memo_grow(cas)) {
        struct cas_memo_entry *m = &cas->memo[slot_of(cas->memo, cas->memo_cap, digest->bytes)];
        cas->memo_count += m->used ? 0 : 1;
        *m = (struct cas_memo_entry){.used = true,
                                     .dev = st->st_dev,
                                     .ino = st->st_ino,
                                     .size = st->st_size,
                                     .mtime = st->st_mtim,
                                     .ctime = st->st_ctim};
        memcpy(m->digest, digest->bytes, DIGEST_SHA256_SIZE);
    }
    (void)pthread_mutex_unlock(&cas->mutex);
}
