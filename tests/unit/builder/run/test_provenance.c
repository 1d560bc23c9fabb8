/* SPDX-License-Identifier: Apache-2.0 */
/* What a plan's provenance will need is known when the plan is made. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "attest/statement.h"
#include "builder/run/provenance.h"

#include <string.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static const char document[] =
    "{'type':'" PLAN_TYPE "','name':'hello','arch':'riscv64','epoch':0,'recipe':{},"
    "'inputs':[{'id':'files','kind':'blob','digest':'" D1 "','size':20,'from':{'file':{'name':'i'}}"
    "}],'steps':["
    "{'id':'root','kind':'tree.layers','in':['files'],'params':{'layers':["
    "{'form':'tar','compression':'none'}],'include':[],'exclude':[],'place':[],"
    "'usrMerged':true,'clamp':0}},"
    "{'id':'tar','kind':'encode.tar','in':['root'],'params':{'exclude':[]}}],"
    "'outputs':[{'name':'hello.tar','from':'tar','mediaType':'application/x-tar'}]}";

/* A plan whose recipe has a text of that many bytes. */
static struct plan *plan_with(size_t bytes)
{
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_FREE char *copy = strdup(document);
    AUTO_FREE char *filler = malloc(bytes + 1);
    json_t *toolchain = NULL;
    struct plan *plan = NULL;
    assert_non_null(copy);
    assert_non_null(filler);
    memset(filler, 'a', bytes);
    filler[bytes] = '\0';
    for (char *p = copy; *p != '\0'; p++)
        *p = *p == '\'' ? '"' : *p;
    AUTO_JSON json_t *d = json_loads(copy, 0, NULL);
    assert_non_null(d);
    assert_int_equal(plan_toolchain(json_object_get(d, "steps"), &builder_steps, &toolchain, &e),
                     0);
    assert_int_equal(json_object_set_new(d, "toolchain", toolchain), 0);
    assert_int_equal(json_object_set_new(json_object_get(d, "recipe"), "text", json_string(filler)),
                     0);
    assert_int_equal(plan_format(d, &builder_steps, &text, &e), 0);
    assert_int_equal(plan_parse(buf_str(&text), text.len, "plan", &builder_steps, &plan, &e), 0);
    return plan;
}

/* The recipe stands in it twice: by itself, and in the plan. */
static void test_size(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_PLAN struct plan *fits = plan_with(STATEMENT_BYTES_MAX / 2 - 16384);
    AUTO_PLAN struct plan *does_not = plan_with(STATEMENT_BYTES_MAX / 2 + 1);
    assert_int_equal(provenance_check_size(fits, &e), 0);
    assert_int_equal(provenance_check_size(does_not, &e), -ERR_INPUT);
    assert_non_null(strstr(e.frame[0], "lock fewer artifacts"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_size)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
