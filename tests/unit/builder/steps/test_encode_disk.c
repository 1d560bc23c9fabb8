/* SPDX-License-Identifier: Apache-2.0 */
/* Disks and their containers: parameters, places, sums and ids. What other programs read from them
 * is tests/e2e/37-disk.t. */
#include "builder/steps/step.h"
#include "tests/unit/encode_common.h"

static uint32_t crc(const uint8_t *p, size_t len)
{
    uint32_t c = 0xffffffff;
    for (size_t i = 0; i < len; i++) {
        c ^= p[i];
        for (unsigned k = 0; k < 8; k++)
            c = c >> 1 ^ ((c & 1) != 0 ? 0xedb88320 : 0);
    }
    return ~c;
}

static uint64_t le(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    while (len-- > 0)
        v = v << 8 | p[len];
    return v;
}

static uint64_t be(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    for (size_t i = 0; i < len; i++)
        v = v << 8 | p[i];
    return v;
}

enum { INPUTS_MAX = 8 };

/* Runs a step over `blobs` (NULL-terminated texts, or `data` alone) into *out. */
static int try_blobs(const char *kind_name, const char *params_text, const uint8_t *data,
                     size_t len, size_t copies, unsigned jobs, struct buf *out)
{
    AUTO_JSON json_t *params = NULL;
    struct step_input inputs[INPUTS_MAX] = {0};
    struct step_output made = {0};
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    assert_non_null(kind);
    assert_int_equal(json_parse(params_text, strlen(params_text), "params", NULL, &params, &e), 0);
    for (size_t i = 0; i < copies; i++) {
        inputs[i] = (struct step_input){.id = "in", .kind = VALUE_BLOB, .size = len};
        assert_int_equal(cas_put(store, data, len, &inputs[i].digest, &e), 0);
    }
    struct jcur root = jcur_root(params, "params");
    struct step_context context = {.cas = store, .jobs = jobs};
    int rc = step_run(&builder_runners, kind, &context, &root, inputs, copies, &made, &e);
    if (rc == 0 && out != NULL)
        assert_int_equal(cas_get(store, &made.digest, out, &e), 0);
    step_output_dispose(&made);
    return rc;
}

static void make(const char *kind, const char *params, const uint8_t *data, size_t len,
                 size_t copies, struct buf *out)
{
    int rc = try_blobs(kind, params, data, len, copies, 2, out);
    if (rc < 0) {
        char line[1024];
        fail_msg("%s: %s", kind, err_line(&e, line, sizeof(line)));
    }
}

static void refused(const char *kind, const char *params, size_t copies, const char *part)
{
    static const uint8_t data[1000] = {1};
    char line[1024];
    int rc = try_blobs(kind, params, data, sizeof(data), copies, 1, NULL);
    if (rc != -ERR_INPUT || strstr(err_line(&e, line, sizeof(line)), part) == NULL)
        fail_msg("%s %s: %d %s", kind, params, rc, rc < 0 ? line : "");
}

#define ESP "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
#define GPT_PART(input)                                                                            \
    "{\"input\":" input ",\"type\":\"" ESP "\",\"name\":\"EFI\",\"attributes\":4}"

static void check_header(const uint8_t *disk, uint64_t at, uint64_t other, uint64_t entries)
{
    uint8_t h[92];
    memcpy(h, disk + at * 512, sizeof(h));
    assert_memory_equal(h, "EFI PART", 8);
    uint32_t sum = (uint32_t)le(h + 16, 4);
    memset(h + 16, 0, 4);
    assert_int_equal(crc(h, sizeof(h)), sum);
    assert_int_equal(le(h + 24, 8), at);
    assert_int_equal(le(h + 32, 8), other);
    assert_int_equal(le(h + 72, 8), entries);
    assert_int_equal(crc(disk + entries * 512, 128 * 128), le(h + 88, 4));
}

static void test_gpt(void **state)
{
    (void)state;
    AUTO_BUF disk = BUF_INIT(64 << 20);
    static uint8_t data[3 << 20 | 5];
    noise(data, sizeof(data), 3);
    make("encode.disk",
         "{\"table\":\"gpt\",\"size\":0,\"partitions\":[" GPT_PART("1") "," GPT_PART("0") "]}",
         data, sizeof(data), 2, &disk);
    assert_int_equal(disk.len, (1 + 4 + 4 + 1) << 20);
    uint64_t last = disk.len / 512 - 1;
    check_header(disk.data, 1, last, 2);
    check_header(disk.data, last, 1, last - 32);
    const uint8_t *entry = disk.data + 1024;
    static const uint8_t type[] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11,
                                   0xba, 0x4b, 0x00, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
    assert_memory_equal(entry, type, 16);
    assert_int_equal(le(entry + 32, 8), 2048);
    assert_int_equal(le(entry + 40, 8), 2048 + 8192 - 1);
    assert_int_equal(le(entry + 128 + 32, 8), 2048 + 8192);
    assert_memory_not_equal(entry + 16, entry + 128 + 16, 16); /* ids */
    assert_int_equal(entry[16 + 7] >> 4, 8);                   /* UUID version 8 */
    assert_memory_equal(disk.data + (1 << 20), data, sizeof(data));
    assert_int_equal(disk.data[446 + 4], 0xee);
    assert_int_equal(le(disk.data + 446 + 12, 4), last);
}

static void test_mbr(void **state)
{
    (void)state;
    AUTO_BUF disk = BUF_INIT(16 << 20);
    AUTO_BUF other = BUF_INIT(16 << 20);
    uint8_t data[440];
    noise(data, sizeof(data), 4);
    static const char params[] = "{\"table\":\"mbr\",\"size\":5242880,\"code\":0,\"partitions\":"
                                 "[{\"input\":1,\"type\":12,\"active\":true}]}";
    make("encode.disk", params, data, sizeof(data), 2, &disk);
    assert_int_equal(disk.len, 5 << 20);
    assert_memory_equal(disk.data, data, sizeof(data));
    static const uint8_t entry[] = {0x80, 32, 33, 0, 12, 65, 1, 0, 0, 8, 0, 0, 0, 8, 0, 0};
    assert_memory_equal(disk.data + 446, entry, sizeof(entry));
    assert_int_equal(le(disk.data + 510, 2), 0xaa55);
    assert_true(le(disk.data + 440, 4) != 0);
    data[0] ^= 1;
    make("encode.disk", params, data, sizeof(data), 2, &other);
    assert_memory_not_equal(disk.data + 440, other.data + 440, 4);
}

static void test_disk_refused(void **state)
{
    (void)state;
#define MBR(size, parts) "{\"table\":\"mbr\",\"size\":" size ",\"partitions\":[" parts "]}"
#define PART "{\"input\":0,\"type\":12,\"active\":false}"
    static const struct {
        const char *params;
        const char *part;
    } cases[] = {
        {"{}", "table"},
        {"{\"table\":\"apm\",\"size\":0,\"partitions\":[]}", "apm"},
        {MBR("1", PART), "multiple of 512"},
        {MBR("1048576", PART), "too small"},
        {MBR("4398046511104", PART), "2 TiB"},
        {MBR("0", "{\"input\":1,\"type\":12,\"active\":false}"), "no such input"},
        {MBR("0", "{\"input\":0,\"type\":0,\"active\":false}"), "no partition"},
        {MBR("0", "{\"input\":0,\"type\":256,\"active\":false}"), "256"},
        {MBR("0", "{\"input\":0,\"type\":1}"), "active"},
        {MBR("0", PART "," PART), "used twice"},
        {MBR("0", ""), "nothing is made of input 0"},
        {MBR("0", GPT_PART("0")), "unknown key"},
        {"{\"table\":\"gpt\",\"size\":0,\"partitions\":[" PART "]}", "unknown key"},
        {"{\"table\":\"gpt\",\"size\":0,\"partitions\":[{\"input\":0,\"type\":\"EFI\",\"name\":"
         "\"\",\"attributes\":0}]}",
         "no UUID"},
        {"{\"table\":\"mbr\",\"size\":0,\"code\":0,\"partitions\":[]}", "there is room for 440"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        refused("encode.disk", cases[i].params, 1, cases[i].part);
    refused("encode.disk",
            MBR("0", "{\"input\":0,\"type\":1,\"active\":true},{\"input\":1,\"type\":1,\"active\":"
                     "true}"),
            2, "two partitions are active");
}

static void test_containers_refused(void **state)
{
    (void)state;
    refused("encode.qcow2", "{\"size\":100}", 1, "multiple of 512");
    refused("encode.qcow2", "{\"size\":512}", 1, "too small");
    refused("encode.qcow2", "{\"size\":0,\"time\":0}", 1, "unknown key");
    refused("encode.qcow2", "{\"size\":17592186044928}", 1, "17592186044928");
    refused("encode.vmdk", "{\"size\":512}", 1, "multiple of 65536");
    refused("encode.vhd", "{\"type\":\"fixed\",\"size\":512,\"time\":0}", 1, "multiple of 1048576");
    refused("encode.vhd", "{\"type\":\"sparse\",\"size\":0,\"time\":0}", 1, "sparse");
    refused("encode.vhd", "{\"type\":\"dynamic\",\"size\":2190434369536,\"time\":0}", 1,
            "at most 2040 GiB");
    refused("encode.gcp", "{\"compressor\":\"gzip\",\"level\":0,\"size\":0,\"time\":0}", 1,
            "level");
    refused("encode.gcp", "{\"compressor\":\"gzip\",\"level\":9,\"size\":1048576,\"time\":0}", 1,
            "multiple of 1073741824");
    refused("encode.uimage",
            "{\"arch\":\"arm64\",\"type\":\"kernel\",\"load\":0,\"entry\":0,\"time\":0,\"name\":"
            "\"\",\"text\":\"x\"}",
            1, "one input or");
    refused("encode.uimage",
            "{\"arch\":\"arm64\",\"type\":\"kernel\",\"load\":4294967296,\"entry\":0,\"time\":0,"
            "\"name\":\"\"}",
            1, "4294967296");
    refused("encode.uimage",
            "{\"arch\":\"arm64\",\"type\":\"kernel\",\"load\":0,\"entry\":0,\"time\":0,\"name\":"
            "\"123456789012345678901234567890123\"}",
            1, "name");
}

static void test_vhd(void **state)
{
    (void)state;
    AUTO_BUF fixed = BUF_INIT(16 << 20);
    AUTO_BUF dynamic = BUF_INIT(16 << 20);
    uint8_t data[1000];
    noise(data, sizeof(data), 5);
    make("encode.vhd", "{\"type\":\"fixed\",\"size\":4194304,\"time\":946684801}", data,
         sizeof(data), 1, &fixed);
    make("encode.vhd", "{\"type\":\"dynamic\",\"size\":4194304,\"time\":0}", data, sizeof(data), 1,
         &dynamic);
    assert_int_equal(fixed.len, (4 << 20) + 512);
    const uint8_t *f = fixed.data + (4 << 20);
    uint32_t sum = 0;
    for (size_t i = 0; i < 512; i++)
        sum += i >= 64 && i < 68 ? 0 : f[i];
    assert_int_equal(be(f + 64, 4), ~sum);
    assert_int_equal(be(f + 24, 4), 1); /* a second after 2000 */
    assert_int_equal(be(f + 48, 8), 4 << 20);
    assert_int_equal(be(f + 60, 4), 2);
    /* 4 MiB: 8192 sectors, as 120 cylinders of 4 heads of 17. */
    assert_int_equal(be(f + 56, 2), 120);
    assert_int_equal(f[58], 4);
    assert_int_equal(f[59], 17);
    assert_int_equal(dynamic.len, 512 + 1024 + 512 + 512 + (2 << 20) + 512);
    assert_memory_equal(dynamic.data, dynamic.data + dynamic.len - 512, 512);
    assert_int_equal(be(dynamic.data + 1536, 4), 4);
    assert_int_equal(be(dynamic.data + 1540, 4), 0xffffffff);
    assert_memory_equal(dynamic.data + 4 * 512 + 512, data, sizeof(data));
}

/* Two L1 entries, one of them empty; refcounts count themselves. */
static void test_qcow2(void **state)
{
    (void)state;
    AUTO_BUF out = BUF_INIT(16 << 20);
    uint8_t data[65537] = {0};
    data[65536] = 7;
    make("encode.qcow2", "{\"size\":1073741824}", data, sizeof(data), 1, &out);
    /* header, refcount table, one block, L1, one L2, one cluster of data: the first is empty */
    assert_int_equal(out.len, 6 << 16);
    assert_int_equal(be(out.data + 24, 8), 1 << 30);
    assert_int_equal(be(out.data + 36, 4), 2);
    const uint8_t *level1 = out.data + (3 << 16);
    assert_int_equal(be(level1, 8), UINT64_C(1) << 63 | 4 << 16);
    assert_int_equal(be(level1 + 8, 8), 0);
    const uint8_t *level2 = out.data + (4 << 16);
    assert_int_equal(be(level2, 8), 0);
    assert_int_equal(be(level2 + 8, 8), UINT64_C(1) << 63 | 5 << 16);
    assert_int_equal(out.data[5 << 16], 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(be(out.data + (2 << 16) + 2 * i, 2), i < 6);
}

/* Threads change nothing, wherever batches end. */
static void test_jobs(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {
        {"encode.vmdk", "{\"size\":0}"},
        {"encode.gcp", "{\"compressor\":\"gzip\",\"level\":1,\"size\":0,\"time\":0}"},
    };
    static uint8_t data[5 << 20];
    noise(data, sizeof(data), 6);
    memset(data + (1 << 20), 0, 1 << 20);
    for (size_t i = 0; i < 2; i++) {
        AUTO_BUF one = BUF_INIT(16 << 20);
        AUTO_BUF many = BUF_INIT(16 << 20);
        assert_int_equal(try_blobs(kinds[i][0], kinds[i][1], data, sizeof(data), 1, 1, &one), 0);
        assert_int_equal(try_blobs(kinds[i][0], kinds[i][1], data, sizeof(data), 1, 7, &many), 0);
        assert_int_equal(one.len, many.len);
        assert_memory_equal(one.data, many.data, one.len);
    }
}

static void test_uimage(void **state)
{
    (void)state;
    AUTO_BUF kernel = BUF_INIT(1 << 20);
    AUTO_BUF script = BUF_INIT(1 << 20);
    static const uint8_t gzip[] = {0x1f, 0x8b, 8, 0};
    make("encode.uimage",
         "{\"arch\":\"arm64\",\"type\":\"kernel\",\"load\":524288,\"entry\":524289,\"time\":7,"
         "\"name\":\"n\"}",
         gzip, sizeof(gzip), 1, &kernel);
    assert_int_equal(kernel.len, 64 + sizeof(gzip));
    uint8_t h[64];
    memcpy(h, kernel.data, 64);
    memset(h + 4, 0, 4);
    assert_int_equal(be(kernel.data + 4, 4), crc(h, 64));
    assert_int_equal(be(h + 24, 4), crc(gzip, sizeof(gzip)));
    assert_int_equal(be(h + 8, 4), 7);
    assert_int_equal(be(h + 16, 4), 0x80000);
    assert_int_equal(be(h + 20, 4), 0x80001);
    static const uint8_t kinds[] = {5, 22, 2, 1, 'n', 0};
    assert_memory_equal(h + 28, kinds, sizeof(kinds));
    make(
        "encode.uimage",
        "{\"arch\":\"riscv64\",\"type\":\"script\",\"load\":0,\"entry\":0,\"time\":0,\"name\":\"\","
        "\"text\":\"boot\"}",
        gzip, 0, 0, &script);
    assert_int_equal(script.len, 64 + 8 + 4);
    static const uint8_t body[] = {0, 0, 0, 4, 0, 0, 0, 0, 'b', 'o', 'o', 't'};
    assert_memory_equal(script.data + 64, body, sizeof(body));
    assert_int_equal(be(script.data + 24, 4), crc(body, sizeof(body)));
    assert_int_equal(be(script.data + 12, 4), sizeof(body));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpt),          cmocka_unit_test(test_mbr),
        cmocka_unit_test(test_disk_refused), cmocka_unit_test(test_containers_refused),
        cmocka_unit_test(test_vhd),          cmocka_unit_test(test_qcow2),
        cmocka_unit_test(test_jobs),         cmocka_unit_test(test_uimage),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
