/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json of `docker save`: which files of the archive are the image. */
#include "builder/sources/docker_archive.h"

#include "base/buf.h"
#include "formats/tar/tar_reader.h"

#include <string.h>

enum { NAME_MAX_BYTES = 512, TAGS_MAX = 4096 };

void docker_image_dispose(struct docker_image *image)
{
    for (size_t i = 0; i < image->layer_count; i++)
        free(image->layers[i]);
    free(image->layers);
    free(image->config);
    *image = (struct docker_image){0};
}

static bool has_tag(const char *name)
{
    const char *slash = strrchr(name, '/');
    return strchr(slash != NULL ? slash : name, ':') != NULL;
}

/* "alpine" → "alpine:latest". Docker leaves out its own registry and "library/". */
static int same_name(const char *wanted, const char *tag, bool *same, struct err *e)
{
    static const char *const prefixes[] = {"", "library/", "docker.io/", "docker.io/library/"};
    *same = false;
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]) && !*same; i++) {
        size_t len = strlen(prefixes[i]);
        AUTO_FREE char *full = NULL;
        if (strncmp(wanted, prefixes[i], len) != 0)
            continue;
        int rc = str_format(&full, e, "%s%s", wanted + len, has_tag(wanted) ? "" : ":latest");
        if (rc < 0)
            return rc;
        *same = strcmp(full, tag) == 0 || strcmp(wanted, tag) == 0;
    }
    return 0;
}

static int is_wanted(const struct jcur *item, const char *wanted, bool *out, struct err *e)
{
    struct jcur tags;
    size_t count = 0;
    *out = wanted == NULL;
    if (wanted == NULL || !jcur_opt(item, "RepoTags", &tags) || json_is_null(tags.value))
        return 0;
    int rc = jcur_array(&tags, TAGS_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count && !*out; i++) {
        struct jcur tag = jcur_item(&tags, i);
        const char *text = NULL;
        if ((rc = jcur_string(&tag, NAME_MAX_BYTES, &text, e)) == 0)
            rc = same_name(wanted, text, out, e);
    }
    return rc;
}

static int read_path(const struct jcur *c, char **out, struct err *e)
{
    const char *text = NULL;
    int rc = jcur_string(c, NAME_MAX_BYTES, &text, e);
    if (rc < 0 || (rc = str_copy(out, text, e)) < 0)
        return rc;
    struct err why = ERR_INIT;
    if (tar_path_clean(*out, &why) < 0 || (*out)[0] == '\0')
        return jcur_fail(c, e, "'%.200s' is no path in the archive", text);
    return 0;
}

static int read_image(const struct jcur *item, struct docker_image *out, struct err *e)
{
    struct jcur m;
    size_t count = 0;
    int rc = jcur_get(item, "Config", &m, e);
    if (rc < 0 || (rc = read_path(&m, &out->config, e)) < 0 ||
        (rc = jcur_list(item, "Layers", DOCKER_LAYERS_MAX, &m, &count, e)) < 0)
        return rc;
    out->layers = array_new(count, sizeof(*out->layers));
    if (out->layers == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur layer = jcur_item(&m, i);
        out->layer_count = i + 1;
        rc = read_path(&layer, &out->layers[i], e);
    }
    return rc;
}

int docker_manifest_parse(const void *data, size_t len, const char *wanted,
                          struct docker_image *out, struct err *e)
{
    const struct json_limits limits = {.bytes = DOCKER_DOCUMENT_MAX, .depth = 32};
    AUTO_JSON json_t *document = NULL;
    AUTO(docker_image_dispose) struct docker_image image = {0};
    size_t count = 0;
    int rc = json_parse(data, len, "manifest.json", &limits, &document, e);
    struct jcur c = jcur_root(document, "manifest.json");
    if (rc < 0 || (rc = jcur_array(&c, DOCKER_IMAGES_MAX, &count, e)) < 0)
        return rc;
    if (wanted == NULL && count != 1)
        return err_set(e, ERR_INPUT, "there are %zu images: say which, with 'image'", count);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&c, i);
        bool is = false;
        if ((rc = jcur_open_object(&item, e)) < 0 || (rc = is_wanted(&item, wanted, &is, e)) < 0)
            return rc;
        if (is && image.config != NULL)
            return err_set(e, ERR_INPUT, "two images are called '%s'", wanted);
        if (is && (rc = read_image(&item, &image, e)) < 0)
            return rc;
    }
    if (image.config == NULL)
        return err_set(e, ERR_INPUT, "there is no image '%s'", wanted != NULL ? wanted : "");
    *out = image;
    image = (struct docker_image){0};
    return 0;
}
