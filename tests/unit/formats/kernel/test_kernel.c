/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels out of their wrappings, and what is refused. (tests/e2e/39-kernel.t has every packing.)
 */
#include "tests/unit/encode_common.h"

#include "formats/kernel/kernel.h"

#include <lz4.h>

enum {
    BOOT_MAGIC = 0x1fe,
    SETUP_SECTORS = 0x1f1,
    HEADER_MAGIC = 0x202,
    VERSION = 0x206,
    PAYLOAD_OFFSET = 0x248,
    PAYLOAD_SIZE = 0x24c,
    PAYLOAD = 1024, /* behind one boot sector and one of setup */
    ZBOOT_HEADER = 64,
};

static const char elf[] = "\177ELF and what follows it";

static void put(uint8_t *p, uint64_t value, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

static void gzip(const void *data, size_t len, struct buf *out)
{
    AUTO_GZIP_WRITER struct gzip_writer *w = NULL;
    assert_int_equal(gzip_writer_new(sink_buf(out), 6, 1, &w, &e), 0);
    assert_int_equal(gzip_writer_write(w, data, len, &e), 0);
    assert_int_equal(gzip_writer_finish(w, &e), 0);
}

/* The legacy frame, and behind it the size that a kernel's build writes. */
static void lz4(const void *data, size_t len, uint32_t said, struct buf *out)
{
    char packed[256];
    uint8_t number[4];
    int n = LZ4_compress_default(data, packed, (int)len, sizeof(packed));
    assert_true(n > 0);
    assert_int_equal(buf_add(out, "\x02\x21\x4c\x18", 4, &e), 0);
    put(number, (uint64_t)n, 4);
    assert_int_equal(buf_add(out, number, 4, &e), 0);
    assert_int_equal(buf_add(out, packed, (size_t)n, &e), 0);
    put(number, said, 4);
    assert_int_equal(buf_add(out, number, 4, &e), 0);
}

static void bzimage(const struct buf *payload, uint16_t version, struct buf *out)
{
    static uint8_t head[PAYLOAD];
    memset(head, 0, sizeof(head));
    head[SETUP_SECTORS] = 1;
    put(head + BOOT_MAGIC, 0xaa55, 2);
    memcpy(head + HEADER_MAGIC, "HdrS", 4);
    put(head + VERSION, version, 2);
    put(head + PAYLOAD_SIZE, payload->len, 4);
    assert_int_equal(buf_add(out, head, sizeof(head), &e), 0);
    assert_int_equal(buf_add(out, payload->data, payload->len, &e), 0);
}

static void zboot(const struct buf *payload, struct buf *out)
{
    uint8_t head[ZBOOT_HEADER] = "MZ";
    memcpy(head + 4, "zimg", 4);
    put(head + 8, ZBOOT_HEADER, 4);
    put(head + 12, payload->len, 4);
    assert_int_equal(buf_add(out, head, sizeof(head), &e), 0);
    assert_int_equal(buf_add(out, payload->data, payload->len, &e), 0);
}

static void assert_unpacks(const struct buf *kernel, const void *want, size_t len)
{
    AUTO_BUF out = BUF_INIT(1 << 20);
    char line[1024];
    if (kernel_unpack(kernel->data, kernel->len, sink_buf(&out), &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, want, len);
}

static void refuse(const struct buf *kernel, const char *part)
{
    AUTO_BUF out = BUF_INIT(1 << 20);
    assert_int_equal(kernel_unpack(kernel->data, kernel->len, sink_buf(&out), &e), -ERR_INPUT);
    assert_says(part);
}

static void test_plain(void **state)
{
    (void)state;
    static const char *const magics[] = {"ARM\x64", "RSC\x05"};
    AUTO_BUF plain = BUF_INIT(1 << 20);
    assert_int_equal(buf_add(&plain, elf, sizeof(elf), &e), 0);
    assert_unpacks(&plain, elf, sizeof(elf));
    for (size_t i = 0; i < 2; i++) {
        uint8_t image[64] = {0};
        memcpy(image + 56, magics[i], 4);
        AUTO_BUF b = BUF_INIT(1 << 20);
        assert_int_equal(buf_add(&b, image, sizeof(image), &e), 0);
        assert_unpacks(&b, image, sizeof(image));
    }
}

static void test_wrapped(void **state)
{
    (void)state;
    AUTO_BUF zipped = BUF_INIT(1 << 20);
    AUTO_BUF legacy = BUF_INIT(1 << 20);
    AUTO_BUF bz = BUF_INIT(1 << 20);
    AUTO_BUF bz_lz4 = BUF_INIT(1 << 20);
    AUTO_BUF efi = BUF_INIT(1 << 20);
    gzip(elf, sizeof(elf), &zipped);
    lz4(elf, sizeof(elf), sizeof(elf), &legacy);
    assert_unpacks(&zipped, elf, sizeof(elf));
    bzimage(&zipped, 0x20f, &bz);
    assert_unpacks(&bz, elf, sizeof(elf));
    bzimage(&legacy, 0x208, &bz_lz4);
    assert_unpacks(&bz_lz4, elf, sizeof(elf));
    zboot(&legacy, &efi);
    assert_unpacks(&efi, elf, sizeof(elf));
}

static void test_refused(void **state)
{
    (void)state;
    AUTO_BUF zipped = BUF_INIT(1 << 20);
    gzip(elf, sizeof(elf), &zipped);
    AUTO_BUF old = BUF_INIT(1 << 20);
    bzimage(&zipped, 0x207, &old);
    refuse(&old, "a bzImage of an old version");
    AUTO_BUF far = BUF_INIT(1 << 20);
    bzimage(&zipped, 0x20f, &far);
    put(far.data + PAYLOAD_OFFSET, UINT32_MAX, 4);
    refuse(&far, "the payload of the bzImage exceeds it");
    AUTO_BUF cut = BUF_INIT(1 << 20);
    zboot(&zipped, &cut);
    cut.len--;
    refuse(&cut, "the payload of the EFI zboot image exceeds it");
    AUTO_BUF damaged = BUF_INIT(1 << 20);
    gzip(elf, sizeof(elf), &damaged);
    damaged.data[damaged.len - 6] ^= 1; /* its CRC */
    refuse(&damaged, "damaged");
    AUTO_BUF wrong = BUF_INIT(1 << 20);
    AUTO_BUF wrong_size = BUF_INIT(1 << 20);
    lz4(elf, sizeof(elf), sizeof(elf) + 1, &wrong_size);
    zboot(&wrong_size, &wrong);
    refuse(&wrong, "and says that it has");
    AUTO_BUF bzip = BUF_INIT(64);
    assert_int_equal(buf_add(&bzip, "BZh91AY", 7, &e), 0);
    refuse(&bzip, "which is not known here");
    AUTO_BUF text = BUF_INIT(64);
    assert_int_equal(buf_add(&text, "no kernel", 9, &e), 0);
    refuse(&text, "kernel");
    AUTO_BUF none = BUF_INIT(64);
    assert_int_equal(buf_add(&none, "", 0, &e), 0);
    refuse(&none, "kernel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_wrapped),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
