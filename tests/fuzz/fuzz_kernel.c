/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels as kernel.decompress reads them, and as EFI would: any bytes are unpacked within bounds,
 * or refused. */
#include "formats/kernel/efi_stub.h"
#include "formats/kernel/kernel.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct count {
    uint64_t bytes;
};

static int swallow(void *context, const void *data, size_t len, struct err *e)
{
    struct count *c = context;
    (void)data;
    c->bytes += len;
    return c->bytes > (UINT64_C(16) << 20) ? err_set(e, ERR_INPUT, "enough") : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct count c = {0};
    int rc = kernel_unpack(data, size, (struct sink){.write = swallow, .context = &c}, &e);

    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    for (size_t arch = 0; efi_stub_archs[arch] != NULL; arch++) {
        rc = efi_stub_check(data, size < EFI_STUB_HEAD ? size : EFI_STUB_HEAD, arch, &e);
        if (rc != 0 && rc != -ERR_INPUT)
            abort();
    }
    return 0;
}
