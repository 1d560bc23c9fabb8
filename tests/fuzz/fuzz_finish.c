/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root file system that is finished: the first byte says which of its files the others are. Any
 * bytes are taken, or refused with ERR_INPUT.
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
    {"usr/lib", "liba.so.1"},
    {"etc", "ld.so.conf"},
    {"usr/share/debianutils", "shells"},
    {"etc", "group"},
    {"etc/systemd/system", "a@.service"},
    {"usr/share/pam-configs", "a"},
    {"usr/share/pam", "common-auth"},
    {"usr/share/ca-certificates", "a.crt"},
    {"etc/systemd/system-preset", "a.preset"},
    {"usr/lib/sysusers.d", "a.conf"},
    {"etc", "passwd"},
    {"etc", "gshadow"},
    {"usr/lib/tmpfiles.d", "a.conf"},
};
enum { PLACES = sizeof(places) / sizeof(places[0]) };

/* They are there unless they are what is tried. */
static const struct place accounts[] = {
    {"etc", "passwd"}, {"etc", "group"}, {"etc", "shadow"}, {"etc", "gshadow"}};

static const struct place unit = {"usr/lib/systemd/system", "b.service"};

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
    const struct finish_options all = {.arch = "amd64",
                                       .sysusers = true,
                                       .tmpfiles = true,
                                       .base = true,
                                       .shells = true,
                                       .libraries = true,
                                       .certificates = true,
                                       .pam = true,
                                       .ssh = true,
                                       .units = true,
                                       .machine_id = true,
                                       .hostname = "web"};
    AUTO_TREE struct tree *t = NULL;
    struct tree_packer *p = NULL;
    if (store == NULL)
        make_store();
    if (size == 0)
        return 0;
    must(tree_new(&t, &e));
    must(tree_packer_new(t, store, &p, &e));
    for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++)
        put(t, p, &accounts[i], (const uint8_t *)"a:x:1:\n", 7);
    put(t, p, &places[data[0] % PLACES], data + 1, size - 1);
    put(t, p, &unit, (const uint8_t *)"[Install]\nAlias=c.service\n", 26);
    must(tree_packer_commit(p, &e));
    tree_packer_free(p);
    int rc = finish_make(store, &all, t, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
