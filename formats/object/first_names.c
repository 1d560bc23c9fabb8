/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/first_names.h"

#include "base/buf.h"

#include <string.h>

static struct first_name *slot_of(const struct first_names *t, uint64_t number)
{
    size_t i = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (t->size - 1);
    while (t->slots[i].number != 0 && t->slots[i].number != number)
        i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

static int grow(struct first_names *t, struct err *e)
{
    struct first_names wider = {.size = t->size == 0 ? 1024 : t->size * 2, .count = t->count};
    wider.slots = array_new(wider.size, sizeof(*wider.slots));
    if (wider.slots == NULL)
        return err_oom(e);
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].number != 0)
            *slot_of(&wider, t->slots[i].number) = t->slots[i];
    free(t->slots);
    *t = wider;
    return 0;
}

int first_names_meet(struct first_names *t, uint64_t number, const char *path,
                     struct budget *budget, const char **out, struct err *e)
{
    int rc = t->count * 2 < t->size ? 0 : grow(t, e);
    if (rc < 0)
        return rc;
    struct first_name *slot = slot_of(t, number);
    *out = slot->path;
    if (slot->number != 0)
        return 0;
    if ((rc = budget_memory(budget, strlen(path) + sizeof(*slot), e)) < 0 ||
        (rc = str_copy(&slot->path, path, e)) < 0)
        return rc;
    slot->number = number;
    t->count++;
    return 0;
}

void first_names_dispose(struct first_names *t)
{
    for (size_t i = 0; i < t->size; i++)
        free(t->slots[i].path);
    free(t->slots);
    *t = (struct first_names){0};
}
