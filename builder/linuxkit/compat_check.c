/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/compat_check.h"

#include "builder/linuxkit/compat_system.h"
#include "builder/linuxkit/document.h"
#include "builder/linuxkit/oci_spec.h"

enum { CONFIG_MAX = 4 * 1024 * 1024, TEXT_MAX = 16 * 1024 * 1024 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The volumes that binds may name: those of the last file. */
static int visible_volumes(const struct compat_check *c, json_t **out, struct err *e)
{
    const json_t *all = json_object_get(c->document, "volumes");
    AUTO_JSON json_t *list = json_array();
    size_t count = json_array_size(all);
    size_t first = count - (c->visible_volumes < count ? c->visible_volumes : count);
    if (list == NULL)
        return err_oom(e);
    for (size_t i = first; i < count; i++)
        if (json_array_append(list, json_array_get(all, i)) < 0)
            return err_oom(e);
    *out = steal_ptr(&list);
    return 0;
}

static int check_container(const struct compat_check *c, const struct oci_spec_container *container,
                           const char *list, size_t index, struct err *e)
{
    struct oci_spec_container own = *container;
    struct oci_spec_container *k = &own;
    AUTO(oci_spec_image_config_dispose) struct oci_spec_image_config config = {0};
    AUTO_BUF text = BUF_INIT(CONFIG_MAX);
    AUTO_BUF out = BUF_INIT(TEXT_MAX);
    struct oci_spec_blame blame = {0};
    const char *reference = text_of(k->entry, "image");
    const struct locked_image *image = locked_image_find(c->locked, reference);
    if (image == NULL || !image->has_config)
        return 0;
    int rc = cas_get(c->cas, &c->locked->blobs[image->config].digest, &text, e);
    if (rc == 0)
        rc = oci_spec_image_config_parse(buf_str(&text), text.len, reference, &config, e);
    k->label = config.entry;
    k->image_config = config.config;
    k->blame = &blame;
    if (rc == 0)
        rc = oci_spec_config_json(k, &out, e);
    if (rc == 0)
        return 0;
    const struct ycur root = ycur_root(c->places);
    return linuxkit_blame(&root, list, index, text_of(k->entry, "name"), &blame, e);
}

static int check_containers(const struct compat_check *c, const json_t *ids, struct err *e)
{
    static const char *const lists[] = {"onboot", "onshutdown", "services"};
    AUTO_JSON json_t *volumes = NULL;
    int rc = visible_volumes(c, &volumes, e);
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const json_t *list = json_object_get(c->document, lists[l]);
        for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
            struct oci_spec_container k = {
                .entry = json_array_get(list, i), .ids = ids, .volumes = volumes};
            rc = check_container(c, &k, lists[l], i, e);
        }
    }
    return rc;
}

static int check_files(const struct compat_check *c, const json_t *ids, struct err *e)
{
    const json_t *list = json_object_get(c->document, "files");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++)
        if ((rc = compat_system_check_file(json_array_get(list, i), ids, e)) < 0) {
            const struct ycur root = ycur_root(c->places);
            return linuxkit_blame(&root, "files", i, NULL, NULL, e);
        }
    return rc;
}

int compat_check(const struct compat_check *c, struct err *e)
{
    AUTO_JSON json_t *ids = NULL;
    int rc = oci_spec_ids(c->document, &ids, e);
    if (rc < 0 || (rc = check_containers(c, ids, e)) < 0)
        return rc;
    return check_files(c, ids, e);
}
