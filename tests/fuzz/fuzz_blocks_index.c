/* SPDX-License-Identifier: Apache-2.0 */
/* The index of an image's blocks: the image's size, then any bytes. */
#include "formats/squashfs/squashfs.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_SQUASHFS_REUSE struct squashfs_reuse *r = NULL;
    uint64_t image = 0;
    if (size < sizeof(image) || squashfs_reuse_new(131072, &r, &e) < 0)
        return 0;
    memcpy(&image, data, sizeof(image));
    (void)squashfs_reuse_parse(r, data + sizeof(image), size - sizeof(image), image, &e);
    return 0;
}
