/* SPDX-License-Identifier: Apache-2.0 */
/* Disk images (docs/formats/disk.md): a FAT volume with kernel, initrd and boot loader, behind an
 * MBR or a GPT, as it is or in a container that some hypervisor or cloud takes. One row a format.
 */
#include "builder/recipe/artifact_disk.h"

#include "base/media_types.h"
#include "builder/recipe/artifact.h"
#include "builder/recipe/compiler.h"

#include <string.h>

enum { CMDLINE_MAX = 2000 };
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define DISK_SIZE_MAX (2040 * GIB) /* a VHD's; an MBR has 2 TiB */

/* ---- the formats ------------------------------------------------------------------------- */

enum firmware { BIOS, EFI };

struct format {
    const struct artifact_kind *kind;
    const char *suffix; /* of the output: LinuxKit's */
    enum firmware firmware;
    const char *container; /* step kind; NULL: the disk itself */
    const char *variant;   /* params.type of that kind; NULL: it has none */
    const char *media_type;
};

#define DISK_ROW(id, name, suffix, firmware, container, variant, media_type)                       \
    {&artifact_##id, suffix, firmware, container, variant, media_type},
static const struct format formats[] = {DISK_FORMATS(DISK_ROW)};

static const struct format *format_of(const struct recipe_artifact *a)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
        if (formats[i].kind == a->kind)
            return &formats[i];
    return &formats[0];
}

/* ---- options --------------------------------------------------------------------------------- */

static int read_disk(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"size", "loader", NULL};
    static const char *const bios[] = {"syslinux", NULL};
    static const char *const efi[] = {"systemd-boot-efi", NULL};
    struct ycur m;
    uint64_t size = 0;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc == 0 && c != NULL && ycur_opt(c, "size", &m)) {
        uint64_t unit = out->kind == &artifact_gcp ? GIB : MIB;
        if ((rc = artifact_read_size(&m, &size, e)) == 0 &&
            (size == 0 || size > DISK_SIZE_MAX || size % unit != 0))
            rc = ycur_fail(&m, ERR_INPUT, e, "a disk for %s has whole %s, at most 2040GiB",
                           out->kind->name, unit == GIB ? "GiB" : "MiB");
    }
    if (rc < 0 || (rc = json_put_u64(out->options, "size", size, e)) < 0)
        return rc;
    return format_of(out)->firmware == BIOS
               ? artifact_read_image(c, "loader", "syslinux", bios, out, e)
               : artifact_read_image(c, "loader", "systemd-boot", efi, out, e);
}

/* ---- small parts --------------------------------------------------------------------------------
 */

/* `efi`: the architecture whose firmware must be able to start it; NULL: none. */
static int put_program(json_t *files, const char *path, int64_t input, const char *text,
                       const char *efi, struct err *e)
{
    AUTO_JSON json_t *file = json_object();
    if (file == NULL)
        return err_oom(e);
    int rc = json_put_string(file, "path", path, e);
    if (rc == 0)
        rc = text != NULL ? json_put_string(file, "text", text, e)
                          : json_put_u64(file, "input", (uint64_t)input, e);
    if (rc == 0 && efi != NULL)
        rc = json_put_string(file, "efi", efi, e);
    return rc < 0 ? rc : json_push(files, steal_ptr(&file), e);
}

static int put_file(json_t *files, const char *path, int64_t input, const char *text, struct err *e)
{
    return put_program(files, path, input, text, NULL, e);
}

int artifact_check_cmdline(const struct compiler *c, struct err *e)
{
    const char *text = c->recipe->system->cmdline;
    if (strlen(text) > CMDLINE_MAX)
        return err_set(e, ERR_INPUT, "a boot loader takes at most %d bytes of command line",
                       CMDLINE_MAX);
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(e, ERR_INPUT,
                           "the kernel's command line has a control character, which a boot "
                           "loader's configuration cannot hold");
    return 0;
}

static bool is_default_initrd(const json_t *options)
{
    const char *name = json_string_value(json_object_get(options, "compressor"));
    return name != NULL && strcmp(name, compressor_gzip.name) == 0 &&
           json_integer_value(json_object_get(options, "level")) == compressor_gzip.level_normal;
}

int artifact_initrd(struct compiler *c, const char **id, struct err *e)
{
    AUTO_JSON json_t *options = json_object();
    struct recipe_artifact plain = {.options = options};
    *id = "initrd";
    for (size_t i = 0; i < c->recipe->artifact_count; i++)
        if (json_object_get(c->recipe->artifacts[i].options, "compressor") != NULL &&
            strstr(c->recipe->artifacts[i].kind->name, "initrd") != NULL &&
            !is_default_initrd(c->recipe->artifacts[i].options))
            *id = "disk.initrd";
    if (options == NULL)
        return err_oom(e);
    int rc = artifact_put_compression(options, &compressor_gzip, compressor_gzip.level_normal, e);
    if (rc < 0)
        return rc;
    return compiler_initrd(c, *id, &plain, e);
}

static int volume_params(const struct compiler *c, const char *type, json_t *files, json_t **out,
                         struct err *e)
{
    AUTO_JSON json_t *params = json_object();
    if (params == NULL)
        return err_oom(e);
    int rc = json_put_string(params, "type", type, e);
    if (rc < 0 || (rc = json_put_u64(params, "size", 0, e)) < 0 ||
        (rc = json_put_u64(params, "cluster", 0, e)) < 0 ||
        (rc = json_put_string(params, "label", "LINUXKIT", e)) < 0 ||
        (rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e)) < 0 ||
        (rc = json_put_u64(params, "hidden", 2048, e)) < 0 ||
        (rc = json_put(params, "files", json_incref(files), e)) < 0)
        return rc;
    *out = steal_ptr(&params);
    return 0;
}

/* The id of a disk's step; caller frees. */
static int disk_id(const char *prefix, uint64_t size, char **out, struct err *e)
{
    if (size == 0)
        return str_format(out, e, "%s.disk", prefix);
    return str_format(out, e, "%s.disk.%llum", prefix, (unsigned long long)(size >> 20));
}

static int disk_params(const char *table, uint64_t size, json_t *partition_taken, json_t **out,
                       struct err *e)
{
    AUTO_JSON json_t *partition = partition_taken;
    AUTO_JSON json_t *params = json_object();
    AUTO_JSON json_t *partitions = json_array();
    if (params == NULL || partitions == NULL)
        return err_oom(e);
    int rc = json_put_u64(partition, "input", 0, e);
    if (rc < 0 || (rc = json_push(partitions, steal_ptr(&partition), e)) < 0 ||
        (rc = json_put(params, "partitions", steal_ptr(&partitions), e)) < 0 ||
        (rc = json_put_string(params, "table", table, e)) < 0 ||
        (rc = json_put_u64(params, "size", size, e)) < 0)
        return rc;
    *out = steal_ptr(&params);
    return 0;
}

/* ---- BIOS: SYSLINUX on the active partition
 * ------------------------------------------------------ */

static int bios_volume(struct compiler *c, const char *initrd, struct err *e)
{
    const char *const inputs[] = {"kernel", initrd, "bios.installer", NULL};
    AUTO_JSON json_t *files = json_array();
    AUTO_JSON json_t *params = NULL;
    AUTO_FREE char *config = NULL;
    const char *cmdline = c->recipe->system->cmdline;
    if (files == NULL)
        return err_oom(e);
    int rc =
        str_format(&config, e,
                   "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n  LINUX /kernel\n"
                   "  INITRD /initrd.img\n%s%s%s",
                   cmdline[0] != '\0' ? "  APPEND " : "", cmdline, cmdline[0] != '\0' ? "\n" : "");
    if (rc < 0 || (rc = put_file(files, "syslinux.cfg", 0, config, e)) < 0 ||
        (rc = put_file(files, "kernel", 0, NULL, e)) < 0 ||
        (rc = put_file(files, "initrd.img", 1, NULL, e)) < 0 ||
        (rc = volume_params(c, "auto", files, &params, e)) < 0 ||
        (rc = json_put_u64(params, "syslinux", 2, e)) < 0)
        return rc;
    return compiler_step_inputs(c, "bios.volume", "encode.fat", inputs, steal_ptr(&params), e);
}

static int bios_disk(struct compiler *c, const char *id, uint64_t size, struct err *e)
{
    static const char *const inputs[] = {"bios.volume", "bios.mbr", NULL};
    AUTO_JSON json_t *partition = json_object();
    AUTO_JSON json_t *params = NULL;
    if (partition == NULL)
        return err_oom(e);
    /* 0x0c says FAT32 with LBA; what is in it is told by the volume itself, as everywhere. */
    int rc = json_put_u64(partition, "type", 0x0c, e);
    if (rc < 0 || (rc = json_put(partition, "active", json_true(), e)) < 0 ||
        (rc = disk_params("mbr", size, steal_ptr(&partition), &params, e)) < 0 ||
        (rc = json_put_u64(params, "code", 1, e)) < 0)
        return rc;
    return compiler_step_inputs(c, id, "encode.disk", inputs, steal_ptr(&params), e);
}

static int compile_bios(struct compiler *c, const struct recipe_artifact *a, const char *id,
                        uint64_t size, struct err *e)
{
    const char *loader = compiler_image(c, a->images[0].name);
    const char *initrd = NULL;
    if (strcmp(c->recipe->arch, "amd64") != 0)
        return err_set(e, ERR_UNDECIDED, "the format '%s' is for amd64, not for %s", a->kind->name,
                       c->recipe->arch);
    int rc = compiler_extract(c, "kernel", c->system_step, "boot/kernel", e);
    if (rc < 0 || (rc = artifact_initrd(c, &initrd, e)) < 0 ||
        (rc = compiler_extract(c, "bios.installer", loader, "usr/bin/syslinux", e)) < 0 ||
        (rc = compiler_extract(c, "bios.mbr", loader, "usr/lib/SYSLINUX/mbr.bin", e)) < 0 ||
        (rc = bios_volume(c, initrd, e)) < 0)
        return rc;
    return bios_disk(c, id, size, e);
}

/* ---- EFI: systemd-boot in the EFI system partition --------------------------------------------
 */

struct efi_machine {
    const char *arch;
    const char *loader;    /* in Debian's systemd-boot-efi */
    const char *removable; /* what firmware looks for on a disk that it has never seen */
};

static const struct efi_machine efi_machines[] = {
    {"amd64", "usr/lib/systemd/boot/efi/systemd-bootx64.efi", "EFI/BOOT/BOOTX64.EFI"},
    {"arm64", "usr/lib/systemd/boot/efi/systemd-bootaa64.efi", "EFI/BOOT/BOOTAA64.EFI"},
    {"riscv64", "usr/lib/systemd/boot/efi/systemd-bootriscv64.efi", "EFI/BOOT/BOOTRISCV64.EFI"},
};

static int efi_volume(struct compiler *c, const struct efi_machine *m, const char *id,
                      const char *initrd, const char *cmdline, struct err *e)
{
    const char *const inputs[] = {"efi.loader", "kernel", initrd, NULL};
    AUTO_JSON json_t *files = json_array();
    AUTO_JSON json_t *params = NULL;
    AUTO_FREE char *entry = NULL;
    if (files == NULL)
        return err_oom(e);
    int rc = str_format(&entry, e, "title LinuxKit\nlinux /kernel\n%soptions %s\n",
                        initrd != NULL ? "initrd /initrd.img\n" : "", cmdline);
    if (rc < 0 || (rc = put_file(files, m->removable, 0, NULL, e)) < 0 ||
        (rc = put_program(files, "kernel", 1, NULL, m->arch, e)) < 0 ||
        (initrd != NULL && (rc = put_file(files, "initrd.img", 2, NULL, e)) < 0) ||
        (rc = put_file(files, "loader/loader.conf", 0, "timeout 0\neditor no\n", e)) < 0 ||
        (rc = put_file(files, "loader/entries/linuxkit.conf", 0, entry, e)) < 0 ||
        (rc = volume_params(c, "fat32", files, &params, e)) < 0)
        return rc;
    return compiler_step_inputs(c, id, "encode.fat", inputs, steal_ptr(&params), e);
}

int artifact_efi_volume(struct compiler *c, const char *loader, const char *id, bool with_initrd,
                        const char *cmdline, struct err *e)
{
    const struct efi_machine *m = NULL;
    const char *initrd = NULL;
    for (size_t i = 0; i < sizeof(efi_machines) / sizeof(efi_machines[0]); i++)
        if (strcmp(efi_machines[i].arch, c->recipe->arch) == 0)
            m = &efi_machines[i];
    if (m == NULL)
        return err_set(e, ERR_UNDECIDED, "there is no EFI boot loader for %s", c->recipe->arch);
    int rc = artifact_check_cmdline(c, e);
    if (rc < 0 || (rc = compiler_extract(c, "kernel", c->system_step, "boot/kernel", e)) < 0 ||
        (with_initrd && (rc = artifact_initrd(c, &initrd, e)) < 0) ||
        (rc = compiler_extract(c, "efi.loader", compiler_image(c, loader), m->loader, e)) < 0)
        return rc;
    return efi_volume(c, m, id, initrd, cmdline, e);
}

static int efi_disk(struct compiler *c, const char *id, uint64_t size, struct err *e)
{
    AUTO_JSON json_t *partition = json_object();
    AUTO_JSON json_t *params = NULL;
    if (partition == NULL)
        return err_oom(e);
    /* Attribute 2 is LinuxKit's: legacy BIOSes may boot it. */
    int rc = json_put_string(partition, "type", "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", e);
    if (rc < 0 || (rc = json_put_string(partition, "name", "EFI System", e)) < 0 ||
        (rc = json_put_u64(partition, "attributes", 4, e)) < 0 ||
        (rc = disk_params("gpt", size, steal_ptr(&partition), &params, e)) < 0)
        return rc;
    return compiler_step(c, id, "encode.disk", "efi.volume", steal_ptr(&params), e);
}

static int compile_efi(struct compiler *c, const struct recipe_artifact *a, const char *id,
                       uint64_t size, struct err *e)
{
    int rc = artifact_efi_volume(c, a->images[0].name, "efi.volume", true,
                                 c->recipe->system->cmdline, e);
    return rc < 0 ? rc : efi_disk(c, id, size, e);
}

/* ---- all
 * -------------------------------------------------------------------------------------------- */

/* The step of the container around the disk. A BIOS's disk is grown there, since nothing stands at
 * the end of an MBR's. */
static int container_step(struct compiler *c, const struct format *f, const char *disk,
                          uint64_t size, struct err *e)
{
    AUTO_JSON json_t *params = json_object();
    if (params == NULL)
        return err_oom(e);
    int rc = json_put_u64(params, "size", f->firmware == BIOS ? size : 0, e);
    if (rc == 0 && f->variant != NULL)
        rc = json_put_string(params, "type", f->variant, e);
    if (rc == 0 &&
        (strcmp(f->container, "encode.vhd") == 0 || strcmp(f->container, "encode.gcp") == 0))
        rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e);
    if (rc == 0 && strcmp(f->container, "encode.gcp") == 0)
        rc = artifact_put_compression(params, &compressor_gzip, compressor_gzip.level_normal, e);
    return rc < 0 ? rc : compiler_step(c, f->kind->name, f->container, disk, steal_ptr(&params), e);
}

static int compile_disk(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    const struct format *f = format_of(a);
    uint64_t size = (uint64_t)json_integer_value(json_object_get(a->options, "size"));
    uint64_t disk_size = f->container != NULL && f->firmware == BIOS ? 0 : size;
    AUTO_FREE char *disk = NULL;
    const char *last = f->kind->name;
    int rc = artifact_check_cmdline(c, e);
    if (rc < 0 || (rc = disk_id(f->firmware == BIOS ? "bios" : "efi", disk_size, &disk, e)) < 0)
        return rc;
    rc = f->firmware == BIOS ? compile_bios(c, a, disk, disk_size, e)
                             : compile_efi(c, a, disk, disk_size, e);
    if (rc < 0)
        return rc;
    if (f->container == NULL)
        last = disk;
    else if ((rc = container_step(c, f, disk, size, e)) < 0)
        return rc;
    return compiler_output(c, f->suffix, last, f->media_type, e);
}

#define DISK_KIND(id, text, ending, firmware, container, variant, media_type)                      \
    const struct artifact_kind artifact_##id = {.name = text,                                      \
                                                .needs_kernel = true,                              \
                                                .own_suffix = ending,                              \
                                                .read = read_disk,                                 \
                                                .compile = compile_disk};
DISK_FORMATS(DISK_KIND)
