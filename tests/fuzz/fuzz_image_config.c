/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Image configurations with their labels, and the config.json and runtime.json that
 * strict mode makes of them: taken or refused, and what comes out is JSON.
 */
#include "base/json.h"
#include "builder/linuxkit/oci_spec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO(oci_spec_image_config_dispose) struct oci_spec_image_config config = {0};
    AUTO_JSON json_t *entry = json_pack("{s:s,s:s}", "name", "a", "image", "b");
    AUTO_JSON json_t *ids = json_pack("{s:i}", "a", 100);
    AUTO_BUF text = BUF_INIT((size_t)16 << 20);
    AUTO_BUF runtime = BUF_INIT((size_t)16 << 20);
    AUTO_JSON json_t *again = NULL;
    int rc = oci_spec_image_config_parse(data, size, "image", &config, &e);
    if (rc < 0 || entry == NULL || ids == NULL)
        return 0;
    const struct oci_spec_container c = {.entry = entry,
                                         .label = config.entry,
                                         .image_config = config.config,
                                         .ids = ids,
                                         .strict = true};
    if ((rc = oci_spec_config_json(&c, &text, &e)) < 0) {
        if (rc != -ERR_INPUT)
            abort();
        return 0;
    }
    if (oci_spec_runtime_json(&c, "p", "r", &runtime, &e) < 0)
        abort();
    again = json_loadb(buf_str(&text), text.len, JSON_DECODE_INT_AS_REAL, NULL);
    if (again == NULL)
        abort();
    return 0;
}
