/* SPDX-License-Identifier: Apache-2.0 */
/* Squashfs images inside flash drives: read whole, compared with themselves and with a cut copy. */
#include "builder/cartesi/drive_diff.h"

#include <sys/mman.h>
#include <unistd.h>

static int ignore(void *context, const char *path, const char *text, struct err *e)
{
    size_t *found = context;
    (void)e;
    if (path[0] != '/' || text[0] == 0)
        __builtin_trap();
    ++*found;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    size_t found = 0;
    bool compared = false;
    const struct drive_diff options = {.found = ignore, .context = &found};
    int fd = memfd_create("drive", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    /* An image is the same as itself, unless it cannot be read. */
    if (drive_diff(fd, size, fd, size, "drive", &options, &compared, &e) == 0 && found != 0)
        __builtin_trap();
    e = (struct err)ERR_INIT;
    (void)drive_diff(fd, size, fd, size / 2, "drive", &options, &compared, &e);
    (void)close(fd);
    return 0;
}
