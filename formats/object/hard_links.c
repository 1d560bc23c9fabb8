/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of one file are told alike, whichever of them the format calls the file and which the
 * links: each is a file with the content, and has the first name of all, in the order of names, as
 * its field "links". That a name was stored as a link is a matter of the format.
 */
#include "formats/object/hard_links.h"

#include <string.h>

enum { CHAIN_MAX = 16 };

static struct member *find_member(const struct object *o, const char *path)
{
    size_t low = 0;
    for (size_t high = o->member_count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(o->members[middle].path, path);
        if (order == 0)
            return &o->members[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* The file that a link leads to, over links to links; NULL when it leads to none. */
static struct member *target_of(const struct object *o, const struct member *m)
{
    for (int i = 0; i < CHAIN_MAX; i++) {
        const struct field *link = field_find(m->fields, m->field_count, "link");
        const struct member *next = link == NULL ? NULL : find_member(o, (const char *)link->data);
        if (next == NULL)
            return NULL;
        if (next->type != MEMBER_HARDLINK)
            return next->type == MEMBER_DIRECTORY || next->type == MEMBER_GAP
                       ? NULL
                       : &o->members[next - o->members];
        m = next;
    }
    return NULL;
}

/* The member's fields without "link" and with these, still in the order of names. */
static int set_fields(struct object *o, struct member *m, const char *first, bool was_link,
                      struct err *e)
{
    static const uint8_t link_word[] = "link";
    const struct field added[] = {
        {"links", FIELD_MEANING, FIELD_TEXT, 0, (const uint8_t *)first, strlen(first)},
        {"stored.as", FIELD_FORMAT, FIELD_TEXT, 0, link_word, 4},
    };
    size_t more = was_link ? 2 : 1;
    void *room = NULL;
    size_t size = (m->field_count + more) * sizeof(struct field);
    int rc = arena_take(&o->arena, size, &room, e);
    if (rc < 0 || (rc = budget_memory(o->budget, size, e)) < 0)
        return rc;
    struct field *out = room;
    size_t n = 0;
    size_t k = 0;
    for (size_t i = 0; i < m->field_count; i++) {
        if (was_link && strcmp(m->fields[i].name, "link") == 0)
            continue;
        while (k < more && strcmp(added[k].name, m->fields[i].name) < 0)
            out[n++] = added[k++];
        out[n++] = m->fields[i];
    }
    while (k < more)
        out[n++] = added[k++];
    m->fields = out;
    m->field_count = n;
    return 0;
}

static int join(struct object *o, struct member **targets, const char **first, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < o->member_count; i++) {
        size_t group = targets[i] != NULL ? (size_t)(targets[i] - o->members) : i;
        if (first[group] == NULL)
            first[group] = o->members[i].path;
    }
    /* A file that nothing links to is in its group alone. */
    for (size_t i = 0; i < o->member_count; i++)
        if (targets[i] != NULL)
            targets[targets[i] - o->members] = targets[i];
    for (size_t i = 0; rc == 0 && i < o->member_count; i++) {
        struct member *m = &o->members[i];
        if (targets[i] == NULL)
            continue;
        bool link = m != targets[i];
        if (link) {
            m->type = targets[i]->type;
            m->has_content = targets[i]->has_content;
            m->size = targets[i]->size;
            m->cookie = targets[i]->cookie;
        }
        rc = set_fields(o, m, first[targets[i] - o->members], link, e);
    }
    return rc;
}

int hard_links_join(struct object *o, struct err *e)
{
    size_t links = 0;
    for (size_t i = 0; i < o->member_count; i++)
        links += o->members[i].type == MEMBER_HARDLINK;
    if (links == 0)
        return 0;
    AUTO_FREE struct member **targets = array_new(o->member_count, sizeof(*targets));
    AUTO_FREE const char **first = array_new(o->member_count, sizeof(*first));
    if (targets == NULL || first == NULL)
        return err_oom(e);
    for (size_t i = 0; i < o->member_count; i++)
        if (o->members[i].type == MEMBER_HARDLINK)
            targets[i] = target_of(o, &o->members[i]);
    return join(o, targets, first, e);
}
