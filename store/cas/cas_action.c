/* SPDX-License-Identifier: Apache-2.0 */
/* The action cache: one small document per step key, believed only when it names its own key. */
#include "store/cas/cas_internal.h"

#include "base/json.h"

#include <string.h>

/* Room for two lists of a million digests (builder/run/action.c); memory is taken as needed. */
enum { ACTION_MAX = 192 * 1024 * 1024 };

static int action_parse(const struct buf *text, const char *key, json_t **out)
{
    struct err ignored = ERR_INIT;
    AUTO_JSON json_t *doc = NULL;
    const struct json_limits limits = {.bytes = ACTION_MAX, .depth = 32};
    static const char *const keys[] = {"key", "value", NULL};
    if (json_parse(buf_str(text), text->len, "action", &limits, &doc, &ignored) < 0)
        return -1;
    struct jcur root = jcur_root(doc, "action");
    struct jcur value;
    const char *has = NULL;
    if (jcur_object(&root, keys, &ignored) < 0 ||
        jcur_get_string(&root, "key", DIGEST_TEXT_MAX, &has, &ignored) < 0 ||
        jcur_get(&root, "value", &value, &ignored) < 0 || strcmp(has, key) != 0)
        return -1;
    *out = json_incref(value.value);
    return 0;
}

int cas_action_get(struct cas *cas, const struct digest *key, json_t **out, bool *found,
                   struct err *e)
{
    char name[DIGEST_TEXT_MAX];
    char text_key[DIGEST_TEXT_MAX];
    AUTO_BUF text = BUF_INIT(ACTION_MAX + 1);
    struct err ignored = ERR_INIT;
    bool there = false;
    (void)e; /* nothing here is worth stopping a build for */
    *found =
        cas->actions >= 0 &&
        cas_read_small(cas, cas->actions, digest_hex(key, name), &text, &there, &ignored) == 0 &&
        there && action_parse(&text, digest_format(key, text_key), out) == 0;
    return 0;
}

int cas_action_put(struct cas *cas, const struct digest *key, const json_t *value, struct err *e)
{
    if (cas->read_only)
        return 0;
    char name[DIGEST_TEXT_MAX];
    AUTO_JSON json_t *doc = json_object();
    AUTO_JSON json_t *copy = json_deep_copy(value);
    if (doc == NULL || copy == NULL)
        return err_oom(e);
    AUTO_BUF text = BUF_INIT(ACTION_MAX);
    int rc = json_put_digest(doc, "key", key, e);
    if (rc == 0)
        rc = json_put(doc, "value", steal_ptr(&copy), e);
    if (rc == 0)
        rc = jcs_format(doc, &text, e);
    /* Not synced: one that a power cut tears is no JSON, and so not found. */
    if (rc == 0)
        rc = cas_replace(cas, cas->actions, digest_hex(key, name), text.data, text.len, false, e);
    return rc;
}
