/* SPDX-License-Identifier: Apache-2.0 */
/* Scratch blobs: what a build makes on its way and nobody asks for afterwards. They never get a
 * blob's name, so a crash leaves only temporary files, which the next that opens the store removes.
 */
#include "store/cas/cas_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

/* Where the digest is, or would be. With the lock held. */
static size_t place_of(const struct cas *cas, const struct digest *digest, bool *there)
{
    size_t lo = 0;
    size_t hi = cas->own_count;
    *there = false;
    while (lo < hi && !*there) {
        size_t mid = lo + (hi - lo) / 2;
        int order = memcmp(cas->own[mid].digest, digest->bytes, DIGEST_SHA256_SIZE);
        *there = order == 0;
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return *there ? hi : lo;
}

bool cas_scratch_find(struct cas *cas, const struct digest *digest, char *name)
{
    bool there = false;
    if (!cas->scratch || digest->alg != DIGEST_SHA256)
        return false;
    (void)pthread_mutex_lock(&cas->mutex);
    size_t at = place_of(cas, digest, &there);
    if (there)
        memcpy(name, cas->own[at].name, CAS_TEMP_NAME_MAX);
    (void)pthread_mutex_unlock(&cas->mutex);
    return there;
}

int cas_scratch_add(struct cas *cas, const struct digest *digest, const char *name, bool *added,
                    struct err *e)
{
    bool there = false;
    int rc = 0;
    (void)pthread_mutex_lock(&cas->mutex);
    size_t at = place_of(cas, digest, &there);
    if (!there)
        rc = array_grow(&cas->own, &cas->own_cap, cas->own_count + 1, sizeof(*cas->own), e);
    if (!there && rc == 0) {
        struct cas_scratch *own = &cas->own[at];
        memmove(own + 1, own, (cas->own_count - at) * sizeof(*own));
        *own = (struct cas_scratch){.given = false};
        memcpy(own->digest, digest->bytes, DIGEST_SHA256_SIZE);
        memcpy(own->name, name, CAS_TEMP_NAME_MAX);
        cas->own_count++;
    }
    (void)pthread_mutex_unlock(&cas->mutex);
    *added = rc == 0 && !there;
    return rc;
}

/* Whether the caller is the first to ask for it as an artifact. */
static bool claim(struct cas *cas, const struct digest *digest, char *name)
{
    bool there = false;
    (void)pthread_mutex_lock(&cas->mutex);
    size_t at = place_of(cas, digest, &there);
    bool mine = there && !cas->own[at].given;
    if (mine) {
        cas->own[at].given = true;
        memcpy(name, cas->own[at].name, CAS_TEMP_NAME_MAX);
    }
    (void)pthread_mutex_unlock(&cas->mutex);
    return mine;
}

int cas_scratch_give(struct cas *cas, const struct digest *digest, const char *path, mode_t mode,
                     bool *done, struct err *e)
{
    char name[CAS_TEMP_NAME_MAX];
    struct stat st;
    *done = false;
    if (!cas->scratch || !claim(cas, digest, name))
        return 0;
    AUTO_CLOSE int fd = openat(cas->temp, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot open a temporary file of store '%s'", cas->path);
    if (!S_ISREG(st.st_mode) || !cas_memo_knows(cas, digest, &st))
        return 0; /* somebody has touched it: it is read, and judged, like any blob */
    if (fchmod(fd, mode) != 0 || fsync(fd) != 0)
        return err_os(e, errno, "cannot sync '%s'", path);
    if (linkat(cas->temp, name, AT_FDCWD, path, 0) != 0)
        return 0; /* another file system, one without links, or the name is taken */
    *done = true;
    if (fstat(fd, &st) == 0) /* a second name changes the ctime */
        cas_memo_add(cas, digest, &st);
    return 0;
}

void cas_scratch_remove(struct cas *cas)
{
    for (size_t i = 0; i < cas->own_count; i++)
        cas_temp_remove(cas, cas->own[i].name);
    free(cas->own);
}
