/* SPDX-License-Identifier: Apache-2.0 */
/*
 * onboot, onshutdown, services and volumes of a LinuxKit document (docs/formats/linuxkit.md,
 * sections 3 and 4).
 */
#include "builder/linuxkit/document_internal.h"

#include "base/json.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/schema.h"

#include <stdarg.h>
#include <string.h>

enum { WARNINGS_MAX = 100, CONFIG_MAX = 16 * 1024 * 1024 };

int linuxkit_warn(struct linuxkit *lk, const struct ycur *c, struct err *e, const char *fmt, ...)
{
    AUTO_FREE char *where = NULL;
    AUTO_FREE char *line = NULL;
    char text[ERR_FRAME_MAX];
    va_list ap;
    if (c->doc == NULL || json_array_size(lk->warnings) >= WARNINGS_MAX)
        return 0;
    va_start(ap, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, ap);
    va_end(ap);
    int rc = ycur_where(c, &where, e);
    if (rc < 0 || (rc = str_format(&line, e, "%s: %s", where, text)) < 0)
        return rc;
    return json_push(lk->warnings, json_string(line), e);
}

/* ---- names ------------------------------------------------------------------------------ */

/* It becomes a directory, an id of containerd, and a part of names of cgroups. LinuxKit checks
 * nothing, and writes wherever "../.." leads. */
static int read_container_name(const struct ycur *c, const char **out, struct err *e)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    static const char more[] = "_.-";
    int rc = ycur_text(c, 100, out, e);
    if (rc < 0)
        return rc;
    bool good = strchr(letters, **out) != NULL;
    for (const char *p = *out; good && *p != '\0'; p++)
        good = strchr(letters, *p) != NULL || strchr(more, *p) != NULL;
    return good ? 0
                : ycur_fail(c, ERR_INPUT, e,
                            "'%.64s' is no name of a container: letters, digits, '_', '.', '-'",
                            *out);
}

static int read_volume_name(const struct ycur *c, const char **out, struct err *e)
{
    static const char set[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    int rc = ycur_text(c, 100, out, e);
    if (rc < 0)
        return rc;
    return (*out)[strspn(*out, set)] == '\0'
               ? 0
               : ycur_fail(c, ERR_INPUT, e,
                           "'%.64s' is no name of a volume: lower-case letters, digits, '_', '-'",
                           *out);
}

/* ---- volumes ---------------------------------------------------------------------------- */

static int read_volume(const struct ycur *c, struct linuxkit *lk, struct linuxkit_volume *v,
                       struct err *e)
{
    static const char *const keys[] = {"name", "image", "readonly", "format", "platforms", NULL};
    static const char *const formats[] = {"oci", "filesystem", NULL};
    struct ycur m;
    size_t format = 1;
    const char *image = "";
    int rc = ycur_map(c, keys, e);
    v->entry = c->value;
    if (rc < 0 || (rc = ycur_get(c, "name", &m, e)) < 0 ||
        (rc = read_volume_name(&m, &v->name, e)) < 0)
        return rc;
    for (const struct linuxkit_volume *before = lk->volumes; before < v; before++)
        if (strcmp(before->name, v->name) == 0)
            return ycur_fail(&m, ERR_INPUT, e, "a second volume is called '%s'", v->name);
    if (ycur_opt(c, "image", &m) && (rc = ycur_text0(&m, SIZE_MAX, &image, e)) < 0)
        return rc;
    if (*image != '\0' && (rc = linuxkit_read_image(&m, &v->image, e)) < 0)
        return rc;
    if (ycur_opt(c, "readonly", &m) && (rc = ycur_bool(&m, &v->readonly, e)) < 0)
        return rc;
    if (ycur_opt(c, "format", &m) && (rc = ycur_choice(&m, formats, &format, e)) < 0)
        return rc;
    v->oci = format == 0 && v->image.name != NULL;
    if (ycur_opt(c, "platforms", &m) && json_array_size(m.value) > 0)
        v->platforms = m.value;
    return 0;
}

int linuxkit_parse_volumes(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    struct ycur list;
    size_t count = 0;
    if (!ycur_opt(c, "volumes", &list))
        return 0;
    int rc = ycur_list(&list, LINUXKIT_VOLUMES_MAX, &count, e);
    if (rc < 0)
        return rc;
    lk->volume_list = list.value;
    lk->volumes = array_new(count + 1, sizeof(*lk->volumes));
    if (lk->volumes == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(&list, i);
        lk->volume_count = i + 1;
        rc = read_volume(&item, lk, &lk->volumes[i], e);
    }
    return rc;
}

/* ---- containers -------------------------------------------------------------------------- */

/* Keys that LinuxKit's decoder loses without a word (docs/formats/linuxkit.md, section 3.2). */
static int warn_dropped(struct linuxkit *lk, const struct ycur *c, const struct linuxkit_node *node,
                        struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && node->type == LINUXKIT_LIST && i < json_array_size(c->value);
         i++) {
        const struct ycur item = ycur_item(c, i);
        rc = warn_dropped(lk, &item, node->item, e);
    }
    if (node->type != LINUXKIT_OBJECT)
        return rc;
    for (const struct linuxkit_field *f = node->fields; rc == 0 && f->key != NULL; f++) {
        struct ycur m;
        if (!ycur_opt(c, f->key, &m))
            continue;
        bool dropped = f->show == LINUXKIT_DROPPED || f->show == LINUXKIT_DROPPED_NULL;
        rc = dropped ? linuxkit_warn(lk, &m, e, "LinuxKit drops '%s'; it is honoured here", f->key)
                     : warn_dropped(lk, &m, f->node, e);
    }
    return rc;
}

static int read_container(const struct ycur *c, struct linuxkit *lk, struct linuxkit_container *k,
                          struct err *e)
{
    struct ycur m;
    int rc = linuxkit_check(c, &compat_entry, e);
    if (rc < 0 || (rc = linuxkit_settle(c->value, &compat_entry, &k->entry, e)) < 0 ||
        (rc = ycur_where(c, &k->at, e)) < 0 || (rc = ycur_get(c, "name", &m, e)) < 0 ||
        (rc = read_container_name(&m, &k->name, e)) < 0)
        return rc;
    for (const struct linuxkit_container *before = lk->containers; before < k; before++)
        if (strcmp(k->list, "services") == 0 && strcmp(before->list, k->list) == 0 &&
            strcmp(before->name, k->name) == 0)
            return ycur_fail(&m, ERR_INPUT, e, "a second service is called '%s'", k->name);
    if ((rc = ycur_get(c, "image", &m, e)) < 0 || (rc = linuxkit_read_image(&m, &k->image, e)) < 0)
        return rc;
    return warn_dropped(lk, c, &compat_entry, e);
}

int linuxkit_parse_containers(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    static const char *const names[] = {"onboot", "onshutdown", "services"};
    enum { LISTS = sizeof(names) / sizeof(names[0]) };
    struct ycur lists[LISTS] = {{0}};
    size_t counts[LISTS] = {0};
    size_t total = 0;
    int rc = 0;
    for (size_t l = 0; rc == 0 && l < LISTS; l++) {
        if (ycur_opt(c, names[l], &lists[l]))
            rc = ycur_list(&lists[l], LINUXKIT_CONTAINERS_MAX, &counts[l], e);
        total += counts[l];
    }
    lk->containers = array_new(total + 1, sizeof(*lk->containers));
    if (rc == 0 && lk->containers == NULL)
        rc = err_oom(e);
    for (size_t l = 0; l < LISTS; l++)
        for (size_t i = 0; rc == 0 && i < counts[l]; i++) {
            struct ycur item = ycur_item(&lists[l], i);
            struct linuxkit_container *k = &lk->containers[lk->container_count++];
            k->list = names[l];
            k->index = i;
            rc = read_container(&item, lk, k, e);
        }
    return rc < 0 ? rc : oci_spec_ids(c->value, &lk->ids, e);
}

int linuxkit_container_path(const struct linuxkit_container *c, char **out, struct err *e)
{
    if (strcmp(c->list, "services") == 0)
        return str_format(out, e, "containers/services/%s", c->name);
    return str_format(out, e, "containers/%s/%03zu-%s", c->list, c->index, c->name);
}

/* ---- checking ---------------------------------------------------------------------------- */

int linuxkit_blame(const struct ycur *document, const char *list, size_t index, const char *name,
                   const struct oci_spec_blame *blame, struct err *e)
{
    AUTO_FREE char *where = NULL;
    struct ycur items;
    struct ycur key;
    struct err own = ERR_INIT;
    if (!ycur_opt(document, list, &items))
        return err_rc(e);
    const struct ycur entry = ycur_item(&items, index);
    struct ycur at = entry;
    if (blame != NULL && blame->key != NULL && ycur_opt(&entry, blame->key, &key)) {
        at = key;
        if (blame->index < json_array_size(key.value))
            at = ycur_item(&key, blame->index);
    }
    if (ycur_where(&at, &where, &own) < 0)
        return err_rc(e);
    return name != NULL ? err_wrap(e, "%s: %s '%s'", where, list, name) : err_wrap(e, "%s", where);
}

int linuxkit_check_container(const struct ycur *document, const struct linuxkit *lk, size_t index,
                             const json_t *label, const json_t *image_config, struct err *e)
{
    const struct linuxkit_container *k = &lk->containers[index];
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    struct oci_spec_blame blame = {0};
    const struct oci_spec_container c = {.entry = k->entry,
                                         .label = label,
                                         .image_config = image_config,
                                         .ids = lk->ids,
                                         .volumes = lk->volume_list,
                                         .strict = true,
                                         .blame = &blame};
    int rc = oci_spec_config_json(&c, &text, e);
    return rc < 0 ? linuxkit_blame(document, k->list, k->index, k->name, &blame, e) : 0;
}
