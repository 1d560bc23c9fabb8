/* A tar archive as Go's archive/tar reads it: any bytes are read to their end or refused as input.
 */
#include "builder/steps/lk_tar.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Changed headers would all fail at their checksum: those that look like headers get the right one.
 */
static void mend_sums(uint8_t *data, size_t size)
{
    for (size_t at = 0; at + 512 <= size; at += 512) {
        uint8_t *h = data + at;
        unsigned sum = 0;
        char field[9];
        if (memcmp(h + 257, "ustar", 5) != 0)
            continue;
        memset(h + 148, ' ', 8);
        for (size_t i = 0; i < 512; i++)
            sum += h[i];
        (void)snprintf(field, sizeof(field), "%06o", sum);
        memcpy(h + 148, field, 7);
    }
}

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
    struct lk_tar_reader r = {.from = source_from_bytes(&bytes)};
    bool more = true;
    int rc = 0;
    while (rc == 0 && more) {
        AUTO_LK_HEADER h = {0};
        uint8_t chunk[700];
        size_t got = 1;
        rc = lk_tar_next(&r, &h, &more, &e);
        while (rc == 0 && more && got > 0)
            rc = lk_tar_read(&r, chunk, sizeof(chunk), &got, &e);
    }
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
