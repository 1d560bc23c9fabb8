/* SPDX-License-Identifier: Apache-2.0 */
/* SYSLINUX's parts in any bytes: found within bounds and installed, or refused with ERR_INPUT. */
#include "formats/fat/syslinux.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct syslinux s = {0};
    uint8_t boot[SYSLINUX_SECTOR];

    int rc = syslinux_find(data, size, &s, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc != 0)
        return 0;
    if (s.boot < data || s.boot + SYSLINUX_SECTOR > data + size || s.image < data ||
        s.image + s.image_len > s.c32 || s.c32 + s.c32_len > data + size)
        abort();
    size_t len = syslinux_installed_size(&s);
    AUTO_FREE uint8_t *file = malloc(len);
    if (file == NULL)
        return 0;
    rc = syslinux_install(&s, 100, file, boot, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
