/* SPDX-License-Identifier: Apache-2.0 */
/* An explanation as Markdown: no foreign text can become markup. */
#include "verifier/explain/explanation_internal.h"

#include <inttypes.h>
#include <string.h>

enum { SCRATCH_MAX = 1 << 20 };

/*
 * Foreign text in a table's cell: all but letters, digits and what cannot mean anything is a
 * character reference, which Markdown never takes for markup.
 */
static int add_cell(const char *text, struct buf *out, struct err *e)
{
    static const char plain[] = "/ -,";
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != 0; p++) {
        unsigned char c = (unsigned char)*p;
        bool safe = c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                    (c >= 'A' && c <= 'Z') || strchr(plain, c) != NULL;
        rc = safe ? buf_add(out, p, 1, e) : buf_addf(out, e, "&#%u;", c);
    }
    return rc;
}

static int add_code(const char *text, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, text == NULL ? "" : "<code>", e);
    if (rc == 0 && text != NULL && (rc = add_cell(text, out, e)) == 0)
        rc = buf_add_str(out, "</code>", e);
    return rc;
}

static int add_path_code(const char *path, struct buf *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(SCRATCH_MAX);
    int rc = explanation_add_path(path[0] == 0 ? "(the whole)" : path, &text, e);
    return rc < 0 ? rc : add_code(buf_str(&text), out, e);
}

static int add_row(const struct group *g, struct buf *out, struct err *e)
{
    AUTO_BUF where = BUF_INIT(SCRATCH_MAX);
    int rc = explanation_add_where(g, &where, e);
    if (rc < 0 || (rc = buf_addf(out, e, "| `%s` | %s", g->cause->id, g->cause->title)) < 0 ||
        (rc = add_cell(buf_str(&where), out, e)) < 0)
        return rc;
    rc = buf_addf(out, e, " | %" PRIu64 " | %s | ", g->bytes,
                  g->cause->weight < CAUSE_SUSPICIOUS ? "yes" : "**no**");
    if (rc == 0)
        rc = add_cell(g->cause->advice, out, e);
    return rc < 0 ? rc : buf_add_str(out, " |\n", e);
}

static int add_samples(const struct group *g, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < g->sample_count; i++) {
        const struct sample *s = &g->samples[i];
        rc = buf_addf(out, e, "| `%s` | ", g->cause->id);
        if (rc == 0 && (rc = add_path_code(s->path, out, e)) == 0 &&
            (rc = buf_add_str(out, " | ", e)) == 0 && (rc = add_code(s->a, out, e)) == 0 &&
            (rc = buf_add_str(out, " | ", e)) == 0 && (rc = add_code(s->b, out, e)) == 0)
            rc = buf_add_str(out, " |\n", e);
    }
    return rc;
}

static int add_details(const struct group *const *list, size_t count, struct buf *out,
                       struct err *e)
{
    int rc = buf_add_str(out,
                         "\n<details><summary>Examples</summary>\n\n"
                         "| cause | where | A | B |\n|---|---|---|---|\n",
                         e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_samples(list[i], out, e);
    return rc < 0 ? rc : buf_add_str(out, "\n</details>\n", e);
}

int explanation_markdown(const struct explanation *x, const char *a, const char *b, struct buf *out,
                         struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    AUTO_BUF line = BUF_INIT(SCRATCH_MAX);
    int rc = explanation_sort(x, &list, e);
    if (rc < 0 || (rc = explanation_line(x, &line, e)) < 0 ||
        (rc = buf_add_str(out, "### ", e)) < 0 || (rc = add_path_code(a, out, e)) < 0 ||
        (rc = buf_add_str(out, " and ", e)) < 0 || (rc = add_path_code(b, out, e)) < 0)
        return rc;
    rc = buf_addf(out, e, "\n\n%s\n", buf_str(&line));
    if (rc < 0 || x->count == 0)
        return rc;
    size_t count = x->count < EXPLANATION_GROUPS_MAX ? x->count : EXPLANATION_GROUPS_MAX;
    rc = buf_add_str(out,
                     "\n| cause | what | bytes | explained | advice |\n|---|---|--:|---|---|\n", e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_row(list[i], out, e);
    if (rc == 0 && x->count > count)
        rc = buf_addf(out, e, "\nand %zu more groups\n", x->count - count);
    return rc < 0 ? rc : add_details(list, count, out, e);
}
