/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record: which blobs this store's programs have seen to match their digest, by inode, size and
 * times, in the file `verified`. It answers one question only, whether a blob that is there has to
 * be fetched again; whoever is given a blob's bytes is given them hashed. So a record that lies, or
 * a disk that changes bytes and no time, costs a message later, and never a wrong byte.
 */
#include "store/cas/cas_internal.h"

#include "base/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_FILE "verified"
#define FIRST_LINE "assay store verified v1\n"
enum { RECORD_MAX = 256 * 1024 * 1024, HEX_SIZE = 2 * DIGEST_SHA256_SIZE };

static bool number(const char **p, char end, int64_t *out)
{
    int64_t value = 0;
    const char *at = *p;
    while (*at >= '0' && *at <= '9') {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, *at - '0', &value))
            return false;
        at++;
    }
    if (at == *p || *at != end)
        return false;
    *p = at + 1;
    *out = value;
    return true;
}

/* "HEX INODE SIZE MTIME.NS CTIME.NS\n"; *p moves behind it. */
static bool read_line(const char **p, struct digest *digest, struct stat *st)
{
    int64_t inode = 0;
    int64_t size = 0;
    int64_t times[4] = {0};
    *digest = (struct digest){.alg = DIGEST_SHA256};
    *st = (struct stat){.st_dev = 0};
    if (strnlen(*p, HEX_SIZE + 1) <= HEX_SIZE ||
        !hex_decode(*p, HEX_SIZE, digest->bytes, DIGEST_SHA256_SIZE) || (*p)[HEX_SIZE] != ' ')
        return false;
    *p += HEX_SIZE + 1;
    if (!number(p, ' ', &inode) || !number(p, ' ', &size) || !number(p, '.', &times[0]) ||
        !number(p, ' ', &times[1]) || !number(p, '.', &times[2]) || !number(p, '\n', &times[3]))
        return false;
    st->st_ino = (ino_t)inode;
    st->st_size = size;
    st->st_mtim = (struct timespec){.tv_sec = times[0], .tv_nsec = times[1]};
    st->st_ctim = (struct timespec){.tv_sec = times[2], .tv_nsec = times[3]};
    return true;
}

/* Best effort: a record that cannot be read is none. What this run found out counts more. */
static void load(struct cas *cas)
{
    struct err ignored = ERR_INIT;
    AUTO_BUF text = BUF_INIT(RECORD_MAX);
    bool found = false;
    if (cas->record_loaded)
        return;
    cas->record_loaded = true;
    if (cas_read_small(cas, cas->root, RECORD_FILE, &text, &found, &ignored) < 0 || !found ||
        !str_starts(buf_str(&text), FIRST_LINE))
        return;
    const char *p = buf_str(&text) + strlen(FIRST_LINE);
    struct digest digest;
    struct stat st;
    while (read_line(&p, &digest, &st))
        if (!cas_table_has(&cas->record, digest.bytes))
            cas_table_put(&cas->record, digest.bytes, &st);
}

/* The device is not kept: it is another one after the next boot. */
static struct stat without_device(const struct stat *st)
{
    struct stat bare = *st;
    bare.st_dev = 0;
    return bare;
}

bool cas_record_knows(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    const struct stat bare = without_device(st);
    (void)pthread_mutex_lock(&cas->mutex);
    load(cas);
    bool known = cas_table_knows(&cas->record, digest->bytes, &bare);
    (void)pthread_mutex_unlock(&cas->mutex);
    return known;
}

void cas_record_add(struct cas *cas, const struct digest *digest, const struct stat *st)
{
    const struct stat bare = without_device(st);
    if (cas->read_only || cas->scratch)
        return;
    (void)pthread_mutex_lock(&cas->mutex);
    if (!cas_table_knows(&cas->record, digest->bytes, &bare)) {
        cas_table_put(&cas->record, digest->bytes, &bare);
        cas->record_changed = true;
    }
    (void)pthread_mutex_unlock(&cas->mutex);
}

static int add_line(const struct cas *cas, const struct cas_memo_entry *m, struct buf *out,
                    struct err *e)
{
    const struct digest digest = cas_table_digest(m);
    char hex[DIGEST_TEXT_MAX];
    struct stat st;
    /* What has gone, or is another file now, is forgotten. */
    if (fstatat(cas->blobs, digest_hex(&digest, hex), &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        st.st_ino != m->ino || st.st_size != m->size)
        return 0;
    return buf_addf(out, e, "%s %llu %lld %lld.%ld %lld.%ld\n", hex, (unsigned long long)m->ino,
                    (long long)m->size, (long long)m->mtime.tv_sec, m->mtime.tv_nsec,
                    (long long)m->ctime.tv_sec, m->ctime.tv_nsec);
}

void cas_record_save(struct cas *cas)
{
    struct err ignored = ERR_INIT;
    AUTO_BUF text = BUF_INIT(RECORD_MAX);
    if (!cas->record_changed || cas->read_only)
        return;
    load(cas);
    int rc = buf_add_str(&text, FIRST_LINE, &ignored);
    for (size_t i = 0; rc == 0 && i < cas->record.cap; i++)
        if (cas->record.entries[i].used)
            rc = add_line(cas, &cas->record.entries[i], &text, &ignored);
    if (rc ==
        0) /* of two that close at once the later one's stays: the other's is found out again */
        (void)cas_replace(cas, cas->root, RECORD_FILE, text.data, text.len, false, &ignored);
}
