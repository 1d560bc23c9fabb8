/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel modules of one version, and the lists that depmod makes of them. Private to
 * builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_MODULE_LISTS_H
#define ASSAY_BUILDER_DEBIAN_MODULE_LISTS_H

#include "builder/debian/kernel_module.h"

enum {
    MODULES_MAX = 16384,
    MODULES_TEXT_MAX = 256 << 20, /* what all say of themselves, in bytes */
    MODULE_NEEDS_MAX = 1 << 18,   /* which needs which, in pairs */
    MODULE_SYMBOLS_MAX = 1 << 20,
    MODULE_LIST_MAX = 64 << 20, /* bytes of one list */
};

struct module {
    char *path;        /* below the version's directory */
    size_t path_plain; /* its length up to the end of ".ko" */
    char name[KERNEL_MODULE_NAME_MAX + 1];
    struct kernel_module facts;
    size_t line;   /* of modules.order, from 1; 0: it is not there */
    size_t *needs; /* indices of modules, each once */
    size_t need_count;
    size_t need_cap;
    size_t users;
    size_t rank; /* a module's is lower than those of what it needs */
};

struct module_symbol {
    const char *name; /* borrowed from the owner's facts */
    size_t owner;
};

struct modules {
    struct module *items; /* in depmod's order */
    size_t count;
    size_t cap;
    struct module_symbol *symbols; /* by name, each once */
    size_t symbol_count;
    size_t symbol_cap;
    size_t pairs;
    size_t text_bytes;
};
void modules_dispose(struct modules *m);

/* Takes depmod's order: by `order`, the text of modules.order; then all others. */
int modules_sort(struct modules *m, const char *order, struct err *e);
/* Fills symbols, needs and ranks. Modules that need each other are ERR_INPUT. */
int modules_resolve(struct modules *m, struct err *e);

/* Each appends one file's bytes; `text` is for the three that are of what is built in. */
typedef int module_list(const struct modules *m, const struct buf *text, struct buf *out,
                        struct err *e);
module_list modules_dep;
module_list modules_dep_bin;
module_list modules_alias;
module_list modules_alias_bin;
module_list modules_softdep;
module_list modules_weakdep;
module_list modules_symbols;
module_list modules_symbols_bin;
module_list modules_devname;
module_list modules_builtin_bin;       /* of modules.builtin */
module_list modules_builtin_alias_bin; /* of modules.builtin.modinfo */

/* The hash of kmod's tables, by which modules.symbols is ordered. */
uint32_t module_hash(const char *text);

#endif
