/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The artifact `cartesi`: a machine of the Cartesi emulator, stored before its
 * first cycle (docs/reference/recipe.md, docs/formats/machine.md). Here its
 * options become their normal form:
 *
 *   emulator, hashFunction, ramLength, bootargs, init, entrypoint, registers, phtcSize?
 *   ram          [{SOURCE, offset}, …]
 *   flashDrives, nvrams   [{SOURCE?, label, readOnly, length?, start?, align?}, …]
 *   dtb?, uarch?, rxBuffer?, txBuffer?   {SOURCE}
 *   pack         [directory, tar, squashfs]
 *   verity, maxCycle?
 *
 * SOURCE is one of `file`, `artifact`, `kernel: true`, `initrd: true`, or `image` and `path`.
 */
#include "builder/recipe/artifact_cartesi.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_MAX = 1 << 20,
    PATH_MAX_BYTES = 4095,
    DRIVES_MAX = 8,
    PARTS_MAX = 16,
    REGISTERS_MAX = 128,
    LABEL_MAX = 31,
    PAGE = 4096,
    ALIGN_DEFAULT = 2 << 20,
    ALIGN_MAX = 1 << 30,
};
#define BOOTARGS "quiet earlycon=sbi console=hvc0 uio_pdrv_genirq.of_id=generic-uio"

/* ---- values --------------------------------------------------------------------------- */

/* 64 bits: an integer, or in quotes "0x" and lower-case digits. The plan has the text. */
static int put_word(const struct ycur *c, const char *key, json_t *out, struct err *e)
{
    char text[24];
    const char *given = NULL;
    int64_t number = 0;
    int rc;
    if (json_is_integer(c->value)) {
        if ((rc = ycur_int(c, 0, INT64_MAX, &number, e)) < 0)
            return rc;
        (void)snprintf(text, sizeof(text), "0x%" PRIx64, (uint64_t)number);
        return json_put_string(out, key, text, e);
    }
    if ((rc = ycur_text(c, 18, &given, e)) < 0)
        return rc;
    size_t digits = strncmp(given, "0x", 2) == 0 ? strspn(given + 2, "0123456789abcdef") : 0;
    if (digits == 0 || given[2 + digits] != '\0' || (given[2] == '0' && digits > 1))
        return ycur_fail(c, ERR_INPUT, e, "'%s' is no number like 0x80000000", given);
    return json_put_string(out, key, given, e);
}

static int put_text(const struct ycur *up, const char *key, const char *normal, json_t *out,
                    struct err *e)
{
    struct ycur c;
    const char *text = normal;
    int rc = 0;
    if (up != NULL && ycur_opt(up, key, &c) && (rc = ycur_text0(&c, TEXT_MAX, &text, e)) < 0)
        return rc;
    return json_put_string(out, key, text, e);
}

static int put_choice(const struct ycur *up, const char *key, const char *const *names, json_t *out,
                      struct err *e)
{
    struct ycur c;
    size_t choice = 0;
    int rc = 0;
    if (ycur_opt(up, key, &c) && (rc = ycur_choice(&c, names, &choice, e)) < 0)
        return rc;
    return json_put_string(out, key, names[choice], e);
}

/* ---- where bytes come from -------------------------------------------------------------- */

#define SOURCE_KEYS "file", "image", "path", "artifact", "kernel", "initrd"

#define SOURCE_FORMS "file, image, artifact, kernel and initrd"

/* The artifacts that are one file that a drive can hold are found by their names when compiling. */
static int read_artifact(const struct ycur *c, json_t *out, struct err *e)
{
    const char *name = NULL;
    int rc = ycur_text(c, 64, &name, e);
    if (rc < 0)
        return rc;
    if (strcmp(name, "cartesi") == 0)
        return ycur_fail(c, ERR_INPUT, e, "a machine cannot hold itself");
    return json_put_string(out, "artifact", name, e);
}

static int read_file(const struct ycur *c, struct recipe_artifact *a, json_t *out, struct err *e)
{
    const char *path = NULL;
    int rc = ycur_text(c, PATH_MAX_BYTES, &path, e);
    if (rc < 0)
        return rc;
    if (a->file_count == ARTIFACT_FILES_MAX)
        return ycur_fail(c, ERR_INPUT, e, "more than %d files", ARTIFACT_FILES_MAX);
    a->files[a->file_count++] = path;
    return json_put_string(out, "file", path, e);
}

static int read_image(const struct ycur *up, const struct ycur *c, struct recipe_artifact *a,
                      json_t *out, struct err *e)
{
    struct ycur path;
    const char *name = NULL;
    const char *text = NULL;
    int rc = ycur_text(c, 512, &name, e);
    if (rc < 0 || (rc = ycur_get(up, "path", &path, e)) < 0 ||
        (rc = ycur_text(&path, PATH_MAX_BYTES, &text, e)) < 0)
        return rc;
    if (a->image_count == ARTIFACT_IMAGES_MAX)
        return ycur_fail(c, ERR_INPUT, e, "more than %d images", ARTIFACT_IMAGES_MAX);
    a->images[a->image_count++] = (struct artifact_image){.name = name};
    if ((rc = json_put_string(out, "image", name, e)) < 0)
        return rc;
    return json_put_string(out, "path", text, e);
}

/* What the system has one of. */
static int read_true(const struct ycur *c, const char *key, json_t *out, struct err *e)
{
    bool is = false;
    int rc = ycur_bool(c, &is, e);
    if (rc < 0)
        return rc;
    return is ? json_put(out, key, json_true(), e)
              : ycur_fail(c, ERR_INPUT, e, "'%s' is true, or not there", key);
}

/* At most one of the forms; *found tells whether there is one. */
static int read_source(const struct ycur *c, struct recipe_artifact *a, json_t *out, bool *found,
                       struct err *e)
{
    static const char *const forms[] = {"file", "image", "artifact", "kernel", "initrd"};
    struct ycur m;
    size_t count = 0;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
        count += ycur_opt(c, forms[i], &m);
    *found = count > 0;
    if (count > 1)
        return ycur_fail(c, ERR_INPUT, e, "more than one of " SOURCE_FORMS);
    if (ycur_opt(c, "path", &m) && !ycur_opt(c, "image", &m))
        return ycur_fail(c, ERR_INPUT, e, "'path' says what is taken of an 'image'");
    if (ycur_opt(c, "file", &m))
        return read_file(&m, a, out, e);
    if (ycur_opt(c, "image", &m))
        return read_image(c, &m, a, out, e);
    if (ycur_opt(c, "artifact", &m))
        return read_artifact(&m, out, e);
    if (ycur_opt(c, "kernel", &m))
        return read_true(&m, "kernel", out, e);
    return ycur_opt(c, "initrd", &m) ? read_true(&m, "initrd", out, e) : 0;
}

static int need_source(const struct ycur *c, struct recipe_artifact *a, json_t *out, struct err *e)
{
    bool found = false;
    int rc = read_source(c, a, out, &found, e);
    return rc < 0 || found ? rc : ycur_fail(c, ERR_INPUT, e, "one of " SOURCE_FORMS " is missing");
}

/* An option that is a source and nothing else. */
static int put_source(const struct ycur *up, const char *key, const char *as,
                      struct recipe_artifact *a, struct err *e)
{
    static const char *const keys[] = {SOURCE_KEYS, NULL};
    struct ycur c;
    AUTO_JSON json_t *source = json_object();
    if (!ycur_opt(up, key, &c))
        return 0;
    int rc = source == NULL ? err_oom(e) : ycur_map(&c, keys, e);
    if (rc < 0 || (rc = need_source(&c, a, source, e)) < 0)
        return rc;
    return json_put(a->options, as, steal_ptr(&source), e);
}

/* ---- ram ---------------------------------------------------------------------------------- */

static int read_part(const struct ycur *c, struct recipe_artifact *a, json_t *out, struct err *e)
{
    static const char *const keys[] = {SOURCE_KEYS, "offset", NULL};
    struct ycur m;
    uint64_t offset = 0;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = need_source(c, a, out, e)) < 0)
        return rc;
    if (ycur_opt(c, "offset", &m) && (rc = artifact_read_size(&m, &offset, e)) < 0)
        return rc;
    return json_put_u64(out, "offset", offset, e);
}

/* image: one source, or a list of sources with offsets. */
static int read_parts(const struct ycur *c, struct recipe_artifact *a, json_t *parts, struct err *e)
{
    size_t count = 0;
    uint64_t last = 0;
    int rc = 0;
    if (json_is_object(c->value)) {
        AUTO_JSON json_t *part = json_object();
        if (part == NULL)
            return err_oom(e);
        rc = read_part(c, a, part, e);
        return rc < 0 ? rc : json_push(parts, steal_ptr(&part), e);
    }
    if ((rc = ycur_list(c, PARTS_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        AUTO_JSON json_t *part = json_object();
        struct ycur item = ycur_item(c, i);
        if (part == NULL)
            return err_oom(e);
        if ((rc = read_part(&item, a, part, e)) < 0)
            return rc;
        uint64_t offset = (uint64_t)json_integer_value(json_object_get(part, "offset"));
        if (i > 0 && offset <= last)
            return ycur_fail(&item, ERR_INPUT, e, "offsets must rise");
        last = offset;
        if ((rc = json_push(parts, steal_ptr(&part), e)) < 0)
            return rc;
    }
    return 0;
}

static int read_ram(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    static const char *const keys[] = {"length", "image", NULL};
    AUTO_JSON json_t *parts = json_array();
    struct ycur c;
    struct ycur m;
    uint64_t length = (uint64_t)128 << 20;
    int rc = parts == NULL ? err_oom(e) : 0;
    if (rc == 0 && up != NULL && ycur_opt(up, "ram", &c)) {
        if ((rc = ycur_map(&c, keys, e)) < 0 ||
            (ycur_opt(&c, "length", &m) && (rc = artifact_read_size(&m, &length, e)) < 0) ||
            (ycur_opt(&c, "image", &m) && (rc = read_parts(&m, a, parts, e)) < 0))
            return rc;
    }
    if (rc < 0 || (rc = json_put_u64(a->options, "ramLength", length, e)) < 0)
        return rc;
    return json_put(a->options, "ram", steal_ptr(&parts), e);
}

/* ---- drives -------------------------------------------------------------------------------- */

/*
 * Linux takes a drive as persistent memory, and maps that in units of 2 MiB: one that is no
 * multiple of it is not there. An NVRAM is a device to it, and may have any number of pages.
 */
static int read_align(const struct ycur *c, bool is_flash, uint64_t *out, struct err *e)
{
    struct ycur m;
    *out = is_flash ? ALIGN_DEFAULT : PAGE;
    if (!ycur_opt(c, "align", &m))
        return 0;
    int rc = artifact_read_size(&m, out, e);
    if (rc < 0)
        return rc;
    return *out >= PAGE && *out <= ALIGN_MAX && (*out & (*out - 1)) == 0
               ? 0
               : ycur_fail(&m, ERR_INPUT, e, "not a power of two from 4KiB to 1GiB");
}

/* `length` rounded up; a length that is not given is left to the build. */
static int put_length(const struct ycur *c, uint64_t align, json_t *out, struct err *e)
{
    struct ycur m;
    uint64_t length = 0;
    if (!ycur_opt(c, "length", &m))
        return align == PAGE ? 0 : json_put_u64(out, "align", align, e);
    int rc = artifact_read_size(&m, &length, e);
    if (rc < 0)
        return rc;
    /* What is no multiple of a page stays so, and is refused with the rest. */
    if (length % PAGE == 0 && length <= INT64_MAX - align)
        length = (length + align - 1) / align * align;
    return json_put_u64(out, "length", length, e);
}

static int read_drive(const struct ycur *c, bool is_flash, struct recipe_artifact *a, json_t *out,
                      struct err *e)
{
    static const char *const keys[] = {SOURCE_KEYS, "align",    "label", "length",
                                       "start",     "readOnly", NULL};
    struct ycur m;
    const char *label = "";
    bool found = false;
    uint64_t align = 0;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = read_source(c, a, out, &found, e)) < 0 ||
        (ycur_opt(c, "label", &m) && (rc = ycur_text(&m, LABEL_MAX, &label, e)) < 0) ||
        (rc = json_put_string(out, "label", label, e)) < 0 ||
        (rc = read_align(c, is_flash, &align, e)) < 0 || (rc = put_length(c, align, out, e)) < 0 ||
        (ycur_opt(c, "start", &m) && (rc = put_word(&m, "start", out, e)) < 0))
        return rc;
    if (!found && json_object_get(out, "length") == NULL)
        return ycur_fail(c, ERR_INPUT, e, "a drive needs a 'length', or what is on it");
    /* What is built with the machine is not for the guest to change, unless somebody says so. */
    return artifact_read_flag(c, "readOnly", json_object_get(out, "artifact") != NULL, out, e);
}

static int read_drives(const struct ycur *up, const char *key, struct recipe_artifact *a,
                       struct err *e)
{
    AUTO_JSON json_t *drives = json_array();
    struct ycur list;
    size_t count = 0;
    int rc = drives == NULL ? err_oom(e) : 0;
    if (rc == 0 && up != NULL && ycur_opt(up, key, &list))
        rc = ycur_list(&list, DRIVES_MAX, &count, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        AUTO_JSON json_t *drive = json_object();
        struct ycur item = ycur_item(&list, i);
        if (drive == NULL)
            return err_oom(e);
        if ((rc = read_drive(&item, strcmp(key, "flashDrives") == 0, a, drive, e)) == 0)
            rc = json_push(drives, steal_ptr(&drive), e);
    }
    return rc < 0 ? rc : json_put(a->options, key, steal_ptr(&drives), e);
}

/* Without flashDrives: the system's squashfs, as `root`. */
static int default_drive(struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *drives = json_array();
    AUTO_JSON json_t *drive = json_object();
    if (drives == NULL || drive == NULL)
        return err_oom(e);
    int rc = json_put_string(drive, "artifact", "squashfs", e);
    if (rc < 0 || (rc = json_put_string(drive, "label", "root", e)) < 0 ||
        (rc = json_put_u64(drive, "align", ALIGN_DEFAULT, e)) < 0 ||
        (rc = json_put(drive, "readOnly", json_true(), e)) < 0 ||
        (rc = json_push(drives, steal_ptr(&drive), e)) < 0)
        return rc;
    return json_put(a->options, "flashDrives", steal_ptr(&drives), e);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static int read_register_group(const struct ycur *c, unsigned depth, json_t *out, struct err *e)
{
    AUTO_FREE const char **keys = NULL;
    size_t count = 0;
    int rc = ycur_open_map(c, e);
    if (rc < 0 || (rc = ycur_keys(c, &keys, &count, e)) < 0)
        return rc;
    if (count > REGISTERS_MAX)
        return ycur_fail(c, ERR_INPUT, e, "more than %d registers", REGISTERS_MAX);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur m;
        if ((rc = ycur_get(c, keys[i], &m, e)) < 0)
            return rc;
        if (json_is_object(m.value) && depth == 0) {
            json_t *group = json_object();
            if ((rc = json_put(out, keys[i], group, e)) == 0)
                rc = read_register_group(&m, depth + 1, group, e);
        } else {
            rc = put_word(&m, keys[i], out, e);
        }
    }
    return rc;
}

static int read_registers(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *registers = json_object();
    struct ycur c;
    int rc = registers == NULL ? err_oom(e) : 0;
    if (rc == 0 && up != NULL && ycur_opt(up, "registers", &c))
        rc = read_register_group(&c, 0, registers, e);
    return rc < 0 ? rc : json_put(a->options, "registers", steal_ptr(&registers), e);
}

/* dtb: what the device tree is made from, or a file that is one. */
static int read_dtb(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    static const char *const keys[] = {"bootargs", "init", "entrypoint", SOURCE_KEYS, NULL};
    AUTO_JSON json_t *source = json_object();
    AUTO_FREE char *bootargs = NULL;
    struct ycur c = {.value = NULL};
    bool found = false;
    int rc = source == NULL ? err_oom(e) : 0;
    bool there = up != NULL && ycur_opt(up, "dtb", &c);
    bool root = json_array_size(json_object_get(a->options, "flashDrives")) > 0;
    if (rc == 0)
        rc = str_format(&bootargs, e, "%s%s", BOOTARGS, root ? " root=/dev/pmem0 ro" : "");
    if (rc == 0 && there && (rc = ycur_map(&c, keys, e)) == 0)
        rc = read_source(&c, a, source, &found, e);
    if (rc < 0 || (rc = put_text(there ? &c : NULL, "bootargs", bootargs, a->options, e)) < 0 ||
        (rc = put_text(there ? &c : NULL, "init", "", a->options, e)) < 0 ||
        (rc = put_text(there ? &c : NULL, "entrypoint", "", a->options, e)) < 0)
        return rc;
    return found ? json_put(a->options, "dtb", steal_ptr(&source), e) : 0;
}

static int read_cmio(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    static const char *const keys[] = {"rxBuffer", "txBuffer", NULL};
    struct ycur c;
    if (!ycur_opt(up, "cmio", &c))
        return 0;
    int rc = ycur_map(&c, keys, e);
    if (rc < 0 || (rc = put_source(&c, "rxBuffer", "rxBuffer", a, e)) < 0)
        return rc;
    return put_source(&c, "txBuffer", "txBuffer", a, e);
}

static const char *const pack_forms[] = {"directory", "tar", "squashfs", NULL};

/* In which forms; in the order of pack_forms, each once. */
static int read_pack(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    AUTO_JSON json_t *packs = json_array();
    bool wanted[3] = {false, false, false};
    struct ycur list;
    size_t count = 0;
    int rc = packs == NULL ? err_oom(e) : 0;
    bool there = up != NULL && ycur_opt(up, "pack", &list);
    if (rc == 0 && there)
        rc = ycur_list(&list, 3, &count, e);
    wanted[0] = !there;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(&list, i);
        size_t choice = 0;
        if ((rc = ycur_choice(&item, pack_forms, &choice, e)) == 0)
            wanted[choice] = true;
    }
    if (rc == 0 && there && count == 0)
        return ycur_fail(&list, ERR_INPUT, e, "a machine is packed in some form");
    for (size_t i = 0; rc == 0 && i < 3; i++)
        if (wanted[i])
            rc = json_push(packs, json_string(pack_forms[i]), e);
    if (rc < 0 || (rc = json_put(a->options, "pack", steal_ptr(&packs), e)) < 0 ||
        (rc = artifact_read_flag(up, "verity", false, a->options, e)) < 0)
        return rc;
    if (json_is_true(json_object_get(a->options, "verity")) && !wanted[2])
        return ycur_fail(up, ERR_INPUT, e,
                         "'verity' protects a machine that 'pack' has as squashfs");
    return 0;
}

static int read_run(const struct ycur *up, struct recipe_artifact *a, struct err *e)
{
    static const char *const keys[] = {"maxCycle", NULL};
    struct ycur c;
    struct ycur m;
    int64_t cycles = 0;
    int rc;
    if (!ycur_opt(up, "run", &c))
        return 0;
    if ((rc = ycur_map(&c, keys, e)) < 0 || !ycur_opt(&c, "maxCycle", &m))
        return rc;
    if ((rc = ycur_int(&m, 0, ((int64_t)1 << 53) - 1, &cycles, e)) < 0)
        return rc;
    return json_put_u64(a->options, "maxCycle", (uint64_t)cycles, e);
}

/* What a machine has that nobody wrote options for. */
static int read_written(const struct ycur *c, struct recipe_artifact *a, struct err *e)
{
    struct ycur m;
    int64_t size = 0;
    int rc = read_cmio(c, a, e);
    if (rc < 0 || (rc = put_source(c, "uarch", "uarch", a, e)) < 0 ||
        (rc = read_run(c, a, e)) < 0 || !ycur_opt(c, "phtcSize", &m))
        return rc;
    if ((rc = ycur_int(&m, 1, 1 << 20, &size, e)) < 0)
        return rc;
    return json_put_u64(a->options, "phtcSize", (uint64_t)size, e);
}

static int read_cartesi(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {
        "emulator",  "hashFunction", "ram",      "flashDrives", "nvrams", "dtb", "cmio",
        "registers", "uarch",        "phtcSize", "pack",        "verity", "run", NULL};
    static const char *const emulators[] = {"0.21", NULL};
    static const char *const functions[] = {"keccak256", "sha256", NULL};
    struct ycur m;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0)
        return rc;
    if (c == NULL) {
        if ((rc = json_put_string(out->options, "emulator", emulators[0], e)) < 0 ||
            (rc = json_put_string(out->options, "hashFunction", functions[0], e)) < 0)
            return rc;
    } else if ((rc = put_choice(c, "emulator", emulators, out->options, e)) < 0 ||
               (rc = put_choice(c, "hashFunction", functions, out->options, e)) < 0 ||
               (rc = read_written(c, out, e)) < 0) {
        return rc;
    }
    bool drives = c != NULL && ycur_opt(c, "flashDrives", &m);
    if ((rc = drives ? read_drives(c, "flashDrives", out, e) : default_drive(out, e)) < 0 ||
        (rc = read_drives(c, "nvrams", out, e)) < 0 || (rc = read_ram(c, out, e)) < 0 ||
        (rc = read_dtb(c, out, e)) < 0 || (rc = read_registers(c, out, e)) < 0)
        return rc;
    return read_pack(c, out, e);
}

const struct artifact_kind artifact_cartesi = {
    .name = "cartesi", .read = read_cartesi, .compile = cartesi_compile};
