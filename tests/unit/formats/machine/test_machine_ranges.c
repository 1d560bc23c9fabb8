/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of ranges: below, at and above each, as the emulator loads them or does not. */
#include "formats/machine/machine_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { TEXT_SIZE = 4096 };

/* 0, or the error's code. */
static int resolve(const char *config, char message[ERR_FRAME_MAX])
{
    struct err err = ERR_INIT;
    AUTO_MACHINE_CONFIG c = {0};
    char text[TEXT_SIZE];
    (void)snprintf(text, sizeof(text), "{\"archive_version\":7,\"config\":{%s}}", config);
    int rc = machine_config_parse(text, strlen(text), "config.json", &c, &err);
    if (rc == 0)
        rc = machine_config_resolve(&c, &err);
    (void)snprintf(message, ERR_FRAME_MAX, "%s", rc < 0 ? err.frame[0] : "");
    return rc;
}

struct limit {
    const char *config;
    const char *refusal; /* NULL: it loads */
};

#define RAM "\"ram\":{\"length\":65536}"
#define DRIVE(start, length) RAM ",\"flash_drive\":[{\"start\":" #start ",\"length\":" #length "}]"

static const struct limit limits[] = {
    /* RAM: a page at least, 2 GiB at most, since it starts there. */
    {"\"ram\":{\"length\":0}", "not a multiple"},
    {"\"ram\":{\"length\":4095}", "not a multiple"},
    {"\"ram\":{\"length\":4096}", NULL},
    {"\"ram\":{\"length\":4097}", "not a multiple"},
    {"\"ram\":{\"length\":2147479552}", NULL},
    {"\"ram\":{\"length\":2147483648}", NULL},
    {"\"ram\":{\"length\":2147487744}", "larger than 2 GiB"},
    /* The end: below 2^56. A length that is no power of two ends before its span does. */
    {DRIVE(72057594037919744, 4096), NULL},
    {DRIVE(72057594037923840, 4096), "ends at 2^56"},
    {DRIVE(72057594037927936, 4096), "ends at 2^56"},
    {DRIVE(36028797018963968, 36028797018959872), NULL},
    {DRIVE(36028797018963968, 36028797018963968), "ends at 2^56"},
    {DRIVE(0, 72057594037927936), "too large"},
    {DRIVE(18446744073709547520, 4096), "ends at 2^56"},
    /* Placed by rule: the first spans that are free, until there are none. */
    {RAM ",\"flash_drive\":[{\"length\":18014398509481984},{\"length\":18014398509481984},"
         "{\"length\":18014398509477888}]",
     NULL},
    {RAM ",\"flash_drive\":[{\"length\":18014398509481984},{\"length\":18014398509481984},"
         "{\"length\":18014398509481984}]",
     "ends at 2^56"},
    {RAM ",\"flash_drive\":[{\"length\":72057594037923840}]", "ends at 2^56"},
    /* Beside a device. */
    {DRIVE(1073741824, 32768), NULL},
    {DRIVE(1073741824, 36864), "overlaps the device htif"},
    {DRIVE(1073778688, 4096), NULL},
    {DRIVE(33554432, 4096), "overlaps the device clint"},
    {DRIVE(34340864, 4096), NULL},
    {DRIVE(1078984704, 4096), NULL},
    {DRIVE(1078980608, 4096), "overlaps the device plic"},
    /* Beside RAM: its length is rounded up. */
    {"\"ram\":{\"length\":20480},\"flash_drive\":[{\"start\":2147508224,\"length\":4096}]",
     "overlaps the ram"},
    {"\"ram\":{\"length\":20480},\"flash_drive\":[{\"start\":2147516416,\"length\":4096}]", NULL},
    /* A start is a multiple of the rounded length. */
    {DRIVE(4294967296, 12288), NULL},
    {DRIVE(4294971392, 8192), "not a multiple of 0x2000"},
    {DRIVE(4294975488, 12288), "not a multiple of 0x4000"},
};

static void test_limits(void **state)
{
    (void)state;
    char message[ERR_FRAME_MAX];
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        int rc = resolve(limits[i].config, message);
        if (limits[i].refusal == NULL ? rc != 0 : strstr(message, limits[i].refusal) == NULL)
            fail_msg("%s: %s", limits[i].config, message);
        if (limits[i].refusal != NULL)
            assert_int_equal(rc, -ERR_INPUT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
