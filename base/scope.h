/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope cleanup: attributes for locals, and hand-over of ownership.
 *
 *   AUTO_FREE char *p = …;      freed when the scope ends
 *   return steal_ptr(&p);       handed over instead
 */
#ifndef ASSAY_BASE_SCOPE_H
#define ASSAY_BASE_SCOPE_H

#include <dirent.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void scope_free(void *p)
{
    free(*(void **)p);
}

static inline void scope_close(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

static inline void scope_fclose(FILE **f)
{
    if (*f != NULL)
        (void)fclose(*f);
}

static inline void scope_closedir(DIR **d)
{
    if (*d != NULL)
        (void)closedir(*d);
}

static inline void scope_json(json_t **j)
{
    json_decref(*j);
}

#define AUTO(fn) __attribute__((cleanup(fn)))
#define AUTO_FREE AUTO(scope_free)
#define AUTO_CLOSE AUTO(scope_close)
#define AUTO_FCLOSE AUTO(scope_fclose)
#define AUTO_CLOSEDIR AUTO(scope_closedir)
#define AUTO_JSON AUTO(scope_json)

#define steal_ptr(pp)                                                                              \
    (__extension__({                                                                               \
        __typeof__(*(pp)) steal_v = *(pp);                                                         \
        *(pp) = NULL;                                                                              \
        steal_v;                                                                                   \
    }))

static inline int steal_fd(int *fd)
{
    int v = *fd;
    *fd = -1;
    return v;
}

#endif
