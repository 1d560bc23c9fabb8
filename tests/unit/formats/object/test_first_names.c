/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/first_names.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_meet(void **state)
{
    struct err e = ERR_INIT;
    struct budget budget;
    struct first_names names = {0};
    (void)state;
    budget_start(&budget, host_real(), "/tmp");
    for (int round = 0; round < 2; round++)
        for (uint64_t number = 1; number < 5000; number++) {
            char path[32];
            char wanted[32];
            const char *first = "";
            text_print(path, sizeof(path), "%d/%d", round, (int)number);
            text_print(wanted, sizeof(wanted), "0/%d", (int)number);
            assert_int_equal(
                first_names_meet(&names, number << 40 | number, path, &budget, &first, &e), 0);
            if (round == 0)
                assert_null(first);
            else
                assert_string_equal(first, wanted);
        }
    first_names_dispose(&names);
}

static void test_budget(void **state)
{
    struct err e = ERR_INIT;
    struct budget budget;
    struct first_names names = {0};
    const char *first = NULL;
    (void)state;
    budget_start(&budget, host_real(), "/tmp");
    budget.memory = 10;
    assert_int_equal(first_names_meet(&names, 1, "a long name", &budget, &first, &e),
                     -ERR_UNDECIDED);
    first_names_dispose(&names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_meet), cmocka_unit_test(test_budget)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
