/* SPDX-License-Identifier: Apache-2.0 */
/* What an emulator tells: however its bytes are cut into reads, they tell the same. */
#include "runner/qmp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct qmp whole;
    static struct qmp bytes;
    memset(&whole, 0, sizeof(whole));
    memset(&bytes, 0, sizeof(bytes));
    if (!qmp_feed(&whole, data, size))
        abort();
    for (size_t i = 0; i < size; i++)
        if (!qmp_feed(&bytes, data + i, 1))
            abort();
    if (memchr(whole.reason, 0, sizeof(whole.reason)) == NULL || whole.started != bytes.started ||
        whole.panicked != bytes.panicked || strcmp(whole.reason, bytes.reason) != 0)
        abort();
    return 0;
}
