/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxKit documents as compat mode reads them, with templates and the way out and back: refused as
 * input, or merged and written back in all forms; what is written back as YAML is read again to the
 * same text. */
#include "base/buf.h"
#include "base/json.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/render.h"
#include "builder/linuxkit/templates.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static json_t *merge(const void *data, size_t size, bool templates)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *warnings = json_array();
    struct linuxkit_templates t = {.warnings = warnings, .packages = true};
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_JSON json_t *merged = linuxkit_merge_new();
    size_t visible = 0;
    int rc = templates ? linuxkit_templates_parse(data, size, "fuzz.yml", &t, &doc, &e)
                       : yaml_doc_parse_go(data, size, "fuzz.yml", &doc, &e);
    if (rc == 0) {
        const struct ycur root = ycur_root(doc);
        rc = linuxkit_merge_add(merged, &root, &visible, &e);
    }
    if (rc != 0 && rc != -ERR_INPUT && rc != -ERR_UNDECIDED)
        abort();
    return rc == 0 ? steal_ptr(&merged) : NULL;
}

static void render(const json_t *document, enum linuxkit_form form, struct buf *out)
{
    struct err e = ERR_INIT;
    if (linuxkit_render(document, form, out, &e) < 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF json = BUF_INIT((size_t)1 << 26);
    AUTO_BUF yaml2 = BUF_INIT((size_t)1 << 26);
    AUTO_BUF yaml3 = BUF_INIT((size_t)1 << 26);
    AUTO_BUF again = BUF_INIT((size_t)1 << 26);
    AUTO_JSON json_t *document = size < 65536 ? merge(data, size, true) : NULL;
    if (document == NULL)
        return 0;
    render(document, LINUXKIT_FORM_JSON, &json);
    render(document, LINUXKIT_FORM_YAML2, &yaml2);
    render(document, LINUXKIT_FORM_YAML3, &yaml3);
    /* resources and mappings are written with keys that the schema does not have. */
    AUTO_JSON json_t *second = merge(yaml2.data, yaml2.len, false);
    if (second == NULL)
        return 0;
    render(second, LINUXKIT_FORM_YAML2, &again);
    if (again.len != yaml2.len || memcmp(again.data, yaml2.data, again.len) != 0)
        abort();
    return 0;
}
