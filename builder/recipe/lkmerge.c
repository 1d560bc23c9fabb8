#include "builder/recipe/lkmerge.h"

#include "base/json.h"

#include <string.h>

static const char *const LISTS[] = {"init", "onboot", "onshutdown", "services", "files", "volumes"};
enum { LIST_COUNT = sizeof LISTS / sizeof LISTS[0] };

json_t *lk_merge_new(void)
{
    json_t *merged = json_object();
    bool good = merged != NULL && json_object_set_new(merged, "kernel", json_object()) == 0;
    for (size_t i = 0; good && i < LIST_COUNT; i++)
        good = json_object_set_new(merged, LISTS[i], json_array()) == 0;
    if (good)
        return merged;
    json_decref(merged);
    return NULL;
}

/* ---- what the schema does not say ----------------------------------------------------------- */

static int check_reference(const struct ycur *c, struct err *e)
{
    const char *name = json_string_value(c->value);
    if (str_starts(name, "@pkg:"))
        return ycur_fail(c, ERR_UNDECIDED, e,
                         "'@pkg:' needs LinuxKit's package tree: write the image's name");
    bool bad = strstr(name, "://") != NULL;
    for (const char *p = name; *p != '\0'; p++)
        bad = bad || (unsigned char)*p <= ' ' || *p == 0x7f;
    return bad ? ycur_fail(c, ERR_INPUT, e, "'%.200s' is no name of an image", name) : 0;
}

static int check_member_reference(const struct ycur *c, const char *key, struct err *e)
{
    struct ycur m;
    return ycur_opt(c, key, &m) ? check_reference(&m, e) : 0;
}

static bool named(const json_t *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *own = json_string_value(json_object_get(json_array_get(list, i), "name"));
        if (own != NULL && strcmp(own, name) == 0)
            return true;
    }
    return false;
}

/* Names that must differ, from those before in this file and in the merged ones. */
static int check_unique(const json_t *merged, const struct ycur *list, const char *key,
                        const char *what, struct err *e)
{
    for (size_t i = 0; i < json_array_size(list->value); i++) {
        struct ycur item = ycur_item(list, i);
        struct ycur m;
        if (!ycur_opt(&item, "name", &m))
            continue;
        const char *name = json_string_value(m.value);
        const json_t *before = json_object_get(merged, key);
        if (named(list->value, i, name) || named(before, json_array_size(before), name))
            return ycur_fail(&m, ERR_INPUT, e, "duplicate %s name: %.100s", what, name);
    }
    return 0;
}

static int check_volume_names(const struct ycur *list, struct err *e)
{
    static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    for (size_t i = 0; i < json_array_size(list->value); i++) {
        struct ycur item = ycur_item(list, i);
        struct ycur m;
        int rc = check_member_reference(&item, "image", e);
        if (rc < 0)
            return rc;
        if (!ycur_opt(&item, "name", &m))
            continue;
        const char *name = json_string_value(m.value);
        if (name[strspn(name, set)] != '\0')
            return ycur_fail(&m, ERR_INPUT, e, "invalid volume name: %.100s", name);
    }
    return 0;
}

static int check_entries(const struct ycur *c, const char *key, struct err *e)
{
    struct ycur list;
    int rc = 0;
    if (!ycur_opt(c, key, &list))
        return 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list.value); i++) {
        struct ycur item = ycur_item(&list, i);
        rc = json_is_string(item.value) ? check_reference(&item, e)
                                        : check_member_reference(&item, "image", e);
    }
    return rc;
}

static int check_document(const json_t *merged, const struct ycur *c, struct err *e)
{
    struct ycur m;
    int rc = lk_check(c, &lk_document, e);
    if (rc == 0 && ycur_opt(c, "kernel", &m))
        rc = check_member_reference(&m, "image", e);
    if (rc < 0 || (rc = check_entries(c, "init", e)) < 0 ||
        (rc = check_entries(c, "onboot", e)) < 0 || (rc = check_entries(c, "onshutdown", e)) < 0 ||
        (rc = check_entries(c, "services", e)) < 0)
        return rc;
    if (ycur_opt(c, "services", &m) &&
        (rc = check_unique(merged, &m, "services", "service", e)) < 0)
        return rc;
    if (!ycur_opt(c, "volumes", &m))
        return 0;
    rc = check_volume_names(&m, e);
    /* Volumes of other files may have the same name: the later one wins. */
    return rc < 0 ? rc : check_unique(NULL, &m, "volumes", "volume", e);
}

/* ---- merging -----------------------------------------------------------------------------------
 */

static int merge_kernel(json_t *merged, const json_t *kernel, struct err *e)
{
    static const char *const keys[] = {"image", "cmdline", "binary", "tar", "ucode"};
    json_t *to = json_object_get(merged, "kernel");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(kernel, keys[i]);
        bool empty_counts = i >= 3;
        if (value == NULL || (!empty_counts && json_string_length(value) == 0))
            continue;
        int rc = json_put(to, keys[i], json_incref(value), e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int lk_merge_add(json_t *merged, const struct ycur *c, size_t *visible_volumes, struct err *e)
{
    int rc = check_document(merged, c, e);
    AUTO_JSON json_t *settled = NULL;
    if (rc < 0 || (rc = lk_settle(c->value, &lk_document, &settled, e)) < 0 ||
        (rc = merge_kernel(merged, json_object_get(settled, "kernel"), e)) < 0)
        return rc;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        json_t *to = json_object_get(merged, LISTS[i]);
        const json_t *from = json_object_get(settled, LISTS[i]);
        for (size_t k = 0; k < json_array_size(from); k++)
            if ((rc = json_push(to, json_incref(json_array_get(from, k)), e)) < 0)
                return rc;
    }
    *visible_volumes = json_array_size(json_object_get(c->value, "volumes"));
    return 0;
}

int lk_merge_files(const char *const *paths, size_t count, json_t **out, size_t *visible_volumes,
                   struct err *e)
{
    AUTO_JSON json_t *merged = lk_merge_new();
    if (merged == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        AUTO_YAML struct yaml_doc *doc = NULL;
        int rc = yaml_doc_read_go(paths[i], &doc, e);
        if (rc < 0)
            return rc;
        const struct ycur root = ycur_root(doc);
        if ((rc = lk_merge_add(merged, &root, visible_volumes, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&merged);
    return 0;
}

/* ---- references --------------------------------------------------------------------------------
 */

int lk_reference(const char *name, char **out, struct err *e)
{
    const char *slash = strchr(name, '/');
    if (slash == NULL)
        return str_format(out, e, "docker.io/library/%s", name);
    size_t len = (size_t)(slash - name);
    bool host = memchr(name, '.', len) != NULL || memchr(name, ':', len) != NULL ||
                (len == 9 && memcmp(name, "localhost", 9) == 0);
    if (host || strchr(slash + 1, '/') != NULL)
        return str_copy(out, name, e);
    return str_format(out, e, "docker.io/%s", name);
}

static int expand_member(json_t *object, const char *key, struct err *e)
{
    AUTO_FREE char *reference = NULL;
    const char *name = json_string_value(json_object_get(object, key));
    if (name == NULL || *name == '\0')
        return 0;
    int rc = lk_reference(name, &reference, e);
    return rc < 0 ? rc : json_put_string(object, key, reference, e);
}

int lk_expand(json_t *merged, struct err *e)
{
    json_t *init = json_object_get(merged, "init");
    int rc = expand_member(json_object_get(merged, "kernel"), "image", e);
    for (size_t i = 0; rc == 0 && i < json_array_size(init); i++) {
        AUTO_FREE char *reference = NULL;
        if ((rc = lk_reference(json_string_value(json_array_get(init, i)), &reference, e)) == 0 &&
            json_array_set_new(init, i, json_string(reference)) < 0)
            rc = err_oom(e);
    }
    for (size_t l = 1; l <= 3; l++) {
        json_t *list = json_object_get(merged, LISTS[l]);
        for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
            rc = expand_member(json_array_get(list, i), "image", e);
    }
    return rc;
}
