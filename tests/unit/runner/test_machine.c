/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runner/machine.h"

#include <stdbool.h>
#include <string.h>

static bool has(const struct machine_command *c, const char *option, const char *value)
{
    for (size_t i = 0; c->argv[i] != NULL; i++) {
        if (strcmp(c->argv[i], option) == 0)
            return value == NULL || (c->argv[i + 1] != NULL && strcmp(c->argv[i + 1], value) == 0);
    }
    return false;
}

static void test_find(void **state)
{
    (void)state;
    static const char *const known[] = {"riscv64", "amd64", "x86_64", "arm64", "aarch64"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const struct machine *m = machine_find(known[i]);
        assert_non_null(m);
        assert_non_null(strstr(machine_names(), m->arch));
    }
    assert_ptr_equal(machine_find("amd64"), machine_find("x86_64"));
    assert_null(machine_find("riscv32"));
    assert_null(machine_find(""));
}

static void test_command(void **state)
{
    (void)state;
    static const char *const archs[] = {"riscv64", "amd64", "arm64"};
    struct machine_boot boot = {
        .kernel = "-k", .initrd = "/boot/initrd", .append = "quiet x=1", .memory_mb = 256};
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        struct machine_command c;
        const struct machine *m = machine_find(archs[i]);
        assert_non_null(m);
        assert_int_equal(machine_command_make(m, &boot, &c, &e), 0);
        assert_string_equal(c.argv[0], m->emulator);
        assert_true(has(&c, "-machine", m->type));
        assert_true(has(&c, "-accel", "tcg"));
        assert_true(has(&c, "-nic", "none"));
        assert_true(has(&c, "-nodefaults", NULL));
        assert_true(has(&c, "-no-user-config", NULL));
        assert_true(has(&c, "-no-reboot", NULL));
        assert_true(has(&c, "-action", "panic=shutdown"));
        assert_true(has(&c, "-device", m->panic));
        assert_true(has(&c, "-S", NULL));
        assert_string_equal(c.argv[c.machine_args], "-kernel");
        assert_true(has(&c, "-m", "256"));
        assert_true(has(&c, "-kernel", "./-k"));
        assert_true(has(&c, "-initrd", "/boot/initrd"));
        assert_true(m->cpu == NULL || has(&c, "-cpu", m->cpu));
        assert_non_null(strstr(c.parameters, m->console));
        assert_non_null(strstr(c.parameters, " panic=-1 quiet x=1"));
        machine_command_dispose(&c);
    }
    struct err e = ERR_INIT;
    struct machine_command c;
    boot.append = NULL;
    assert_int_equal(machine_command_make(machine_find("riscv64"), &boot, &c, &e), 0);
    assert_true(has(&c, "-append", "console=ttyS0 panic=-1"));
    machine_command_dispose(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
