/* SPDX-License-Identifier: Apache-2.0 */
/* Mending: right bytes from elsewhere take the place of wrong ones; wrong ones are kept apart. */
#include "store/cas/cas_internal.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define APART "damaged"
enum { APART_MAX = 1000 /* of one name */ };

/* From the OCI layout or store in `place`, when it has the blob and its bytes are right. */
static int take_from(struct cas *cas, const char *place, const struct digest *digest, bool *mended,
                     struct err *e)
{
    AUTO_FREE char *path = NULL;
    char hex[DIGEST_TEXT_MAX];
    struct err why = ERR_INIT;
    int rc = str_format(&path, e, "%s/blobs/sha256/%s", place, digest_hex(digest, hex));
    if (rc < 0)
        return rc;
    rc = cas_import_file(cas, path, digest, NULL, NULL, &why);
    *mended = rc == 0;
    if (rc == 0 || rc == -ERR_INPUT) /* it has not got it, or has it wrong */
        return 0;
    *e = why;
    return rc;
}

int cas_set_apart(struct cas *cas, const char *hex, struct err *e)
{
    if (mkdirat(cas->root, APART, 0700) != 0 && errno != EEXIST)
        return err_os(e, errno, "cannot make '%s' in store '%s'", APART, cas->path);
    AUTO_CLOSE int apart =
        openat(cas->root, APART, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (apart >= 0)
        cas_share(cas->root, apart);
    char name[NAME_MAX + 1];
    (void)snprintf(name, sizeof(name), "%s", hex);
    for (unsigned i = 2; apart >= 0 && i <= APART_MAX; i++) {
        if (renameat2(cas->blobs, hex, apart, name, RENAME_NOREPLACE) == 0)
            break;
        if (errno != EEXIST || i == APART_MAX)
            return err_os(e, errno, "cannot set '%s' of store '%s' apart", hex, cas->path);
        (void)snprintf(name, sizeof(name), "%.200s.%u", hex, i);
    }
    if (apart < 0)
        return err_os(e, errno, "cannot open '%s' in store '%s'", APART, cas->path);
    int rc = cas_sync_dir(cas, apart, e);
    return rc < 0 ? rc : cas_sync_dir(cas, cas->blobs, e);
}

int cas_move_stranger(struct cas *cas, const char *name, struct err *e)
{
    int rc = cas_need_writable(cas, e);
    return rc < 0 ? rc : cas_set_apart(cas, name, e);
}

int cas_repair(struct cas *cas, const struct digest *digest, const char *const *places,
               size_t place_count, enum cas_repaired *out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    struct stat st;
    bool mended = false;
    int rc = cas_need_writable(cas, e);
    if (rc < 0)
        return rc;
    bool there = fstatat(cas->blobs, digest_hex(digest, hex), &st, AT_SYMLINK_NOFOLLOW) == 0;
    bool apart = there && S_ISDIR(st.st_mode); /* no file can take its place */
    if (apart)
        rc = cas_set_apart(cas, hex, e);
    for (size_t i = 0; rc == 0 && !mended && i < place_count; i++)
        rc = take_from(cas, places[i], digest, &mended, e);
    if (rc == 0 && !mended && there && !apart)
        rc = cas_set_apart(cas, hex, e);
    if (rc == 0 && !mended && there && S_ISREG(st.st_mode))
        cas_quota_return(cas, (uint64_t)st.st_size);
    if (rc == 0)
        *out = mended ? CAS_MENDED : there ? CAS_SET_APART : CAS_MISSING;
    return rc;
}
