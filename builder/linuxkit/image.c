/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What containers take from the configuration of their image (docs/formats/linuxkit.md, section
 * 12).
 */
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/schema.h"

#include "base/json.h"

#include <string.h>

enum { BYTES_MAX = 4 * 1024 * 1024, ITEMS_MAX = 65536, TEXT_MAX = 1024 * 1024 };

void oci_spec_image_config_dispose(struct oci_spec_image_config *c)
{
    json_decref(c->document);
    yaml_doc_free(c->label);
    json_decref(c->entry);
}

/* Docker writes null for what is not set. */
static bool member(const struct jcur *c, const char *key, struct jcur *out)
{
    return jcur_opt(c, key, out) && !json_is_null(out->value);
}

/* U+FFFF is refused as in YAML: it would be taken for the NUL that it stands for (YAML_NUL). */
static int read_text(const struct jcur *c, size_t max, const char **out, struct err *e)
{
    const char *text = NULL;
    int rc = jcur_string(c, max, &text, e);
    if (rc < 0)
        return rc;
    if (strstr(text, YAML_NUL) != NULL)
        return jcur_fail(c, e, "a text with U+FFFF, which is no character");
    *out = text;
    return 0;
}

static int check_texts(const struct jcur *c, const char *key, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    if (!member(c, key, &list))
        return 0;
    int rc = jcur_array(&list, ITEMS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        const char *text = NULL;
        rc = read_text(&item, TEXT_MAX, &text, e);
    }
    return rc;
}

static int read_label(const struct jcur *config, const char *name,
                      struct oci_spec_image_config *out, struct err *e)
{
    struct jcur labels;
    struct jcur label;
    const char *text = NULL;
    AUTO_FREE char *what = NULL;
    if (!member(config, "Labels", &labels))
        return 0;
    int rc = jcur_open_object(&labels, e);
    if (rc < 0 || !member(&labels, "org.mobyproject.config", &label) ||
        json_string_length(label.value) == 0)
        return rc;
    if ((rc = jcur_string(&label, TEXT_MAX, &text, e)) < 0 ||
        (rc = str_format(&what, e, "label of %.200s", name)) < 0 ||
        (rc = yaml_doc_parse_go(text, json_string_length(label.value), what, &out->label, e)) < 0)
        return rc;
    const struct ycur root = ycur_root(out->label);
    if ((rc = linuxkit_check(&root, &linuxkit_label, e)) < 0)
        return rc;
    return linuxkit_settle(root.value, &linuxkit_label, &out->entry, e);
}

static int read_config(const struct jcur *c, const char *name, struct oci_spec_image_config *out,
                       struct err *e)
{
    static const char *const lists[] = {"Entrypoint", "Cmd", "Env"};
    struct jcur m;
    const char *text = NULL;
    int rc = jcur_open_object(c, e);
    for (size_t i = 0; rc == 0 && i < sizeof(lists) / sizeof(lists[0]); i++)
        rc = check_texts(c, lists[i], e);
    if (rc == 0 && member(c, "WorkingDir", &m))
        rc = read_text(&m, TEXT_MAX, &text, e);
    if (rc == 0 && member(c, "User", &m))
        rc = read_text(&m, 1024, &out->user, e);
    if (rc < 0)
        return rc;
    out->config = c->value;
    return read_label(c, name, out, e);
}

int oci_spec_image_config_parse(const void *text, size_t len, const char *name,
                                struct oci_spec_image_config *out, struct err *e)
{
    static const struct json_limits limits = {.bytes = BYTES_MAX, .depth = 32};
    AUTO_FREE char *what = NULL;
    struct jcur config;
    out->user = "";
    int rc = str_format(&what, e, "configuration of %.200s", name);
    if (rc < 0 || (rc = json_parse(text, len, what, &limits, &out->document, e)) < 0)
        return rc;
    const struct jcur root = jcur_root(out->document, what);
    if ((rc = jcur_open_object(&root, e)) < 0 || !member(&root, "config", &config))
        return rc;
    return read_config(&config, name, out, e);
}
