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
    int rc = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (rc < 0)
        return rc;
    if (n == 0)
        return jcur_fail(at, e, "an identity needs at least one key");
    identity->keys = array_new(n, sizeof(struct public_key *));
    if (identity->keys == NULL)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        const char *pem;
        rc = jcur_string(&item, PEM_MAX, &pem, e);
        if (rc < 0)
            return rc;
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
    int rc = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (rc < 0)
        return rc;
    *out = array_new(n, sizeof(**out));
    if (*out == NULL)
        return err_oom(e);
    *count = n; /* zeroed items are fine to free */
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        struct jcur list;
        rc = jcur_object(&item, keys, e);
        if (rc == 0)
            rc = jcur_get_string(&item, "id", ID_MAX, &(*out)[i].id, e);
        if (rc == 0 && (*out)[i].id[0] == 0)
            rc = jcur_fail(&item, e, "an empty id");
        for (size_t j = 0; rc == 0 && j < i; j++)
            if (strcmp((*out)[j].id, (*out)[i].id) == 0)
                rc = jcur_fail(&item, e, "the id '%s' stands twice", (*out)[i].id);
        if (rc == 0)
            rc = jcur_get(&item, "keys", &list, e);
        if (rc == 0)
            rc = decode_keys(&list, &(*out)[i], e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int decode_artifacts(const struct jcur *at, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"name", NULL};
    size_t n = 0;
    int rc = jcur_array(at, POLICY_ITEMS_MAX, &n, e);
    if (rc < 0)
        return rc;
    if (n == 0)
        return jcur_fail(at, e, "a policy needs at least one artifact");
    p->artifacts = array_new(n, sizeof(*p->artifacts));
    if (p->artifacts == NULL)
        return err_oom(e);
    for (size_t i = 0; i < n; i++) {
        struct jcur item = jcur_item(at, i);
        rc = jcur_object(&item, keys, e);
        if (rc == 0)
            rc = jcur_get_string(&item, "name", NAME_MAX_BYTES, &p->artifacts[i], e);
        if (rc < 0)
            return rc;
    }
    p->artifact_count = n;
    return 0;
}

static int decode_rebuilds(const struct jcur *at, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"minimum", "verifiers", NULL};
    struct jcur list;
    int rc = jcur_object(at, keys, e);
    if (rc == 0)
        rc = jcur_get_u64(at, "minimum", POLICY_REBUILDS_MAX, &p->rebuilds_minimum, e);
    if (rc == 0 && p->rebuilds_minimum == 0)
        rc = jcur_fail(at, e, "minimum must be at least 1: what nobody rebuilt is not verified");
    if (rc == 0)
        rc = jcur_get(at, "verifiers", &list, e);
    if (rc == 0)
        rc = decode_identities(&list, &p->verifiers, &p->verifier_count, e);
    return rc;
}

static int decode(const struct jcur *root, struct policy *p, struct err *e)
{
    static const char *const keys[] = {"type", "name", "artifacts", "builders", "rebuilds", NULL};
    const char *type;
    struct jcur at;
    p->name = "";
    int rc = jcur_object(root, keys, e);
    if (rc == 0)
        rc = jcur_get_string(root, "type", ID_MAX, &type, e);
    if (rc == 0 && strcmp(type, POLICY_TYPE) != 0)
        rc = jcur_fail(root, e, "the type is '%s', expected '%s'", type, POLICY_TYPE);
    if (rc == 0 && jcur_opt(root, "name", &at))
        rc = jcur_string(&at, NAME_MAX_BYTES, &p->name, e);
    if (rc == 0)
        rc = jcur_get(root, "artifacts", &at, e);
    if (rc == 0)
        rc = decode_artifacts(&at, p, e);
    if (rc == 0)
        rc = jcur_get(root, "builders", &at, e);
    if (rc == 0)
        rc = decode_identities(&at, &p->builders, &p->builder_count, e);
    if (rc == 0 && p->builder_count == 0)
        rc = jcur_fail(&at, e, "a policy needs at least one builder");
    if (rc == 0)
        rc = jcur_get(root, "rebuilds", &at, e);
    if (rc == 0)
        rc = decode_rebuilds(&at, p, e);
    return rc;
}

/* What is malformed input elsewhere is a wrong configuration file here. */
static int as_usage(int rc, struct err *e)
{
    return rc == -ERR_INPUT ? err_recode(e, ERR_USAGE) : rc;
}

int policy_parse(const void *data, size_t len, const char *what, struct policy **out, struct err *e)
{
    struct json_limits limits = {.bytes = POLICY_BYTES_MAX, .depth = 16};
    AUTO_POLICY struct policy *p = calloc(1, sizeof(*p));
    if (p == NULL)
        return err_oom(e);
    int rc = json_parse(data, len, what, &limits, &p->document, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, data, len, &p->digest, e);
    if (rc == 0) {
        struct jcur root = jcur_root(p->document, what);
        rc = decode(&root, p, e);
    }
    if (rc < 0)
        return as_usage(rc, e);
    *out = steal_ptr(&p);
    return 0;
}

int policy_read(const char *path, struct policy **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(POLICY_BYTES_MAX);
    int rc = file_read(path, &text, e);
    if (rc < 0)
        return as_usage(rc, e);
    return policy_parse(buf_str(&text), text.len, path, out, e);
}

bool policy_covers(const struct policy *p, const char *artifact_name)
{
    for (size_t i = 0; i < p->artifact_count; i++)
        if (fnmatch(p->artifacts[i], artifact_name, FNM_PATHNAME | FNM_NOESCAPE) == 0)
            return true;
    return false;
}

bool policy_has_key(const struct policy_identity *identities, size_t count,
                    const struct public_key *key)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < identities[i].key_count; k++)
            if (public_key_equal(identities[i].keys[k], key))
                return true;
    return false;
}

static size_t count_keys(const struct policy_identity *identities, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        n += identities[i].key_count;
    return n;
}

int policy_find_signers(const struct policy_identity *identities, size_t count,
                        const struct dsse_envelope *envelope, struct policy_signers *out,
                        struct err *e)
{
    size_t most = count_keys(identities, count);
    AUTO_FREE struct policy_signer *all = array_new(most, sizeof(*all));
    AUTO_FREE const struct public_key **keys = array_new(most, sizeof(const struct public_key *));
    AUTO_FREE bool *signed_by = array_new(most, sizeof(*signed_by));
    size_t n = 0;
    if (all == NULL || keys == NULL || signed_by == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < identities[i].key_count; k++) {
            keys[n] = identities[i].keys[k];
            all[n++] =
                (struct policy_signer){.identity = &identities[i], .key = identities[i].keys[k]};
        }
    int rc = dsse_signers(envelope, keys, most, signed_by, e);
    if (rc != 0)
        return rc;
    n = 0;
    for (size_t i = 0; i < most; i++)
        if (signed_by[i])
            all[n++] = all[i];
    policy_signers_dispose(out);
    *out = (struct policy_signers){.items = steal_ptr(&all), .count = n};
    return 0;
}

const struct policy_signer *policy_signer_for(const struct policy_signers *signers, const char *id)
{
    for (size_t i = 0; i < signers->count; i++)
        if (strcmp(signers->items[i].identity->id, id) == 0)
            return &signers->items[i];
    return NULL;
}

void policy_signers_dispose(struct policy_signers *signers)
{
    free(steal_ptr(&signers->items));
    signers->count = 0;
}
