/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An explanation as one page that a person attaches to a ticket: no script, nothing loaded, nothing
 * that depends on when or where it was made.
 */
#include "base/version.h"
#include "verifier/explain/explanation_internal.h"

#include <inttypes.h>
#include <string.h>

enum { SCRATCH_MAX = 1 << 20, HEX_WIDTH = 8, TREE_DEPTH_MAX = 64 };

static const char page_style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--paper:#fff;--dim:#57606a;--line:#d0d7de;"
    "--soft:#f6f8fa;--good:#1a7f37;--bad:#b3261e;--mark:#fff1a8;--markink:#1b1f24}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--paper:#0d1117;--dim:#9da7b3;"
    "--line:#30363d;--soft:#161b22;--good:#56d364;--bad:#ff8a80;--mark:#5c4a00;--markink:#fff}}\n"
    "body{margin:0 auto;max-width:72rem;padding:1rem;font:1rem/1.5 system-ui,sans-serif;"
    "color:var(--ink);background:var(--paper)}\n"
    "h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.15rem;margin:1.5rem 0 .25rem}\n"
    "code,pre{font-family:ui-monospace,monospace;font-size:.875rem}code{overflow-wrap:anywhere}\n"
    "pre{margin:0;padding:.5rem;background:var(--soft);overflow-x:auto;white-space:pre}\n"
    ".verdict{font-weight:600;border-left:.4rem solid var(--dim);padding:.25rem .75rem}\n"
    ".identical,.equivalent{border-color:var(--good)}.differs{border-color:var(--bad)}\n"
    ".weighs{color:var(--bad)}.dim{color:var(--dim)}a{color:inherit}\n"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}\n"
    "caption{text-align:left;color:var(--dim)}\n"
    "th,td{border:1px solid var(--line);padding:.25rem .5rem;text-align:left;vertical-align:top}\n"
    "th{background:var(--soft)}h1 code,h2 code{font-size:inherit}td.n{text-align:right}\n"
    ".pair{display:grid;gap:.5rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,22rem),"
    "1fr))}\nfigure{margin:.5rem 0;min-width:0}mark{background:var(--mark);color:var(--markink)}\n"
    ".tree,.tree ul{list-style:none;padding-left:1rem;border-left:1px solid var(--line)}\n"
    "@media print{body{max-width:none}pre,.wide{overflow:visible;white-space:pre-wrap}"
    "section{break-inside:avoid-page}}\n";

static int add_html(const char *text, struct buf *out, struct err *e)
{
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != 0; p++) {
        const char *name = *p == '&'    ? "&amp;"
                           : *p == '<'  ? "&lt;"
                           : *p == '>'  ? "&gt;"
                           : *p == '"'  ? "&quot;"
                           : *p == '\'' ? "&#39;"
                                        : NULL;
        rc = name != NULL ? buf_add_str(out, name, e) : buf_add(out, p, 1, e);
    }
    return rc;
}

/* TAG around what is already harmless for a terminal. */
static int add_element(const char *open, const char *text, const char *close, struct buf *out,
                       struct err *e)
{
    int rc = buf_add_str(out, open, e);
    if (rc == 0 && (rc = add_html(text, out, e)) == 0)
        rc = buf_add_str(out, close, e);
    return rc;
}

static int add_path(const char *path, struct buf *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(SCRATCH_MAX);
    int rc = explanation_add_path(path[0] == 0 ? "(the whole)" : path, &text, e);
    return rc < 0 ? rc : add_element("<code>", buf_str(&text), "</code>", out, e);
}

/* ---- the bytes ---------------------------------------------------------------------------- */

static bool is_marked(const struct shown *h, size_t i)
{
    return i >= h->from && i < h->to;
}

static int add_hex_line(const struct shown *h, size_t at, struct buf *out, struct err *e)
{
    size_t end = at + HEX_WIDTH < h->len ? at + HEX_WIDTH : h->len;
    int rc = buf_addf(out, e, "%08" PRIx64 " ", h->offset + at);
    for (size_t i = at; rc == 0 && i < end; i++)
        rc = buf_addf(out, e, is_marked(h, i) ? " <mark>%02x</mark>" : " %02x", h->bytes[i]);
    if (rc == 0)
        rc = buf_addf(out, e, "%*s  ", (int)(3 * (at + HEX_WIDTH - end)), "");
    for (size_t i = at; rc == 0 && i < end; i++) {
        char text[2] = {(char)(h->bytes[i] >= 0x20 && h->bytes[i] < 0x7f ? h->bytes[i] : '.'), 0};
        rc = is_marked(h, i) ? add_element("<mark>", text, "</mark>", out, e)
                             : add_html(text, out, e);
    }
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

static int add_hex(const struct shown *h, const char *side, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e,
                      "<figure><figcaption>%s, from byte %" PRIu64 "</figcaption>"
                      "<pre tabindex=\"0\" aria-label=\"bytes of %s\">",
                      side, h->offset, side);
    for (size_t at = 0; rc == 0 && at < h->len; at += HEX_WIDTH)
        rc = add_hex_line(h, at, out, e);
    if (rc == 0 && h->len == 0)
        rc = buf_add_str(out, "nothing\n", e);
    return rc < 0 ? rc : buf_add_str(out, "</pre></figure>\n", e);
}

static int add_bytes(const struct sample *s, struct buf *out, struct err *e)
{
    if (s->hex == NULL)
        return 0;
    int rc = buf_add_str(out, "<p>", e);
    if (rc < 0 || (rc = add_path(s->path, out, e)) < 0 ||
        (rc = buf_add_str(out, "</p>\n<div class=\"pair\">\n", e)) < 0 ||
        (rc = add_hex(&s->hex[0], "A", out, e)) < 0 || (rc = add_hex(&s->hex[1], "B", out, e)) < 0)
        return rc;
    return buf_add_str(out, "</div>\n", e);
}

/* ---- the causes --------------------------------------------------------------------------- */

static int add_side(const char *text, struct buf *out, struct err *e)
{
    return text == NULL ? buf_add_str(out, "<td class=\"dim\">nothing</td>", e)
                        : add_element("<td><code>", text, "</code></td>", out, e);
}

static int add_sample(const struct sample *s, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, "<tr><td>", e);
    if (rc < 0 || (rc = add_path(s->path, out, e)) < 0 || (rc = buf_add_str(out, "</td>", e)) < 0 ||
        (rc = add_side(s->a, out, e)) < 0 || (rc = add_side(s->b, out, e)) < 0)
        return rc;
    return buf_add_str(out, "</tr>\n", e);
}

static int add_samples(const struct group *g, size_t number, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e,
                      "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
                      "aria-label=\"examples of cause %zu\">\n<table>\n<caption>%zu of %" PRIu64
                      "</caption>\n<thead><tr><th scope=\"col\">where</th><th scope=\"col\">A</th>"
                      "<th scope=\"col\">B</th></tr></thead>\n<tbody>\n",
                      number, g->sample_count, g->count);
    for (size_t i = 0; rc == 0 && i < g->sample_count; i++)
        rc = add_sample(&g->samples[i], out, e);
    if (rc == 0)
        rc = buf_add_str(out, "</tbody>\n</table>\n</div>\n", e);
    for (size_t i = 0; rc == 0 && i < g->sample_count; i++)
        rc = add_bytes(&g->samples[i], out, e);
    return rc;
}

static int add_group(const struct group *g, size_t number, struct buf *out, struct err *e)
{
    AUTO_BUF where = BUF_INIT(SCRATCH_MAX);
    bool weighs = g->cause->weight >= CAUSE_SUSPICIOUS;
    int rc = explanation_add_where(g, &where, e);
    if (rc < 0 ||
        (rc = buf_addf(out, e,
                       "<section aria-labelledby=\"cause-%zu\">\n<h2 id=\"cause-%zu\"%s>"
                       "<code>%s</code> ",
                       number, number, weighs ? " class=\"weighs\"" : "", g->cause->id)) < 0 ||
        (rc = add_element("", g->cause->title, "</h2>\n", out, e)) < 0 ||
        (rc = add_element("<p>", buf_str(&where) + strspn(buf_str(&where), " ,"), "</p>\n", out,
                          e)) < 0 ||
        (rc = add_element("<p>Advice: ", g->cause->advice, ".", out, e)) < 0)
        return rc;
    if (g->cause->command != NULL)
        rc = add_element(" <code>", g->cause->command, "</code>", out, e);
    if (rc == 0 && (rc = buf_add_str(out, "</p>\n", e)) == 0)
        rc = add_samples(g, number, out, e);
    return rc < 0 ? rc : buf_add_str(out, "</section>\n", e);
}

static int add_overview_row(const struct group *g, size_t number, struct buf *out, struct err *e)
{
    AUTO_BUF where = BUF_INIT(SCRATCH_MAX);
    int rc = explanation_add_where(g, &where, e);
    if (rc == 0)
        rc = buf_addf(out, e, "<tr><td><a href=\"#cause-%zu\"><code>%s</code></a></td><td>", number,
                      g->cause->id);
    if (rc == 0 && (rc = add_html(g->cause->title, out, e)) == 0)
        rc = add_html(buf_str(&where), out, e);
    return rc < 0 ? rc
                  : buf_addf(out, e, "</td><td class=\"n\">%" PRIu64 "</td><td>%s</td></tr>\n",
                             g->bytes,
                             g->cause->weight < CAUSE_SUSPICIOUS
                                 ? "yes"
                                 : "<strong class=\"weighs\">no</strong>");
}

static int add_overview(const struct explanation *x, const struct group *const *list, size_t count,
                        struct buf *out, struct err *e)
{
    int rc = buf_add_str(
        out,
        "<section aria-labelledby=\"overview\">\n<h2 id=\"overview\">Causes</h2>\n"
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" "
        "aria-label=\"table of causes\">\n<table>\n<thead><tr><th scope=\"col\">cause</th>"
        "<th scope=\"col\">what</th><th scope=\"col\">bytes</th>"
        "<th scope=\"col\">explained</th></tr></thead>\n<tbody>\n",
        e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_overview_row(list[i], i + 1, out, e);
    if (rc == 0)
        rc = buf_add_str(out, "</tbody>\n</table>\n</div>\n", e);
    if (rc == 0 && x->count > count)
        rc = buf_addf(out, e, "<p>and %zu more groups</p>\n", x->count - count);
    return rc < 0 ? rc : buf_add_str(out, "</section>\n", e);
}

/* ---- the tree of what changed -------------------------------------------------------------- */

/* The slash before all else, so that a directory's members follow it. */
static int compare_places(const void *left, const void *right)
{
    const struct place_found *a = left;
    const struct place_found *b = right;
    const unsigned char *p = (const unsigned char *)a->path;
    const unsigned char *q = (const unsigned char *)b->path;
    while (*p != 0 && *p == *q)
        p++, q++;
    int x = *p == '/' ? 1 : *p;
    int y = *q == '/' ? 1 : *q;
    return x != y ? x - y : strcmp(a->cause->id, b->cause->id);
}

/* The length of the first part of a path, and where the next begins. */
static size_t part_of(const char *path, const char **next)
{
    const char *slash = strchr(path, '/');
    const char *mark = strstr(path, PART_MARK);
    if (mark != NULL && (slash == NULL || mark < slash)) {
        *next = mark + sizeof(PART_MARK) - 1;
        return (size_t)(mark - path);
    }
    *next = slash == NULL ? path + strlen(path) : slash + 1;
    return slash == NULL ? strlen(path) : (size_t)(slash - path);
}

struct open_part {
    const char *text;
    size_t len;
};

/* `depth` items are open, and `lists` lists: that of the last item's members as well, or not. */
struct tree_page {
    struct open_part open[TREE_DEPTH_MAX];
    size_t depth;
    size_t lists;
    struct buf *out;
};

static int close_parts(struct tree_page *t, size_t depth, struct err *e)
{
    int rc = 0;
    for (; rc == 0 && t->depth > depth; t->depth--) {
        rc = buf_add_str(t->out, t->lists > t->depth ? "</ul></li>\n" : "</li>\n", e);
        t->lists = t->depth;
    }
    return rc;
}

static int open_part(struct tree_page *t, const char *text, size_t len, struct err *e)
{
    AUTO_BUF part = BUF_INIT(SCRATCH_MAX);
    int rc = buf_add(&part, text, len, e);
    if (rc == 0 && t->lists == t->depth) {
        rc = buf_add_str(t->out, t->lists == 0 ? "<ul class=\"tree\">\n" : "\n<ul>\n", e);
        t->lists++;
    }
    if (rc < 0)
        return rc;
    t->open[t->depth++] = (struct open_part){text, len};
    rc = buf_add_str(t->out, "<li>", e);
    return rc < 0 ? rc : add_path(buf_str(&part), t->out, e);
}

/* Closes what the path is not in, opens the rest of it. */
static int add_place(struct tree_page *t, const struct place_found *p, struct err *e)
{
    const char *at = p->path;
    const char *next = NULL;
    size_t level = 0;
    size_t len = part_of(at, &next);
    while (level < t->depth && *at != 0 && t->open[level].len == len &&
           memcmp(t->open[level].text, at, len) == 0) {
        level++;
        at = next;
        len = part_of(at, &next);
    }
    int rc = close_parts(t, level, e);
    if (rc == 0 && p->path[0] == 0 && t->depth == 0)
        rc = open_part(t, p->path, 0, e);
    while (rc == 0 && *at != 0) {
        bool last = t->depth == TREE_DEPTH_MAX - 1;
        rc = open_part(t, at, last ? strlen(at) : len, e);
        at = last ? "" : next;
        len = part_of(at, &next);
    }
    return rc < 0 ? rc
                  : buf_addf(t->out, e, " <span class=\"%s\">%s</span>",
                             p->cause->weight < CAUSE_SUSPICIOUS ? "dim" : "weighs", p->cause->id);
}

static int add_tree(const struct explanation *x, struct buf *out, struct err *e)
{
    AUTO_FREE struct place_found *list = array_new(x->place_count + 1, sizeof(*list));
    struct tree_page t = {.out = out};
    if (list == NULL)
        return err_oom(e);
    memcpy(list, x->places, x->place_count * sizeof(*list));
    qsort(list, x->place_count, sizeof(*list), compare_places);
    int rc = buf_add_str(
        out, "<section aria-labelledby=\"tree\">\n<h2 id=\"tree\">What changed</h2>\n", e);
    for (size_t i = 0; rc == 0 && i < x->place_count; i++)
        rc = add_place(&t, &list[i], e);
    if (rc < 0 || (rc = close_parts(&t, 0, e)) < 0 ||
        (rc = buf_add_str(out, t.lists == 0 ? "" : "</ul>\n", e)) < 0)
        return rc;
    if (x->places_left_out > 0)
        rc = buf_addf(out, e, "<p>and %" PRIu64 " more differences</p>\n", x->places_left_out);
    return rc < 0 ? rc : buf_add_str(out, "</section>\n", e);
}

/* ---- the page ------------------------------------------------------------------------------ */

static int add_head(const struct explanation *x, const char *a, const char *b, struct buf *out,
                    struct err *e)
{
    AUTO_BUF line = BUF_INIT(SCRATCH_MAX);
    const char *verdict = explanation_verdict_name(explanation_verdict(x));
    int rc = explanation_line(x, &line, e);
    if (rc == 0)
        rc = buf_addf(out, e,
                      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n"
                      "<title>assay diff: %s</title>\n<style>\n%s</style>\n</head>\n<body>\n"
                      "<header>\n<h1>",
                      verdict, page_style);
    if (rc < 0 || (rc = add_path(a, out, e)) < 0 || (rc = buf_add_str(out, " and ", e)) < 0 ||
        (rc = add_path(b, out, e)) < 0 ||
        (rc = buf_addf(out, e, "</h1>\n<p class=\"verdict %s\">", verdict)) < 0)
        return rc;
    rc = add_element("", buf_str(&line), "</p>\n", out, e);
    if (rc == 0 && x->budget->hit != NULL)
        rc = add_element("<p class=\"weighs\">Not compared to the end: ", x->budget->hit, "</p>\n",
                         out, e);
    return rc < 0 ? rc : buf_add_str(out, "</header>\n<main>\n", e);
}

int explanation_page(const struct explanation *x, const char *a, const char *b, struct buf *out,
                     struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    size_t count = x->count < EXPLANATION_GROUPS_MAX ? x->count : EXPLANATION_GROUPS_MAX;
    int rc = explanation_sort(x, &list, e);
    if (rc < 0 || (rc = add_head(x, a, b, out, e)) < 0)
        return rc;
    if (count == 0)
        rc = buf_add_str(out, "<p>Nothing differs.</p>\n", e);
    else
        rc = add_overview(x, list, count, out, e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_group(list[i], i + 1, out, e);
    if (rc == 0 && count > 0)
        rc = add_tree(x, out, e);
    return rc < 0 ? rc
                  : buf_add_str(out,
                                "</main>\n<footer>\n<p class=\"dim\">Made by assay diff, "
                                "version " ASSAY_VERSION
                                ". No scripts, nothing loaded.</p>\n</footer>\n"
                                "</body>\n</html>\n",
                                e);
}
