/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe_rootfs.h"

#include "base/json.h"
#include "builder/debian/control.h"
#include "builder/debian/finish.h"
#include "builder/debian/rootfs.h"

#include <string.h>

static bool package_valid(const char *name)
{
    return package_name_valid(name, strlen(name));
}

/* A text that `valid` accepts goes into object[key]; one that is not there is `otherwise`, or an
 * error when that is NULL. */
static int take_text(const struct ycur *c, const char *key, bool (*valid)(const char *),
                     const char *what, const char *otherwise, json_t *object, struct err *e)
{
    struct ycur m;
    const char *text = otherwise;
    int rc = 0;
    if (ycur_opt(c, key, &m) || otherwise == NULL) {
        if ((rc = ycur_get(c, key, &m, e)) < 0 || (rc = ycur_text0(&m, 4096, &text, e)) < 0)
            return rc;
        if (!valid(text))
            return ycur_fail(&m, ERR_INPUT, e, "'%.80s' is no %s", text, what);
    }
    return json_put_string(object, key, text, e);
}

static int take_path(const struct ycur *c, const char *key, const char *otherwise, json_t *object,
                     struct err *e)
{
    return take_text(c, key, rootfs_path_valid, "absolute path", otherwise, object, e);
}

/* A number from `min` to the largest id; one that is not there is `otherwise`, when that is not
 * negative. */
static int take_number(const struct ycur *c, const char *key, int64_t min, int64_t otherwise,
                       json_t *object, struct err *e)
{
    struct ycur m;
    int64_t number = otherwise;
    int rc = 0;
    if ((ycur_opt(c, key, &m) || otherwise < 0) &&
        ((rc = ycur_get(c, key, &m, e)) < 0 ||
         (rc = ycur_int(&m, min, ROOTFS_ID_MAX, &number, e)) < 0))
        return rc;
    json_t *value = json_integer(number);
    return value == NULL ? err_oom(e) : json_put(object, key, value, e);
}

typedef int read_entry(const struct ycur *c, json_t *object, struct err *e);

/* A map of NAME: {…} -> a list of {"KEY": NAME, …} in the order of names, into object[key]. */
static int take_map(const struct ycur *c, const char *key, size_t max, const char *name_key,
                    bool (*valid)(const char *), const char *what, read_entry *read, json_t *object,
                    struct err *e)
{
    AUTO_FREE const char **names = NULL;
    AUTO_JSON json_t *list = json_array();
    struct ycur map;
    size_t count = 0;
    int rc = list == NULL ? err_oom(e) : 0;
    if (rc == 0 && ycur_opt(c, key, &map) && (rc = ycur_open_map(&map, e)) == 0)
        rc = ycur_keys(&map, &names, &count, e);
    if (rc == 0 && count > max)
        rc = ycur_fail(&map, ERR_INPUT, e, "more than %zu of '%s'", max, key);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        AUTO_JSON json_t *entry = json_object();
        struct ycur m;
        if (entry == NULL)
            return err_oom(e);
        if ((rc = ycur_get(&map, names[i], &m, e)) < 0)
            return rc;
        if (!valid(names[i]))
            return ycur_fail_key(&m, ERR_INPUT, e, "'%.80s' is no %s", names[i], what);
        if ((rc = json_put_string(entry, name_key, names[i], e)) == 0 &&
            (rc = read(&m, entry, e)) == 0)
            rc = json_push(list, steal_ptr(&entry), e);
    }
    return rc < 0 ? rc : json_put(object, key, steal_ptr(&list), e);
}

static int read_divert(const struct ycur *c, json_t *object, struct err *e)
{
    static const char *const keys[] = {"to", "by", NULL};
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc == 0)
        rc = take_path(c, "to", NULL, object, e);
    if (rc == 0 && ycur_opt(c, "by", &m))
        rc = take_text(c, "by", package_valid, "name of a package", NULL, object, e);
    return rc;
}

static int read_link(const struct ycur *c, json_t *object, struct err *e)
{
    int rc = take_path(c, "link", NULL, object, e);
    return rc < 0 ? rc : take_path(c, "path", NULL, object, e);
}

static int read_slave(const struct ycur *c, json_t *object, struct err *e)
{
    static const char *const keys[] = {"link", "path", NULL};
    int rc = ycur_map(c, keys, e);
    return rc < 0 ? rc : read_link(c, object, e);
}

static int read_alternative(const struct ycur *c, json_t *object, struct err *e)
{
    static const char *const keys[] = {"link", "path", "priority", "slaves", NULL};
    int rc = ycur_map(c, keys, e);
    if (rc == 0)
        rc = read_link(c, object, e);
    if (rc == 0)
        rc = take_number(c, "priority", -ROOTFS_ID_MAX, 50, object, e);
    return rc < 0 ? rc
                  : take_map(c, "slaves", ROOTFS_SLAVES_MAX, "name", rootfs_alternative_valid,
                             "name of an alternative", read_slave, object, e);
}

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Other groups of a user: a list of names, which become sorted. */
static int take_memberships(const struct ycur *c, json_t *object, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    AUTO_FREE const char **names = NULL;
    struct ycur m;
    size_t count = 0;
    int rc = list == NULL ? err_oom(e) : 0;
    if (rc == 0 && ycur_opt(c, "groups", &m))
        rc = ycur_list(&m, ROOTFS_MEMBER_MAX, &count, e);
    if (rc < 0 || (names = array_new(count + 1, sizeof(*names))) == NULL)
        return rc < 0 ? rc : err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(&m, i);
        if ((rc = ycur_text(&item, 64, &names[i], e)) < 0)
            return rc;
        if (!rootfs_account_valid(names[i]))
            return ycur_fail(&item, ERR_INPUT, e, "'%.64s' is no name of a group", names[i]);
        for (size_t k = 0; k < i; k++)
            if (strcmp(names[k], names[i]) == 0)
                return ycur_fail(&item, ERR_INPUT, e, "'%.64s' is listed twice", names[i]);
    }
    qsort(names, count, sizeof(*names), compare_texts); /* unique: a total order */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        json_t *name = json_string(names[i]);
        rc = name == NULL ? err_oom(e) : json_push(list, name, e);
    }
    return rc < 0 ? rc : json_put(object, "groups", steal_ptr(&list), e);
}

static int read_user(const struct ycur *c, json_t *object, struct err *e)
{
    static const char *const keys[] = {"uid", "gid", "comment", "home", "shell", "groups", NULL};
    int rc = ycur_map(c, keys, e);
    if (rc == 0)
        rc = take_number(c, "uid", 0, -1, object, e);
    if (rc == 0)
        rc =
            take_number(c, "gid", 0, json_integer_value(json_object_get(object, "uid")), object, e);
    if (rc == 0)
        rc = take_text(c, "comment", rootfs_comment_valid, "comment of a user", "", object, e);
    if (rc == 0)
        rc = take_path(c, "home", "/nonexistent", object, e);
    if (rc == 0)
        rc = take_path(c, "shell", "/usr/sbin/nologin", object, e);
    return rc < 0 ? rc : take_memberships(c, object, e);
}

static int read_group(const struct ycur *c, json_t *object, struct err *e)
{
    static const char *const keys[] = {"gid", NULL};
    int rc = ycur_map(c, keys, e);
    return rc < 0 ? rc : take_number(c, "gid", 0, -1, object, e);
}

/* ---- finish ---- */

/* A doing in recipes, and in plans. */
struct finish_name {
    const char *key;
    const char *param;
};
static const struct finish_name finish_names[] = {
    {"sysusers", "sysusers"},
    {"base", "base"},
    {"shells", "shells"},
    {"libraries", "libraries"},
    {"certificates", "certificates"},
    {"pam", "pam"},
    {"ssh", "ssh"},
    {"units", "units"},
    {"modules", "modules"},
    {"machine-id", "machineId"},
    {"tmpfiles", "tmpfiles"},
};
enum { FINISH_NAMES = sizeof(finish_names) / sizeof(finish_names[0]) };

static int finish_flag(const struct ycur *c, const char *key, bool otherwise, bool *out,
                       struct err *e)
{
    struct ycur m;
    *out = otherwise;
    return ycur_opt(c, key, &m) ? ycur_bool(&m, out, e) : 0;
}

/* Names of units, in the recipe's order. */
static int take_units(const struct ycur *c, bool map, const char *key, json_t *object,
                      struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    struct ycur m;
    size_t count = 0;
    int rc = list == NULL ? err_oom(e) : 0;
    if (rc == 0 && map && ycur_opt(c, key, &m))
        rc = ycur_list(&m, FINISH_UNITS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(&m, i);
        const char *name = NULL;
        if ((rc = ycur_text(&item, 255, &name, e)) < 0)
            return rc;
        if (!finish_unit_valid(name))
            return ycur_fail(&item, ERR_INPUT, e, "'%.80s' is no unit of systemd", name);
        rc = json_push(list, json_string(name), e);
    }
    if (rc == 0 && count > 0 && json_object_get(object, "units") != json_true())
        return ycur_fail(&m, ERR_INPUT, e, "'%s' needs 'units: true'", key);
    return rc < 0 ? rc : json_put(object, key, steal_ptr(&list), e);
}

/* `true` is all that needs no text of one's own; a map says what, with `all` for the rest. */
static int read_finish(const struct ycur *c, json_t **out, struct err *e)
{
    static const char *keys[FINISH_NAMES + 5] = {"all", "hostname", "enable", "disable"};
    AUTO_JSON json_t *object = json_object();
    struct ycur m;
    bool all = true;
    bool map = !json_is_boolean(c->value);
    for (size_t i = 0; i < FINISH_NAMES; i++)
        keys[i + 4] = finish_names[i].key;
    int rc = object == NULL ? err_oom(e) : 0;
    if (rc == 0)
        rc = map ? ycur_map(c, keys, e) : ycur_bool(c, &all, e);
    if (rc == 0 && map)
        rc = finish_flag(c, "all", false, &all, e);
    if (rc < 0 || (!map && !all))
        return rc;
    for (size_t i = 0; rc == 0 && i < FINISH_NAMES; i++) {
        bool wanted = all;
        rc = map ? finish_flag(c, finish_names[i].key, all, &wanted, e) : 0;
        if (rc == 0)
            rc = json_put(object, finish_names[i].param, json_boolean(wanted), e);
    }
    if (rc == 0)
        rc = take_units(c, map, "enable", object, e);
    if (rc == 0)
        rc = take_units(c, map, "disable", object, e);
    if (rc == 0 && map && ycur_opt(c, "hostname", &m))
        rc = take_text(c, "hostname", finish_hostname_valid, "name of a host", NULL, object, e);
    if (rc == 0)
        *out = steal_ptr(&object);
    return rc;
}

int recipe_rootfs_parse(const struct ycur *c, json_t **out, json_t **finish, struct err *e)
{
    static const char *const keys[] = {"alternatives", "divert", "finish", "groups", "users", NULL};
    struct ycur m;
    AUTO_JSON json_t *object = json_object();
    bool wanted = true;
    int rc = object == NULL ? err_oom(e) : 0;
    if (rc == 0)
        rc = json_is_boolean(c->value) ? ycur_bool(c, &wanted, e) : ycur_map(c, keys, e);
    if (rc < 0 || !wanted)
        return rc;
    if (!json_is_boolean(c->value) && ycur_opt(c, "finish", &m) &&
        (rc = read_finish(&m, finish, e)) < 0)
        return rc;
    /* Of `true` no member is there: all lists are empty. */
    rc = take_map(c, "divert", ROOTFS_DECLARED_MAX, "path", rootfs_path_valid, "absolute path",
                  read_divert, object, e);
    if (rc == 0)
        rc = take_map(c, "alternatives", ROOTFS_DECLARED_MAX, "name", rootfs_alternative_valid,
                      "name of an alternative", read_alternative, object, e);
    if (rc == 0)
        rc = take_map(c, "users", ROOTFS_DECLARED_MAX, "name", rootfs_account_valid,
                      "name of a user", read_user, object, e);
    if (rc == 0)
        rc = take_map(c, "groups", ROOTFS_DECLARED_MAX, "name", rootfs_account_valid,
                      "name of a group", read_group, object, e);
    if (rc == 0)
        *out = steal_ptr(&object);
    return rc;
}
