/* SPDX-License-Identifier: Apache-2.0 */
/* dm-verity hash trees as extract.verity reads them: alone, or behind their data. */
#include "formats/verity/verity.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct verity_facts f;

    if (verity_read(data, size, true, NULL, 0, &f, &e) == 0 && f.hash_offset >= size)
        abort();
    if (verity_read(data, size, false, NULL, 0, &f, &e) == 0 && f.hash_offset != 0)
        abort();
    (void)verity_read(data, size, false, data, VERITY_BLOCK < size ? VERITY_BLOCK : size, &f, &e);
    return 0;
}
