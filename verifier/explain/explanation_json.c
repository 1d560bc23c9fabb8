/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as JSON, by schemas/explanation.schema.json. */
#include "base/json.h"
#include "verifier/explain/explanation_internal.h"

/* Paths are raw bytes: what is no UTF-8 is shown as \xNN, and so is the backslash then. */
static int json_put_text(json_t *o, const char *key, const char *text, struct err *e)
{
    json_t *plain = json_string(text);
    if (plain != NULL)
        return json_put(o, key, plain, e);
    AUTO_BUF shown = BUF_INIT((size_t)1 << 20);
    int rc = 0;
    for (const unsigned char *p = (const unsigned char *)text; rc == 0 && *p != 0; p++)
        rc = *p >= 0x80 || *p == '\\' ? buf_addf(&shown, e, "\\x%02x", *p)
                                      : buf_add(&shown, p, 1, e);
    return rc < 0 ? rc : json_put_string(o, key, buf_str(&shown), e);
}

static int json_sample(const struct sample *s, json_t *list, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (o == NULL)
        return err_oom(e);
    int rc = json_put_text(o, "path", s->path, e);
    if (rc == 0 && s->a != NULL)
        rc = json_put_text(o, "a", s->a, e);
    if (rc == 0 && s->b != NULL)
        rc = json_put_text(o, "b", s->b, e);
    return rc < 0 ? rc : json_push(list, steal_ptr(&o), e);
}

static int json_group(const struct group *g, json_t *list, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *samples = json_array();
    if (o == NULL || samples == NULL)
        return err_oom(e);
    int rc = json_put_string(o, "id", g->cause->id, e);
    if (rc < 0 || (rc = json_put_text(o, "in", g->where, e)) < 0 ||
        (rc = json_put_text(o, "field", g->field, e)) < 0 ||
        (rc = json_put_u64(o, "count", g->count, e)) < 0 ||
        (rc = json_put_u64(o, "bytes", g->bytes, e)) < 0 ||
        (rc = json_put(o, "explains_fully", json_boolean(g->cause->weight < CAUSE_SUSPICIOUS), e)) <
            0 ||
        (rc = json_put_string(o, "advice", g->cause->advice, e)) < 0)
        return rc;
    if (g->cause->command != NULL)
        rc = json_put_string(o, "command", g->cause->command, e);
    for (size_t k = 0; rc == 0 && k < g->sample_count; k++)
        rc = json_sample(&g->samples[k], samples, e);
    if (rc < 0 || (rc = json_put(o, "sample", steal_ptr(&samples), e)) < 0)
        return rc;
    return json_push(list, steal_ptr(&o), e);
}

static int json_budget(const struct explanation *x, json_t *document, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (o == NULL)
        return err_oom(e);
    int rc = json_put_u64(o, "decoded", x->budget->decoded_used, e);
    if (rc == 0)
        rc = json_put(o, "truncated", json_boolean(x->budget->hit != NULL), e);
    if (rc == 0 && x->budget->hit != NULL)
        rc = json_put_string(o, "hit", x->budget->hit, e);
    return rc < 0 ? rc : json_put(document, "budget", steal_ptr(&o), e);
}

int explanation_json(const struct explanation *x, json_t **out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *causes_list = json_array();
    AUTO_JSON json_t *unexplained = json_object();
    if (o == NULL || causes_list == NULL || unexplained == NULL)
        return err_oom(e);
    int rc = explanation_sort(x, &list, e);
    for (size_t i = 0; rc == 0 && i < x->count && i < EXPLANATION_GROUPS_MAX; i++)
        rc = json_group(list[i], causes_list, e);
    size_t left = x->count > EXPLANATION_GROUPS_MAX ? x->count - EXPLANATION_GROUPS_MAX : 0;
    if (rc < 0 ||
        (rc = json_put_string(o, "verdict", explanation_verdict_name(explanation_verdict(x)), e)) <
            0 ||
        (rc = json_put(o, "causes", steal_ptr(&causes_list), e)) < 0 ||
        (rc = json_put_u64(o, "groups_left_out", left, e)) < 0 ||
        (rc = json_put_u64(unexplained, "count", x->unexplained_count, e)) < 0 ||
        (rc = json_put_u64(unexplained, "bytes", x->unexplained_bytes, e)) < 0 ||
        (rc = json_put(o, "unexplained", steal_ptr(&unexplained), e)) < 0 ||
        (rc = json_budget(x, o, e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}
