/* SPDX-License-Identifier: Apache-2.0 */
/* Device trees: any bytes are shown as text or refused. */
#include "formats/machine/machine_dtb.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF text = BUF_INIT(16 << 20);
    struct err e = ERR_INIT;
    int rc = machine_dtb_text(data, size, &text, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    return 0;
}
