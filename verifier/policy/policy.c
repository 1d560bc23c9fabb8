/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/policy/policy.h"

#include "base/file.h"
#include "base/version.h"

#include <fnmatch.h>
#include <string.h>

enum { ID_MAX = 1024, NAME_MAX_BYTES = 255, PEM_MAX = 16384 };

static void free_identities(struct policy_identity *list, size_t count)
{
    for (size_t i = 0; list != NULL && i < count; i++) {
        for (size_t k = 0; k < list[i].key_count; k++)
            public_key_free(list[i].keys[k]);
        free(list[i].keys);
    }
    free(list);
}

void policy_free(struct policy *p)
{
    if (p == NULL)
        return;
    free_identities(p->builders, p->builder_count);
    free_identities(p->verifiers, p->verifier_count);
    free(p->artifacts);
    json_decref(p->document);
    free(p);
}

static int decode_keys(const struct jcur *at, struct policy_identity *identity, struct err *e)
{
    size_t n = 0;
    int r = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (r < 0)
        return r;
    if (n == 0)
        return jcur_fail(at, e, "an identity needs at least one key");
    identity->keys = array_new(n, sizeof(struct public_key *));
    if (identity->keys == NULL)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        const char *pem;
        r = jcur_string(&item, PEM_MAX, &pem, e);
        if (r < 0)
            return r;
        struct err inner = ERR_INIT;
        if (public_key_parse(pem, strlen(pem), &identity->keys[i], &inner) < 0)
            return jcur_fail(&item, e, "%s", inner.frame[0]);
        identity->key_count = i + 1;
    }
    return 0;
}

static int decode_identities(const struct jcur *at, struct policy_identity **out, size_t *count,
                             struct err *e)
{
    static const char *const keys[] = {"id", "keys", NULL};
    size_t n = 0;
    int r = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (r < 0)
        return r;
    *out = array_new(n, sizeof(**out));
    if (*out == NULL)
        return err_oom(e);
    *count = n; /* zeroed items are fine to free */
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        struct jcur list;
        r = jcur_object(&item, keys, e);
        if (r == 0)
            r = jcur_get_string(&item, "id", ID_MAX, &(*out)[i].id, e);
        if (r == 0 && (*out)[i].id[0] == 0)
            r = jcur_fail(&item, e, "an empty id");
        for (size_t j = 0; r == 0 && j < i; j++)
            if (strcmp((*out)[j].id, (*out)[i].id) == 0)
                r = jcur_fail(&item, e, "the id '%s' stands twice", (*out)[i].id);
        if (r == 0)
            r = jcur_get(&item, "keys", &list, e);
        if (r == 0)
            r = decode_keys(&list, &(*out)[i], e);
        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_artifacts(const struct jcur *at, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"name", NULL};
    size_t n = 0;
    int r = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (r < 0)
        return r;
    if (n == 0)
        return jcur_fail(at, e, "a policy needs at least one artifact");
    p->artifacts = array_new(n, sizeof(*p->artifacts));
    if (p->artifacts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        r = jcur_object(&item, keys, e);
        if (r == 0)
            r = jcur_get_string(&item, "name", NAME_MAX_BYTES, &p->artifacts[i], e);
        if (r < 0)
            return r;
    }
    p->artifact_count = n;
    return 0;
}

static int decode_rebuilds(const struct jcur *at, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"minimum", "verifiers", NULL};
    struct jcur list;
    int r = jcur_object(at, keys, e);
    if (r == 0)
        r = jcur_get_u64(at, "minimum", POLICY_REBUILDS_MAX, &p->rebuilds_minimum, e);
    if (r == 0 && p->rebuilds_minimum == 0)
        r = jcur_fail(at, e, "minimum must be at least 1: what nobody rebuilt is not verified");
    if (r == 0)
        r = jcur_get(at, "verifiers", &list, e);
    if (r == 0)
        r = decode_identities(&list, &p->verifiers, &p->verifier_count, e);
    return r;
}

static int decode(const struct jcur *root, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"type", "name", "artifacts", "builders", "rebuilds", NULL};
    const char *type;
    struct jcur at;
    p->name = "";
    int r = jcur_object(root, keys, e);
    if (r == 0)
        r = jcur_get_string(root, "type", ID_MAX, &type, e);
    if (r == 0 && strcmp(type, POLICY_TYPE) != 0)
        r = jcur_fail(root, e, "the type is '%s', expected '%s'", type, POLICY_TYPE);
    if (r == 0 && jcur_opt(root, "name", &at))
        r = jcur_string(&at, NAME_MAX_BYTES, &p->name, e);
    if (r == 0)
        r = jcur_get(root, "artifacts", &at, e);
    if (r == 0)
        r = decode_artifacts(&at, p, e);
    if (r == 0)
        r = jcur_get(root, "builders", &at, e);
    if (r == 0)
        r = decode_identities(&at, &p->builders, &p->builder_count, e);
    if (r == 0 && p->builder_count == 0)
        r = jcur_fail(&at, e, "a policy needs at least one builder");
    if (r == 0)
        r = jcur_get(root, "rebuilds", &at, e);
    if (r == 0)
        r = decode_rebuilds(&at, p, e);
    return r;
}

/* What is malformed input elsewhere is a wrong configuration file here. */
static int as_usage(int r, struct err *e)
{
    if (r == -ERR_INPUT) {
        e->code = ERR_USAGE;
        return -ERR_USAGE;
    }
    return r;
}

int policy_parse(const void *data, size_t len, const char *what, struct policy **out, struct err *e)
{
    struct json_limits limits = {.bytes = POLICY_BYTES_MAX, .depth = 16};
    AUTO_POLICY struct policy *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_oom(e);
    int r = json_parse(data, len, what, &limits, &p->document, e);
    if (r == 0)
        r = digest_bytes(DIGEST_SHA256, data, len, &p->digest, e);
    if (r == 0) {
        struct jcur root = jcur_root(p->document, what);
        r = decode(&root, p, e);
    }
    if (r < 0)
        return as_usage(r, e);
    *out = steal_ptr(&p);
    return 0;
}

int policy_read(const char *path, struct policy **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(POLICY_BYTES_MAX);
    int r = file_read(path, &text, e);
    if (r < 0)
        return as_usage(r, e);
    return policy_parse(buf_str(&text), text.len, path, out, e);
}

bool policy_covers(const struct policy *p, const char *artifact_name)
{
    for (size_t i = 0; i < p->artifact_count; i++)
        if (fnmatch(p->artifacts[i], artifact_name, FNM_PATHNAME | FNM_NOESCAPE) == 0)
            return true;
    return false;
}

int policy_find_signer(const struct policy_identity *identities, size_t count,
                       const struct dsse_envelope *envelope, const struct public_key **key,
                       struct err *e)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < identities[i].key_count; k++) {
            struct err inner = ERR_INIT;
            int r = dsse_verify(envelope, identities[i].keys[k], &inner);
            if (r == 0) {
                *key = identities[i].keys[k];
                return 0;
            }
            if (r != -ERR_REJECTED) {
                *e = inner;
                return r;
            }
        }
    *key = NULL;
    return 0;
}

const struct policy_identity *policy_identity_of(const struct policy_identity *identities,
                                                 size_t count, const char *id,
                                                 const struct public_key *key)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(identities[i].id, id) != 0)
            continue;
        for (size_t k = 0; k < identities[i].key_count; k++)
            if (strcmp(public_key_id(identities[i].keys[k]), public_key_id(key)) == 0)
                return &identities[i];
    }
    return NULL;
}
