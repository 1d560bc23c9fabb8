/* SPDX-License-Identifier: Apache-2.0 */
/* Which of an index's entries is for a platform. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "formats/oci/oci_platform.h"

enum { OFFERS = 4 };

/* "os/arch[/variant]"; "-": an entry without a platform. */
static const struct row {
    const char *wanted;
    const char *offers[OFFERS];
    int index; /* -1: none */
    const char *problem;
} rows[] = {
    {"linux/amd64", {"linux/amd64", "linux/amd64/v3"}, 0, NULL},
    {"linux/amd64", {"linux/amd64/v3", "linux/amd64"}, 1, NULL},
    {"linux/amd64/v3", {"linux/amd64", "linux/amd64/v3"}, 1, NULL},
    {"linux/amd64/v1", {"linux/amd64", "linux/amd64/v3"}, 0, NULL},
    {"linux/amd64", {"linux/amd64/v1", "linux/amd64/v2"}, 0, NULL},
    {"linux/amd64", {"linux/amd64/v1", "linux/amd64"}, 1, NULL},
    {"linux/amd64/v1", {"linux/amd64/v1", "linux/amd64"}, 0, NULL},
    {"linux/amd64/v3", {"linux/amd64/v2", "linux/amd64", "linux/amd64/v4"}, 0, NULL},
    {"linux/amd64/v3", {"linux/amd64"}, 0, NULL},
    {"linux/amd64", {"linux/amd64/v3"}, -1, "no image for linux/amd64, only for linux/amd64/v3"},
    {"linux/amd64/v2", {"linux/amd64/v3"}, -1, "no image"},
    {"linux/arm", {"linux/arm/v6", "linux/arm/v7", "linux/arm/v8"}, 1, NULL},
    {"linux/arm/v7", {"linux/arm/v5", "linux/arm"}, 1, NULL},
    {"linux/arm/v6", {"linux/arm", "linux/arm/v5"}, 1, NULL},
    {"linux/arm/v6", {"linux/arm"}, -1, "only for linux/arm"},
    {"linux/arm64", {"linux/arm64/v8"}, 0, NULL},
    {"linux/arm64/v8", {"linux/arm64"}, 0, NULL},
    {"linux/arm64/v7", {"linux/arm64"}, -1, "no image"},
    {"linux/arm64", {"linux/arm", "linux/amd64"}, -1, "only for linux/arm, linux/amd64"},
    {"linux/riscv64", {"linux/riscv64"}, 0, NULL},
    {"linux/riscv64", {"linux/riscv64/rva22"}, -1, "only for linux/riscv64/rva22"},
    {"linux/riscv64/rva22", {"linux/riscv64", "linux/riscv64/rva22"}, 1, NULL},
    {"linux/amd64", {"windows/amd64", "linux/amd64"}, 1, NULL},
    {"linux/amd64", {"linux/amd64", "linux/amd64"}, -1, "more than one image for linux/amd64"},
    {"linux/amd64", {"linux/arm64", "-"}, 1, NULL},
    {"linux/amd64", {"-", "linux/amd64"}, 1, NULL},
    {"linux/amd64", {"linux/amd64", "-", "-"}, 0, NULL},
    {"linux/amd64", {"-", "-"}, -1, "several that do not say for what"},
    {"linux/amd64", {"unknown/unknown", "linux/amd64"}, 1, NULL},
    {"linux/amd64", {"linux/amd6", "linux/amd641"}, -1, "no image"},
    {"linux/amd64", {NULL}, -1, "no image for linux/amd64"},
};

/* The offered platform in parts, which are cut out of `text`. */
static void offer(struct oci_choice *c, size_t index, char *text)
{
    if (strcmp(text, "-") == 0) {
        oci_choice_offer(c, index, NULL, NULL, NULL);
        return;
    }
    char *arch = strchr(text, '/');
    *arch++ = '\0';
    char *variant = strchr(arch, '/');
    if (variant != NULL)
        *variant++ = '\0';
    oci_choice_offer(c, index, text, arch, variant);
}

static void test_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *r = &rows[i];
        struct oci_choice c = {.wanted = r->wanted};
        char text[512];
        for (size_t k = 0; k < OFFERS && r->offers[k] != NULL; k++) {
            char copy[64];
            (void)snprintf(copy, sizeof(copy), "%s", r->offers[k]);
            offer(&c, k, copy);
        }
        const char *problem = oci_choice_problem(&c, text, sizeof(text));
        if ((problem == NULL) != (r->index >= 0))
            fail_msg("row %zu: %s", i, problem != NULL ? problem : "chosen");
        if (problem == NULL && c.index != (size_t)r->index)
            fail_msg("row %zu: %zu", i, c.index);
        if (problem != NULL && strstr(problem, r->problem) == NULL)
            fail_msg("row %zu: %s", i, problem);
    }
}

/* Only so many platforms are shown, and long ones cut. */
static void test_shown(void **state)
{
    (void)state;
    struct oci_choice c = {.wanted = "linux/amd64"};
    char text[512];
    char longer[400];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    for (size_t i = 0; i < 4096; i++)
        oci_choice_offer(&c, i, longer, longer, longer);
    assert_non_null(oci_choice_problem(&c, text, sizeof(text)));
    assert_true(strlen(text) < 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice), cmocka_unit_test(test_shown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
