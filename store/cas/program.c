/* SPDX-License-Identifier: Apache-2.0 */
#include "store/cas/program.h"

#include "base/file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

void program_dispose(struct program *p)
{
    free(steal_ptr(&p->path));
    private_dir_remove(&p->dir);
}

bool program_is_digest(const char *text)
{
    return str_starts(text, "sha256:");
}

int program_from(struct cas *cas, const struct digest *digest, const char *temp,
                 struct program *out, struct err *e)
{
    struct program p = PROGRAM_INIT;
    int rc = private_dir_make(temp, &p.dir, e);
    if (rc == 0)
        rc = path_join(&p.path, p.dir.path, "program", e);
    if (rc == 0)
        rc = cas_export_file(cas, digest, p.path, e);
    if (rc == 0 && chmod(p.path, 0500) != 0)
        rc = err_os(e, errno, "cannot change the mode of '%s'", p.path);
    if (rc == 0)
        *out = p;
    else
        program_dispose(&p);
    return rc;
}

int program_open(const char *text, const char *store, const char *temp, struct program *out,
                 struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    struct digest digest;
    if (!program_is_digest(text)) {
        struct program p = PROGRAM_INIT;
        int rc = str_copy(&p.path, text, e);
        if (rc == 0)
            *out = p;
        return rc;
    }
    if (store == NULL)
        return err_set(e, ERR_USAGE, "'%s' is looked for in a store: give --store DIR", text);
    int rc = digest_parse(text, &digest, e);
    if (rc < 0)
        return err_recode(e, ERR_USAGE);
    if ((rc = cas_open(store, CAS_READ_ONLY, &cas, e)) < 0)
        return rc;
    if (!cas_has(cas, &digest, NULL))
        return err_set(e, ERR_INPUT,
                       "the builder %s is not in the store '%s' ('assay plan import' of an archive "
                       "that carries it brings it)",
                       text, store);
    return program_from(cas, &digest, temp, out, e);
}
