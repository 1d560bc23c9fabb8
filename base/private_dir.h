/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that only this run uses and that does not outlive it: it is
 * locked while it is in use, and a later run removes those that a killed one
 * left behind.
 */
#ifndef ASSAY_BASE_PRIVATE_DIR_H
#define ASSAY_BASE_PRIVATE_DIR_H

#include "base/err.h"

struct private_dir {
    char *path; /* NULL: none */
    int lock;
};

#define PRIVATE_DIR_INIT                                                                           \
    {                                                                                              \
        .lock = -1                                                                                 \
    }

/* Makes `<parent>/assay-lock-XXXXXX` (0700), after removing this user's abandoned ones there. */
int private_dir_make(const char *parent, struct private_dir *out, struct err *e);
void private_dir_remove(struct private_dir *dir);

#endif
