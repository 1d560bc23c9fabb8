/* SPDX-License-Identifier: Apache-2.0 */
/* Listing blobs/sha256 in order. */
#include "store/cas/cas_internal.h"

#include "base/encoding.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void cas_listing_dispose(struct cas_listing *listing)
{
    for (size_t i = 0; i < listing->stranger_count; i++)
        free(listing->strangers[i]);
    free(listing->strangers);
    free(listing->blobs);
    *listing = (struct cas_listing){0};
}

static int by_digest(const void *a, const void *b)
{
    return digest_compare(&((const struct cas_blob *)a)->digest,
                          &((const struct cas_blob *)b)->digest);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct capacity {
    size_t blobs;
    size_t strangers;
};

static int add_stranger(struct cas_listing *listing, struct capacity *cap, const char *name,
                        struct err *e)
{
    int rc = array_grow(&listing->strangers, &cap->strangers, listing->stranger_count + 1,
                        sizeof(*listing->strangers), e);
    if (rc == 0)
        rc = str_copy(&listing->strangers[listing->stranger_count], name, e);
    if (rc == 0)
        listing->stranger_count++;
    return rc;
}

static int add_entry(const struct cas *cas, struct cas_listing *listing, struct capacity *cap,
                     const char *name, struct err *e)
{
    struct cas_blob blob = {.digest.alg = DIGEST_SHA256};
    if (!hex_decode(name, strlen(name), blob.digest.bytes, DIGEST_SHA256_SIZE))
        return add_stranger(listing, cap, name, e);
    struct stat st;
    if (fstatat(cas->blobs, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT
                   ? 0
                   : err_os(e, errno, "cannot look at blob %s in '%s'", name, cas->path);
    if (S_ISREG(st.st_mode))
        blob.size = (uint64_t)st.st_size;
    int rc =
        array_grow(&listing->blobs, &cap->blobs, listing->count + 1, sizeof(*listing->blobs), e);
    if (rc == 0)
        listing->blobs[listing->count++] = blob;
    return rc;
}

int cas_list(struct cas *cas, struct cas_listing *out, struct err *e)
{
    int fd = openat(cas->blobs, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    AUTO_CLOSEDIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL)
        return err_os(e, errno, "cannot list the blobs of store '%s'", cas->path);
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    struct capacity cap = {0};
    int rc = 0;
    errno = 0;
    for (struct dirent *entry; rc == 0 && (entry = readdir(dir)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (listing.count + listing.stranger_count >= CAS_LISTING_MAX)
            return err_set(e, ERR_HOST, "store '%s' holds too many blobs", cas->path);
        rc = add_entry(cas, &listing, &cap, entry->d_name, e);
    }
    if (rc < 0)
        return rc;
    if (errno != 0)
        return err_os(e, errno, "cannot list the blobs of store '%s'", cas->path);
    /* Names are unique in a directory, so the order is total. */
    if (listing.count > 1)
        qsort(listing.blobs, listing.count, sizeof(*listing.blobs), by_digest);
    if (listing.stranger_count > 1)
        qsort(listing.strangers, listing.stranger_count, sizeof(*listing.strangers), by_text);
    *out = listing;
    listing = (struct cas_listing){0};
    return 0;
}
