/* SPDX-License-Identifier: Apache-2.0 */
/* Which files EFI can start, for each architecture; and the volumes that are asked to check it. */
#include "tests/unit/encode_common.h"

#include "formats/kernel/efi_stub.h"

enum { SIZE = 1024, PE = 0x80, AMD64 = 0, ARM64 = 1, RISCV64 = 2, ARCHS = 3 };

static void put(uint8_t *p, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

/* The headers of a kernel with a stub; `magic` stands where the architecture has its own. */
static void make(uint8_t out[SIZE], size_t pe, uint16_t machine, size_t at, const char *magic)
{
    memset(out, 0, SIZE);
    memcpy(out, "MZ", 2);
    memcpy(out + at, magic, 4);
    put(out + 0x3c, pe, 4);
    memcpy(out + pe, "PE\0", 4);
    put(out + pe + 4, machine, 2);
    put(out + pe + 20, 160, 2);
    put(out + pe + 24, 0x20b, 2);
    put(out + pe + 24 + 68, 10, 2);
}

static const struct {
    uint16_t machine;
    size_t at;
    const char *magic;
} kernels[ARCHS] = {
    [AMD64] = {0x8664, 0x202, "HdrS"},
    [ARM64] = {0xaa64, 0x38, "ARM\x64"},
    [RISCV64] = {0x5064, 0x38, "RSC\x05"},
};

static int check(const uint8_t *data, size_t len, size_t arch)
{
    return efi_stub_check(data, len, arch, &e);
}

static void refused(const uint8_t *data, size_t len, size_t arch, const char *part)
{
    assert_int_equal(check(data, len, arch), -ERR_INPUT);
    assert_says(part);
}

static void test_architectures(void **state)
{
    (void)state;
    uint8_t data[SIZE];
    for (size_t i = 0; i < ARCHS; i++) {
        make(data, PE, kernels[i].machine, kernels[i].at, kernels[i].magic);
        for (size_t k = 0; k < ARCHS; k++) {
            char said[64];
            (void)snprintf(said, sizeof(said), "a program of EFI for %s", efi_stub_archs[i]);
            if (i == k)
                assert_int_equal(check(data, SIZE, k), 0);
            else
                refused(data, SIZE, k, said);
        }
    }
    make(data, PE, 0x14c, 0x202, "HdrS");
    refused(data, SIZE, AMD64, "another machine (0x014c)");
}

static void test_others(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *bytes;
        size_t len;
        const char *said;
    } cases[] = {
        {0, "\177ELF", 4, "an ELF file, as decompressKernel gives it"},
        {0, "\x1f\x8b", 2, "packed with gzip (decompressKernel unpacks it)"},
        {0, "\x28\xb5\x2f\xfd", 4, "packed with zstd"},
        {0,
         "\xfd"
         "7zXZ",
         5, "packed with xz"},
        {0x202, "HdrS", 4, "a bzImage without an EFI stub"},
        {0x38, "ARM\x64", 4, "an arm64 Image without an EFI stub"},
        {0x38, "RSC\x05", 4, "a riscv Image without an EFI stub"},
        {0, "text", 4, "no program of EFI"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t data[SIZE] = {0};
        memcpy(data + cases[i].at, cases[i].bytes, cases[i].len);
        for (size_t arch = 0; arch < ARCHS; arch++)
            refused(data, SIZE, arch, cases[i].said);
    }
    refused((const uint8_t *)"", 0, AMD64, "no program of EFI");
}

/* Every header cut, and every field that says something else. */
static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint32_t value;
        size_t bytes;
        const char *said;
    } cases[] = {
        {0, 0x4d5a, 2, "a bzImage without"},           /* "ZM" */
        {0x3c, 0x3f, 4, "a bzImage without"},          /* inside of the DOS header */
        {0x3c, SIZE, 4, "a bzImage without"},          /* behind the end */
        {0x3c, 0xffffffff, 4, "a bzImage without"},    /* far behind it */
        {PE, 0x4550 + 1, 4, "a bzImage without"},      /* no signature */
        {PE + 20, 69, 2, "none that EFI starts"},      /* an optional header that is too short */
        {PE + 20, SIZE, 2, "none that EFI starts"},    /* one that the file does not hold */
        {PE + 22, 0x2000, 2, "none that EFI starts"},  /* a library */
        {PE + 24, 0x10b, 2, "none that EFI starts"},   /* PE32 */
        {PE + 24 + 68, 3, 2, "none that EFI starts"},  /* a console program */
        {PE + 24 + 68, 11, 2, "none that EFI starts"}, /* a boot service driver */
    };
    uint8_t data[SIZE];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        make(data, PE, 0x8664, 0x202, "HdrS");
        put(data + cases[i].at, cases[i].value, cases[i].bytes);
        refused(data, SIZE, AMD64, cases[i].said);
    }
    make(data, PE, 0x8664, 0x202, "HdrS");
    for (size_t len = 0; len < SIZE; len++)
        assert_int_equal(check(data, len, AMD64), len < PE + 24 + 160 ? -ERR_INPUT : 0);
}

/* encode.fat checks what it is asked to. */
static int try_volume(const uint8_t *kernel, const char *more)
{
    AUTO_JSON json_t *params = NULL;
    AUTO_FREE char *text = NULL;
    struct step_input input = {.id = "kernel", .kind = VALUE_BLOB, .size = SIZE};
    struct step_context context = {.cas = store, .jobs = 1};
    struct step_output out = {0};
    const struct step_kind *kind = step_kind_find(&builder_steps, "encode.fat");
    assert_non_null(kind);
    assert_int_equal(cas_put(store, kernel, SIZE, &input.digest, &e), 0);
    assert_int_equal(str_format(&text, &e,
                                "{\"type\":\"auto\",\"size\":0,\"cluster\":0,\"label\":\"A\","
                                "\"time\":0,\"hidden\":0,\"files\":[{\"path\":\"kernel\","
                                "\"input\":0%s}]}",
                                more),
                     0);
    assert_int_equal(json_parse(text, strlen(text), "params", NULL, &params, &e), 0);
    struct jcur root = jcur_root(params, "params");
    int rc = step_run(&builder_runners, kind, &context, &root, &input, 1, &out, &e);
    step_output_dispose(&out);
    return rc;
}

static void test_volume(void **state)
{
    (void)state;
    uint8_t data[SIZE];
    make(data, PE, 0x8664, 0x202, "HdrS");
    assert_int_equal(try_volume(data, ",\"efi\":\"amd64\""), 0);
    assert_int_equal(try_volume(data, ",\"efi\":\"arm64\""), -ERR_INPUT);
    assert_says("EFI cannot start 'kernel': take a kernel for arm64 that was built with "
                "CONFIG_EFI_STUB, or a format without EFI: it is a program of EFI for amd64");
    assert_int_equal(try_volume(data, ",\"efi\":\"x86\""), -ERR_INPUT);
    assert_says("no architecture of EFI");
    assert_int_equal(try_volume(data, ",\"efi\":\"amd64\",\"text\":\"a\""), -ERR_INPUT);
    memset(data, 0, SIZE);
    assert_int_equal(try_volume(data, ",\"efi\":\"amd64\""), -ERR_INPUT);
    assert_int_equal(try_volume(data, ""), 0); /* nobody asked */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_architectures),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_volume),
    };
    return cmocka_run_group_tests_name("kernel/efi_stub", tests, setup, teardown);
}
