/* SPDX-License-Identifier: Apache-2.0 */
/* Versions of the libraries whose code decides bytes of an artifact. libcrypto is not one: a digest
 * is what its standard says. */
#include "builder/steps/step.h"

#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* libsquashfs cannot be asked at run time; it is linked statically where artifacts are made, so
 * what was built against is what runs. */
static const char *squashfs_version(void)
{
    return SQUASHFS_VERSION;
}

static const struct library {
    const char *name;
    const char *(*version)(void);
} libraries[] = {
    {"liblzma", lzma_version_string}, {"libsquashfs", squashfs_version},
    {"lz4", LZ4_versionString},       {"zlib", zlibVersion},
    {"zstd", ZSTD_versionString},
};

_Static_assert(sizeof(libraries) / sizeof(libraries[0]) == TOOLCHAIN_LIBRARY_COUNT,
               "every library has a name in the list");

const char *const toolchain_libraries[TOOLCHAIN_LIBRARY_COUNT] = {"liblzma", "libsquashfs", "lz4",
                                                                  "zlib", "zstd"};

const char *toolchain_library_version(const char *name)
{
    for (size_t i = 0; i < TOOLCHAIN_LIBRARY_COUNT; i++) {
        if (strcmp(libraries[i].name, name) == 0)
            return libraries[i].version();
    }
    return NULL;
}
