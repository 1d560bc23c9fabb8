/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the blob store share among themselves. */
#ifndef ASSAY_STORE_CAS_CAS_INTERNAL_H
#define ASSAY_STORE_CAS_CAS_INTERNAL_H

#include "store/cas/cas.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

enum {
    CAS_CHUNK = 256 * 1024,          /* bytes read or hashed at a time */
    CAS_INDEX_MAX = 8 * 1024 * 1024, /* index.json */
    CAS_REFS_MAX = 65536,
    CAS_NAME_MAX = 255,
    CAS_TEMP_NAME_MAX = 48,
    CAS_LISTING_MAX = 16 * 1024 * 1024, /* blobs of one store */
};

/* A file whose bytes are known to match its digest as long as this identity stays. */
struct cas_memo_entry {
    bool used;
    uint8_t digest[DIGEST_SHA256_SIZE];
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
    struct timespec ctime;
};

struct cas_memo_table {
    struct cas_memo_entry *entries;
    size_t cap;
    size_t count;
};

/* A blob of a scratch store: a file in tmp/ that keeps its temporary name. */
struct cas_scratch {
    uint8_t digest[DIGEST_SHA256_SIZE];
    bool given; /* it has become an artifact */
    char name[CAS_TEMP_NAME_MAX];
};

struct cas {
    char *path;
    bool read_only;
    bool scratch;      /* new blobs are in `own` */
    struct cas *lower; /* borrowed */
    int root;
    int blobs;   /* blobs/sha256 */
    int temp;    /* -1 when read-only */
    int actions; /* -1 when there is none */
    int lock;    /* -1 when read-only */
    int quota;   /* -1 when there is none, or read-only */
    atomic_uint temp_count;
    pthread_mutex_t mutex; /* for all below, and for index.json within the process */
    struct cas_memo_table memo;
    struct cas_memo_table record; /* cas_record.c */
    bool record_loaded;
    bool record_changed;
    struct cas_scratch *own; /* by digest */
    size_t own_count;
    size_t own_cap;
};

/* ERR_HOST when the store was opened read-only. */
int cas_need_writable(const struct cas *cas, struct err *e);
/* ERR_INPUT when the digest is no SHA-256. */
int cas_need_sha256(const struct digest *digest, struct err *e);

/* Opens the file of that name without verifying it. Not there: *fd is -1. No regular file:
 * ERR_INPUT. */
int cas_open_raw(struct cas *cas, const struct digest *digest, int *fd, struct stat *st,
                 struct err *e);
/* As cas_open_raw, in this store or the one beneath it; missing is an error. *where is the store
 * that has it. */
int cas_open_somewhere(struct cas *cas, const struct digest *digest, struct cas **where, int *fd,
                       struct stat *st, struct err *e);
/* ERR_INPUT, as cas_damaged, unless `actual` is the blob's digest. */
int cas_compare(const struct cas *cas, const struct digest *digest, const struct digest *actual,
                struct err *e);
/* Remembers the open file as verified, if it is still as it was when it was opened. */
void cas_memo_settle(struct cas *cas, const struct digest *digest, int fd, const struct stat *st);
uint64_t cas_stream_size(const struct cas_stream *s);
/* cas_has without the store beneath. */
bool cas_has_own(struct cas *cas, const struct digest *digest);
bool cas_memo_knows(struct cas *cas, const struct digest *digest, const struct stat *st);
/* Best effort: without memory it is forgotten. */
void cas_memo_add(struct cas *cas, const struct digest *digest, const struct stat *st);
/* The tables of both; the caller has the mutex. Best effort, too. */
bool cas_table_has(const struct cas_memo_table *t, const uint8_t *digest);
bool cas_table_knows(const struct cas_memo_table *t, const uint8_t *digest, const struct stat *st);
void cas_table_put(struct cas_memo_table *t, const uint8_t *digest, const struct stat *st);
struct digest cas_table_digest(const struct cas_memo_entry *m);
/* What other runs have verified (cas_record.c): for cas_holds alone. */
bool cas_record_knows(struct cas *cas, const struct digest *digest, const struct stat *st);
void cas_record_add(struct cas *cas, const struct digest *digest, const struct stat *st);
void cas_record_save(struct cas *cas);
int cas_damaged(const struct cas *cas, const struct digest *digest, struct err *e, const char *why);
int cas_missing(const struct cas *cas, const struct digest *digest, struct err *e);

/* What stands under a blob's name goes to `damaged`: not thrown away, who knows what is in it. */
int cas_set_apart(struct cas *cas, const char *hex, struct err *e);

/* The blobs of a scratch store (cas_scratch.c). *name (CAS_TEMP_NAME_MAX) is written when it is
 * there. */
bool cas_scratch_find(struct cas *cas, const struct digest *digest, char *name);
/* Takes the temporary file `name`; *added is false when the blob was there. */
int cas_scratch_add(struct cas *cas, const struct digest *digest, const char *name, bool *added,
                    struct err *e);
/* Gives the blob the name `path`, which nobody has, synced and with `mode`; *done is false when
 * that cannot be. Once for each blob: what others do to the artifact must not reach a second one.
 */
int cas_scratch_give(struct cas *cas, const struct digest *digest, const char *path, mode_t mode,
                     bool *done, struct err *e);
void cas_scratch_remove(struct cas *cas);

/* A new file in temp/; `name` has CAS_TEMP_NAME_MAX bytes. */
int cas_temp_open(struct cas *cas, char *name, int *fd, struct err *e);
void cas_temp_remove(struct cas *cas, const char *name);
/* Removes all of temp/; only under the exclusive lock. *count and *bytes are added to. */
int cas_temp_clear(struct cas *cas, bool dry_run, uint64_t *count, uint64_t *bytes, struct err *e);
/* Atomic replacement of dir/name by way of temp/; `sync` for what must survive a power cut. */
int cas_replace(struct cas *cas, int dir, const char *name, const void *data, size_t len, bool sync,
                struct err *e);
/* The quota (cas_quota.c); all are fine without one. */
int cas_quota_open(struct cas *cas, struct err *e);
/* Bytes that may still come; UINT64_MAX without a quota. */
int cas_quota_room(struct cas *cas, uint64_t *room, struct err *e);
/* The error that says that `more` bytes do not fit. */
int cas_quota_refuse(struct cas *cas, uint64_t more, struct err *e);
/* Counts a blob that is about to get its name; ERR_HOST when it does not fit. */
int cas_quota_charge(struct cas *cas, uint64_t size, struct err *e);
/* It did not get one. */
void cas_quota_return(struct cas *cas, uint64_t size);
/* Counts afresh, under the exclusive lock, if the count may be of another moment than the blobs.
 * ERR_INPUT when the file is damaged. */
int cas_quota_settle(struct cas *cas, struct err *e);
/* The count is no longer to be relied on, until somebody counts afresh. */
int cas_quota_forget(struct cas *cas, struct err *e);
/* Counts afresh: one stat a blob; under the exclusive lock. */
int cas_quota_recount(struct cas *cas, struct err *e);

/* In a group's store: what was made, or is one's own, opened to the group (cas_share.c). */
void cas_share(int root, int fd);
/* A file that locks stand on, made when it is missing; -1 and errno. */
int cas_lock_file(int root, const char *name);

/* fsync of a directory. */
int cas_sync_dir(const struct cas *cas, int dir, struct err *e);
/* A bounded regular file beneath `dir`, links not followed. Missing: *found false. */
int cas_read_small(const struct cas *cas, int dir, const char *name, struct buf *out, bool *found,
                   struct err *e);

/* The bytes of an index.json, bounded and checked as far as the list of manifests; *out is new. */
int cas_index_parse(const void *data, size_t len, const char *what, json_t **out, struct err *e);
/* A new descriptor of a blob that is there. */
int cas_index_descriptor(struct cas *cas, const char *name, const char *media_type,
                         const struct digest *digest, uint64_t size, json_t **out, struct err *e);
/* The first of that name. */
bool cas_index_find(const json_t *manifests, const char *name, size_t *at);
/* Changes the list of references under the index's lock; it is written when *changed. */
typedef int cas_index_changer(json_t *manifests, void *context, bool *changed, struct err *e);
int cas_index_change(struct cas *cas, cas_index_changer *change, void *context, struct err *e);
/* Whether the options let a collector drop reference `i`. */
bool cas_ref_may_go(const struct cas_refs *refs, size_t i, const struct cas_gc_options *options);
/* The descriptors of a parsed one. */
int cas_index_refs(json_t *doc, const char *what, struct cas_refs *out, struct err *e);

#endif
