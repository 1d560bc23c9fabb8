/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts that are disk images: the steps and outputs that each becomes, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "builder/plan/plan.h"
#include "builder/recipe/compile.h"
#include "builder/steps/step.h"

#include <string.h>

static struct err e;

static int parse(const char *arch, const char *cmdline, const char *artifacts, struct recipe **out)
{
    AUTO_FREE char *text = NULL;
    const struct recipe_settings none = {0};
    assert_int_equal(
        str_format(&text, &e,
                   "name: a\narch: %s\nimages:\n  k: {debian: {suite: s, packages: [kk]}}\n"
                   "system:\n  kernel: {image: k, tar: none, cmdline: %s}\n  init: [k]\n"
                   "artifacts: [%s]\n",
                   arch, cmdline, artifacts),
        0);
    return recipe_parse(text, strlen(text), "x.yml", &none, out, &e);
}

/* Every image of the recipe as one package. */
static int lock_by_hand(const struct recipe *r, struct locked *l)
{
    for (size_t i = 0; i < r->image_count; i++) {
        const char *name = r->images[i].name;
        struct locked_layer layer = {.form = "deb"};
        struct locked_image *image = NULL;
        struct digest digest;
        int rc = digest_bytes(DIGEST_SHA256, name, strlen(name), &digest, &e);
        if (rc < 0 || (rc = locked_add_image(l, name, &image, &e)) < 0 ||
            (rc = locked_add_blob(l, "deb.", name, &digest, 4,
                                  json_pack("{s:{s:s}}", "file", "name", name), &layer.blob, &e)) <
                0 ||
            (rc = locked_add_layer(image, &layer, &e)) < 0)
            return rc;
    }
    return 0;
}

static int compile(const char *arch, const char *cmdline, const char *artifacts, json_t **plan)
{
    AUTO_RECIPE struct recipe *r = NULL;
    AUTO_LOCKED l = {0};
    int rc = parse(arch, cmdline, artifacts, &r);
    if (rc < 0 || (rc = lock_by_hand(r, &l)) < 0)
        return rc;
    return recipe_compile(r, &l, &builder_steps, plan, &e);
}

/* "id=kind(in,in) …" of the steps behind `system`. */
static void describe_steps(const json_t *plan, char *out, size_t size)
{
    size_t at = 0;
    bool started = false;
    const json_t *steps = json_object_get(plan, "steps");
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const char *id = json_string_value(json_object_get(step, "id"));
        const json_t *in = json_object_get(step, "in");
        if (started) {
            at += (size_t)snprintf(out + at, size - at, "%s=%s(", id,
                                   json_string_value(json_object_get(step, "kind")));
            for (size_t k = 0; k < json_array_size(in); k++)
                at += (size_t)snprintf(out + at, size - at, "%s%s", k == 0 ? "" : ",",
                                       json_string_value(json_array_get(in, k)));
            at += (size_t)snprintf(out + at, size - at, ") ");
        }
        started = started || strcmp(id, "system") == 0;
    }
}

#define COMMON "kernel=extract.file(system) initrd=encode.initrd(system) "
#define LOADER                                                                                     \
    "bios.installer=extract.file(image.syslinux) bios.mbr=extract.file(image.syslinux) "           \
    "bios.volume=encode.fat(kernel,initrd,bios.installer) "
#define BIOS COMMON LOADER
#define BIOS_DISK "bios.disk=encode.disk(bios.volume,bios.mbr) "

static void test_steps(void **state)
{
    (void)state;
    static const struct {
        const char *arch;
        const char *artifact;
        const char *steps;
        const char *output;
    } cases[] = {
        {"amd64", "raw-bios", BIOS BIOS_DISK, "a-bios.img"},
        {"amd64", "aws", BIOS BIOS_DISK, "a.raw"},
        {"amd64", "raw-bios: {size: 64MiB}",
         BIOS "bios.disk.64m=encode.disk(bios.volume,bios.mbr) ", "a-bios.img"},
        {"amd64", "qcow2-bios", BIOS BIOS_DISK "qcow2-bios=encode.qcow2(bios.disk) ", "a.qcow2"},
        {"amd64", "vhd", BIOS BIOS_DISK "vhd=encode.vhd(bios.disk) ", "a.vhd"},
        {"amd64", "dynamic-vhd: {size: 25GiB}", BIOS BIOS_DISK "dynamic-vhd=encode.vhd(bios.disk) ",
         "a.vhd"},
        {"amd64", "vmdk", BIOS BIOS_DISK "vmdk=encode.vmdk(bios.disk) ", "a.vmdk"},
        {"amd64", "gcp: {size: 2GiB}", BIOS BIOS_DISK "gcp=encode.gcp(bios.disk) ", "a.img.tar.gz"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_JSON json_t *plan = NULL;
        AUTO_BUF text = BUF_INIT(1 << 20);
        AUTO_FREE char *artifact = NULL;
        char steps[2048];
        char line[1024];
        assert_int_equal(strchr(cases[i].artifact, ':') != NULL
                             ? str_format(&artifact, &e, "{%s}", cases[i].artifact)
                             : str_copy(&artifact, cases[i].artifact, &e),
                         0);
        if (compile(cases[i].arch, "quiet", artifact, &plan) < 0)
            fail_msg("%s: %s", cases[i].artifact, err_line(&e, line, sizeof(line)));
        describe_steps(plan, steps, sizeof(steps));
        assert_string_equal(steps, cases[i].steps);
        const json_t *output = json_array_get(json_object_get(plan, "outputs"), 0);
        assert_string_equal(json_string_value(json_object_get(output, "name")), cases[i].output);
        /* The plan's own reader takes every parameter. */
        if (plan_format(plan, &builder_steps, &text, &e) < 0)
            fail_msg("%s: %s", cases[i].artifact, err_line(&e, line, sizeof(line)));
    }
}

static void test_shared(void **state)
{
    (void)state;
    AUTO_JSON json_t *plan = NULL;
    char steps[4096];
    assert_int_equal(
        compile("amd64", "quiet", "kernel+initrd, raw-bios, vmdk, gcp, raw-efi, qcow2-efi", &plan),
        0);
    describe_steps(plan, steps, sizeof(steps));
    assert_string_equal(steps, "kernel=extract.file(system) cmdline=extract.file(system) "
                               "initrd=encode.initrd(system) " LOADER BIOS_DISK
                               "vmdk=encode.vmdk(bios.disk) gcp=encode.gcp(bios.disk) "
                               "efi.loader=extract.file(image.systemd-boot) "
                               "efi.volume=encode.fat(efi.loader,kernel,initrd) "
                               "efi.disk=encode.disk(efi.volume) "
                               "qcow2-efi=encode.qcow2(efi.disk) ");
}

/* What the plan has at the kernel of the volume, of the step that makes it. */
static const char *efi_of(const json_t *plan, const char *volume)
{
    const json_t *steps = json_object_get(plan, "steps");
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const json_t *step = json_array_get(steps, i);
        const json_t *files = json_object_get(json_object_get(step, "params"), "files");
        if (strcmp(json_string_value(json_object_get(step, "id")), volume) != 0)
            continue;
        for (size_t k = 0; k < json_array_size(files); k++) {
            const json_t *file = json_array_get(files, k);
            if (strcmp(json_string_value(json_object_get(file, "path")), "kernel") == 0)
                return json_string_value(json_object_get(file, "efi"));
        }
    }
    return NULL;
}

/* Every format of EFI has its kernel checked, and no format of BIOS. */
static void test_efi_stub(void **state)
{
    (void)state;
    static const char *const cases[][4] = {
        {"amd64", "raw-efi", "efi.volume", "amd64"},
        {"arm64", "raw-efi", "efi.volume", "arm64"},
        {"riscv64", "qcow2-efi", "efi.volume", "riscv64"},
        {"amd64", "iso-efi", "iso-efi.volume", "amd64"},
        {"arm64", "iso-efi-initrd", "iso-efi-initrd.volume", "arm64"},
        {"amd64", "raw-bios", "bios.volume", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_JSON json_t *plan = NULL;
        assert_int_equal(compile(cases[i][0], "quiet", cases[i][1], &plan), 0);
        const char *efi = efi_of(plan, cases[i][2]);
        assert_true(efi == cases[i][3] || (efi != NULL && strcmp(efi, cases[i][3]) == 0));
    }
}

/* kernel+initrd's own options leave the disks' initrd as it is. */
static void test_initrd(void **state)
{
    (void)state;
    AUTO_JSON json_t *plan = NULL;
    char steps[4096];
    assert_int_equal(compile("amd64", "quiet", "raw-bios, {kernel+initrd: {level: 1}}", &plan), 0);
    describe_steps(plan, steps, sizeof(steps));
    assert_non_null(strstr(steps, "bios.volume=encode.fat(kernel,disk.initrd,bios.installer)"));
}

static void test_rpi3(void **state)
{
    (void)state;
    AUTO_JSON json_t *plan = NULL;
    char steps[4096];
    assert_int_equal(compile("arm64", "quiet", "rpi3", &plan), 0);
    describe_steps(plan, steps, sizeof(steps));
    assert_non_null(strstr(steps, "rpi3.files=tree.files(rpi3.u-boot.bin,rpi3.kernel,rpi3.initrd,"
                                  "rpi3.script,rpi3.bcm2837-rpi-3-b.dtb,"
                                  "rpi3.bcm2837-rpi-3-b-plus.dtb) rpi3=encode.tar(rpi3.files) "));
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *arch;
        const char *cmdline;
        const char *artifacts;
        enum err_code code;
        const char *message;
    } cases[] = {
        {"arm64", "quiet", "raw-bios", ERR_UNDECIDED,
         "the format 'raw-bios' is for amd64, not for arm64"},
        {"riscv64", "quiet", "vmdk", ERR_UNDECIDED,
         "the format 'vmdk' is for amd64, not for riscv64"},
        {"amd64", "quiet", "rpi3", ERR_UNDECIDED, "the format 'rpi3' is for arm64, not for amd64"},
        {"amd64", "quiet", "vhd, dynamic-vhd", ERR_INPUT,
         "x.yml:8:18: two artifacts would both be called 'a.vhd'"},
        {"amd64", "quiet", "fixed-vdi, vdi", ERR_INPUT,
         "x.yml:8:24: two artifacts would both be called 'a.vdi'"},
        {"arm64", "quiet", "tar, rpi3", ERR_INPUT,
         "x.yml:8:18: two artifacts would both be called 'a.tar'"},
        {"amd64", "quiet", "{raw-bios: {size: 1KiB}}", ERR_INPUT,
         "x.yml:8:31: a disk for raw-bios has whole MiB, at most 2040GiB"},
        {"amd64", "quiet", "{raw-bios: {size: 0}}", ERR_INPUT,
         "x.yml:8:31: a disk for raw-bios has whole MiB, at most 2040GiB"},
        {"amd64", "quiet", "{gcp: {size: 1025MiB}}", ERR_INPUT,
         "x.yml:8:26: a disk for gcp has whole GiB, at most 2040GiB"},
        {"amd64", "quiet", "{vhd: {size: 2041GiB}}", ERR_INPUT,
         "x.yml:8:26: a disk for vhd has whole MiB, at most 2040GiB"},
        {"amd64", "quiet", "{vhd: {sise: 1MiB}}", ERR_INPUT,
         "x.yml:8:20: unknown key 'sise' (did you mean 'size'?)"},
        {"amd64", "\"a\\nb\"", "raw-efi", ERR_INPUT,
         "the kernel's command line has a control character, which a boot loader's configuration "
         "cannot hold"},
        {"arm64", "'a;b'", "rpi3", ERR_INPUT,
         "the kernel's command line has one of \" $ \\ ; which a U-Boot script would take for its "
         "own"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AUTO_JSON json_t *plan = NULL;
        char line[1024];
        int rc = compile(cases[i].arch, cases[i].cmdline, cases[i].artifacts, &plan);
        if (rc == 0)
            fail_msg("took %s for %s", cases[i].artifacts, cases[i].arch);
        assert_string_equal(err_line(&e, line, sizeof(line)), cases[i].message);
        assert_int_equal(rc, -(int)cases[i].code);
    }
}

/* Every JSON allocation fails once: an error each time, never a crash, a leak or half a plan. */
static size_t countdown = SIZE_MAX;

static void *failing_malloc(size_t size)
{
    if (countdown == 0)
        return NULL;
    countdown--;
    return malloc(size);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const arch_artifacts[][2] = {{"amd64", "gcp, raw-efi"}, {"arm64", "rpi3"}};
    json_set_alloc_funcs(failing_malloc, free);
    for (size_t i = 0; i < 2; i++) {
        size_t failures = 0;
        for (;; failures++) {
            AUTO_JSON json_t *plan = NULL;
            countdown = failures;
            int rc = compile(arch_artifacts[i][0], "quiet", arch_artifacts[i][1], &plan);
            bool enough = countdown > 0;
            countdown = SIZE_MAX;
            if (rc == 0 && enough)
                break;
            if (rc != 0)
                assert_int_equal(rc, -ERR_HOST);
            assert_true(failures < 100000);
        }
        assert_true(failures > 100);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),     cmocka_unit_test(test_shared),
        cmocka_unit_test(test_efi_stub),  cmocka_unit_test(test_initrd),
        cmocka_unit_test(test_rpi3),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
