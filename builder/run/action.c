/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/run/action.h"

#include "base/version.h"

#include <string.h>

enum { ACTION_DIGESTS_MAX = 1 << 20 };

void action_dispose(struct action *a)
{
    step_output_dispose(&a->output);
    free(a->packs);
    memset(a, 0, sizeof(*a));
}

static int read_digests(const struct jcur *c, const char *key, struct digest **out, size_t *count,
                        struct err *e)
{
    struct jcur array;
    int rc = jcur_get(c, key, &array, e);
    if (rc < 0 || (rc = jcur_array(&array, ACTION_DIGESTS_MAX, count, e)) < 0 || *count == 0)
        return rc;
    *out = array_new(*count, sizeof(**out));
    if (*out == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < *count; i++) {
        struct jcur item = jcur_item(&array, i);
        rc = jcur_digest(&item, &(*out)[i], e);
    }
    return rc;
}

static int read_action(json_t *document, struct action *a, struct err *e)
{
    static const char *const keys[] = {"type",      "kind",    "digest", "size",
                                       "locations", "related", "packs",  NULL};
    static const char *const types[] = {ACTION_TYPE, NULL};
    static const char *const kinds[] = {"blob", "tree", NULL};
    struct jcur root = jcur_root(document, "cached action"), type, kind;
    size_t choice;
    int rc;
    if ((rc = jcur_object(&root, keys, e)) < 0 || (rc = jcur_get(&root, "type", &type, e)) < 0 ||
        (rc = jcur_choice(&type, types, &choice, e)) < 0 ||
        (rc = jcur_get(&root, "kind", &kind, e)) < 0 ||
        (rc = jcur_choice(&kind, kinds, &choice, e)) < 0 ||
        (rc = jcur_get_digest(&root, "digest", &a->output.digest, e)) < 0 ||
        (rc = jcur_get_u64(&root, "size", (UINT64_C(1) << 53) - 1, &a->output.size, e)) < 0 ||
        (rc = read_digests(&root, "related", &a->output.related, &a->output.related_count, e)) <
            0 ||
        (rc = read_digests(&root, "packs", &a->packs, &a->pack_count, e)) < 0)
        return rc;
    a->output.kind = choice == 1 ? VALUE_TREE : VALUE_BLOB;
    return choice == 1 ? jcur_get_digest(&root, "locations", &a->output.locations, e) : 0;
}

static bool has_all(struct cas *cas, const struct digest *digests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!cas_has(cas, &digests[i], NULL))
            return false;
    return true;
}

static bool present(struct cas *cas, const struct action *a)
{
    const struct step_output *o = &a->output;
    return cas_has(cas, &o->digest, NULL) && has_all(cas, o->related, o->related_count) &&
           has_all(cas, a->packs, a->pack_count) &&
           (o->kind != VALUE_TREE || cas_has(cas, &o->locations, NULL));
}

int action_find(struct cas *cas, const struct digest *key, enum value_kind gives,
                struct action *out, bool *found, struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    struct action a = {0};
    bool have = false;
    int rc = cas_action_get(cas, key, &document, &have, e);
    if (rc < 0)
        return rc;
    struct err ignored = ERR_INIT;
    *found = have && read_action(document, &a, &ignored) == 0 && a.output.kind == gives &&
             present(cas, &a);
    if (*found)
        *out = a;
    else
        action_dispose(&a);
    return 0;
}

static bool verified(struct cas *cas, const struct digest *digest)
{
    struct err ignored = ERR_INIT;
    AUTO_CLOSE int fd = -1;
    uint64_t size;
    return cas_open_blob(cas, digest, &fd, &size, &ignored) == 0;
}

static bool all_verified(struct cas *cas, const struct digest *digests, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!verified(cas, &digests[i]))
            return false;
    return true;
}

bool action_materialize(struct cas *cas, struct action *a)
{
    struct step_output *o = &a->output;
    if (!verified(cas, &o->digest) || !all_verified(cas, o->related, o->related_count) ||
        !all_verified(cas, a->packs, a->pack_count))
        return false;
    if (o->kind != VALUE_TREE || o->tree != NULL)
        return true;
    struct err ignored = ERR_INIT;
    if (tree_load(cas, &o->digest, &o->locations, &o->tree, &ignored) < 0)
        return false;
    /* The document's list is only a hint: what the tree itself refers to counts. */
    for (size_t i = 0; i < tree_pack_count(o->tree); i++)
        if (!verified(cas, tree_pack(o->tree, (uint32_t)i)))
            return false;
    return true;
}

static int put_digests(json_t *document, const char *key, const struct digest *digests,
                       size_t count, struct err *e)
{
    AUTO_JSON json_t *array = json_array();
    if (array == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        char text[DIGEST_TEXT_MAX];
        int rc = json_push(array, json_string(digest_format(&digests[i], text)), e);
        if (rc < 0)
            return rc;
    }
    return json_put(document, key, steal_ptr(&array), e);
}

static int put_packs(json_t *document, const struct step_output *o, struct err *e)
{
    size_t count = o->tree == NULL ? 0 : tree_pack_count(o->tree);
    AUTO_FREE struct digest *packs = array_new(count == 0 ? 1 : count, sizeof(*packs));
    if (packs == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        packs[i] = *tree_pack(o->tree, (uint32_t)i);
    return put_digests(document, "packs", packs, count, e);
}

void action_remember(struct cas *cas, const struct digest *key, const struct step_output *output)
{
    struct err ignored = ERR_INIT, *e = &ignored;
    AUTO_JSON json_t *document = json_object();
    bool is_tree = output->kind == VALUE_TREE;
    if (document == NULL || json_put_string(document, "type", ACTION_TYPE, e) < 0 ||
        json_put_string(document, "kind", is_tree ? "tree" : "blob", e) < 0 ||
        json_put_digest(document, "digest", &output->digest, e) < 0 ||
        json_put_u64(document, "size", output->size, e) < 0 ||
        (is_tree && json_put_digest(document, "locations", &output->locations, e) < 0) ||
        put_digests(document, "related", output->related, output->related_count, e) < 0 ||
        put_packs(document, output, e) < 0)
        return;
    (void)cas_action_put(cas, key, document, e);
}
