/* SPDX-License-Identifier: Apache-2.0 */
/* A docker archive: any bytes are locked or refused as input, and nothing bad is in the store. */
#include "base/file.h"
#include "builder/sources/docker_archive.h"
#include "tests/fuzz/mend_tar.h"

#include <stdio.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cas *cas;
    struct err e = ERR_INIT;
    char path[64];
    if (cas == NULL) {
        AUTO_FREE char *scratch = NULL;
        AUTO_FREE char *store = NULL;
        if (dir_make_temp("/tmp", "assay-fuzz.", &scratch, &e) < 0 ||
            path_join(&store, scratch, "store", &e) < 0 ||
            cas_open(store, CAS_CREATE, &cas, &e) < 0)
            abort();
    }
    AUTO_FREE uint8_t *copy = malloc(size + 1);
    AUTO_CLOSE int fd = memfd_create("archive", MFD_CLOEXEC);
    if (copy == NULL)
        abort();
    memcpy(copy, data, size);
    mend_sums(copy, size);
    if (fd < 0 || write(fd, copy, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    AUTO_LOCKED locked = {0};
    const struct docker_request request = {
        .archive = path, .platform = "linux/amd64", .name = "fuzz", .cas = cas};
    int rc = docker_lock(&request, &locked, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc == 0 && locked.image_count != 1)
        abort();
    return 0;
}
