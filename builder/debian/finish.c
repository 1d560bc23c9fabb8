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
    {"base", offsetof(struct finish_options, base), finish_base},
    {"shells", offsetof(struct finish_options, shells), finish_shells},
    {"libraries", offsetof(struct finish_options, libraries), finish_libraries},
    {"machine-id", offsetof(struct finish_options, machine_id), finish_machine_id},
};

static void scope_packer(struct tree_packer **p)
{
    tree_packer_free(*p);
}

static void scope_reader(struct tree_reader **r)
{
    tree_reader_free(*r);
}

static bool wanted(const struct finish_options *o, const struct doing *d)
{
    bool flag = false;
    memcpy(&flag, (const char *)o + d->flag, sizeof(flag));
    return flag;
}

int finish_make(struct cas *cas, const struct finish_options *options, struct tree *tree,
                struct err *e)
{
    AUTO(scope_packer) struct tree_packer *packer = NULL;
    AUTO(scope_reader) struct tree_reader *reader = NULL;
    int rc = tree_packer_new(tree, cas, &packer, e);
    if (rc == 0)
        rc = tree_reader_new(tree, cas, &reader, e);
    struct rootfs_writer w = {
        .tree = tree, .packer = packer, .reader = reader, .time = options->time};
    for (size_t i = 0; rc == 0 && i < sizeof(doings) / sizeof(doings[0]); i++) {
        if (!wanted(options, &doings[i]))
            continue;
        rc = doings[i].run(&w, options, e);
        if (rc < 0)
            return err_wrap(e, "finish: %s", doings[i].name);
    }
    if (rc == 0 && options->hostname != NULL && (rc = finish_hostname(&w, options, e)) < 0)
        return err_wrap(e, "finish: hostname");
    return rc < 0 ? rc : tree_packer_commit(packer, e);
}
