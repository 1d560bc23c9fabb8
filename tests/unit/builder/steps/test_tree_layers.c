/* SPDX-License-Identifier: Apache-2.0 */
/* tree.layers: its parameters, and the tree that it gives. */
#include "tests/unit/formats/layers/layers_common.h"

#include "builder/steps/kinds.h"

static int run_step(const char *params, struct stack *s, struct step_output *out)
{
    AUTO_JSON json_t *doc = NULL;
    assert_int_equal(json_parse(params, strlen(params), "params", NULL, &doc, &e), 0);
    struct jcur c = jcur_root(doc, "params");
    struct step_input inputs[LAYERS_MAX] = {{0}};
    for (size_t i = 0; i < s->count; i++)
        inputs[i] = (struct step_input){.id = s->names[i], .digest = s->layers[i].blob};
    struct step_context context = {.cas = cas, .jobs = 2};
    return step_run(&builder_runners, &step_tree_layers, &context, &c, inputs, s->count, out, &e);
}

#define REST "\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":false,\"clamp\":0}"

static void test_step(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "1"), FILE_("x", "")));
    push_deb(&s, L(FILE_("./lib/b", "2")));
    struct step_output out = {0};
    assert_int_equal(
        run_step(
            "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\"},{\"form\":\"deb\"}],"
            "\"include\":[\"*\",\"usr/lib\"],\"exclude\":[\"x\"],\"usrMerged\":true,\"clamp\":-3,"
            "\"place\":[{\"match\":\"a*\",\"path\":\"z\"}]}",
            &s, &out),
        0);
    assert_int_equal(out.kind, VALUE_TREE);
    AUTO_BUF got = BUF_INIT(1 << 16);
    struct digest d;
    assert_int_equal(tree_digest(out.tree, &d, &e), 0);
    assert_true(digest_equal(&d, &out.digest));
    assert_int_equal(tree_walk(out.tree, say, &got, &e), 0);
    assert_string_equal(buf_str(&got), "/@-3,lib>usr/lib@-3,usr/@-3,usr/lib/@-3,usr/lib/b@-3,z@-3");
    assert_true(cas_has(cas, &out.locations, NULL));
    tree_free(out.tree);
}

static void test_step_refused(void **state)
{
    (void)state;
    AUTO_STACK s = STACK_INIT;
    push(&s, L(FILE_("a", "1")));
#define TAR "{\"form\":\"tar\",\"compression\":\"none\"}"
    static const char *const bad[] = {
        "{\"layers\":[]," REST,
        "{\"layers\":[" TAR "," TAR "]," REST,
        "{\"layers\":[{\"form\":\"tar\"}]," REST,
        "{\"layers\":[{\"form\":\"cpio\"}]," REST,
        "{\"layers\":[{\"form\":\"deb\",\"compression\":\"none\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"bzip2\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\",\"diffId\":\"sha256:0\"}]," REST,
        "{\"layers\":[{\"form\":\"tar\",\"compression\":\"none\",\"x\":1}]," REST,
        "{\"layers\":[" TAR "],\"more\":1," REST,
        "{\"layers\":[" TAR "],\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":false}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[],\"usrMerged\":0,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[\"\"],\"exclude\":[],\"place\":[],\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[\"[\"],\"place\":[],\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"a\",\"path\":\"../b\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR
        "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"/a\",\"path\":\"b\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
        "{\"layers\":[" TAR "],\"include\":[],\"exclude\":[],\"place\":[{\"match\":\"a\"}],"
        "\"usrMerged\":false,\"clamp\":0}",
    };
    struct step_output out = {0};
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (run_step(bad[i], &s, &out) != -ERR_INPUT)
            fail_msg("accepted: %s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_step_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
