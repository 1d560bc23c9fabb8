/* SPDX-License-Identifier: Apache-2.0 */
/* A stored machine in an archive: any bytes are unpacked inside the directory or refused as input.
 */
#include "base/file.h"
#include "formats/machine/unpack.h"

#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char *scratch;
    struct err e = ERR_INIT;
    char path[64];
    if (scratch == NULL && dir_make_temp("/tmp", "assay-fuzz.", &scratch, &e) < 0)
        abort();
    AUTO_CLOSE int fd = memfd_create("archive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    AUTO_FREE char *out = NULL;
    int rc = machine_unpack(path, scratch, &out, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (out != NULL && dir_remove(out, &e) < 0)
        abort();
    return 0;
}
