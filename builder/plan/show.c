/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/show.h"

#include <string.h>

enum { ORIGIN_MAX = 65536 };

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

static int git_text(const json_t *git, struct buf *out, struct err *e)
{
    const char *path = member(git, "path");
    int rc = buf_addf(out, e, "git commit %.12s, tree %.12s", member(git, "commit"),
                      member(git, "tree"));
    if (rc == 0 && *path != '\0')
        rc = buf_addf(out, e, ", directory %s", path);
    if (rc == 0 && *member(git, "repository") != '\0')
        rc = buf_addf(out, e, " of %s", member(git, "repository"));
    return rc;
}

int plan_origin(const json_t *from, struct buf *out, struct err *e)
{
    const json_t *debian = json_object_get(from, "debian");
    const json_t *oci = json_object_get(from, "oci");
    const json_t *docker = json_object_get(from, "docker-archive");
    const json_t *git = json_object_get(from, "git");
    const json_t *directory = json_object_get(from, "directory");
    const json_t *url = json_object_get(from, "url");
    if (debian != NULL)
        return buf_addf(out, e, "package %s %s (%s)", member(debian, "package"),
                        member(debian, "version"), member(debian, "architecture"));
    if (oci != NULL)
        return buf_addf(out, e, "%s of %s %.19s", member(oci, "role"),
                        *member(oci, "repository") != '\0' ? member(oci, "repository") : "image",
                        member(oci, "manifest"));
    if (docker != NULL)
        return buf_addf(out, e, "%s of docker image %.19s", member(docker, "role"),
                        member(docker, "config"));
    if (git != NULL)
        return git_text(git, out, e);
    if (directory != NULL)
        return buf_addf(out, e, "directory %s, tree %.19s", member(directory, "name"),
                        member(directory, "tree"));
    if (url != NULL)
        return buf_addf(out, e, "url %s", member(url, "path"));
    return buf_addf(out, e, "file %s", member(json_object_get(from, "file"), "name"));
}

/* Columns are as wide as what is in them; the table is for people. */
static void widen(int *width, const char *text)
{
    size_t n = strlen(text);
    if (n > (size_t)*width && n <= PLAN_ID_MAX + 100)
        *width = (int)n;
}

static const char *ref_name(const struct plan *plan, const struct plan_ref *ref)
{
    return ref->is_step ? plan->steps[ref->index].id : plan->inputs[ref->index].id;
}

static int show_head(const struct plan *plan, struct buf *out, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc = buf_sayf(out, e, "plan %s for %s, epoch %lld\n%s\nbuilt by assay %s", plan->name,
                      plan->arch, (long long)plan->epoch, digest_format(&plan->digest, text),
                      plan->toolchain_assay);
    const char *const *names = plan->table->libraries;
    for (size_t i = 0; rc == 0 && i < plan->table->library_count; i++) {
        const char *version =
            json_string_value(json_object_get(plan->toolchain_libraries, names[i]));
        if (version != NULL)
            rc = buf_sayf(out, e, ", %s %s", names[i], version);
    }
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

static int show_inputs(const struct plan *plan, struct buf *out, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int width = (int)strlen("INPUT");
    for (size_t i = 0; i < plan->input_count; i++)
        widen(&width, plan->inputs[i].id);
    int rc =
        buf_sayf(out, e, "\n%-*s %12s  %-19s  %s\n", width, "INPUT", "BYTES", "DIGEST", "FROM");
    for (size_t i = 0; rc == 0 && i < plan->input_count; i++) {
        const struct plan_input *in = &plan->inputs[i];
        AUTO_BUF origin = BUF_INIT(ORIGIN_MAX);
        if ((rc = plan_origin(in->from, &origin, e)) == 0)
            rc = buf_sayf(out, e, "%-*s %12llu  %.19s  %s\n", width, in->id,
                          (unsigned long long)in->size, digest_format(&in->digest, text),
                          buf_str(&origin));
    }
    return rc;
}

static int show_steps(const struct plan *plan, struct buf *out, struct err *e)
{
    int width = (int)strlen("STEP");
    for (size_t i = 0; i < plan->step_count; i++)
        widen(&width, plan->steps[i].id);
    int rc = buf_sayf(out, e, "\n%-*s %-16s %s\n", width, "STEP", "KIND", "IN");
    for (size_t i = 0; rc == 0 && i < plan->step_count; i++) {
        const struct plan_step *s = &plan->steps[i];
        rc = buf_sayf(out, e, "%-*s %-16s", width, s->id, s->kind->name);
        for (size_t k = 0; rc == 0 && k < s->in_count; k++)
            rc = buf_sayf(out, e, " %s", ref_name(plan, &s->in[k]));
        if (rc == 0)
            rc = buf_add_str(out, "\n", e);
    }
    return rc;
}

static int show_outputs(const struct plan *plan, struct buf *out, struct err *e)
{
    int name = (int)strlen("OUTPUT"), from = (int)strlen("FROM");
    for (size_t i = 0; i < plan->output_count; i++) {
        widen(&name, plan->outputs[i].name);
        widen(&from, plan->steps[plan->outputs[i].step].id);
    }
    int rc = buf_sayf(out, e, "\n%-*s %-*s %s\n", name, "OUTPUT", from, "FROM", "MEDIA TYPE");
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++) {
        const struct plan_output *o = &plan->outputs[i];
        rc = buf_sayf(out, e, "%-*s %-*s %s\n", name, o->name, from, plan->steps[o->step].id,
                      o->media_type);
    }
    return rc;
}

int plan_show(const struct plan *plan, struct buf *out, struct err *e)
{
    int rc;
    if ((rc = show_head(plan, out, e)) < 0 || (rc = show_inputs(plan, out, e)) < 0 ||
        (rc = show_steps(plan, out, e)) < 0)
        return rc;
    return show_outputs(plan, out, e);
}

/* ---- the graph ---- */

/* Ids, kinds and output names need no quoting; versions and file names do. */
static int dot_quote(const char *text, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t n; rc == 0 && *text != '\0'; text += n) {
        n = strcspn(text, "\"\\");
        bool special = n == 0;
        n = special ? 1 : n;
        rc = buf_sayf(out, e, "%s%.*s", special ? "\\" : "", (int)n, text);
    }
    return rc;
}

static int dot_nodes(const struct plan *plan, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < plan->input_count; i++) {
        AUTO_BUF origin = BUF_INIT(ORIGIN_MAX);
        if ((rc = plan_origin(plan->inputs[i].from, &origin, e)) < 0 ||
            (rc = buf_addf(out, e, "  \"%s\" [shape=note, label=\"%s\\n", plan->inputs[i].id,
                           plan->inputs[i].id)) < 0 ||
            (rc = dot_quote(buf_str(&origin), out, e)) < 0)
            return rc;
        rc = buf_add_str(out, "\"];\n", e);
    }
    for (size_t i = 0; rc == 0 && i < plan->step_count; i++)
        rc = buf_addf(out, e, "  \"%s\" [shape=box, label=\"%s\\n%s\"];\n", plan->steps[i].id,
                      plan->steps[i].id, plan->steps[i].kind->name);
    /* Outputs have their own namespace: "/" is in no id. */
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++)
        rc = buf_addf(out, e, "  \"/%s\" [shape=folder, label=\"%s\"];\n", plan->outputs[i].name,
                      plan->outputs[i].name);
    return rc;
}

static int dot_edges(const struct plan *plan, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < plan->step_count; i++)
        for (size_t k = 0; rc == 0 && k < plan->steps[i].in_count; k++)
            rc = buf_addf(out, e, "  \"%s\" -> \"%s\";\n", ref_name(plan, &plan->steps[i].in[k]),
                          plan->steps[i].id);
    for (size_t i = 0; rc == 0 && i < plan->output_count; i++)
        rc = buf_addf(out, e, "  \"%s\" -> \"/%s\";\n", plan->steps[plan->outputs[i].step].id,
                      plan->outputs[i].name);
    return rc;
}

int plan_dot(const struct plan *plan, struct buf *out, struct err *e)
{
    int rc;
    if ((rc = buf_addf(out, e,
                       "digraph \"%s\" {\n  rankdir=LR;\n  node [fontname=\"sans-serif\", "
                       "fontsize=10];\n",
                       plan->name)) < 0 ||
        (rc = dot_nodes(plan, out, e)) < 0 || (rc = dot_edges(plan, out, e)) < 0)
        return rc;
    return buf_add_str(out, "}\n", e);
}
