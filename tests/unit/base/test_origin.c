/* SPDX-License-Identifier: Apache-2.0 */
/* base/origin: what can be fetched by what a plan says, and what a message advises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/origin.h"

#include <string.h>

static void says(const char *text, bool fetched, const char *advice)
{
    json_t *from = json_loads(text, 0, NULL);
    assert_non_null(from);
    assert_int_equal(origin_is_fetched(from), fetched);
    assert_non_null(strstr(origin_mending(from), advice));
    json_decref(from);
}

static void test_origins(void **state)
{
    (void)state;
    says("{\"oci\": {\"manifest\": \"sha256:00\", \"repository\": \"a/b\"}}", true,
         "'assay fetch PLAN' ");
    says("{\"debian\": {\"path\": \"pool/a.deb\"}}", true, "'assay fetch PLAN' ");
    says("{\"oci\": {\"manifest\": \"sha256:00\"}}", false, "--from STORE");
    says("{\"url\": {\"path\": \"a\"}}", false, "--url URL");
    says("{\"git\": {\"commit\": \"00\", \"repository\": \"r\"}}", false, "--git REPOSITORY");
    says("{\"directory\": {\"name\": \"d\"}}", false, "'assay lock' of its recipe");
    says("{\"file\": {\"name\": \"f\"}}", false, "--from STORE");
    says("{\"docker-archive\": {\"role\": \"layer\"}}", false, "--from STORE");
    says("{}", false, "--from STORE");
    assert_false(origin_is_fetched(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_origins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
