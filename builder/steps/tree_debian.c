/* SPDX-License-Identifier: Apache-2.0 */
/* tree.debian: Debian packages as a root file system that is installed, but for scripts. */
#include "builder/debian/control.h"
#include "builder/debian/rootfs.h"
#include "builder/steps/kinds.h"

#include <string.h>

#define TIME_MAX ((int64_t)9007199254740991) /* 2^53 - 1, as in all JSON here */
enum { TEXT_MAX = 4096 };

struct params {
    struct rootfs_options o;
    struct rootfs_divert *diverts;
    struct rootfs_alternative *alternatives;
    struct rootfs_user *users;
    struct rootfs_group *groups;
};

static void params_dispose(struct params *p)
{
    for (size_t i = 0; i < p->o.alternative_count; i++)
        free(p->alternatives[i].slaves);
    for (size_t i = 0; i < p->o.user_count; i++)
        free(p->users[i].groups);
    free(p->diverts);
    free(p->alternatives);
    free(p->users);
    free(p->groups);
    glob_list_free(p->o.layers.include);
    glob_list_free(p->o.layers.exclude);
}
#define AUTO_PARAMS AUTO(params_dispose) struct params

/* A member that is a string which `valid` accepts. */
static int read_text(const struct jcur *c, const char *key, bool (*valid)(const char *),
                     const char *what, const char **out, struct err *e)
{
    struct jcur m;
    int rc = jcur_get(c, key, &m, e);
    if (rc == 0)
        rc = jcur_string(&m, TEXT_MAX, out, e);
    if (rc == 0 && !valid(*out))
        rc = jcur_fail(&m, e, "'%.80s' is no %s", *out, what);
    return rc;
}

static bool package_valid(const char *name)
{
    return package_name_valid(name, strlen(name));
}

static int read_id(const struct jcur *c, const char *key, uint32_t *out, struct err *e)
{
    uint64_t id = 0;
    int rc = jcur_get_u64(c, key, ROOTFS_ID_MAX, &id, e);
    *out = (uint32_t)id;
    return rc;
}

/* A list of at most `max` items, each read by `read` into an element of *items; the count is kept
 * up to date, so that whoever disposes knows how far it came. Names must be in order, and each
 * once. */
static int read_items(const struct jcur *root, const char *key, size_t max, size_t size,
                      int (*read)(const struct jcur *, void *, const char **name, struct err *),
                      void *items, size_t *count, struct err *e)
{
    struct jcur list;
    size_t total = 0;
    const char *last = NULL;
    int rc = jcur_get(root, key, &list, e);
    if (rc == 0)
        rc = jcur_array(&list, max, &total, e);
    if (rc < 0)
        return rc;
    char *array = array_new(total, size);
    if (array == NULL)
        return err_oom(e);
    memcpy(items, &array, sizeof(array));
    for (size_t i = 0; rc == 0 && i < total; i++) {
        struct jcur item = jcur_item(&list, i);
        const char *name = NULL;
        *count = i + 1;
        rc = read(&item, array + i * size, &name, e);
        if (rc == 0 && last != NULL && name != NULL && strcmp(last, name) >= 0)
            rc = jcur_fail(&item, e, "'%.80s' does not come after '%.80s'", name, last);
        last = name;
    }
    return rc;
}

static int read_divert(const struct jcur *c, void *item, const char **name, struct err *e)
{
    static const char *const keys[] = {"path", "to", "by", NULL};
    struct rootfs_divert *d = item;
    struct jcur by;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = read_text(c, "path", rootfs_path_valid, "absolute path", &d->path, e);
    if (rc == 0)
        rc = read_text(c, "to", rootfs_path_valid, "absolute path", &d->to, e);
    if (rc == 0 && jcur_opt(c, "by", &by))
        rc = read_text(c, "by", package_valid, "name of a package", &d->by, e);
    *name = d->path;
    return rc;
}

static int read_link(const struct jcur *c, struct rootfs_link *l, const char **name, struct err *e)
{
    int rc = read_text(c, "name", rootfs_alternative_valid, "name of an alternative", &l->name, e);
    if (rc == 0)
        rc = read_text(c, "link", rootfs_path_valid, "absolute path", &l->link, e);
    if (rc == 0)
        rc = read_text(c, "path", rootfs_path_valid, "absolute path", &l->path, e);
    *name = l->name;
    return rc;
}

static int read_slave(const struct jcur *c, void *item, const char **name, struct err *e)
{
    static const char *const keys[] = {"name", "link", "path", NULL};
    int rc = jcur_object(c, keys, e);
    return rc < 0 ? rc : read_link(c, item, name, e);
}

static int read_alternative(const struct jcur *c, void *item, const char **name, struct err *e)
{
    static const char *const keys[] = {"name", "link", "path", "priority", "slaves", NULL};
    struct rootfs_alternative *a = item;
    struct jcur priority;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = read_link(c, &a->self, name, e);
    if (rc == 0)
        rc = jcur_get(c, "priority", &priority, e);
    if (rc == 0)
        rc = jcur_i64(&priority, -ROOTFS_ID_MAX, ROOTFS_ID_MAX, &a->priority, e);
    return rc < 0 ? rc
                  : read_items(c, "slaves", ROOTFS_SLAVES_MAX, sizeof(*a->slaves), read_slave,
                               &a->slaves, &a->slave_count, e);
}

static int read_member(const struct jcur *c, void *item, const char **name, struct err *e)
{
    int rc = jcur_string(c, TEXT_MAX, name, e);
    if (rc == 0 && !rootfs_account_valid(*name))
        rc = jcur_fail(c, e, "'%.80s' is no name of a group", *name);
    *(const char **)item = *name;
    return rc;
}

static int read_user(const struct jcur *c, void *item, const char **name, struct err *e)
{
    static const char *const keys[] = {"name", "uid",   "gid",    "comment",
                                       "home", "shell", "groups", NULL};
    struct rootfs_user *u = item;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = read_text(c, "name", rootfs_account_valid, "name of a user", &u->name, e);
    if (rc == 0)
        rc = read_id(c, "uid", &u->uid, e);
    if (rc == 0)
        rc = read_id(c, "gid", &u->gid, e);
    if (rc == 0)
        rc = read_text(c, "comment", rootfs_comment_valid, "comment", &u->comment, e);
    if (rc == 0)
        rc = read_text(c, "home", rootfs_path_valid, "absolute path", &u->home, e);
    if (rc == 0)
        rc = read_text(c, "shell", rootfs_path_valid, "absolute path", &u->shell, e);
    *name = u->name;
    return rc < 0 ? rc
                  : read_items(c, "groups", ROOTFS_MEMBER_MAX, sizeof(*u->groups), read_member,
                               &u->groups, &u->group_count, e);
}

static int read_group(const struct jcur *c, void *item, const char **name, struct err *e)
{
    static const char *const keys[] = {"name", "gid", NULL};
    struct rootfs_group *g = item;
    int rc = jcur_object(c, keys, e);
    if (rc == 0)
        rc = read_text(c, "name", rootfs_account_valid, "name of a group", &g->name, e);
    *name = g->name;
    return rc < 0 ? rc : read_id(c, "gid", &g->gid, e);
}

static int read_globs(const struct jcur *root, const char *key, struct glob_list **out,
                      struct err *e)
{
    struct jcur list;
    int rc = jcur_get(root, key, &list, e);
    return rc < 0 ? rc : glob_list_parse(&list, out, e);
}

static int read_declared(const struct jcur *root, struct params *p, struct err *e)
{
    struct rootfs_options *o = &p->o;
    int rc = read_items(root, "divert", ROOTFS_DECLARED_MAX, sizeof(*p->diverts), read_divert,
                        &p->diverts, &o->divert_count, e);
    if (rc == 0)
        rc = read_items(root, "alternatives", ROOTFS_DECLARED_MAX, sizeof(*p->alternatives),
                        read_alternative, &p->alternatives, &o->alternative_count, e);
    if (rc == 0)
        rc = read_items(root, "users", ROOTFS_DECLARED_MAX, sizeof(*p->users), read_user, &p->users,
                        &o->user_count, e);
    if (rc == 0)
        rc = read_items(root, "groups", ROOTFS_DECLARED_MAX, sizeof(*p->groups), read_group,
                        &p->groups, &o->group_count, e);
    o->diverts = p->diverts;
    o->alternatives = p->alternatives;
    o->users = p->users;
    o->groups = p->groups;
    return rc;
}

static int read_params(const struct jcur *root, struct params *p, struct err *e)
{
    static const char *const keys[] = {"architecture", "include", "exclude", "clamp", "divert",
                                       "alternatives", "users",   "groups",  NULL};
    static const char *const arches[] = {"amd64", "arm64", "riscv64", NULL};
    struct jcur m;
    size_t arch = 0;
    int rc = jcur_object(root, keys, e);
    if (rc == 0)
        rc = jcur_get(root, "architecture", &m, e);
    if (rc == 0)
        rc = jcur_choice(&m, arches, &arch, e);
    p->o.arch = arches[arch];
    if (rc == 0)
        rc = read_globs(root, "include", &p->o.layers.include, e);
    if (rc == 0)
        rc = read_globs(root, "exclude", &p->o.layers.exclude, e);
    if (rc == 0)
        rc = jcur_get(root, "clamp", &m, e);
    if (rc == 0)
        rc = jcur_i64(&m, -TIME_MAX, TIME_MAX, &p->o.layers.clamp, e);
    return rc < 0 ? rc : read_declared(root, p, e);
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    AUTO_PARAMS p = {0};
    (void)input_count;
    return read_params(params, &p, e);
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO_PARAMS p = {0};
    AUTO_TREE struct tree *tree = NULL;
    AUTO_FREE struct layer_input *packages = array_new(input_count, sizeof(*packages));
    struct digest digest;
    struct digest locations;
    if (packages == NULL)
        return err_oom(e);
    int rc = read_params(params, &p, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < input_count; i++) {
        packages[i].name = inputs[i].id;
        packages[i].blob = inputs[i].digest;
    }
    p.o.layers.jobs = context->jobs;
    p.o.layers.progress = context->progress;
    rc = rootfs_make(context->cas, packages, input_count, &p.o, &tree, e);
    if (rc == 0)
        rc = tree_store(tree, context->cas, &digest, &locations, e);
    if (rc < 0)
        return rc;
    out->kind = VALUE_TREE;
    out->digest = digest;
    out->locations = locations;
    out->tree = steal_ptr(&tree);
    return 0;
}

/* Decompressing is defined by the formats alone, so no library is part of this step's key. */
const struct step_kind step_tree_debian = {
    .name = "tree.debian",
    .libraries = NULL,
    .min_inputs = 1,
    .max_inputs = ROOTFS_PACKAGES_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_TREE,
    .check = check,
    .run = run,
    .wide = true,
};
