/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/finish.h"

#include "builder/debian/finishing.h"

#include <stddef.h>
#include <string.h>

/* In this order: later ones see what earlier ones have made. */
struct doing {
    const char *name;
    size_t flag; /* where the options say whether it is wanted */
    finish_doing *run;
};

static const struct doing doings[] = {
    {"sysusers", offsetof(struct finish_options, sysusers), finish_sysusers},
    {"base", offsetof(struct finish_options, base), finish_base},
    {"shells", offsetof(struct finish_options, shells), finish_shells},
    {"libraries", offsetof(struct finish_options, libraries), finish_libraries},
    {"certificates", offsetof(struct finish_options, certificates), finish_certificates},
    {"pam", offsetof(struct finish_options, pam), finish_pam},
    {"ssh", offsetof(struct finish_options, ssh), finish_ssh},
    {"units", offsetof(struct finish_options, units), finish_units},
    {"modules", offsetof(struct finish_options, modules), finish_modules},
    {"machine-id", offsetof(struct finish_options, machine_id), finish_machine_id},
    {"tmpfiles", offsetof(struct finish_options, tmpfiles), finish_tmpfiles},
};

static void scope_packer(struct tree_packer **p)
{
    tree_packer_free(*p);
}

static bool wanted(const struct finish_options *o, const struct doing *d)
{
    bool flag = false;
    memcpy(&flag, (const char *)o + d->flag, sizeof(flag));
    return flag;
}

/* A doing has its own packer and reader, for it may look at what those before it wrote. */
static int run(struct cas *cas, const struct finish_options *options, struct tree *tree,
               const struct doing *d, struct err *e)
{
    AUTO(scope_packer) struct tree_packer *packer = NULL;
    AUTO_TREE_READER struct tree_reader *reader = NULL;
    int rc = tree_packer_new(tree, cas, &packer, e);
    if (rc == 0)
        rc = tree_reader_new(tree, cas, &reader, e);
    if (rc < 0)
        return rc;
    struct rootfs_writer w = {
        .tree = tree, .packer = packer, .reader = reader, .time = options->time};
    if ((rc = d->run(&w, options, e)) < 0)
        return err_wrap(e, "finish: %s", d->name);
    return tree_packer_commit(packer, e);
}

int finish_make(struct cas *cas, const struct finish_options *options, struct tree *tree,
                struct err *e)
{
    static const struct doing hostname = {.name = "hostname", .run = finish_hostname};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(doings) / sizeof(doings[0]); i++)
        if (wanted(options, &doings[i]))
            rc = run(cas, options, tree, &doings[i], e);
    return rc < 0 || options->hostname == NULL ? rc : run(cas, options, tree, &hostname, e);
}
