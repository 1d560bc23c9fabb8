/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as lines for people. */
#include "verifier/explain/explanation_internal.h"

#include <inttypes.h>

int explanation_add_path(const char *path, struct buf *out, struct err *e)
{
    char piece[TEXT_ESCAPE_MAX];
    int rc = 0;
    for (size_t n; rc == 0 && (n = text_escape(path, piece)) > 0; path += n)
        rc = buf_add_str(out, piece, e);
    return rc;
}

int explanation_line(const struct explanation *x, struct buf *out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    enum explanation_verdict v = explanation_verdict(x);
    int rc = explanation_sort(x, &list, e);
    if (rc < 0 || (rc = buf_add_str(out, explanation_verdict_name(v), e)) < 0)
        return rc;
    if (v == EXPLANATION_IDENTICAL)
        return 0;
    rc = buf_addf(out, e, ": %" PRIu64 " %s", x->differences,
                  x->differences == 1 ? "difference" : "differences");
    if (rc == 0 && x->unexplained_count > 0)
        rc = buf_addf(out, e, ", %" PRIu64 " that nothing explains", x->unexplained_count);
    else if (rc == 0)
        rc = buf_add_str(out, ", each explained", e);
    return rc < 0 ? rc : buf_addf(out, e, "; most: %s", list[0]->cause->title);
}

static int text_sample(const struct sample *s, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, "    ", e);
    if (rc == 0)
        rc = explanation_add_path(s->path[0] == 0 ? "(the whole)" : s->path, out, e);
    if (rc == 0 && s->a != NULL)
        rc = buf_addf(out, e, "  %s", s->a);
    if (rc == 0 && s->b != NULL)
        rc = buf_addf(out, e, " → %s", s->b);
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

int explanation_add_where(const struct group *g, struct buf *out, struct err *e)
{
    int rc = 0;
    if (g->field[0] != 0 && (rc = buf_add_str(out, " (", e)) == 0 &&
        (rc = explanation_add_path(g->field, out, e)) == 0)
        rc = buf_add_str(out, ")", e);
    if (rc == 0 && g->where[0] != 0 && (rc = buf_add_str(out, " in ", e)) == 0)
        rc = explanation_add_path(g->where, out, e);
    if (rc == 0)
        rc = buf_addf(out, e, ", %" PRIu64 " %s", g->count, g->count == 1 ? "time" : "times");
    return rc < 0 || !g->constant ? rc : buf_addf(out, e, ", each %+" PRId64 " s", g->delta);
}

int explanation_text(const struct explanation *x, struct buf *out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    int rc = explanation_sort(x, &list, e);
    for (size_t i = 0; rc == 0 && i < x->count && i < EXPLANATION_GROUPS_MAX; i++) {
        const struct group *g = list[i];
        rc = buf_addf(out, e, "%s: %s", g->cause->id, g->cause->title);
        if (rc < 0 || (rc = explanation_add_where(g, out, e)) < 0)
            return rc;
        rc = buf_add_str(out, "\n", e);
        for (size_t k = 0; rc == 0 && k < g->sample_count; k++)
            rc = text_sample(&g->samples[k], out, e);
        if (rc == 0 && g->count > g->sample_count)
            rc = buf_addf(out, e, "    … and %" PRIu64 " more\n", g->count - g->sample_count);
        if (rc == 0)
            rc = buf_addf(out, e, "    advice: %s\n", g->cause->advice);
        if (rc == 0 && g->cause->command != NULL)
            rc = buf_addf(out, e, "    e.g. %s\n", g->cause->command);
    }
    if (rc == 0 && x->count > EXPLANATION_GROUPS_MAX)
        rc = buf_addf(out, e, "… and %zu more groups\n", x->count - EXPLANATION_GROUPS_MAX);
    return rc;
}
