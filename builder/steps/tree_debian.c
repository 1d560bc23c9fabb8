/* SPDX-License-Identifier: Apache-2.0 */
/* tree.debian: Debian packages as a root file system that is installed, but for scripts. */
#include "builder/debian/control.h"
#include "builder/debian/rootfs.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"

#include <string.h>

#define TIME_MAX ((int64_t)9007199254740991) /* 2^53 - 1, as in all JSON here */
enum { TEXT_MAX = 4096 };

struct params {
    size_t arch; /* into arches */
    struct glob_list *include;
    struct glob_list *exclude;
    int64_t clamp;
    uint32_t expansion;
    struct rootfs_divert *diverts;
    size_t divert_count;
    struct rootfs_alternative *alternatives;
    size_t alternative_count;
    struct rootfs_user *users;
    size_t user_count;
    struct rootfs_group *groups;
    size_t group_count;
};

static bool package_valid(const char *name)
{
    return package_name_valid(name, strlen(name));
}

/* ---- texts ---- */

#define ACCOUNT_PATTERN "^[a-z_][a-z0-9_-]{0,31}$"
enum { QUOTED = 80, COMMENT_SAID = 255, ALTERNATIVE_SAID = 128 };

static const struct param_text path_text = {
    .max = TEXT_MAX,
    .valid = rootfs_path_valid,
    .is = "no absolute path",
    .quoted = QUOTED,
    .definition = "absolutePath",
    .said_max = TEXT_MAX,
    .pattern = "^(/(?!\\.\\.?(/|$))[^/:\\u0000-\\u0020\\u007f]+)+$",
};
static const struct param_text package_text = {
    .max = TEXT_MAX,
    .valid = package_valid,
    .is = "no name of a package",
    .quoted = QUOTED,
    .said_max = CONTROL_NAME_MAX,
    .pattern = "^[a-z0-9][a-z0-9+.-]+$",
};
static const struct param_text alternative_text = {
    .max = TEXT_MAX,
    .valid = rootfs_alternative_valid,
    .is = "no name of an alternative",
    .quoted = QUOTED,
    .definition = "alternativeName",
    .said_max = ALTERNATIVE_SAID,
    .pattern = "^[A-Za-z0-9][A-Za-z0-9+._-]*$",
};
static const struct param_text user_text = {
    .max = TEXT_MAX,
    .valid = rootfs_account_valid,
    .is = "no name of a user",
    .quoted = QUOTED,
    .definition = "accountName",
    .pattern = ACCOUNT_PATTERN,
};
static const struct param_text group_text = {
    .max = TEXT_MAX,
    .valid = rootfs_account_valid,
    .is = "no name of a group",
    .quoted = QUOTED,
    .definition = "accountName",
    .pattern = ACCOUNT_PATTERN,
};
static const struct param_text comment_text = {
    .max = TEXT_MAX,
    .valid = rootfs_comment_valid,
    .is = "no comment",
    .quoted = QUOTED,
    .said_max = COMMENT_SAID,
    .pattern = "^[^:\\u0000-\\u001f\\u007f]*$",
};

/* ---- lists ---- */

/* Items begin with their name; names are in order, and each once. */
static int names_rise(const struct param_list *list, const struct jcur *item, const void *items,
                      size_t index, struct err *e)
{
    const char *last = NULL;
    const char *name = NULL;
    if (index == 0)
        return 0;
    memcpy(&last, (const char *)items + (index - 1) * list->item_size, sizeof(last));
    memcpy(&name, (const char *)items + index * list->item_size, sizeof(name));
    if (strcmp(last, name) >= 0)
        return jcur_fail(item, e, "'%.80s' does not come after '%.80s'", name, last);
    return 0;
}

static const struct param divert_rows[] = {
    {PARAM_TEXT("path", struct rootfs_divert, path, &path_text)},
    {PARAM_TEXT("to", struct rootfs_divert, to, &path_text)},
    {PARAM_TEXT("by", struct rootfs_divert, by, &package_text), .optional = true},
};
static const struct step_params divert_takes = {STEP_PARAMS(divert_rows, struct rootfs_divert)};
static const struct param_list divert_list = {PARAM_ITEMS(struct rootfs_divert, &divert_takes),
                                              .max = ROOTFS_DECLARED_MAX, .after = names_rise};

static const struct param slave_rows[] = {
    {PARAM_TEXT("name", struct rootfs_link, name, &alternative_text)},
    {PARAM_TEXT("link", struct rootfs_link, link, &path_text)},
    {PARAM_TEXT("path", struct rootfs_link, path, &path_text)},
};
static const struct step_params slave_takes = {STEP_PARAMS(slave_rows, struct rootfs_link)};
static const struct param_list slave_list = {PARAM_ITEMS(struct rootfs_link, &slave_takes),
                                             .max = ROOTFS_SLAVES_MAX, .after = names_rise};

static const struct param alternative_rows[] = {
    {PARAM_TEXT("name", struct rootfs_alternative, self.name, &alternative_text)},
    {PARAM_TEXT("link", struct rootfs_alternative, self.link, &path_text)},
    {PARAM_TEXT("path", struct rootfs_alternative, self.path, &path_text)},
    {PARAM_I64("priority", struct rootfs_alternative, priority), .min = -ROOTFS_ID_MAX,
     .max = ROOTFS_ID_MAX},
    {PARAM_LIST("slaves", struct rootfs_link, struct rootfs_alternative, slaves, slave_count,
                &slave_list),
     .definition = "slaves"},
};
static const struct step_params alternative_takes = {
    STEP_PARAMS(alternative_rows, struct rootfs_alternative)};
static const struct param_list alternative_list = {
    PARAM_ITEMS(struct rootfs_alternative, &alternative_takes), .max = ROOTFS_DECLARED_MAX,
    .after = names_rise};

static const struct param member = {.type = PARAM_TYPE_TEXT, .text = &group_text};
static const struct param_list member_list = {PARAM_VALUES(const char *, &member),
                                              .max = ROOTFS_MEMBER_MAX, .after = names_rise};

static const struct param user_rows[] = {
    {PARAM_TEXT("name", struct rootfs_user, name, &user_text)},
    {PARAM_U32("uid", struct rootfs_user, uid), .max = ROOTFS_ID_MAX, .definition = "accountId"},
    {PARAM_U32("gid", struct rootfs_user, gid), .max = ROOTFS_ID_MAX, .definition = "accountId"},
    {PARAM_TEXT("comment", struct rootfs_user, comment, &comment_text)},
    {PARAM_TEXT("home", struct rootfs_user, home, &path_text)},
    {PARAM_TEXT("shell", struct rootfs_user, shell, &path_text)},
    {PARAM_LIST("groups", const char *, struct rootfs_user, groups, group_count, &member_list)},
};
static const struct step_params user_takes = {STEP_PARAMS(user_rows, struct rootfs_user)};
static const struct param_list user_list = {PARAM_ITEMS(struct rootfs_user, &user_takes),
                                            .max = ROOTFS_DECLARED_MAX, .after = names_rise};

static const struct param group_rows[] = {
    {PARAM_TEXT("name", struct rootfs_group, name, &group_text)},
    {PARAM_U32("gid", struct rootfs_group, gid), .max = ROOTFS_ID_MAX, .definition = "accountId"},
};
static const struct step_params group_takes = {STEP_PARAMS(group_rows, struct rootfs_group)};
static const struct param_list group_list = {PARAM_ITEMS(struct rootfs_group, &group_takes),
                                             .max = ROOTFS_DECLARED_MAX, .after = names_rise};

/* ---- all of it ---- */

static const char *const arches[] = {"amd64", "arm64", "riscv64", NULL};

static const struct param rows[] = {
    {PARAM_CHOICE("architecture", struct params, arch, arches)},
    {PARAM_GLOBS("include", struct params, include)},
    {PARAM_GLOBS("exclude", struct params, exclude)},
    {PARAM_I64("clamp", struct params, clamp), .min = -TIME_MAX, .max = TIME_MAX,
     .said = SAID_TYPE},
    {PARAM_LIST("divert", struct rootfs_divert, struct params, diverts, divert_count,
                &divert_list)},
    {PARAM_LIST("alternatives", struct rootfs_alternative, struct params, alternatives,
                alternative_count, &alternative_list)},
    {PARAM_LIST("users", struct rootfs_user, struct params, users, user_count, &user_list)},
    {PARAM_LIST("groups", struct rootfs_group, struct params, groups, group_count, &group_list)},
    PARAM_EXPANSION(struct params, expansion),
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

int step_tree_debian_run(const struct step_context *context, void *params,
                         const struct step_input *inputs, size_t input_count,
                         struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct rootfs_options options = {
        .arch = arches[p->arch],
        .layers = {.include = p->include,
                   .exclude = p->exclude,
                   .clamp = p->clamp,
                   .expansion = p->expansion,
                   .jobs = context->jobs,
                   .progress = context->progress},
        .diverts = p->diverts,
        .divert_count = p->divert_count,
        .alternatives = p->alternatives,
        .alternative_count = p->alternative_count,
        .users = p->users,
        .user_count = p->user_count,
        .groups = p->groups,
        .group_count = p->group_count,
    };
    AUTO_TREE struct tree *tree = NULL;
    AUTO_FREE struct layer_input *packages = array_new(input_count, sizeof(*packages));
    if (packages == NULL)
        return err_oom(e);
    for (size_t i = 0; i < input_count; i++) {
        packages[i].name = inputs[i].id;
        packages[i].blob = inputs[i].digest;
    }
    int rc = rootfs_make(context->cas, packages, input_count, &options, &tree, e);
    return rc < 0 ? rc : output_tree(context->cas, &tree, out, e);
}

/* Decompressing is defined by the formats alone, so no library is part of this step's key. */
const struct step_kind step_tree_debian = {
    .name = "tree.debian",
    .libraries = NULL,
    .min_inputs = 1,
    .max_inputs = ROOTFS_PACKAGES_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_TREE,
    .params = &takes,
    .wide = true,
};
