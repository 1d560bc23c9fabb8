/* SPDX-License-Identifier: Apache-2.0 */
/* What depmod asks of one kernel module. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_KERNEL_MODULE_H
#define ASSAY_BUILDER_DEBIAN_KERNEL_MODULE_H

#include "base/buf.h"
#include "formats/tree/tree.h"

enum {
    KERNEL_MODULE_MAX = 256 << 20, /* bytes, decompressed */
    KERNEL_MODULE_TEXT_MAX = 4 << 20,
    KERNEL_MODULE_NAME_MAX = 255,
};

/* Texts one after another, each with its NUL, in the file's order. */
struct kernel_module {
    struct buf info;    /* key=value */
    struct buf exports; /* symbols for others */
    struct buf needs;   /* symbols of others */
};
#define KERNEL_MODULE_INIT                                                                         \
    {                                                                                              \
        .info = BUF_INIT(KERNEL_MODULE_TEXT_MAX), .exports = BUF_INIT(KERNEL_MODULE_TEXT_MAX),     \
        .needs = BUF_INIT(KERNEL_MODULE_TEXT_MAX)                                                  \
    }
void kernel_module_dispose(struct kernel_module *m);

/* Whether a file is a module by its name: ".ko", or that with ".gz", ".xz" or ".zst"; *plain is the
 * length of the name up to ".ko". */
bool kernel_module_is(const char *file_name, size_t *plain);
/* "kernel/x/snd-y.ko.xz" is the module "snd_y". False when that has no name, or too long a one. */
bool kernel_module_name(const char *path, char out[KERNEL_MODULE_NAME_MAX + 1]);

/*
 * Reads the module, which `path` names in messages and by its end says how it is compressed. What
 * is no sound ELF object of `machine` (64 bits, little-endian) is ERR_INPUT.
 */
int kernel_module_read(struct tree_reader *reader, const struct tree_content *content,
                       const char *path, uint16_t machine, struct kernel_module *out,
                       struct err *e);

#endif
