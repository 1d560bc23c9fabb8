/* SPDX-License-Identifier: Apache-2.0 */
/* rpi3: what goes onto the first partition of a Raspberry Pi 3's card, as a tar
 * (docs/formats/disk.md). */
#include "base/media_types.h"
#include "builder/recipe/artifact.h"
#include "builder/recipe/artifact_disk.h"

#include <string.h>

enum { LOAD_ADDRESS = 0x80000, INPUTS = 16 };

/* In the image that the option `firmware` names, as Debian's raspi-firmware has them. */
static const char *const firmware[] = {"bootcode.bin", "fixup.dat", "start.elf", NULL};
static const char *const trees[] = {"bcm2837-rpi-3-b.dtb", "bcm2837-rpi-3-b-plus.dtb", NULL};

/* ---- options --------------------------------------------------------------------------------- */

static int read_rpi3(const struct ycur *c, struct recipe_artifact *out, struct err *e)
{
    static const char *const keys[] = {"loader", "firmware", NULL};
    static const char *const loader[] = {"u-boot-rpi", NULL};
    struct ycur m;
    int rc = c == NULL ? 0 : ycur_map(c, keys, e);
    if (rc < 0 || (rc = artifact_read_image(c, "loader", "u-boot-rpi", loader, out, e)) < 0)
        return rc;
    return c != NULL && ycur_opt(c, "firmware", &m)
               ? artifact_read_image(c, "firmware", NULL, NULL, out, e)
               : 0;
}

/* ---- the card's files ---------------------------------------------------------------------------
 */

/* The inputs of the step that puts the files together, and where each goes. */
struct card {
    struct compiler *c;
    const char *inputs[INPUTS + 1];
    char *ids[INPUTS]; /* owned, of those that were made up here */
    size_t count;
    json_t *files;
};

static void card_dispose(struct card *card)
{
    for (size_t i = 0; i < INPUTS; i++)
        free(card->ids[i]);
    json_decref(card->files);
}

static int put_step(struct card *card, const char *path, const char *id, struct err *e)
{
    int rc = compiler_file_input(card->files, path, card->count, e);
    card->inputs[card->count++] = id;
    return rc;
}

/* A file of a tree, whose step is called after it. */
static int put_extracted(struct card *card, const char *path, const char *tree, const char *from,
                         struct err *e)
{
    const char *base = strrchr(from, '/');
    char **id = &card->ids[card->count];
    int rc = str_format(id, e, "rpi3.%s", base == NULL ? from : base + 1);
    if (rc < 0 || (rc = compiler_extract(card->c, *id, tree, from, e)) < 0)
        return rc;
    return put_step(card, path, *id, e);
}

static int image_params(const struct compiler *c, const char *type, uint64_t address,
                        const char *name, json_t **out, struct err *e)
{
    AUTO_JSON json_t *params = json_object();
    if (params == NULL)
        return err_oom(e);
    int rc = json_put_string(params, "arch", "arm64", e);
    if (rc < 0 || (rc = json_put_string(params, "type", type, e)) < 0 ||
        (rc = json_put_string(params, "name", name, e)) < 0 ||
        (rc = json_put_u64(params, "load", address, e)) < 0 ||
        (rc = json_put_u64(params, "entry", address, e)) < 0 ||
        (rc = json_put_u64(params, "time", (uint64_t)c->recipe->epoch, e)) < 0)
        return rc;
    *out = steal_ptr(&params);
    return 0;
}

static int put_image(struct card *card, const char *path, const char *id, const char *input,
                     const char *type, uint64_t address, struct err *e)
{
    json_t *params = NULL;
    int rc = image_params(card->c, type, address, "", &params, e);
    if (rc < 0 || (rc = compiler_step(card->c, id, "encode.uimage", input, params, e)) < 0)
        return rc;
    return put_step(card, path, id, e);
}

/*
 * What U-Boot runs. The addresses keep the kernel, which is unpacked to 512 KiB, apart from what it
 * is unpacked from; fdtfile is the name of the board's device tree, set by U-Boot.
 */
static int put_script(struct card *card, struct err *e)
{
    static const char *const none[] = {NULL};
    AUTO_FREE char *script = NULL;
    AUTO_JSON json_t *params = NULL;
    const char *cmdline = card->c->recipe->system->cmdline;
    if (strpbrk(cmdline, "\"$\\;") != NULL)
        return err_set(e, ERR_INPUT,
                       "the kernel's command line has one of \" $ \\ ; which a U-Boot script would "
                       "take for its own");
    int rc = str_format(&script, e,
                        "setenv bootargs \"%s\"\nfatload mmc 0:1 0x10000000 kernel.uimg\n"
                        "fatload mmc 0:1 0x0ff00000 dtb/${fdtfile}\n"
                        "fatload mmc 0:1 0x14000000 initrd.uimg\n"
                        "bootm 0x10000000 0x14000000 0x0ff00000\n",
                        cmdline);
    if (rc < 0 || (rc = image_params(card->c, "script", 0, "RPi3", &params, e)) < 0 ||
        (rc = json_put_string(params, "text", script, e)) < 0 ||
        (rc = compiler_step_inputs(card->c, "rpi3.script", "encode.uimage", none,
                                   steal_ptr(&params), e)) < 0)
        return rc;
    return put_step(card, "boot.scr", "rpi3.script", e);
}

static int put_trees(struct card *card, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && trees[i] != NULL; i++) {
        AUTO_FREE char *path = NULL;
        AUTO_FREE char *from = NULL;
        if ((rc = str_format(&path, e, "dtb/broadcom/%s", trees[i])) == 0 &&
            (rc = str_format(&from, e, "boot/%s", path)) == 0)
            rc = put_extracted(card, path, card->c->system_step, from, e);
    }
    return rc;
}

static int put_firmware(struct card *card, const char *tree, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && firmware[i] != NULL; i++) {
        AUTO_FREE char *from = NULL;
        if ((rc = str_format(&from, e, "usr/lib/raspi-firmware/%s", firmware[i])) == 0)
            rc = put_extracted(card, firmware[i], tree, from, e);
    }
    return rc;
}

static int put_files(struct card *card, const struct recipe_artifact *a, const char *initrd,
                     struct err *e)
{
    static const char config[] = "avoid_warnings=2\narm_64bit=1\nenable_uart=1\n"
                                 "kernel=u-boot.bin\n";
    const char *loader = compiler_image(card->c, a->images[0].name);
    int rc = compiler_file_text(card->files, "config.txt", config, e);
    if (rc < 0 ||
        (rc = put_extracted(card, "u-boot.bin", loader, "usr/lib/u-boot/rpi_3/u-boot.bin", e)) <
            0 ||
        (rc = put_image(card, "kernel.uimg", "rpi3.kernel", "kernel", "kernel", LOAD_ADDRESS, e)) <
            0 ||
        (rc = put_image(card, "initrd.uimg", "rpi3.initrd", initrd, "ramdisk", 0, e)) < 0 ||
        (rc = put_script(card, e)) < 0 || (rc = put_trees(card, e)) < 0)
        return rc;
    return a->image_count > 1 ? put_firmware(card, compiler_image(card->c, a->images[1].name), e)
                              : 0;
}

static int compile_rpi3(struct compiler *c, const struct recipe_artifact *a, struct err *e)
{
    AUTO(card_dispose) struct card card = {.c = c, .files = json_array()};
    AUTO_JSON json_t *params = json_object();
    const char *initrd = NULL;
    if (card.files == NULL || params == NULL)
        return err_oom(e);
    if (strcmp(c->recipe->arch, "arm64") != 0)
        return err_set(e, ERR_UNDECIDED, "the format 'rpi3' is for arm64, not for %s",
                       c->recipe->arch);
    int rc = artifact_check_cmdline(c, e);
    if (rc < 0 || (rc = compiler_extract(c, "kernel", c->system_step, "boot/kernel", e)) < 0 ||
        (rc = artifact_initrd(c, &initrd, e)) < 0 || (rc = put_files(&card, a, initrd, e)) < 0 ||
        (rc = compiler_files(c, "rpi3.files", card.inputs, steal_ptr(&card.files), e)) < 0 ||
        (rc = json_put(params, "exclude", json_array(), e)) < 0 ||
        (rc = compiler_step(c, "rpi3", "encode.tar", "rpi3.files", steal_ptr(&params), e)) < 0)
        return rc;
    return compiler_output(c, ".tar", "rpi3", MEDIA_TAR, e);
}

const struct artifact_kind artifact_rpi3 = {.name = "rpi3",
                                            .needs_kernel = true,
                                            .own_suffix = ".tar",
                                            .read = read_rpi3,
                                            .compile = compile_rpi3};
