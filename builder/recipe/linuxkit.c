#include "builder/recipe/linuxkit.h"

#include "base/file.h"

#include <string.h>

static const char *const TOP_KEYS[] = {"kernel", "init",    "onboot", "onshutdown", "services",
                                       "files",  "volumes", "trust",  NULL};
static const char *const KERNEL_KEYS[] = {"image", "cmdline", "binary", "tar", "ucode", NULL};
static const char *const FILE_KEYS[] = {"path",   "directory", "symlink",  "contents",
                                        "source", "metadata",  "optional", "mode",
                                        "uid",    "gid",       NULL};

bool linuxkit_looks_like(const json_t *document)
{
    if (!json_is_object(document) || json_object_get(document, "system") != NULL ||
        json_object_get(document, "images") != NULL)
        return false;
    for (size_t i = 0; TOP_KEYS[i] != NULL; i++)
        if (json_object_get(document, TOP_KEYS[i]) != NULL)
            return true;
    return false;
}

/* A name of an image; @pkg: templates need LinuxKit's own package tree (spec section 2). */
static int read_image(const struct ycur *c, struct linuxkit_image *out, struct err *e)
{
    const char *name = NULL;
    int rc = ycur_text(c, LINUXKIT_NAME_MAX, &name, e);
    if (rc == 0 && str_starts(name, "@pkg:"))
        return ycur_fail(c, ERR_UNDECIDED, e,
                         "'@pkg:' needs LinuxKit's package tree: write the image's name");
    if (rc == 0 && (rc = ycur_where(c, &out->at, e)) == 0)
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

static int parse_kernel(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    struct ycur m;
    int rc = ycur_map(c, KERNEL_KEYS, e);
    if (rc < 0 || (rc = ycur_get(c, "image", &m, e)) < 0 ||
        (rc = read_image(&m, &lk->kernel, e)) < 0)
        return rc;
    lk->cmdline = "";
    lk->kernel_binary = "kernel";
    lk->kernel_tar = "kernel.tar";
    if (ycur_opt(c, "cmdline", &m) && (rc = ycur_text0(&m, 4096, &lk->cmdline, e)) < 0)
        return rc;
    if (ycur_opt(c, "binary", &m) && (rc = read_inner_path(&m, &lk->kernel_binary, e)) < 0)
        return rc;
    if (ycur_opt(c, "tar", &m)) {
        if ((rc = ycur_text0(&m, 1024, &lk->kernel_tar, e)) < 0)
            return rc;
        if (lk->kernel_tar[0] == '\0' || strcmp(lk->kernel_tar, "none") == 0)
            lk->kernel_tar = NULL;
        else if ((rc = read_inner_path(&m, &lk->kernel_tar, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "ucode", &m)) {
        const char *ucode = NULL;
        if ((rc = ycur_text0(&m, 1024, &ucode, e)) < 0)
            return rc;
        if (ucode[0] != '\0')
            return ycur_fail_key(&m, ERR_UNDECIDED, e,
                                 "'kernel.ucode' is not supported by this version");
    }
    return 0;
}

static int parse_init(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    size_t count = 0;
    int rc = ycur_list(c, LINUXKIT_INIT_MAX, &count, e);
    if (rc < 0)
        return rc;
    lk->init = array_new(count + 1, sizeof *lk->init);
    if (lk->init == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(c, i);
        lk->init_count = i + 1;
        if ((rc = read_image(&item, &lk->init[i], e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- files (spec section 10) -------------------------------------------------- */

/* "/a//b/./c/" → "a/b/c"; ".." is refused, it would mean something else once links are followed. */
static int read_path(const struct ycur *c, char **out, struct err *e)
{
    const char *text = NULL;
    int rc = ycur_text(c, 4095, &text, e);
    if (rc < 0)
        return rc;
    AUTO_BUF path = BUF_INIT(4096);
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
    if (!relpath_valid(buf_str(&path)))
        return ycur_fail(c, ERR_INPUT, e, "'%.128s' is no path of a file", text);
    *out = buf_steal(&path);
    return *out == NULL ? err_oom(e) : 0;
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

/* A number, digits in a text, or a name: only "root" until services bring names of their own (spec
 * section 4). */
static int read_owner(const struct ycur *c, uint32_t *out, struct err *e)
{
    const int64_t max = UINT32_MAX - 1; /* the last one is chown's "leave it" */
    int64_t value = 0;
    if (!json_is_string(c->value)) {
        int rc = ycur_int(c, 0, max, &value, e);
        *out = (uint32_t)value;
        return rc;
    }
    const char *text = json_string_value(c->value);
    size_t len = strlen(text);
    *out = 0;
    if (len == 0 || strcmp(text, "root") == 0)
        return 0;
    if (len > 10 || strspn(text, "0123456789") != len || (len > 1 && text[0] == '0'))
        return ycur_fail(c, ERR_INPUT, e, "'%.64s' is no number and no known user", text);
    for (size_t i = 0; i < len; i++)
        value = value * 10 + (text[i] - '0');
    if (value > max)
        return ycur_fail(c, ERR_INPUT, e, "'%s' is larger than 4294967294", text);
    *out = (uint32_t)value;
    return 0;
}

static int parse_attributes(const struct ycur *c, struct linuxkit_file *f, struct err *e)
{
    struct ycur m;
    int rc = 0;
    f->mode = f->kind == LINUXKIT_FILE_DIRECTORY ? 0700 : 0600;
    if (ycur_opt(c, "mode", &m)) {
        f->has_mode = true;
        if ((rc = read_mode(&m, &f->mode, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "uid", &m)) {
        f->has_owner = true;
        if ((rc = read_owner(&m, &f->uid, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "gid", &m)) {
        f->has_owner = true;
        if ((rc = read_owner(&m, &f->gid, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "optional", &m) && (rc = ycur_bool(&m, &f->optional, e)) < 0)
        return rc;
    return 0;
}

/* Counts what says what the file is; exactly one must. */
static int parse_what(const struct ycur *c, struct linuxkit_file *f, struct err *e)
{
    struct ycur m;
    int rc = 0;
    unsigned given = 0;
    bool directory = false;
    if (ycur_opt(c, "directory", &m) && (rc = ycur_bool(&m, &directory, e)) < 0)
        return rc;
    if (directory) {
        f->kind = LINUXKIT_FILE_DIRECTORY;
        given++;
    }
    if (ycur_opt(c, "contents", &m)) {
        f->kind = LINUXKIT_FILE_CONTENTS;
        given++;
        if ((rc = ycur_text0(&m, LINUXKIT_CONTENTS_MAX, &f->text, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "symlink", &m)) {
        f->kind = LINUXKIT_FILE_SYMLINK;
        given++;
        if ((rc = ycur_text(&m, 4095, &f->text, e)) < 0)
            return rc;
    }
    if (ycur_opt(c, "source", &m)) {
        f->kind = LINUXKIT_FILE_SOURCE;
        given++;
        if ((rc = ycur_text(&m, 4095, &f->text, e)) < 0)
            return rc;
        if (!relpath_valid(f->text))
            return ycur_fail(&m, ERR_INPUT, e,
                             "'%.128s': a source is a path below the recipe's directory", f->text);
        if ((rc = ycur_where(&m, &f->at, e)) < 0)
            return rc;
    }
    bool metadata = ycur_opt(c, "metadata", &m);
    given += metadata;
    if (given != 1)
        return ycur_fail(c, ERR_INPUT, e, "a file needs %s of contents, source, directory, symlink",
                         given == 0 ? "one" : "exactly one");
    if (metadata)
        return ycur_fail_key(&m, ERR_UNDECIDED, e, "'metadata' is not supported by this version");
    return 0;
}

static int parse_file(const struct ycur *c, struct linuxkit_file *f, struct err *e)
{
    struct ycur m;
    int rc = ycur_map(c, FILE_KEYS, e);
    if (rc < 0 || (rc = ycur_get(c, "path", &m, e)) < 0 || (rc = read_path(&m, &f->path, e)) < 0 ||
        (rc = parse_what(c, f, e)) < 0)
        return rc;
    return parse_attributes(c, f, e);
}

static int parse_files(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    size_t count = 0;
    int rc = ycur_list(c, LINUXKIT_FILES_MAX, &count, e);
    if (rc < 0)
        return rc;
    lk->files = array_new(count + 1, sizeof *lk->files);
    if (lk->files == NULL)
        return err_oom(e);
    lk->file_count = count;
    for (size_t i = 0; i < count; i++) {
        struct ycur item = ycur_item(c, i);
        if ((rc = parse_file(&item, &lk->files[i], e)) < 0)
            return rc;
    }
    return 0;
}

/* Keys that the next versions build: empty is fine, anything else is told, never skipped. */
static int refuse_unsupported(const struct ycur *c, struct err *e)
{
    static const char *const later[] = {"onboot", "onshutdown", "services", "volumes", NULL};
    for (size_t i = 0; later[i] != NULL; i++) {
        struct ycur m;
        size_t count = 0;
        if (!ycur_opt(c, later[i], &m))
            continue;
        int rc = ycur_list(&m, 65536, &count, e);
        if (rc < 0)
            return rc;
        if (count > 0)
            return ycur_fail_key(&m, ERR_UNDECIDED, e, "'%s' is not supported by this version",
                                 later[i]);
    }
    return 0;
}

static int parse_members(const struct ycur *c, struct linuxkit *lk, struct err *e)
{
    struct ycur m;
    int rc = 0;
    if (ycur_opt(c, "kernel", &m) && (rc = parse_kernel(&m, lk, e)) < 0)
        return rc;
    if (ycur_opt(c, "init", &m) && (rc = parse_init(&m, lk, e)) < 0)
        return rc;
    if (ycur_opt(c, "files", &m) && (rc = parse_files(&m, lk, e)) < 0)
        return rc;
    if (ycur_opt(c, "trust", &m) && (rc = ycur_open_map(&m, e)) < 0)
        return rc;
    return refuse_unsupported(c, e);
}

int linuxkit_parse(const struct ycur *c, struct linuxkit **out, struct err *e)
{
    int rc = ycur_map(c, TOP_KEYS, e);
    if (rc < 0)
        return rc;
    AUTO_LINUXKIT struct linuxkit *lk = calloc(1, sizeof *lk);
    if (lk == NULL)
        return err_oom(e);
    if ((rc = parse_members(c, lk, e)) < 0)
        return rc;
    if (lk->kernel.name == NULL && lk->init_count == 0 && lk->file_count == 0)
        return ycur_fail(c, ERR_INPUT, e, "the system is empty: give kernel, init or files");
    *out = steal_ptr(&lk);
    return 0;
}

static void linuxkit_file_dispose(struct linuxkit_file *f)
{
    free(f->path);
    free(f->at);
}

void linuxkit_free(struct linuxkit *lk)
{
    if (lk == NULL)
        return;
    for (size_t i = 0; i < lk->file_count; i++)
        linuxkit_file_dispose(&lk->files[i]);
    for (size_t i = 0; i < lk->init_count; i++)
        free(lk->init[i].at);
    free(lk->kernel.at);
    free(lk->files);
    free(lk->init);
    free(lk);
}

int linuxkit_images(const struct linuxkit *lk, struct linuxkit_image **images, size_t *count,
                    struct err *e)
{
    struct linuxkit_image *list = array_new(lk->init_count + 2, sizeof *list);
    if (list == NULL)
        return err_oom(e);
    size_t n = 0;
    if (lk->kernel.name != NULL)
        list[n++] = lk->kernel;
    for (size_t i = 0; i < lk->init_count; i++) {
        size_t k = 0;
        while (k < n && strcmp(list[k].name, lk->init[i].name) != 0)
            k++;
        if (k == n)
            list[n++] = lk->init[i];
    }
    *images = list;
    *count = n;
    return 0;
}
