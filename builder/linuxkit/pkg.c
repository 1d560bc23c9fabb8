/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/pkg.h"

#include "base/file.h"
#include "base/json.h"
#include "base/yaml/yaml.h"

#include <string.h>
#include <unistd.h>

#define PREFIX "@pkg:"
enum { DEPTH_MAX = 64 };

static const char *text_or(const json_t *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL && *text != '\0' ? text : otherwise;
}

/* PATH/build.yml beside the file; caller frees. */
static int build_file(const char *file, const char *package, char **out, struct err *e)
{
    const char *base = path_base(file);
    return *package == '/'
               ? str_format(out, e, "%s/build.yml", package)
               : str_format(out, e, "%.*s%s/build.yml", (int)(base - file), file, package);
}

static int resolve(const char *file, const char *package, char **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *trimmed = NULL;
    AUTO_YAML struct yaml_doc *doc = NULL;
    int rc = str_copy(&trimmed, package, e);
    if (rc < 0)
        return rc;
    for (size_t len = strlen(trimmed); len > 1 && trimmed[len - 1] == '/'; len--)
        trimmed[len - 1] = '\0';
    if ((rc = build_file(file, trimmed, &path, e)) < 0 ||
        (access(path, R_OK) == 0 && (rc = yaml_doc_read_go(path, &doc, e)) < 0))
        return rc;
    const json_t *build = doc != NULL ? yaml_doc_root(doc) : NULL;
    return str_format(out, e, "docker.io/%s/%s:latest", text_or(build, "org", "linuxkit"),
                      text_or(build, "image", path_base(trimmed)));
}

/* A new value for a text that names a package; NULL for any other. */
static int replacement(const char *file, const json_t *value, json_t **out, struct err *e)
{
    AUTO_FREE char *name = NULL;
    const char *text = json_string_value(value);
    *out = NULL;
    if (text == NULL || !str_starts(text, PREFIX))
        return 0;
    int rc = resolve(file, text + strlen(PREFIX), &name, e);
    if (rc < 0)
        return rc;
    *out = json_string(name);
    return *out == NULL ? err_oom(e) : 0;
}

static int show(const char *file, json_t *value, unsigned depth, size_t *count, struct err *e);

static int show_array(const char *file, json_t *list, unsigned depth, size_t *count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        json_t *new = NULL;
        if ((rc = replacement(file, item, &new, e)) < 0)
            return rc;
        *count += new != NULL;
        if (new == NULL)
            rc = show(file, item, depth + 1, count, e);
        else if (json_array_set_new(list, i, new) < 0)
            rc = err_oom(e);
    }
    return rc;
}

static int show(const char *file, json_t *value, unsigned depth, size_t *count, struct err *e)
{
    const char *key = NULL;
    json_t *member = NULL;
    void *next = NULL;
    int rc = 0;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "a document nested deeper than %d", DEPTH_MAX);
    if (json_is_array(value))
        return show_array(file, value, depth, count, e);
    json_object_foreach_safe(value, next, key, member)
    {
        json_t *new = NULL;
        if (rc == 0)
            rc = replacement(file, member, &new, e);
        if (rc < 0)
            return rc;
        *count += new != NULL;
        rc = new != NULL ? json_put(value, key, new, e) : show(file, member, depth + 1, count, e);
    }
    return rc;
}

int linuxkit_pkg_show(const char *file, json_t *document, size_t *count, struct err *e)
{
    *count = 0;
    return show(file, document, 0, count, e);
}
