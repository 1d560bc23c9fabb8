/* SPDX-License-Identifier: Apache-2.0 */
/* encode.fat: named blobs and texts as a FAT volume, with SYSLINUX where asked for
 * (docs/formats/fat.md). */
#include "builder/steps/ids.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/fat/fat.h"
#include "formats/fat/syslinux.h"

#include <string.h>

enum { TEXT_MAX = 65536, PATH_MAX_BYTES = 4096, OWN_FILES = 2 };
#define SIZE_LIMIT ((uint64_t)UINT32_MAX * FAT_SECTOR)

struct entry {
    const char *path;
    const char *text; /* NULL: an input */
    size_t input;
};

struct params {
    struct fat_options options;
    struct entry *entries; /* owned */
    size_t count;
    bool has_syslinux;
    size_t syslinux; /* input */
};

static void params_dispose(struct params *p)
{
    free(p->entries);
}

/* ---- parameters ------------------------------------------------------------------- */

static int read_input(const struct jcur *object, const char *key, size_t input_count, bool *used,
                      size_t *out, struct err *e)
{
    struct jcur c;
    uint64_t index = 0;
    int rc;

    if ((rc = jcur_get(object, key, &c, e)) < 0 || (rc = jcur_u64(&c, UINT32_MAX, &index, e)) < 0)
        return rc;
    if (index >= input_count)
        return jcur_fail(&c, e, "there is no such input");
    used[index] = true;
    *out = (size_t)index;
    return 0;
}

static int read_entry(const struct jcur *c, size_t input_count, bool *used, struct entry *out,
                      struct err *e)
{
    static const char *const keys[] = {"input", "path", "text", NULL};
    struct jcur path;
    struct jcur text;
    int rc;

    if ((rc = jcur_object(c, keys, e)) < 0 || (rc = jcur_get(c, "path", &path, e)) < 0 ||
        (rc = jcur_string(&path, PATH_MAX_BYTES, &out->path, e)) < 0)
        return rc;
    if (!fat_path_valid(out->path))
        return jcur_fail(&path, e, "'%s' is no path that a FAT volume can have", out->path);
    if (!jcur_opt(c, "text", &text))
        return read_input(c, "input", input_count, used, &out->input, e);
    if (jcur_opt(c, "input", &path))
        return jcur_fail(c, e, "a file has either 'input' or 'text'");
    return jcur_string(&text, TEXT_MAX, &out->text, e);
}

static int read_entries(const struct jcur *params, size_t input_count, bool *used, struct params *p,
                        struct err *e)
{
    struct jcur files;
    int rc;

    if ((rc = jcur_get(params, "files", &files, e)) < 0 ||
        (rc = jcur_array(&files, FAT_FILES_MAX - OWN_FILES, &p->count, e)) < 0)
        return rc;
    p->entries = array_new(p->count + 1, sizeof(*p->entries));
    if (p->entries == NULL)
        return err_oom(e);
    for (size_t i = 0; i < p->count; i++) {
        struct jcur item = jcur_item(&files, i);
        if ((rc = read_entry(&item, input_count, used, &p->entries[i], e)) < 0)
            return rc;
    }
    struct jcur c;
    p->has_syslinux = jcur_opt(params, "syslinux", &c);
    return p->has_syslinux ? read_input(params, "syslinux", input_count, used, &p->syslinux, e) : 0;
}

static int read_options(const struct jcur *params, struct fat_options *o, struct err *e)
{
    static const char *const names[] = {"auto", "fat12", "fat16", "fat32", NULL};
    static const enum fat_type types[] = {FAT_AUTO, FAT_12, FAT_16, FAT_32};
    struct jcur c;
    size_t type = 0;
    uint64_t cluster = 0;
    uint64_t hidden = 0;
    int rc;

    if ((rc = jcur_get(params, "type", &c, e)) < 0 || (rc = jcur_choice(&c, names, &type, e)) < 0 ||
        (rc = jcur_get_u64(params, "hidden", UINT32_MAX, &hidden, e)) < 0 ||
        (rc = jcur_get(params, "time", &c, e)) < 0 ||
        (rc = jcur_i64(&c, 0, INT64_C(253402300799), &o->time, e)) < 0 ||
        (rc = jcur_get(params, "label", &c, e)) < 0 ||
        (rc = jcur_string(&c, FAT_LABEL_MAX, &o->label, e)) < 0)
        return rc;
    if (!fat_label_valid(o->label))
        return jcur_fail(&c, e, "'%s' is no label of A-Z, 0-9, '_', '-' and spaces", o->label);
    if ((rc = jcur_get(params, "cluster", &c, e)) < 0 ||
        (rc = jcur_u64(&c, FAT_CLUSTER_MAX, &cluster, e)) < 0)
        return rc;
    if (cluster != 0 && (cluster < FAT_SECTOR || (cluster & (cluster - 1)) != 0))
        return jcur_fail(&c, e, "a cluster is a power of two from 512");
    if ((rc = jcur_get(params, "size", &c, e)) < 0 ||
        (rc = jcur_u64(&c, SIZE_LIMIT, &o->size, e)) < 0)
        return rc;
    if (o->size % FAT_SECTOR != 0)
        return jcur_fail(&c, e, "a size is a multiple of %d", FAT_SECTOR);
    o->type = types[type];
    o->cluster = (uint32_t)cluster;
    o->hidden = (uint32_t)hidden;
    return 0;
}

static int read_params(const struct jcur *params, size_t input_count, struct params *p,
                       struct err *e)
{
    static const char *const keys[] = {"cluster",  "files", "hidden", "label", "size",
                                       "syslinux", "time",  "type",   NULL};
    AUTO_FREE bool *used = array_new(input_count + 1, sizeof(*used));
    int rc;

    if (used == NULL)
        return err_oom(e);
    if ((rc = jcur_object(params, keys, e)) < 0 ||
        (rc = read_options(params, &p->options, e)) < 0 ||
        (rc = read_entries(params, input_count, used, p, e)) < 0)
        return rc;
    for (size_t i = 0; i < input_count; i++)
        if (!used[i])
            return jcur_fail(params, e, "nothing is made of input %zu", i);
    return 0;
}

static int check(const struct jcur *params, size_t input_count, struct err *e)
{
    AUTO(params_dispose) struct params p = {0};

    return read_params(params, input_count, &p, e);
}

/* ---- the serial number --------------------------------------------------------------- */

/* What the volume holds, as one digest to derive from: docs/formats/fat.md says of what. */
static int make_serial(const struct params *p, const struct step_input *inputs, uint32_t *out,
                       struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;
    struct digest d;
    uint8_t id[DIGEST_SHA256_SIZE];

    int rc = hasher_new(DIGEST_SHA256, &h, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        if (entry->text == NULL)
            d = inputs[entry->input].digest;
        else if ((rc = digest_bytes(DIGEST_SHA256, entry->text, strlen(entry->text), &d, e)) < 0)
            return rc;
        if ((rc = hasher_update(h, entry->path, strlen(entry->path) + 1, e)) < 0 ||
            (rc = hasher_update(h, d.bytes, DIGEST_SHA256_SIZE, e)) < 0)
            return rc;
    }
    if ((rc = hasher_final(h, &d, e)) < 0 || (rc = id_derive(&d, "encode.fat serial", id, e)) < 0)
        return rc;
    *out = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    return 0;
}

/* ---- the volume -------------------------------------------------------------------------- */

struct loader {
    struct syslinux parts; /* into `installer` */
    struct buf installer;
    uint8_t *file; /* ldlinux.sys */
    uint8_t boot[SYSLINUX_SECTOR];
};

static void loader_dispose(struct loader *l)
{
    buf_dispose(&l->installer);
    free(l->file);
}

/* The loader's two files, as the last ones. */
static int add_loader(struct cas *cas, const struct step_input *input, struct loader *l,
                      struct fat_file *files, struct err *e)
{
    int rc;

    l->installer.max = SYSLINUX_INSTALLER_MAX;
    if (input->size > SYSLINUX_INSTALLER_MAX)
        return err_set(e, ERR_INPUT, "a SYSLINUX installer has at most %d bytes",
                       SYSLINUX_INSTALLER_MAX);
    if ((rc = cas_get(cas, &input->digest, &l->installer, e)) < 0 ||
        (rc = syslinux_find(l->installer.data, l->installer.len, &l->parts, e)) < 0)
        return rc;
    size_t size = syslinux_installed_size(&l->parts);
    l->file = calloc(1, size);
    if (l->file == NULL)
        return err_oom(e);
    files[0] = (struct fat_file){.path = "ldlinux.sys",
                                 .data = l->file,
                                 .size = size,
                                 .attributes = FAT_READ_ONLY | FAT_HIDDEN | FAT_SYSTEM};
    files[1] =
        (struct fat_file){.path = "ldlinux.c32", .data = l->parts.c32, .size = l->parts.c32_len};
    return 0;
}

static void add_files(const struct params *p, const struct step_input *inputs,
                      struct fat_file *files)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        files[i].path = entry->path;
        if (entry->text != NULL) {
            files[i].data = (const uint8_t *)entry->text;
            files[i].size = strlen(entry->text);
        } else {
            files[i].digest = inputs[entry->input].digest;
            files[i].size = inputs[entry->input].size;
        }
    }
}

static int run(const struct step_context *context, const struct jcur *params,
               const struct step_input *inputs, size_t input_count, struct step_output *out,
               struct err *e)
{
    AUTO(params_dispose) struct params p = {0};
    AUTO(loader_dispose) struct loader loader = {0};
    AUTO_FREE struct fat_file *files = NULL;
    AUTO_FAT struct fat *fat = NULL;
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    uint32_t serial = 0;
    int rc;

    if ((rc = read_params(params, input_count, &p, e)) < 0 ||
        (rc = make_serial(&p, inputs, &serial, e)) < 0)
        return rc;
    size_t count = p.count + (p.has_syslinux ? OWN_FILES : 0);
    files = array_new(count + 1, sizeof(*files));
    if (files == NULL)
        return err_oom(e);
    add_files(&p, inputs, files);
    if ((p.has_syslinux &&
         (rc = add_loader(context->cas, &inputs[p.syslinux], &loader, files + p.count, e)) < 0) ||
        (rc = fat_new(&p.options, files, count, &fat, e)) < 0 ||
        (p.has_syslinux && (rc = syslinux_install(&loader.parts, fat_file_sector(fat, p.count),
                                                  loader.file, loader.boot, e)) < 0) ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = fat_write(fat, context->cas, serial, p.has_syslinux ? loader.boot : NULL,
                        sink_cas(writer), e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_fat = {
    .name = "encode.fat",
    .min_inputs = 0,
    .max_inputs = FAT_FILES_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .check = check,
    .run = run,
};
