/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob store: immutable bytes named by their SHA-256, kept in OCI image
 * layout form (oci-layout, index.json, blobs/sha256/<hex>), so that skopeo and
 * umoci read it as it is.
 *
 * Invariants: a blob is never visible under its name before its bytes are
 * complete, synced and match the digest; concurrent processes may read and
 * write the same store; nothing that is handed to a caller is unverified.
 */
#ifndef ASSAY_STORE_CAS_CAS_H
#define ASSAY_STORE_CAS_CAS_H

#include "base/buf.h"
#include "base/digest.h"

#include <jansson.h>

struct cas;

enum cas_open_flags {
    CAS_CREATE = 1,         /* make the layout when it is missing */
    CAS_READ_ONLY = 2,      /* never writes, not even locks: for the sandbox's view */
    CAS_KEEP_TEMPORARY = 4, /* leaves the files of dead writers for cas_gc to find, and to count */
    CAS_SCRATCH = 8, /* new blobs are this open store's own: nobody else sees them, they are not
                        synced, and cas_close removes them */
};

/*
 * `path` is a directory. Without CAS_CREATE a missing store is ERR_INPUT; with
 * it, a directory that holds anything else is. Unless CAS_READ_ONLY, the open
 * store holds a shared lock until cas_close, so that cas_gc of another process
 * waits for nobody and takes nothing away: it refuses while the store is in
 * use. An OCI layout that others wrote opens as it is. One open store may be
 * used by several threads. cas_close(NULL) is fine.
 */
int cas_open(const char *path, unsigned flags, struct cas **out, struct err *e);
void cas_close(struct cas *cas);
const char *cas_path(const struct cas *cas);
/*
 * The shared lock alone, of a store that others are given a read-only view of: while the
 * descriptor is open (caller closes *fd) no collector runs. Waits for one that does. *fd is -1
 * for a store that has no lock and may not be written to.
 */
int cas_hold(const char *path, int *fd, struct err *e);
/*
 * Blobs that `cas` has not are read from `lower` (borrowed; must outlive `cas`):
 * a private writable store over a shared read-only one. Before other threads
 * use `cas`. References and actions are `cas`'s own.
 */
void cas_set_lower(struct cas *cas, struct cas *lower);

static inline void scope_cas(struct cas **cas)
{
    cas_close(*cas);
}
#define AUTO_CAS AUTO(scope_cas)

/*
 * Whether a blob of that name exists, and its size (may be NULL). Does not verify the bytes: for
 * what is only counted or shown, and for what will be hashed when it is read.
 */
bool cas_has(struct cas *cas, const struct digest *digest, uint64_t *size);

/*
 * Whether the right bytes are there, so that nobody has to fetch them: a blob of that name, of that
 * size (or CAS_SIZE_UNKNOWN), and verified: now, by this open store, or by an earlier run and
 * unchanged since, as its inode, size and times say (the file `verified`; docs/formats/store.md).
 * *size (may be NULL) is written when *holds. A damaged blob is not held; ERR_HOST when it cannot
 * be read.
 */
#define CAS_SIZE_UNKNOWN UINT64_MAX
int cas_holds(struct cas *cas, const struct digest *digest, uint64_t expected, uint64_t *size,
              bool *holds, struct err *e);

/*
 * Streaming writer. `expected` and `expected_size` may be NULL / CAS_SIZE_UNKNOWN.
 * commit fails with ERR_INPUT when either does not match, and leaves nothing.
 * Committing bytes that the store has is success.
 */
/* One thread at a time per writer. */
struct cas_writer;
int cas_writer_new(struct cas *cas, const struct digest *expected, uint64_t expected_size,
                   struct cas_writer **out, struct err *e);
int cas_writer_write(struct cas_writer *w, const void *data, size_t len, struct err *e);
/* So many bytes of zeros: a hole of the blob, where there are enough. */
int cas_writer_zeros(struct cas_writer *w, uint64_t len, struct err *e);
/* A blob that only this process will read again: it is not hurried to the disk. */
void cas_writer_set_passing(struct cas_writer *w);
/* The descriptor to write to directly (libraries that seek); then commit hashes the file afresh. */
int cas_writer_fd(struct cas_writer *w);
int cas_writer_commit(struct cas_writer *w, struct digest *digest, uint64_t *size, struct err *e);
void cas_writer_free(struct cas_writer *w); /* aborts when not committed */

static inline void scope_cas_writer(struct cas_writer **w)
{
    cas_writer_free(*w);
}
#define AUTO_CAS_WRITER AUTO(scope_cas_writer)

/* Small blobs at once. */
int cas_put(struct cas *cas, const void *data, size_t len, struct digest *digest, struct err *e);
/* The whole blob into `out` (bounded by its max), verified. Missing or damaged: ERR_INPUT. */
int cas_get(struct cas *cas, const struct digest *digest, struct buf *out, struct err *e);
/* Copies a file into the store; `expected` may be NULL. */
int cas_import_file(struct cas *cas, const char *path, const struct digest *expected,
                    struct digest *digest, uint64_t *size, struct err *e);
/*
 * The same for many small files: the disk is waited for once, not for each. A failure leaves those
 * that had come so far, or none, in the store, each whole.
 */
enum { CAS_IMPORT_MAX = 256 };
struct cas_import {
    const char *path;
    struct digest digest; /* out, as is size */
    uint64_t size;
};
int cas_import_files(struct cas *cas, struct cas_import *files, size_t count, struct err *e);
/* Writes a verified blob as a file that we name: temporary name, fsync, rename; its mode is the
 * umask's. A blob of a CAS_SCRATCH store becomes the file itself, where the file system lets it
 * have two names for a while. */
int cas_export_file(struct cas *cas, const struct digest *digest, const char *path, struct err *e);
/* The same where a user says (base/destination.h); what is no file gets the bytes once they were
 * verified. */
int cas_export_output(struct cas *cas, const struct digest *digest, const char *path,
                      struct err *e);

/*
 * A descriptor for pread. The bytes are verified before it is returned, once
 * per open store and file (device, inode, size, mtime, ctime); blobs that this
 * open store wrote are known good. Caller closes *fd.
 */
int cas_open_blob(struct cas *cas, const struct digest *digest, int *fd, uint64_t *size,
                  struct err *e);

/*
 * Sequential reading that hashes on the way: one pass. A large blob is read ahead
 * and hashed by a thread of the stream's own. One thread at a time per stream.
 */
struct cas_stream;
int cas_stream_open(struct cas *cas, const struct digest *digest, struct cas_stream **out,
                    struct err *e);
/* *got is 0 at the end, which is reported only when size and digest were right; else ERR_INPUT,
 * again and again. */
int cas_stream_read(struct cas_stream *s, void *data, size_t len, size_t *got, struct err *e);
/*
 * Reads the rest and verifies. For whoever stopped before the end, at an error or
 * not: `rc` and `e` are given back as they were, but a damaged blob is what is told first.
 */
int cas_stream_finish(struct cas_stream *s, int rc, struct err *e);
void cas_stream_close(struct cas_stream *s);

static inline void scope_cas_stream(struct cas_stream **s)
{
    cas_stream_close(*s);
}
#define AUTO_CAS_STREAM AUTO(scope_cas_stream)

/* Read-only mapping of a verified blob. cas_unmap when done. */
int cas_map(struct cas *cas, const struct digest *digest, const uint8_t **data, size_t *len,
            struct err *e);
void cas_unmap(const uint8_t *data, size_t len);

/*
 * References: descriptors in index.json, named by org.opencontainers.image.ref.name.
 * They are what `assay store gc` keeps, with every blob that they reach: a
 * referenced blob whose media type ends in "json" is read, and each "digest"
 * member ("sha256:…", or {"sha256": "…"}) in it is followed; the "mediaType" beside that
 * member says whether the next blob is read in turn.
 *
 * A name is 1 to 255 of [A-Za-z0-9._:@+/-] and starts with a letter or digit.
 * cas_ref_set replaces what had the name; the blob must be in the store, with that size.
 */
int cas_ref_set(struct cas *cas, const char *name, const char *media_type,
                const struct digest *digest, uint64_t size, struct err *e);
/* *found tells; digest and media type (caller frees) when it was. Two of that name: ERR_INPUT. */
int cas_ref_get(struct cas *cas, const char *name, bool *found, struct digest *digest,
                char **media_type, struct err *e);
int cas_ref_remove(struct cas *cas, const char *name, bool *found, struct err *e);

struct cas_ref {
    char *name; /* NULL: the descriptor has none */
    char *media_type;
    struct digest digest;
    uint64_t size;
    bool pinned;
    int64_t kept; /* when cas_ref_keep was told of it last; 0: never */
};
struct cas_refs {
    struct cas_ref *items; /* in index.json's order */
    size_t count;
};
/*
 * As cas_ref_set, and what had the name is not lost: its reference becomes "NAME@sha256:…", and is
 * kept until cas_gc is told to let earlier ones go. `now` is remembered.
 */
int cas_ref_keep(struct cas *cas, const char *name, const char *media_type,
                 const struct digest *digest, uint64_t size, int64_t now, struct err *e);
/* A pinned reference is let go by nobody but cas_ref_remove, and stays when its name is kept anew.
 */
int cas_ref_pin(struct cas *cas, const char *name, bool pinned, bool *found, struct err *e);
int cas_ref_list(struct cas *cas, struct cas_refs *out, struct err *e);
void cas_refs_dispose(struct cas_refs *refs);

/*
 * The action cache, actions/<hex key>: a small JSON document per step key. Best
 * effort: a missing, damaged or unreadable one is simply not found, and a store
 * opened CAS_READ_ONLY keeps nothing.
 */
int cas_action_get(struct cas *cas, const struct digest *key, json_t **out, bool *found,
                   struct err *e);
int cas_action_put(struct cas *cas, const struct digest *key, const json_t *value, struct err *e);

/*
 * The most that the blobs of a store may have together, in bytes; all programs keep to it. A
 * blob that would not fit is refused (ERR_HOST) before it has a name. 0 removes it. ERR_HOST when
 * another process has the store open.
 */
int cas_quota_set(struct cas *cas, uint64_t limit, struct err *e);
/* *limit is written only when there is one (*has). */
int cas_quota_get(struct cas *cas, bool *has, uint64_t *limit, uint64_t *used, struct err *e);

/* Everything under blobs/sha256, by name. */
struct cas_blob {
    struct digest digest;
    uint64_t size; /* 0 when it is no regular file */
};
struct cas_listing {
    struct cas_blob *blobs;
    size_t count;
    char **strangers; /* names that are no SHA-256: gc leaves them alone */
    size_t stranger_count;
};
int cas_list(struct cas *cas, struct cas_listing *out, struct err *e);
void cas_listing_dispose(struct cas_listing *listing);

/*
 * Hashes the blob afresh, whatever was known before; *damaged tells whether the
 * bytes under that name are wrong. A missing one is not damaged. ERR_HOST when it cannot be read.
 */
int cas_check(struct cas *cas, const struct digest *digest, bool *damaged, struct err *e);

/*
 * Mends a blob that is damaged or missing: its bytes come from one of the places, directories that
 * are stores or OCI layouts. A damaged one that nobody has is set apart, in the store's directory
 * `damaged`, so that it is missing and no longer wrong.
 */
enum cas_repaired { CAS_MENDED, CAS_SET_APART, CAS_MISSING };
int cas_repair(struct cas *cas, const struct digest *digest, const char *const *places,
               size_t place_count, enum cas_repaired *out, struct err *e);

/* Moves what is listed as a stranger, whatever it is, into the store's directory `damaged`. */
int cas_move_stranger(struct cas *cas, const char *name, struct err *e);

struct cas_digests {
    struct digest *items;
    size_t count;
    size_t cap;
};
void cas_digests_dispose(struct cas_digests *digests);
/* The inputs of a referenced document, a plan, that are in the store and that nobody can fetch by
 * what the document says (base/origin.h). */
int cas_locals(struct cas *cas, const struct cas_ref *ref, struct cas_digests *out, struct err *e);

/*
 * Removes what no reference reaches, temporary files of writers that died, and
 * the actions that name a removed blob. ERR_HOST when another process has the
 * store open; ERR_INPUT when a blob that must be followed is damaged or is no
 * JSON: then nothing was removed.
 */
struct cas_gc_options {
    bool dry_run;     /* only counts */
    bool all_actions; /* drops the whole action cache */
    /* Which earlier ones of a name are let go ("NAME@sha256:…", not pinned): those that have
     * keep_last newer ones, those kept last older_than seconds before now; with both, those that
     * are both. 0 and 0: none. */
    uint64_t keep_last;
    int64_t older_than;
    int64_t now;
    bool drop_local; /* also with inputs that nobody can fetch; else such references stay */
};
struct cas_gc_ref {
    char *name;
    struct digest digest;
    int64_t kept;
    bool held;                /* it could go, but for what is in `local` */
    struct cas_digests local; /* blobs that only it and others that go need, and nobody can fetch */
};
struct cas_gc_result {
    struct cas_gc_ref *refs; /* let go, or held */
    size_t ref_count;
    uint64_t kept_blobs;
    uint64_t kept_bytes;
    uint64_t missing_blobs; /* reached, but not in the store */
    uint64_t removed_actions;
    uint64_t removed_temporary;
    uint64_t removed_bytes;
    struct cas_blob *removed; /* by digest */
    bool *lost; /* of each: nothing in the store says how it is made or where it came from */
    size_t removed_count;
};
int cas_gc(struct cas *cas, const struct cas_gc_options *options, struct cas_gc_result *out,
           struct err *e);
void cas_gc_result_dispose(struct cas_gc_result *result);

#endif
