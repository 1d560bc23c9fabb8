/* SPDX-License-Identifier: Apache-2.0 */
/* YAML: any bytes either read, within the bounds, or are refused as input; positions of all values
 * can be asked for. */
#include "base/yaml/yaml.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void find_all(const struct yaml_doc *doc, const json_t *value)
{
    struct yaml_mark at;
    struct yaml_mark key;
    size_t i = 0;
    json_t *item = NULL;
    const char *name = NULL;
    if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            if (!yaml_doc_find(doc, value, NULL, i, &at, NULL))
                abort();
        }
    } else if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, name, item)
        {
            if (!yaml_doc_find(doc, value, name, 0, &at, &key))
                abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct yaml_doc *doc = NULL;
    int rc = yaml_doc_parse(data, size, "fuzz.yml", &doc, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc == 0 && size < 4096)
        find_all(doc, yaml_doc_root(doc));
    yaml_doc_free(doc);
    return 0;
}
