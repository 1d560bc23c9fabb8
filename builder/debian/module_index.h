/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The indexes modules.*.bin, as kmod reads them (version 2.1): a tree of the keys' common
 * beginnings. Private to builder/debian.
 */
#ifndef ASSAY_BUILDER_DEBIAN_MODULE_INDEX_H
#define ASSAY_BUILDER_DEBIAN_MODULE_INDEX_H

#include "base/buf.h"

enum { MODULE_INDEX_KEY_MAX = 1024, MODULE_INDEX_VALUES_MAX = 1 << 22 };

struct module_index {
    struct module_index_value *items;
    size_t count;
    size_t cap;
    struct buf texts;
};
#define MODULE_INDEX_INIT                                                                          \
    {                                                                                              \
        .texts = BUF_INIT(256 << 20)                                                               \
    }
#define AUTO_MODULE_INDEX AUTO(module_index_dispose) struct module_index
void module_index_dispose(struct module_index *x);

/* A key may have many values: by their priority, rising, of one priority the last one first. Bytes
 * beyond ASCII in a key are ERR_INPUT, for the format has no place for them. */
int module_index_add(struct module_index *x, const char *key, const char *value, uint32_t priority,
                     struct err *e);
/* Appends the index to an empty buffer. */
int module_index_write(struct module_index *x, struct buf *out, struct err *e);

#endif
