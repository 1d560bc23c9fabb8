/* SPDX-License-Identifier: Apache-2.0 */
/* Checkpoint texts: what parses and has no extension lines is formatted back to the same bytes. */
#include "store/log/checkpoint.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct checkpoint c;
    AUTO_BUF text = BUF_INIT(NOTE_MAX);
    int rc = checkpoint_parse((const char *)data, size, &c, &e);
    if (rc != 0) {
        if (rc != -ERR_INPUT)
            abort();
        return 0;
    }
    if (checkpoint_format(&c, &text, &e) != 0 || text.len > size ||
        memcmp(text.data, data, text.len) != 0)
        abort();
    if (text.len < size && data[size - 1] != '\n')
        abort();
    return 0;
}
