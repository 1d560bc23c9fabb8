#include "builder/recipe/artifact.h"

#include "base/json.h"

#include <string.h>

static const struct artifact_kind KINDS[] = {
    {"squashfs", "encode.squashfs", "squashfs", ".squashfs", "application/vnd.assay.squashfs", true,
     false},
    {"tar", "encode.tar", "tar", ".tar", "application/x-tar", false, false},
    {"kernel+initrd", "encode.initrd", "initrd", "-initrd.img", "application/vnd.assay.initrd",
     true, true},
    {"oci", "encode.oci", "oci", ".oci", "application/vnd.oci.image.manifest.v1+json", false,
     false},
};
enum { KIND_COUNT = sizeof KINDS / sizeof KINDS[0] };

static const char *const NAMES[] = {"squashfs", "tar", "kernel+initrd", "oci", NULL};

const char *const *artifact_kind_names(void)
{
    return NAMES;
}

const struct artifact_kind *artifact_kind_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (strcmp(KINDS[i].name, name) == 0)
            return &KINDS[i];
    return NULL;
}

/* ---- compressors --------------------------------------------------------------- */

struct compressor {
    const char *name;
    int64_t min, max, normal; /* levels */
};

static const struct compressor COMPRESSORS[] = {
    {"gzip", 1, 9, 9}, {"zstd", 1, 22, 15}, {"xz", 0, 9, 6}, {"lz4", 0, 12, 0}, {"none", 0, 0, 0},
};

static const struct compressor *compressor_find(const char *name)
{
    for (size_t i = 0; i < sizeof COMPRESSORS / sizeof COMPRESSORS[0]; i++)
        if (strcmp(COMPRESSORS[i].name, name) == 0)
            return &COMPRESSORS[i];
    return NULL;
}

/* compressor and level: what is not written is `normal`, and the compressor's normal level. */
static int read_compression(const struct ycur *c, const char *const *names, const char *normal,
                            json_t *options, struct err *e)
{
    struct ycur m;
    size_t choice = 0;
    int rc = 0;
    const char *name = normal;
    if (c != NULL && ycur_opt(c, "compressor", &m)) {
        if ((rc = ycur_choice(&m, names, &choice, e)) < 0)
            return rc;
        name = names[choice];
    }
    const struct compressor *z = compressor_find(name);
    if (z == NULL)
        return err_set(e, ERR_INPUT, "there is no compressor '%s'", name);
    int64_t level = z->normal;
    if (c != NULL && ycur_opt(c, "level", &m)) {
        if ((rc = ycur_int(&m, z->min, z->max, &level, e)) < 0)
            return rc;
        if (strcmp(name, "lz4") == 0 && level != 0 && level != 12)
            return ycur_fail(&m, ERR_INPUT, e, "lz4 has the levels 0 (fast) and 12 (small)");
    }
    if ((rc = json_put_string(options, "compressor", name, e)) < 0)
        return rc;
    return json_put_u64(options, "level", (uint64_t)level, e);
}

static int read_flag(const struct ycur *c, const char *key, bool normal, json_t *options,
                     struct err *e)
{
    struct ycur m;
    bool value = normal;
    int rc = 0;
    if (c != NULL && ycur_opt(c, key, &m) && (rc = ycur_bool(&m, &value, e)) < 0)
        return rc;
    return json_put(options, key, json_boolean(value), e);
}

/* ---- one reader per kind --------------------------------------------------------- */

static int read_squashfs(const struct ycur *c, json_t *options, struct err *e)
{
    static const char *const keys[] = {"compressor", "level",  "blockSize", "fragments",
                                       "exports",    "xattrs", NULL};
    static const char *const names[] = {"gzip", "zstd", "xz", "lz4", "none", NULL};
    struct ycur m;
    int64_t block = 131072;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = read_compression(c, names, "zstd", options, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "blockSize", &m)) {
        if ((rc = ycur_int(&m, 4096, 1048576, &block, e)) < 0)
            return rc;
        if ((block & (block - 1)) != 0)
            return ycur_fail(&m, ERR_INPUT, e, "a block size is a power of two, not %lld",
                             (long long)block);
    }
    if ((rc = json_put_u64(options, "blockSize", (uint64_t)block, e)) < 0 ||
        (rc = read_flag(c, "fragments", true, options, e)) < 0 ||
        (rc = read_flag(c, "exports", true, options, e)) < 0)
        return rc;
    return read_flag(c, "xattrs", true, options, e);
}

static int read_tar(const struct ycur *c, json_t *options, struct err *e)
{
    static const char *const keys[] = {NULL};
    (void)options;
    return c == NULL ? 0 : ycur_map(c, keys, e);
}

static const char *const GZIP_OR_NONE[] = {"gzip", "none", NULL};

static int read_initrd(const struct ycur *c, json_t *options, struct err *e)
{
    static const char *const keys[] = {"compressor", "level", NULL};
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    return rc < 0 ? rc : read_compression(c, GZIP_OR_NONE, "gzip", options, e);
}

/* The image configuration's own keys (OCI image specification, config.md); the step checks their
 * types. */
static int read_oci(const struct ycur *c, json_t *options, struct err *e)
{
    static const char *const keys[] = {"compressor", "level", "config", NULL};
    static const char *const config_keys[] = {
        "User",    "ExposedPorts", "Env",    "Entrypoint", "Cmd",
        "Volumes", "WorkingDir",   "Labels", "StopSignal", NULL};
    struct ycur m;
    AUTO_JSON json_t *config = NULL;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = read_compression(c, GZIP_OR_NONE, "gzip", options, e)) < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "config", &m)) {
        if ((rc = ycur_map(&m, config_keys, e)) < 0)
            return rc;
        config = json_deep_copy(m.value);
    } else {
        config = json_object();
    }
    return json_put(options, "config", steal_ptr(&config), e);
}

typedef int options_reader(const struct ycur *c, json_t *options, struct err *e);
static options_reader *const READERS[KIND_COUNT] = {read_squashfs, read_tar, read_initrd, read_oci};

static int fill(const struct artifact_kind *kind, const struct ycur *options, struct err *e,
                struct recipe_artifact *out)
{
    out->kind = kind;
    out->options = json_object();
    if (out->options == NULL)
        return err_oom(e);
    return READERS[kind - KINDS](options, out->options, e);
}

int artifact_default(const char *name, struct recipe_artifact *out, struct err *e)
{
    const struct artifact_kind *kind = artifact_kind_find(name);
    if (kind == NULL)
        return err_set(e, ERR_INPUT, "there is no artifact '%s'", name);
    return fill(kind, NULL, e, out);
}

int artifact_parse(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    size_t choice = 0;
    int rc = ycur_where(c, &out->at, e);
    if (rc < 0)
        return rc;
    if (json_is_string(c->value)) {
        rc = ycur_choice(c, NAMES, &choice, e);
        return rc < 0 ? rc : fill(&KINDS[choice], NULL, e, out);
    }
    if ((rc = ycur_map(c, NAMES, e)) < 0)
        return rc;
    if (json_object_size(c->value) != 1)
        return ycur_fail(c, ERR_INPUT, e, "an artifact is a name, or a map with one name");
    struct ycur options;
    const char *name = json_object_iter_key(json_object_iter(c->value));
    if ((rc = ycur_get(c, name, &options, e)) < 0)
        return rc;
    const struct artifact_kind *kind = artifact_kind_find(name);
    if (kind == NULL)
        return ycur_fail(c, ERR_INPUT, e, "there is no artifact '%s'", name);
    return fill(kind, &options, e, out);
}

void artifact_dispose(struct recipe_artifact *a)
{
    json_decref(a->options);
    free(a->at);
}
