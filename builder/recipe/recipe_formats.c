/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe_formats.h"

#include "base/json.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 };

struct choice {
    struct recipe_artifact *items;
    size_t count;
};

static void choice_dispose(struct choice *c)
{
    for (size_t i = 0; i < c->count; i++)
        artifact_dispose(&c->items[i]);
    free(c->items);
}

/* The recipe's own of that name, with its options, or one with none. */
static int choose(struct recipe *r, struct choice *c, const char *name, struct err *e)
{
    struct recipe_artifact *out = &c->items[c->count];
    if (c->count == RECIPE_ARTIFACTS_MAX)
        return err_set(e, ERR_USAGE, "--format: more than %d formats", RECIPE_ARTIFACTS_MAX);
    for (size_t i = 0; i < c->count; i++)
        if (strcmp(c->items[i].kind->name, name) == 0)
            return err_set(e, ERR_USAGE, "--format: '%s' is asked for twice", name);
    for (size_t i = 0; i < r->artifact_count; i++)
        if (r->artifacts[i].kind != NULL && strcmp(r->artifacts[i].kind->name, name) == 0) {
            *out = r->artifacts[i];
            r->artifacts[i] = (struct recipe_artifact){0};
            c->count++;
            return 0;
        }
    c->count++;
    int rc = artifact_default(name, out, e);
    return rc < 0 ? rc : str_copy(&out->at, "--format", e);
}

static int choose_all(struct recipe *r, struct choice *c, const char *list, struct err *e)
{
    for (;;) {
        size_t len = strcspn(list, ",");
        char name[NAME_MAX_BYTES];
        if (len == 0 || len >= sizeof(name))
            return err_set(e, ERR_USAGE, "--format: '%.64s' is no list of formats", list);
        memcpy(name, list, len);
        name[len] = '\0';
        int rc = choose(r, c, name, e);
        if (rc < 0 || list[len] == '\0')
            return rc;
        list += len + 1;
    }
}

int recipe_choose_formats(struct recipe *r, const char *const *formats, size_t count, struct err *e)
{
    AUTO(choice_dispose) struct choice c = {0};
    int rc = 0;
    c.items = array_new(RECIPE_ARTIFACTS_MAX + 1, sizeof(*c.items));
    if (c.items == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = choose_all(r, &c, formats[i], e);
    if (rc < 0)
        return rc;
    struct choice old = {r->artifacts, r->artifact_count};
    r->artifacts = c.items;
    r->artifact_count = c.count;
    c = old;
    return 0;
}

/* What was written for the artifact; NULL: nothing. Borrowed. */
static json_t *written(const json_t *list, const char *name)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        const char *text = json_string_value(item);
        if ((text != NULL && strcmp(text, name) == 0) || json_object_get(item, name) != NULL)
            return item;
    }
    return NULL;
}

int recipe_document_formats(struct recipe *r, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < r->artifact_count; i++) {
        const char *name = r->artifacts[i].kind->name;
        json_t *item = written(json_object_get(r->document, "artifacts"), name);
        rc = json_push(list, item != NULL ? json_incref(item) : json_string(name), e);
    }
    return rc < 0 ? rc : json_put(r->document, "artifacts", steal_ptr(&list), e);
}
