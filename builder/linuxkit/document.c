/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/document.h"

#include "base/file.h"
#include "base/json.h"
#include "base/place.h"
#include "builder/linuxkit/document_internal.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/render.h"

#include <string.h>

static const char *const top_keys[] = {"kernel", "init",    "onboot", "onshutdown", "services",
                                       "files",  "volumes", "trust",  NULL};
static const char *const kernel_keys[] = {"image", "cmdline", "binary", "tar", "ucode", NULL};
static const char *const file_keys[] = {"path",   "directory", "symlink",  "contents",
                                        "source", "metadata",  "optional", "mode",
                                        "uid",    "gid",       NULL};

bool linuxkit_looks_like(const json_t *document)
{
    if (!json_is_object(document) || json_object_get(document, "system") != NULL ||
        json_object_get(document, "images") != NULL)
        return false;
    for (size_t i = 0; top_keys[i] != NULL; i++)
        if (json_object_get(document, top_keys[i]) != NULL)
            return true;
    return false;
}

/*
 * A name of an image; @pkg: templates need LinuxKit's own package tree
 * (docs/formats/linuxkit.md, section 2).
 */
int linuxkit_check_image(const struct ycur *c, const char *name, struct err *e)
{
    if (str_starts(name, "@pkg:"))
        return ycur_fail(c, ERR_UNDECIDED, e,
                         "'@pkg:' needs LinuxKit's package tree: write the image's name");
    bool bad = strstr(name, "://") != NULL;
    for (const char *p = name; *p != '\0'; p++)
        bad = bad || (unsigned char)*p <= ' ' || *p == 0x7f;
    return bad ? ycur_fail(c, ERR_INPUT, e, "'%.200s' is no name of an image", PLACE_SHOWN(name))
               : 0;
}

int linuxkit_read_image(const struct ycur *c, struct linuxkit_image *out, struct err *e)
{
    const char *name = NULL;
    int rc = ycur_text(c, LINUXKIT_NAME_MAX, &name, e);
    if (rc < 0)
        return rc;
    if ((rc = linuxkit_check_image(c, name, e)) < 0)
        return rc;
    if ((rc = ycur_where(c, &out->at, e)) == 0)
        out->name = name;
    return rc;
}

/* The path of a file inside an image, as written but for one leading slash. */
static int read_inner_path(const struct ycur *c, const char **out, struct err *e)
{
    const char *text = NULL;
    int rc = ycur_text(c, 1024, &text, e);
    if (rc < 0)
        return rc;
    text += *text == '/';
    if (!relpath_valid(text))
        return ycur_fail(c, ERR_INPUT, e, "'%.128s' is no path inside an image", text);
    *out = text;
    return 0;
}

static int parse_kernel_tar(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    int rc = ycur_text0(c, 1024, &lk->kernel_tar, e);
    if (rc < 0)
        return rc;
    if (lk->kernel_tar[0] != '\0' && strcmp(lk->kernel_tar, "none") != 0)
        return read_inner_path(c, &lk->kernel_tar, e);
    lk->kernel_tar = NULL;
    return 0;
}

/* As in LinuxKit, a kernel without an image is none; its other keys are checked all the same. */
static int parse_kernel(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    struct ycur m;
    const char *text = "";
    int rc = ycur_map(c, kernel_keys, e);
    lk->kernel_binary = "kernel";
    lk->kernel_tar = "kernel.tar";
    if (rc == 0 && ycur_opt(c, "image", &m) && (rc = ycur_text0(&m, SIZE_MAX, &text, e)) == 0 &&
        *text != '\0')
        rc = linuxkit_read_image(&m, &lk->kernel, e);
    if (rc == 0 && ycur_opt(c, "cmdline", &m))
        rc = ycur_text0(&m, 4096, &lk->cmdline, e);
    text = "";
    if (rc == 0 && ycur_opt(c, "binary", &m) && (rc = ycur_text0(&m, 1024, &text, e)) == 0 &&
        *text != '\0')
        rc = read_inner_path(&m, &lk->kernel_binary, e);
    if (rc == 0 && ycur_opt(c, "tar", &m))
        rc = parse_kernel_tar(&m, lk, e);
    text = "";
    if (rc == 0 && ycur_opt(c, "ucode", &m) && (rc = ycur_text0(&m, 1024, &text, e)) == 0 &&
        *text != '\0')
        rc = read_inner_path(&m, &lk->ucode, e);
    if (rc == 0 && lk->kernel.name == NULL)
        rc = linuxkit_warn(lk, c, e, "the kernel has no image: there is no kernel");
    return rc;
}

static int parse_init(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    size_t count = 0;
    int rc = ycur_list(c, LINUXKIT_INIT_MAX, &count, e);
    if (rc < 0)
        return rc;
    lk->init = array_new(count + 1, sizeof(*lk->init));
    if (lk->init == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(c, i);
        lk->init_count = i + 1;
        if ((rc = linuxkit_read_image(&item, &lk->init[i], e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- files (docs/formats/linuxkit.md, section 10) ---------------------------------------- */

/* "/a//b/./c/" → "a/b/c"; ".." is refused, it would mean something else once links are followed. */
static int normal_path(const struct ycur *c, const char *text, char **out, struct err *e)
{
    AUTO_BUF path = BUF_INIT(4096);
    int rc = 0;
    for (const char *p = text; *p != '\0';) {
        size_t len = strcspn(p, "/");
        bool skip = len == 0 || (len == 1 && *p == '.');
        if (len == 2 && p[0] == '.' && p[1] == '.')
            return ycur_fail(c, ERR_INPUT, e, "'%.128s': '..' is not allowed in a path", text);
        if (!skip && ((path.len > 0 && (rc = buf_add_str(&path, "/", e)) < 0) ||
                      (rc = buf_add(&path, p, len, e)) < 0))
            return rc;
        p += len;
        p += *p == '/';
    }
    if (path.len > 0 && !relpath_valid(buf_str(&path)))
        return ycur_fail(c, ERR_INPUT, e, "'%.128s' is no path of a file", text);
    return str_copy(out, path.len > 0 ? buf_str(&path) : "", e);
}

static int read_path(const struct ycur *c, struct linuxkit_file *f, struct err *e)
{
    const char *text = NULL;
    int rc = ycur_text(c, 4095, &text, e);
    if (rc < 0 || (rc = normal_path(c, text, &f->path, e)) < 0)
        return rc;
    /* The root is there already: all that can be said of it is what a directory has. */
    if (f->path[0] == '\0' && (f->kind != LINUXKIT_FILE_DIRECTORY || text[0] != '/'))
        return ycur_fail(c, ERR_INPUT, e, "'%.128s' is no path of a file", text);
    return 0;
}

static int read_mode(const struct ycur *c, uint16_t *out, struct err *e)
{
    const char *text = NULL;
    if (!json_is_string(c->value))
        return ycur_fail(c, ERR_INPUT, e, "a mode is octal digits in quotes, like \"0755\"");
    int rc = ycur_text0(c, 64, &text, e);
    if (rc < 0)
        return rc;
    unsigned value = 0;
    size_t len = strlen(text);
    bool good = len >= 1 && len <= 5 && strspn(text, "01234567") == len;
    for (size_t i = 0; good && i < len; i++)
        value = value * 8 + (unsigned)(text[i] - '0');
    if (!good || value > 07777)
        return ycur_fail(c, ERR_INPUT, e, "a mode is octal digits up to 7777, not '%s'", text);
    *out = (uint16_t)value;
    return 0;
}

/* A number, digits in a text, or a name of a container (docs/formats/linuxkit.md, section 4). */
static int read_owner(const struct ycur *c, const json_t *ids, uint32_t *out, struct err *e)
{
    int64_t value = 0;
    if (!json_is_string(c->value)) {
        int rc = ycur_int(c, 0, (int64_t)UINT32_MAX - 1, &value, e);
        *out = (uint32_t)value;
        return rc;
    }
    struct err own = ERR_INIT;
    if (oci_spec_owner_strict(c->value, ids, out, &own) == 0)
        return 0;
    char line[ERR_FRAME_MAX];
    return ycur_fail(c, ERR_INPUT, e, "%s", err_line(&own, line, sizeof(line)));
}

static int parse_attributes(const struct ycur *c, const json_t *ids, struct linuxkit_file *f,
                            struct err *e)
{
    struct ycur m;
    int rc = 0;
    f->mode = f->kind == LINUXKIT_FILE_DIRECTORY ? 0700 : 0600;
    if (ycur_opt(c, "mode", &m)) {
        f->has_mode = !json_is_string(m.value) || json_string_length(m.value) > 0;
        if (f->has_mode && (rc = read_mode(&m, &f->mode, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "uid", &m)) {
        f->has_owner = true;
        if ((rc = read_owner(&m, ids, &f->uid, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "gid", &m)) {
        f->has_owner = true;
        if ((rc = read_owner(&m, ids, &f->gid, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "optional", &m) && (rc = ycur_bool(&m, &f->optional, e)) < 0)
        return rc;
    return 0;
}

/*
 * A relative source is below the directory of the file that names it. A LinuxKit file, which people
 * have already, may also say "/path" and "~/path".
 */
static int read_source(const struct ycur *c, enum linuxkit_origin origin, struct linuxkit_file *f,
                       struct err *e)
{
    bool anywhere = f->text[0] == '/' || str_starts(f->text, "~/");
    int rc = ycur_where(c, &f->at, e);
    f->file = ycur_file(c);
    if (rc < 0 || (anywhere && origin == LINUXKIT_FILES))
        return rc;
    if (anywhere || (rc = normal_path(c, f->text, &f->made, e)) < 0 || f->made[0] == '\0')
        return rc < 0 ? rc
                      : ycur_fail(c, ERR_INPUT, e,
                                  "'%.128s': a source is a path below the recipe's directory",
                                  f->text);
    f->text = f->made;
    return 0;
}

/* Its text is made when the whole document is checked. */
static int read_metadata(const struct ycur *c, enum linuxkit_origin origin, struct linuxkit_file *f,
                         struct err *e)
{
    static const char *const kinds[] = {"yaml", "json", NULL};
    size_t choice = 0;
    f->kind = LINUXKIT_FILE_CONTENTS;
    if (origin == LINUXKIT_IN_PLAN)
        return ycur_fail_key(c, ERR_INPUT, e, "a plan has the text of metadata as 'contents'");
    return ycur_choice(c, kinds, &choice, e);
}

/* The text of a key that counts as absent when it is empty. */
static int opt_text(const struct ycur *c, const char *key, struct ycur *m, const char **out,
                    struct err *e)
{
    const char *text = "";
    int rc = ycur_opt(c, key, m) ? ycur_text0(m, 4095, &text, e) : 0;
    *out = text;
    return rc;
}

/* Exactly one key says what the file is. */
static int parse_what(const struct ycur *c, enum linuxkit_origin origin, struct linuxkit_file *f,
                      struct err *e)
{
    struct ycur m;
    struct ycur source;
    struct ycur metadata;
    const char *link = "";
    const char *from = "";
    const char *kind = "";
    bool directory = false;
    int rc = ycur_opt(c, "directory", &m) ? ycur_bool(&m, &directory, e) : 0;
    if (rc < 0 || (rc = opt_text(c, "symlink", &m, &link, e)) < 0 ||
        (rc = opt_text(c, "source", &source, &from, e)) < 0 ||
        (rc = opt_text(c, "metadata", &metadata, &kind, e)) < 0)
        return rc;
    bool contents = ycur_opt(c, "contents", &m);
    int given = (int)directory + contents + (*link != '\0') + (*from != '\0') + (*kind != '\0');
    if (given != 1)
        return ycur_fail(c, ERR_INPUT, e,
                         "a file needs %s of contents, source, metadata, directory, symlink",
                         given == 0 ? "one" : "exactly one");
    f->kind = LINUXKIT_FILE_DIRECTORY;
    if (contents) {
        f->kind = LINUXKIT_FILE_CONTENTS;
        return ycur_text0(&m, LINUXKIT_CONTENTS_MAX, &f->text, e);
    }
    if (*link != '\0') {
        f->kind = LINUXKIT_FILE_SYMLINK;
        f->text = link;
    }
    if (*kind != '\0')
        return read_metadata(&metadata, origin, f, e);
    if (*from == '\0')
        return 0;
    f->kind = LINUXKIT_FILE_SOURCE;
    f->text = from;
    return read_source(&source, origin, f, e);
}

static int parse_file(const struct ycur *c, enum linuxkit_origin origin, const json_t *ids,
                      struct linuxkit_file *f, struct err *e)
{
    struct ycur m;
    int rc = ycur_map(c, file_keys, e);
    if (rc < 0 || (rc = ycur_get(c, "path", &m, e)) < 0 || (rc = parse_what(c, origin, f, e)) < 0 ||
        (rc = read_path(&m, f, e)) < 0)
        return rc;
    return parse_attributes(c, ids, f, e);
}

static int parse_files(const struct ycur *c, enum linuxkit_origin origin, struct linuxkit *lk,
                       struct err *e)
{
    size_t count = 0;
    int rc = ycur_list(c, LINUXKIT_FILES_MAX, &count, e);
    if (rc < 0)
        return rc;
    lk->files = array_new(count + 1, sizeof(*lk->files));
    if (lk->files == NULL)
        return err_oom(e);
    lk->file_count = count;
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(c, i);
        if ((rc = parse_file(&item, origin, lk->ids, &lk->files[i], e)) < 0)
            return rc;
    }
    return 0;
}

static int settle_document(const struct ycur *c, const json_t *own, json_t **out, struct err *e)
{
    int rc = linuxkit_settle(c->value, &linuxkit_document, out, e);
    /* LinuxKit always has a kernel here, if only one without an image. */
    if (rc == 0 && json_object_get(*out, "kernel") == NULL)
        rc = json_put(*out, "kernel", json_object(), e);
    return rc < 0 ? rc : linuxkit_expand_strict(*out, own, e);
}

/* `metadata`: the merged document as LinuxKit writes it, with names of images spelt out
 * (docs/formats/linuxkit.md, section 10). */
static int render_metadata(const struct ycur *c, const json_t *own, struct linuxkit *lk,
                           struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    int rc = 0;
    for (size_t i = 0; i < lk->file_count; i++) {
        struct linuxkit_file *f = &lk->files[i];
        AUTO_BUF text = BUF_INIT(LINUXKIT_CONTENTS_MAX);
        if (f->kind != LINUXKIT_FILE_CONTENTS || f->text != NULL)
            continue;
        if (document == NULL && (rc = settle_document(c, own, &document, e)) < 0)
            return rc;
        const json_t *item = json_array_get(json_object_get(document, "files"), i);
        bool yaml = strcmp(json_string_value(json_object_get(item, "metadata")), "yaml") == 0;
        if ((rc = linuxkit_render_strict(document, yaml, &text, e)) < 0)
            return err_wrap(e, "files[%zu]", i);
        f->made = buf_steal(&text);
        if (f->made == NULL)
            return err_oom(e);
        f->text = f->made;
    }
    return 0;
}

/* ---- the whole ---- */

/* Containers come before files, whose owners may be their names. */
static int parse_members(const struct ycur *c, enum linuxkit_origin origin, const json_t *own,
                         struct linuxkit *lk, struct err *e)
{
    struct ycur m;
    int rc = 0;
    if (ycur_opt(c, "kernel", &m) && (rc = parse_kernel(&m, lk, e)) < 0)
        return rc;
    if (ycur_opt(c, "init", &m) && (rc = parse_init(&m, lk, e)) < 0)
        return rc;
    if ((rc = linuxkit_parse_volumes(c, lk, e)) < 0 ||
        (rc = linuxkit_parse_containers(c, lk, e)) < 0)
        return rc;
    if (ycur_opt(c, "files", &m) && (rc = parse_files(&m, origin, lk, e)) < 0)
        return rc;
    if ((rc = linuxkit_check(c, &linuxkit_document, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < lk->container_count; i++)
        rc = linuxkit_check_container(c, lk, i, NULL, NULL, e);
    return rc < 0 ? rc : render_metadata(c, own, lk, e);
}

int linuxkit_parse(const struct ycur *c, enum linuxkit_origin origin, const json_t *own,
                   struct linuxkit **out, struct err *e)
{
    int rc = ycur_map(c, top_keys, e);
    if (rc < 0)
        return rc;
    AUTO_LINUXKIT struct linuxkit *lk = calloc(1, sizeof(*lk));
    if (lk == NULL || (lk->warnings = json_array()) == NULL)
        return err_oom(e);
    lk->cmdline = "";
    if ((rc = parse_members(c, origin, own, lk, e)) < 0)
        return rc;
    if (json_object_size(c->value) == 0)
        return ycur_fail(c, ERR_INPUT, e, "the system is empty: give kernel, init or files");
    *out = steal_ptr(&lk);
    return 0;
}

static void linuxkit_file_dispose(struct linuxkit_file *f)
{
    free(f->path);
    free(f->at);
    free(f->made);
}

void linuxkit_free(struct linuxkit *lk)
{
    if (lk == NULL)
        return;
    for (size_t i = 0; i < lk->file_count; i++)
        linuxkit_file_dispose(&lk->files[i]);
    for (size_t i = 0; i < lk->init_count; i++)
        free(lk->init[i].at);
    for (size_t i = 0; i < lk->container_count; i++) {
        free(lk->containers[i].image.at);
        free(lk->containers[i].at);
        json_decref(lk->containers[i].entry);
    }
    for (size_t i = 0; i < lk->volume_count; i++)
        free(lk->volumes[i].image.at);
    free(lk->kernel.at);
    free(lk->files);
    free(lk->init);
    free(lk->containers);
    free(lk->volumes);
    json_decref(lk->ids);
    json_decref(lk->warnings);
    free(lk);
}

static void add_image(struct linuxkit_image *list, size_t *count,
                      const struct linuxkit_image *image)
{
    size_t k = 0;
    while (k < *count && strcmp(list[k].name, image->name) != 0)
        k++;
    if (k == *count)
        list[(*count)++] = *image;
}

int linuxkit_images(const struct linuxkit *lk, struct linuxkit_image **images, size_t *count,
                    struct err *e)
{
    struct linuxkit_image *list =
        array_new(lk->init_count + lk->volume_count + lk->container_count + 2, sizeof(*list));
    if (list == NULL)
        return err_oom(e);
    size_t n = 0;
    if (lk->kernel.name != NULL)
        add_image(list, &n, &lk->kernel);
    for (size_t i = 0; i < lk->init_count; i++)
        add_image(list, &n, &lk->init[i]);
    for (size_t i = 0; i < lk->volume_count; i++)
        if (lk->volumes[i].image.name != NULL && !lk->volumes[i].oci)
            add_image(list, &n, &lk->volumes[i].image);
    for (size_t i = 0; i < lk->container_count; i++)
        add_image(list, &n, &lk->containers[i].image);
    *images = list;
    *count = n;
    return 0;
}
