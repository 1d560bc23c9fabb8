/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/merge.h"

#include "base/json.h"
#include "builder/linuxkit/document_internal.h"
#include "builder/linuxkit/pkg.h"
#include "builder/linuxkit/templates.h"

#include <string.h>

static const char *const lists[] = {"init", "onboot", "onshutdown", "services", "files", "volumes"};
enum { LIST_COUNT = sizeof(lists) / sizeof(lists[0]) };

json_t *linuxkit_merge_new(void)
{
    json_t *merged = json_object();
    bool good = merged != NULL && json_object_set_new(merged, "kernel", json_object()) == 0;
    for (size_t i = 0; good && i < LIST_COUNT; i++)
        good = json_object_set_new(merged, lists[i], json_array()) == 0;
    if (good)
        return merged;
    json_decref(merged);
    return NULL;
}

/* ---- what the schema does not say ----------------------------------------------------------- */

static int check_reference(const struct ycur *c, struct err *e)
{
    return linuxkit_check_image(c, json_string_value(c->value), e);
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
    int rc = linuxkit_check(c, &linuxkit_document, e);
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
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
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

int linuxkit_merge_add(json_t *merged, const struct ycur *c, size_t *visible_volumes, struct err *e)
{
    int rc = check_document(merged, c, e);
    AUTO_JSON json_t *settled = NULL;
    if (rc < 0 || (rc = linuxkit_settle(c->value, &linuxkit_document, &settled, e)) < 0 ||
        (rc = merge_kernel(merged, json_object_get(settled, "kernel"), e)) < 0)
        return rc;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        json_t *to = json_object_get(merged, lists[i]);
        const json_t *from = json_object_get(settled, lists[i]);
        for (size_t k = 0; k < json_array_size(from); k++)
            if ((rc = json_push(to, json_incref(json_array_get(from, k)), e)) < 0)
                return rc;
    }
    *visible_volumes = json_array_size(json_object_get(c->value, "volumes"));
    return 0;
}

/* ---- merging with positions ------------------------------------------------------------------ */

/* The place of `from`, a value of its own document, is that of to_parent[to_key or to_index]. */
static int note(struct yaml_doc *doc, const struct ycur *from, const json_t *to_parent,
                const char *to_key, size_t to_index, struct err *e)
{
    struct yaml_mark value = {0};
    struct yaml_mark key = {0};
    if (!yaml_doc_find(from->doc, from->up->value, from->key, from->index, &value, &key))
        return 0;
    return yaml_doc_note(doc, to_parent, to_key, to_index, &value, &key, e);
}

/* The object or list `key` of the merged document; made with the place of the first that has it. */
static int member_of(struct yaml_doc *doc, const struct ycur *from, bool list, json_t **out,
                     struct err *e)
{
    json_t *root = yaml_doc_root(doc);
    *out = json_object_get(root, from->key);
    if (*out != NULL)
        return 0;
    int rc = json_put(root, from->key, list ? json_array() : json_object(), e);
    if (rc < 0)
        return rc;
    *out = json_object_get(root, from->key);
    return note(doc, from, root, from->key, 0, e);
}

static int join_kernel(struct yaml_doc *doc, const struct ycur *kernel, struct err *e)
{
    static const char *const keys[] = {"image", "cmdline", "binary", "tar", "ucode"};
    json_t *to = NULL;
    int rc = member_of(doc, kernel, false, &to, e);
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
        struct ycur m;
        bool empty_counts = i >= 3;
        if (!ycur_opt(kernel, keys[i], &m) || (!empty_counts && json_string_length(m.value) == 0))
            continue;
        if ((rc = json_put(to, keys[i], json_incref(m.value), e)) == 0)
            rc = note(doc, &m, to, keys[i], 0, e);
    }
    return rc;
}

static int join_list(struct yaml_doc *doc, const struct ycur *list, struct err *e)
{
    json_t *to = NULL;
    int rc = member_of(doc, list, true, &to, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(list->value); i++) {
        const struct ycur item = ycur_item(list, i);
        size_t at = json_array_size(to);
        if ((rc = json_push(to, json_incref(item.value), e)) == 0)
            rc = note(doc, &item, to, NULL, at, e);
    }
    return rc;
}

static int join(struct yaml_doc *doc, const struct ycur *part, struct err *e)
{
    struct ycur m;
    int rc = linuxkit_check(part, &linuxkit_document, e);
    if (rc == 0 && ycur_opt(part, "kernel", &m))
        rc = join_kernel(doc, &m, e);
    for (size_t i = 0; rc == 0 && i < LIST_COUNT; i++)
        if (ycur_opt(part, lists[i], &m))
            rc = join_list(doc, &m, e);
    return rc;
}

int linuxkit_merge_docs(struct yaml_doc **parts_taken, size_t count, struct yaml_doc **out,
                        struct err *e)
{
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_FREE struct yaml_doc **parts = array_new(count + 1, sizeof(*parts));
    if (parts != NULL && count > 0)
        memcpy(parts, parts_taken, count * sizeof(*parts));
    int rc = yaml_doc_merge(parts_taken, count, json_object(), &doc, e);
    if (rc == 0 && parts == NULL)
        rc = err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct ycur root = ycur_root(parts[i]); /* owned by doc now */
        rc = join(doc, &root, e);
    }
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

/* What comes from standard input before any other file has no templates: LinuxKit does not look for
 * any there. */
static int read_document(const char *const *paths, size_t i, struct linuxkit_templates *t,
                         struct yaml_doc **out, struct err *e)
{
    bool local = false;
    for (size_t k = 0; k <= i; k++)
        local = local || strcmp(paths[k], "-") != 0;
    return local ? linuxkit_templates_read(paths[i], t, out, e)
                 : yaml_doc_read_go(paths[i], out, e);
}

int linuxkit_merge_read(const char *const *paths, size_t count, json_t *warnings, json_t **out,
                        size_t *visible_volumes, struct yaml_doc **places, struct err *e)
{
    struct linuxkit_templates templates = {.warnings = warnings};
    AUTO_JSON json_t *merged = linuxkit_merge_new();
    AUTO_FREE struct yaml_doc **parts = array_new(count + 1, sizeof(struct yaml_doc *));
    if (merged == NULL || parts == NULL)
        return err_oom(e);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        if ((rc = read_document(paths, i, &templates, &parts[i], e)) < 0)
            break;
        const struct ycur root = ycur_root(parts[i]);
        rc = linuxkit_merge_add(merged, &root, visible_volumes, e);
    }
    if (rc < 0) {
        for (size_t i = 0; i < count; i++)
            yaml_doc_free(parts[i]);
        return rc;
    }
    if ((rc = linuxkit_merge_docs(parts, count, places, e)) < 0)
        return rc;
    *out = steal_ptr(&merged);
    return 0;
}

int linuxkit_merge_show(const char *const *paths, size_t count, json_t *warnings, json_t **out,
                        size_t *packages, struct err *e)
{
    struct linuxkit_templates templates = {.warnings = warnings, .packages = true};
    AUTO_JSON json_t *merged = linuxkit_merge_new();
    size_t visible = 0;
    *packages = 0;
    if (merged == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        AUTO_YAML struct yaml_doc *doc = NULL;
        size_t shown = 0;
        int rc = read_document(paths, i, &templates, &doc, e);
        if (rc < 0 || (rc = linuxkit_pkg_show(paths[i], yaml_doc_root(doc), &shown, e)) < 0)
            return rc;
        *packages += shown;
        const struct ycur root = ycur_root(doc);
        if ((rc = linuxkit_merge_add(merged, &root, &visible, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&merged);
    return 0;
}

/* ---- references --------------------------------------------------------------------------------
 */

int linuxkit_reference(const char *name, char **out, struct err *e)
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

/* Names of `own` (an object's keys; NULL: none) stay as they are. */
static int expand_name(const char *name, const json_t *own, char **out, struct err *e)
{
    return json_object_get(own, name) != NULL ? str_copy(out, name, e)
                                              : linuxkit_reference(name, out, e);
}

static int expand_member(json_t *object, const char *key, const json_t *own, struct err *e)
{
    AUTO_FREE char *reference = NULL;
    const char *name = json_string_value(json_object_get(object, key));
    if (name == NULL || *name == '\0')
        return 0;
    int rc = expand_name(name, own, &reference, e);
    return rc < 0 ? rc : json_put_string(object, key, reference, e);
}

static int expand(json_t *merged, const json_t *own, bool volumes, struct err *e)
{
    json_t *init = json_object_get(merged, "init");
    int rc = expand_member(json_object_get(merged, "kernel"), "image", own, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(init); i++) {
        AUTO_FREE char *reference = NULL;
        rc = expand_name(json_string_value(json_array_get(init, i)), own, &reference, e);
        if (rc == 0 && json_array_set_new(init, i, json_string(reference)) < 0)
            rc = err_oom(e);
    }
    for (size_t l = 1; l < LIST_COUNT; l++) {
        json_t *list = json_object_get(merged, lists[l]);
        bool images = l <= 3 || (volumes && strcmp(lists[l], "volumes") == 0);
        for (size_t i = 0; rc == 0 && images && i < json_array_size(list); i++)
            rc = expand_member(json_array_get(list, i), "image", own, e);
    }
    return rc;
}

int linuxkit_expand(json_t *merged, struct err *e)
{
    return expand(merged, NULL, false, e);
}

int linuxkit_expand_strict(json_t *merged, const json_t *own, struct err *e)
{
    return expand(merged, own, true, e);
}
