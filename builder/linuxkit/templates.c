/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/templates.h"

#include "base/json.h"
#include "builder/linuxkit/render.h"

#include <string.h>

#define PACKAGE "@pkg:"
enum { SHOWN = 40 };

static int fail_at(const struct yaml_written *at, enum err_code code, struct err *e,
                   const char *text)
{
    return err_set(e, code, "%s:%lu:%lu: %s", at->mark.file, at->mark.line, at->mark.column, text);
}

static int note(const struct linuxkit_templates *t, const struct yaml_written *at, const char *text,
                struct err *e)
{
    AUTO_FREE char *line = NULL;
    if (t->warnings == NULL)
        return 0;
    int rc =
        str_format(&line, e, "%s:%lu:%lu: %s", at->mark.file, at->mark.line, at->mark.column, text);
    return rc < 0 ? rc : json_push(t->warnings, json_string(line), e);
}

/* ---- templates ----------------------------------------------------------------------------- */

/* The one kind of template is @pkg:; what starts with another '@' becomes empty, without a word. */
static int resolve(const struct linuxkit_templates *t, const struct yaml_written *at,
                   char **changed, struct err *e)
{
    AUTO_FREE char *text = NULL;
    if (*at->text != '@')
        return 0;
    if (str_starts(at->text, PACKAGE))
        return t->packages
                   ? 0
                   : fail_at(at, ERR_UNDECIDED, e,
                             "'@pkg:' needs LinuxKit's package tree: write the image's name");
    int rc = str_format(&text, e,
                        "LinuxKit takes what starts with '@' for a template: '%.*s' becomes empty; "
                        "strict mode keeps it",
                        (int)SHOWN, at->text);
    if (rc < 0 || (rc = note(t, at, text, e)) < 0)
        return rc;
    return str_copy(changed, "", e);
}

/* ---- written and read again ---------------------------------------------------------------- */

/* The scalar of a document of linuxkit_yaml_again; NULL: it came out as something else. */
static const char *scalar_of(const json_t *root, const struct yaml_written *at)
{
    const json_t *value = at->item ? json_array_get(root, 0) : json_object_get(root, "a");
    const json_t *other = at->item ? json_array_get(root, 1) : json_object_get(root, "b");
    if (at->key) {
        json_t *only = (json_t *)(uintptr_t)root;
        const char *key = json_object_iter_key(json_object_iter(only));
        const char *text = json_string_value(json_object_get(only, key != NULL ? key : ""));
        bool good = json_object_size(only) == 1 && text != NULL && strcmp(text, "b") == 0;
        return good ? key : NULL;
    }
    if (at->flow)
        value = json_array_size(value) == 1 ? json_array_get(value, 0) : NULL;
    const char *text = json_string_value(other);
    bool good = text != NULL && strcmp(text, "b") == 0;
    return good ? json_string_value(value) : NULL;
}

static int again(const struct linuxkit_templates *t, const struct yaml_written *at, char **changed,
                 struct err *e)
{
    static const char *const unreadable =
        "LinuxKit writes this text so that it cannot read it again: give it in double quotes, or "
        "without a first line that is empty or starts with a space";
    AUTO_BUF text = BUF_INIT(YAML_AGAIN_MAX);
    AUTO_YAML struct yaml_doc *doc = NULL;
    struct err failure = ERR_INIT;
    bool written = false;
    int rc = linuxkit_yaml_again(at, &written, &text, e);
    if (rc < 0 || !written)
        return rc;
    rc = yaml_doc_parse_go_again(buf_str(&text), text.len, at->mark.file, &doc, &failure);
    if (rc < 0 && rc != -ERR_INPUT) {
        *e = failure;
        return rc;
    }
    const char *now = rc == 0 ? scalar_of(yaml_doc_root(doc), at) : NULL;
    if (now == NULL)
        return fail_at(at, ERR_INPUT, e, unreadable);
    if (strcmp(now, at->text) == 0)
        return 0;
    rc = note(t, at,
              "LinuxKit writes its files out and reads them again, and this text changes on the "
              "way; in double quotes it does not",
              e);
    return rc < 0 ? rc : str_copy(changed, now, e);
}

/* ---- both ---------------------------------------------------------------------------------- */

static int pass(void *context, const struct yaml_written *at, char **changed, struct err *e)
{
    const struct linuxkit_templates *t = context;
    int rc = resolve(t, at, changed, e);
    return rc < 0 || *changed != NULL ? rc : again(t, at, changed, e);
}

int linuxkit_templates_parse(const void *data, size_t len, const char *file,
                             struct linuxkit_templates *t, struct yaml_doc **out, struct err *e)
{
    const struct yaml_pass both = {.scalar = pass, .context = t};
    return yaml_doc_parse_go_pass(data, len, file, &both, out, e);
}

int linuxkit_templates_read(const char *path, struct linuxkit_templates *t, struct yaml_doc **out,
                            struct err *e)
{
    const struct yaml_pass both = {.scalar = pass, .context = t};
    return yaml_doc_read_go_pass(path, &both, out, e);
}
