/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel modules: the first byte says whether the others are one, plain or in xz, or a list beside
 * a sound one's directory. Any bytes are taken, or refused with ERR_INPUT.
 */
#include "base/file.h"
#include "builder/debian/finish.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct place {
    const char *dir;
    const char *name;
};

static const struct place places[] = {
    {"usr/lib/modules/6.1/kernel", "a.ko"},
    {"usr/lib/modules/6.1/kernel", "a.ko.xz"},
    {"usr/lib/modules/6.1", "modules.order"},
    {"usr/lib/modules/6.1", "modules.builtin"},
    {"usr/lib/modules/6.1", "modules.builtin.modinfo"},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

static struct err e;
static struct cas *store;

static void must(int rc)
{
    if (rc < 0)
        abort();
}

static void make_store(void)
{
    static char *path;
    must(dir_make_temp("/tmp", "assay-fuzz.", &path, &e));
    must(cas_open(path, CAS_CREATE, &store, &e));
}

static void put(struct tree *t, struct tree_packer *p, const struct place *at, const uint8_t *data,
                size_t size)
{
    struct tree_node *dir = NULL;
    struct tree_inode *inode = NULL;
    must(tree_make_dirs(t, at->dir, 0, &dir, &e));
    must(tree_inode_new(t, TREE_FILE, &inode, &e));
    must(tree_packer_begin(p, &e));
    if (size > 0)
        must(tree_packer_write(p, data, size, &e));
    must(tree_packer_end(p, inode, &e));
    must(tree_link(t, dir, at->name, inode, NULL, &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct finish_options options = {.arch = "amd64", .modules = true};
    AUTO_TREE struct tree *t = NULL;
    struct tree_packer *p = NULL;
    if (store == NULL)
        make_store();
    if (size == 0)
        return 0;
    must(tree_new(&t, &e));
    must(tree_packer_new(t, store, &p, &e));
    put(t, p, &places[data[0] % PLACES], data + 1, size - 1);
    must(tree_packer_commit(p, &e));
    tree_packer_free(p);
    int rc = finish_make(store, &options, t, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
