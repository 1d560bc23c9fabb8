/* SPDX-License-Identifier: Apache-2.0 */
/* registries.json, and --mirror: what is taken names hosts and places only. */
#include "base/buf.h"
#include "net/registry/mirrors.h"
#include "net/registry/reference.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct mirrors *m)
{
    struct err e = ERR_INIT;
    struct reference r;
    if (m->count > MIRRORS_MAX || m->plain_count > MIRRORS_MAX)
        abort();
    for (size_t i = 0; i < m->count; i++)
        if (!reference_host_valid(m->items[i].registry) ||
            reference_place(m->items[i].place, "", &r, &e) != 0)
            abort();
    for (size_t i = 0; i < m->plain_count; i++)
        if (!reference_host_valid(m->plain[i]))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_MIRRORS file = {0};
    AUTO_MIRRORS option = {0};
    AUTO_FREE char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    int rc = mirrors_parse(text, size, "registries.json", &file, &e);
    if (rc != 0 && e.code != ERR_USAGE)
        abort();
    check(&file);
    if (mirrors_add(&option, text, true, &e) != 0 && e.code != ERR_USAGE)
        abort();
    check(&option);
    return 0;
}
