/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/earlier.h"

#include "base/version.h"
#include "builder/steps/step.h"

#define EARLIER_TYPE ASSAY_URI "earlier/v1"

enum { KEY_MAX = 65536 };

static int libraries_json(const struct step_kind *kind, json_t **out, struct err *e)
{
    AUTO_JSON json_t *libraries = json_object();
    if (libraries == NULL)
        return err_oom(e);
    for (size_t i = 0; kind->libraries != NULL && kind->libraries[i] != NULL; i++) {
        int rc = json_put_string(libraries, kind->libraries[i],
                                 toolchain_library_version(kind->libraries[i]), e);
        if (rc < 0)
            return rc;
    }
    *out = steal_ptr(&libraries);
    return 0;
}

static int make_key(const struct step_context *context, const struct step_kind *kind,
                    const char *options, struct digest *out, struct err *e)
{
    AUTO_JSON json_t *key = json_object();
    AUTO_JSON json_t *libraries = NULL;
    AUTO_BUF bytes = BUF_INIT(KEY_MAX);
    int rc = key == NULL ? err_oom(e) : libraries_json(kind, &libraries, e);
    if (rc < 0 || (rc = json_put_string(key, "type", EARLIER_TYPE, e)) < 0 ||
        (rc = json_put_string(key, "assay", ASSAY_VERSION, e)) < 0 ||
        (rc = json_put_string(key, "kind", kind->name, e)) < 0 ||
        (rc = json_put_string(key, "lineage", context->lineage, e)) < 0 ||
        (rc = json_put_string(key, "options", options, e)) < 0 ||
        (rc = json_put(key, "libraries", steal_ptr(&libraries), e)) < 0 ||
        (rc = jcs_format(key, &bytes, e)) < 0)
        return rc;
    return digest_bytes(DIGEST_SHA256, bytes.data, bytes.len, out, e);
}

static int read_value(json_t *value, struct earlier *out, struct err *e)
{
    static const char *const keys[] = {"type", "output", "parts", NULL};
    static const char *const types[] = {EARLIER_TYPE, NULL};
    struct jcur root = jcur_root(value, "earlier output");
    struct jcur type;
    size_t choice = 0;
    int rc;
    if ((rc = jcur_object(&root, keys, e)) < 0 || (rc = jcur_get(&root, "type", &type, e)) < 0 ||
        (rc = jcur_choice(&type, types, &choice, e)) < 0 ||
        (rc = jcur_get_digest(&root, "output", &out->output, e)) < 0)
        return rc;
    return jcur_get_digest(&root, "parts", &out->parts, e);
}

bool earlier_find(const struct step_context *context, const struct step_kind *kind,
                  const char *options, struct earlier *out)
{
    struct err ignored = ERR_INIT;
    struct digest key;
    AUTO_JSON json_t *value = NULL;
    bool found = false;
    return context->lineage != NULL && make_key(context, kind, options, &key, &ignored) == 0 &&
           cas_action_get(context->cas, &key, &value, &found, &ignored) == 0 && found &&
           read_value(value, out, &ignored) == 0;
}

void earlier_remember(const struct step_context *context, const struct step_kind *kind,
                      const char *options, const struct earlier *what)
{
    struct err ignored = ERR_INIT;
    struct err *e = &ignored;
    struct digest key;
    AUTO_JSON json_t *value = json_object();
    if (context->lineage == NULL || value == NULL ||
        make_key(context, kind, options, &key, e) < 0 ||
        json_put_string(value, "type", EARLIER_TYPE, e) < 0 ||
        json_put_digest(value, "output", &what->output, e) < 0 ||
        json_put_digest(value, "parts", &what->parts, e) < 0)
        return;
    (void)cas_action_put(context->cas, &key, value, e);
}
