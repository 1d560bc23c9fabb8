/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISO images (docs/formats/iso.md): kernel+iso, iso-bios, iso-efi, iso-efi-initrd. BIOSes start
 * ISOLINUX, EFI starts systemd-boot out of a FAT image in the ISO; both are Debian packages that
 * the plan pins.
 */
#include "base/media_types.h"
#include "builder/recipe/artifact.h"
#include "builder/recipe/artifact_disk.h"
#include "builder/recipe/compiler.h"

#include <string.h>

enum { VOLUME_MAX = 32 };

static const char volume_name[] = "LinuxKit";
static const char efi_image[] = "boot.img";

/* ---- options -------------------------------------------------------------------------- */

static int read_iso(const struct ycur *c, const char *const *keys, bool joliet,
                    struct recipe_artifact *out, struct err *e)
{
    struct ycur m;
    const char *volume = volume_name;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0)
        return rc;
    if (c != NULL && ycur_opt(c, "volume", &m)) {
        if ((rc = ycur_text(&m, VOLUME_MAX, &volume, e)) < 0)
            return rc;
        for (const char *p = volume; *p != '\0'; p++)
            if (*p < ' ' || *p > '~')
                return ycur_fail(&m, ERR_INPUT, e, "a volume's name is of printable ASCII");
    }
    if ((rc = json_put_string(out->options, "volume", volume, e)) < 0)
        return rc;
    return artifact_read_flag(c, "joliet", joliet, out->options, e);
}

static int read_kernel_iso(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"joliet", "volume", NULL};
    return read_iso(c, keys, true, out, e);
}

static int read_bios(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"hybrid", "initrd", "joliet", "loader", "volume", NULL};
    static const char *const packages[] = {"isolinux", "syslinux-common", NULL};
    int rc = read_iso(c, keys, true, out, e);
    if (rc < 0 || (rc = artifact_read_flag(c, "hybrid", true, out->options, e)) < 0 ||
        (rc = artifact_read_flag(c, "initrd", false, out->options, e)) < 0)
        return rc;
    return artifact_read_image(c, "loader", "isolinux", packages, out, e);
}

static int read_efi(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"joliet", "loader", "volume", NULL};
    static const char *const packages[] = {"systemd-boot-efi", NULL};
    int rc = read_iso(c, keys, false, out, e);
    return rc < 0 ? rc : artifact_read_image(c, "loader", "systemd-boot", packages, out, e);
}

/* ---- steps ---------------------------------------------------------------------------- */

/* encode.iso of the step `tree` as the output NAME + suffix. `mbr`: a second input; NULL: none. */
static int iso_step(struct compiler *c, const struct recipe_artifact *a, const char *id,
                    const char *tree, const char *mbr, const char *key, const char *image,
                    bool without_boot, const char *suffix, struct err *e)
{
    static const char *const none[] = {"hybrid", "initrd"};
    const char *const inputs[] = {tree, mbr, NULL};
    AUTO_JSON json_t *params = NULL;
    int rc = compiler_tree_params(c, a, without_boot, &params, e);
    if (rc < 0 || (rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e)) < 0 ||
        (key != NULL && (rc = json_put_string(params, key, image, e)) < 0))
        return rc;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
        (void)json_object_del(params, none[i]);
    if ((rc = compiler_step_inputs(c, id, "encode.iso", inputs, steal_ptr(&params), e)) < 0)
        return rc;
    return compiler_output(c, suffix, id, MEDIA_ASSAY_ISO, e);
}

static int compile_kernel_iso(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    int rc = compiler_kernel_outputs(c, e);
    return rc < 0 ? rc : iso_step(c, a, "iso", c->system_step, NULL, NULL, NULL, true, ".iso", e);
}

/* The command line, with root= when it has none; caller frees. */
static int cmdline(const struct compiler *c, const char *root, char **out, struct err *e)
{
    const char *text = c->recipe->system->cmdline;
    bool has = strncmp(text, "root=", 5) == 0 || strstr(text, " root=") != NULL;
    if (has || root == NULL)
        return str_copy(out, text, e);
    return str_format(out, e, "%s%sroot=%s", text, text[0] == '\0' ? "" : " ", root);
}

static int isolinux_config(const struct compiler *c, bool initrd, char **out, struct err *e)
{
    AUTO_FREE char *line = NULL;
    int rc = cmdline(c, "/dev/sr0", &line, e);
    if (rc < 0)
        return rc;
    for (const char *p = line; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(e, ERR_INPUT,
                           "the kernel's command line has a control character, which ISOLINUX's "
                           "configuration cannot hold");
    return str_format(out, e,
                      "DEFAULT linux\nPROMPT 0\nTIMEOUT 0\nLABEL linux\n  LINUX /boot/kernel\n%s"
                      "  APPEND %s\n",
                      initrd ? "  INITRD /boot/initrd.img\n" : "", line);
}

static int compile_bios(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    const char *loader = compiler_image(c, a->images[0].name);
    bool with_initrd = json_is_true(json_object_get(a->options, "initrd"));
    bool hybrid = json_is_true(json_object_get(a->options, "hybrid"));
    const char *initrd = NULL;
    AUTO_FREE char *config = NULL;
    AUTO_JSON json_t *files = json_array();
    if (files == NULL)
        return err_oom(e);
    if (strcmp(c->recipe->arch, "amd64") != 0)
        return err_set(e, ERR_UNDECIDED, "the format '%s' is for amd64, not for %s", a->kind->name,
                       c->recipe->arch);
    int rc = isolinux_config(c, with_initrd, &config, e);
    if (rc < 0 || (with_initrd && (rc = artifact_initrd(c, &initrd, e)) < 0) ||
        (rc = compiler_extract(c, "isolinux.bin", loader, "usr/lib/ISOLINUX/isolinux.bin", e)) <
            0 ||
        (rc = compiler_extract(c, "isolinux.ldlinux", loader,
                               "usr/lib/syslinux/modules/bios/ldlinux.c32", e)) < 0 ||
        (hybrid && (rc = compiler_extract(c, "isolinux.mbr", loader,
                                          "usr/lib/ISOLINUX/isohdpfx.bin", e)) < 0) ||
        (rc = compiler_file_input(files, "isolinux/isolinux.bin", 1, e)) < 0 ||
        (rc = compiler_file_input(files, "isolinux/ldlinux.c32", 2, e)) < 0 ||
        (rc = compiler_file_text(files, "isolinux/isolinux.cfg", config, e)) < 0 ||
        (with_initrd && (rc = compiler_file_input(files, "boot/initrd.img", 3, e)) < 0))
        return rc;
    const char *const inputs[] = {c->system_step, "isolinux.bin", "isolinux.ldlinux", initrd, NULL};
    if ((rc = compiler_files(c, "iso-bios.tree", inputs, steal_ptr(&files), e)) < 0)
        return rc;
    return iso_step(c, a, "iso-bios", "iso-bios.tree", hybrid ? "isolinux.mbr" : NULL, "bios",
                    "isolinux/isolinux.bin", false, ".iso", e);
}

/* The system and EFI's image, which has the kernel; or, with an initrd, that image alone. */
static int compile_efi(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    bool alone = strcmp(a->kind->name, "iso-efi-initrd") == 0;
    const char *volume = alone ? "iso-efi-initrd.volume" : "iso-efi.volume";
    const char *tree = alone ? "iso-efi-initrd.tree" : "iso-efi.tree";
    const char *root = strcmp(c->recipe->arch, "amd64") == 0 ? "/dev/sr0" : "/dev/vda";
    const char *const with_system[] = {c->system_step, volume, NULL};
    AUTO_FREE char *line = NULL;
    AUTO_JSON json_t *files = json_array();
    if (files == NULL)
        return err_oom(e);
    int rc = cmdline(c, alone ? NULL : root, &line, e);
    if (rc < 0 || (rc = artifact_efi_volume(c, a->images[0].name, volume, alone, line, e)) < 0 ||
        (rc = compiler_file_input(files, efi_image, alone ? 0 : 1, e)) < 0 ||
        (rc = compiler_files(c, tree, alone ? with_system + 1 : with_system, steal_ptr(&files),
                             e)) < 0)
        return rc;
    return iso_step(c, a, a->kind->name, tree, NULL, "efi", efi_image, false,
                    alone ? "-efi-initrd.iso" : "-efi.iso", e);
}

const struct artifact_kind artifact_kernel_iso = {.name = "kernel+iso",
                                                  .needs_kernel = true,
                                                  .read = read_kernel_iso,
                                                  .compile = compile_kernel_iso};
const struct artifact_kind artifact_iso_bios = {
    .name = "iso-bios", .needs_kernel = true, .read = read_bios, .compile = compile_bios};
const struct artifact_kind artifact_iso_efi = {
    .name = "iso-efi", .needs_kernel = true, .read = read_efi, .compile = compile_efi};
const struct artifact_kind artifact_iso_efi_initrd = {
    .name = "iso-efi-initrd", .needs_kernel = true, .read = read_efi, .compile = compile_efi};
