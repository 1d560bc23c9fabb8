/* SPDX-License-Identifier: Apache-2.0 */
/* A tar archive as Go's archive/tar reads it: any bytes are read to their end or refused as input.
 */
#include "formats/tar/go_tar.h"
#include "tests/fuzz/mend_tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_FREE uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    mend_sums(copy, size);
    struct err e = ERR_INIT;
    struct source_bytes bytes = {.p = copy, .left = size};
    struct go_tar_reader r = {.from = source_from_bytes(&bytes)};
    bool more = true;
    int rc = 0;
    while (rc == 0 && more) {
        AUTO_LK_HEADER h = {0};
        uint8_t chunk[700];
        size_t got = 1;
        rc = go_tar_next(&r, &h, &more, &e);
        while (rc == 0 && more && got > 0)
            rc = go_tar_read(&r, chunk, sizeof(chunk), &got, &e);
    }
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
