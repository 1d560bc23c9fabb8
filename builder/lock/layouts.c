/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/layouts.h"

#include "base/file.h"
#include "formats/oci/layout_archive.h"

#include <errno.h>
#include <sys/stat.h>

static int open_one(struct layouts *l, size_t i, const char *temp, struct err *e)
{
    const char *path = l->paths[i];
    struct stat st;
    if (stat(path, &st) < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (S_ISDIR(st.st_mode))
        return str_copy(&l->directories[i], path, e);
    int rc = l->unpacked.path == NULL ? private_dir_make(temp, &l->unpacked, e) : 0;
    if (rc < 0 || (rc = str_format(&l->directories[i], e, "%s/layout%zu", l->unpacked.path, i)) < 0)
        return rc;
    if (mkdir(l->directories[i], 0700) < 0)
        return err_os(e, errno, "cannot make '%s'", l->directories[i]);
    return layout_unpack(path, l->directories[i], e);
}

int layouts_open(const char *const *paths, size_t count, const char *temp, struct layouts *out,
                 struct err *e)
{
    int rc = 0;
    out->paths = paths;
    out->directories = array_new(count + 1, sizeof(*out->directories));
    if (out->directories == NULL)
        return err_oom(e);
    out->count = count;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = open_one(out, i, temp, e);
    return rc;
}

void layouts_close(struct layouts *l)
{
    for (size_t i = 0; l->directories != NULL && i < l->count; i++)
        free(l->directories[i]);
    free(l->directories);
    private_dir_remove(&l->unpacked);
}

int layouts_find(const struct layouts *l, const char *name, const char **layout,
                 struct digest *manifest, struct err *e)
{
    *layout = NULL;
    for (size_t i = 0; i < l->count; i++) {
        bool found = false;
        int rc = oci_find(l->directories[i], name, &found, manifest, e);
        if (rc < 0)
            return err_wrap(e, "OCI layout '%s'", l->paths[i]);
        if (found) {
            *layout = l->directories[i];
            return 0;
        }
    }
    return 0;
}
