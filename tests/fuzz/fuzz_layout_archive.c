/* SPDX-License-Identifier: Apache-2.0 */
/* An OCI layout in an archive: any bytes are unpacked inside the directory or refused as input. */
#include "base/file.h"
#include "formats/oci/layout_archive.h"

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
    if (dir_make_temp(scratch, "layout.", &out, &e) < 0)
        abort();
    int rc = layout_unpack(path, out, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (out != NULL && dir_remove(out, &e) < 0)
        abort();
    return 0;
}
