/* SPDX-License-Identifier: Apache-2.0 */
/* The parser and the canonical form: what is read has one canonical form, which reads as itself. */
#include "base/json.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *value = NULL;
    AUTO_JSON json_t *again = NULL;
    AUTO_BUF text = BUF_INIT(16 * 1024 * 1024);
    AUTO_BUF twice = BUF_INIT(16 * 1024 * 1024);
    if (json_parse(data, size, "fuzz", NULL, &value, &e) != 0)
        return 0;
    if (jcs_format(value, &text, &e) != 0 ||
        json_parse(text.data, text.len, "again", NULL, &again, &e) != 0 ||
        jcs_format(again, &twice, &e) != 0)
        abort();
    if (text.len != twice.len || memcmp(text.data, twice.data, text.len) != 0)
        abort();
    return 0;
}
