/* SPDX-License-Identifier: Apache-2.0 */
/* encode.fat: named blobs and texts as a FAT volume, with SYSLINUX where asked for
 * (docs/formats/fat.md). */
#include "builder/steps/ids.h"

#include "base/byte_order.h"
#include "builder/steps/kinds.h"
#include "builder/steps/params.h"
#include "formats/fat/fat.h"
#include "formats/fat/syslinux.h"
#include "formats/kernel/efi_stub.h"

#include <string.h>

enum { PATH_MAX_BYTES = 4096, OWN_FILES = 2 };
#define SIZE_LIMIT ((uint64_t)UINT32_MAX * FAT_SECTOR)

struct entry {
    const char *path;
    const char *text; /* NULL: an input */
    size_t input;
    const char *efi; /* of efi_stub_archs: what EFI must be able to start it; NULL: nothing */
};

struct params {
    size_t type; /* into type_names */
    uint32_t hidden;
    int64_t time;
    const char *label;
    uint32_t cluster;
    uint64_t size;
    struct entry *entries;
    size_t count;
    size_t syslinux; /* input, or PARAM_NO_INPUT */
};

/* ---- parameters ------------------------------------------------------------------- */

static const char *const type_names[] = {"auto", "fat12", "fat16", "fat32", NULL};
static const enum fat_type types[] = {FAT_AUTO, FAT_12, FAT_16, FAT_32};

static const struct param_text label_text = {
    .max = FAT_LABEL_MAX,
    .valid = fat_label_valid,
    .is = "no label of A-Z, 0-9, '_', '-' and spaces",
    .said_min = 1,
    .said_max = FAT_LABEL_MAX,
};

static const struct param_text path_text = {
    .max = PATH_MAX_BYTES,
    .valid = fat_path_valid,
    .is = "no path that a FAT volume can have",
};

static bool cluster_valid(uint64_t bytes)
{
    return bytes == 0 || (bytes >= FAT_SECTOR && (bytes & (bytes - 1)) == 0);
}

static int check_source(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    struct jcur input;
    struct jcur text;
    (void)r;
    (void)fields;
    if (!jcur_opt(object, "text", &text))
        return jcur_get(object, "input", &input, e);
    if (jcur_opt(object, "input", &input))
        return jcur_fail(object, e, "a file has either 'input' or 'text'");
    return 0;
}

static size_t efi_arch(const char *name)
{
    size_t i = 0;
    while (efi_stub_archs[i] != NULL && strcmp(efi_stub_archs[i], name) != 0)
        i++;
    return i;
}

static bool efi_valid(const char *arch)
{
    return efi_stub_archs[efi_arch(arch)] != NULL;
}

/* Bytes of an input that nobody has seen yet, not a text of the plan. */
static int check_efi(const struct param_reading *r, const struct jcur *object, const void *fields,
                     struct err *e)
{
    const struct entry *entry = fields;
    (void)r;
    return entry->efi != NULL && entry->text != NULL
               ? jcur_fail(object, e, "only an input can be a program of EFI")
               : 0;
}

static const struct param_text efi_text = {
    .max = 8,
    .valid = efi_valid,
    .is = "no architecture of EFI: amd64, arm64 or riscv64",
};

static const struct param entry_rows[] = {
    {PARAM_TEXT("path", struct entry, path, &path_text)},
    {PARAM_RULE(check_source)},
    {PARAM_TEXT("text", struct entry, text, &param_text_content), .optional = true},
    {PARAM_INPUT("input", struct entry, input), .optional = true},
    {PARAM_TEXT("efi", struct entry, efi, &efi_text), .optional = true},
    {PARAM_RULE(check_efi)},
};
static const struct step_params entry_takes = {STEP_PARAMS(entry_rows, struct entry)};
static const struct param_list entry_list = {PARAM_ITEMS(struct entry, &entry_takes),
                                             .max = FAT_FILES_MAX - OWN_FILES};

static const struct param rows[] = {
    {PARAM_CHOICE("type", struct params, type, type_names)},
    {PARAM_U32("hidden", struct params, hidden), .max = UINT32_MAX, .said = SAID_FROM},
    {PARAM_I64("time", struct params, time), .max = PARAM_SECONDS_MAX, .definition = "seconds"},
    {PARAM_TEXT("label", struct params, label, &label_text)},
    {PARAM_U32("cluster", struct params, cluster), .max = FAT_CLUSTER_MAX, .fits = cluster_valid,
     .complaint = "a cluster is a power of two from 512", .said = SAID_FROM},
    {PARAM_U64("size", struct params, size), .max = SIZE_LIMIT, .multiple = FAT_SECTOR,
     .complaint = "a size", .said = SAID_FROM},
    {PARAM_LIST("files", struct entry, struct params, entries, count, &entry_list),
     .said = SAID_BY_HAND},
    {PARAM_INPUT("syslinux", struct params, syslinux), .optional = true},
    {PARAM_RULE(param_inputs_used)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct params)};

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
    *out = get_be32(id);
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

static int check_program(struct cas *cas, const struct step_input *input, const char *arch,
                         struct err *e)
{
    AUTO_FREE uint8_t *head = malloc(EFI_STUB_HEAD);
    AUTO_CAS_STREAM struct cas_stream *s = NULL;
    size_t len = 0;
    size_t got = 1;

    if (head == NULL)
        return err_oom(e);
    int rc = cas_stream_open(cas, &input->digest, &s, e);
    while (rc == 0 && got > 0 && len < EFI_STUB_HEAD) {
        rc = cas_stream_read(s, head + len, EFI_STUB_HEAD - len, &got, e);
        len += rc == 0 ? got : 0;
    }
    return rc < 0 ? rc : efi_stub_check(head, len, efi_arch(arch), e);
}

static int check_programs(struct cas *cas, const struct params *p, const struct step_input *inputs,
                          struct err *e)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct entry *entry = &p->entries[i];
        if (entry->efi != NULL && check_program(cas, &inputs[entry->input], entry->efi, e) < 0)
            return err_wrap(e,
                            "EFI cannot start '%s': take a kernel for %s that was built with "
                            "CONFIG_EFI_STUB, or a format without EFI",
                            entry->path, entry->efi);
    }
    return 0;
}

int step_encode_fat_run(const struct step_context *context, void *params,
                        const struct step_input *inputs, size_t input_count,
                        struct step_output *out, struct err *e)
{
    const struct params *p = params;
    const struct fat_options options = {.type = types[p->type],
                                        .size = p->size,
                                        .cluster = p->cluster,
                                        .label = p->label,
                                        .time = p->time,
                                        .hidden = p->hidden};
    bool loads = p->syslinux != PARAM_NO_INPUT;
    AUTO(loader_dispose) struct loader loader = {0};
    AUTO_FREE struct fat_file *files = NULL;
    AUTO_FAT struct fat *fat = NULL;
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    uint32_t serial = 0;
    int rc;

    (void)input_count;
    if ((rc = check_programs(context->cas, p, inputs, e)) < 0 ||
        (rc = make_serial(p, inputs, &serial, e)) < 0)
        return rc;
    size_t count = p->count + (loads ? OWN_FILES : 0);
    files = array_new(count + 1, sizeof(*files));
    if (files == NULL)
        return err_oom(e);
    add_files(p, inputs, files);
    if ((loads &&
         (rc = add_loader(context->cas, &inputs[p->syslinux], &loader, files + p->count, e)) < 0) ||
        (rc = fat_new(&options, files, count, &fat, e)) < 0 ||
        (loads && (rc = syslinux_install(&loader.parts, fat_file_sector(fat, p->count), loader.file,
                                         loader.boot, e)) < 0) ||
        (rc = cas_writer_new(context->cas, NULL, CAS_SIZE_UNKNOWN, &writer, e)) < 0 ||
        (rc = fat_write(fat, context->cas, serial, loads ? loader.boot : NULL, sink_cas(writer),
                        e)) < 0)
        return rc;
    return output_commit(writer, out, e);
}

const struct step_kind step_encode_fat = {
    .name = "encode.fat",
    .min_inputs = 0,
    .max_inputs = FAT_FILES_MAX,
    .takes = VALUE_BLOB,
    .gives = VALUE_BLOB,
    .params = &takes,
};
