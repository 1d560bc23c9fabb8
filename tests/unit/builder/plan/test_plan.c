/* SPDX-License-Identifier: Apache-2.0 */
/* The plan: strict decoding, canonical form, toolchain, show and diff. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/plan/plan.h"
#include "builder/plan/show.h"
#include "builder/steps/step.h"

#include <string.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"
#define D2 "sha256:2222222222222222222222222222222222222222222222222222222222222222"

static const char document[] =
    "{'type':'" PLAN_TYPE "','name':'hello','arch':'riscv64','epoch':0,'recipe':{'a':1},"
    "'inputs':["
    "{'id':'busybox','kind':'blob','digest':'" D1 "','size':10,'from':{'debian':{"
    "'suite':'trixie','component':'main','package':'busybox-static','version':'1:1.37.0-6',"
    "'architecture':'riscv64','path':'pool/main/b/busybox.deb','release':'" D2 "'}}},"
    "{'id':'files','kind':'blob','digest':'" D2 "','size':20,'from':{'file':{'name':'init'}}},"
    "{'id':'layer','kind':'blob','digest':'" D2 "','size':20,'from':{'oci':{'manifest':'" D1
    "','role':'layer'}}}],"
    "'steps':["
    "{'id':'root','kind':'tree.layers','in':['busybox','files'],'params':{'layers':["
    "{'form':'deb'},{'form':'tar','compression':'none'}],'include':[],'exclude':[],'place':[],"
    "'usrMerged':true,'clamp':0}},"
    "{'id':'tar','kind':'encode.tar','in':['root'],'params':{'exclude':[]}},"
    "{'id':'image','kind':'encode.squashfs','in':['root'],'params':{'compressor':'zstd',"
    "'level':15,'blockSize':131072,'fragments':true,'exports':true,'xattrs':true,'time':0,"
    "'exclude':[]}}],"
    "'outputs':[{'name':'hello.tar','from':'tar','mediaType':'application/x-tar'},"
    "{'name':'hello.squashfs','from':'image','mediaType':'application/vnd.assay.squashfs'}]}";

/* JSON with ' for ", for reading. New reference. */
static json_t *json(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    json_error_t error;
    json_t *value = json_loads(copy, JSON_DECODE_ANY, &error);
    free(copy);
    if (value == NULL)
        fail_msg("%s", error.text);
    return value;
}

static json_t *base(void)
{
    struct err e = ERR_INIT;
    json_t *d = json(document), *toolchain = NULL;
    assert_int_equal(plan_toolchain(json_object_get(d, "steps"), &builder_steps, &toolchain, &e),
                     0);
    json_object_set_new(d, "toolchain", toolchain);
    return d;
}

/* "inputs.0.from" -> the value there; borrowed. */
static json_t *at(json_t *d, const char *path)
{
    char part[64];
    while (*path != '\0') {
        size_t n = strcspn(path, ".");
        assert_true(n < sizeof(part));
        memcpy(part, path, n);
        part[n] = '\0';
        d = json_is_array(d) ? json_array_get(d, (size_t)strtoul(part, NULL, 10))
                             : json_object_get(d, part);
        assert_non_null(d);
        path += n + (path[n] == '.');
    }
    return d;
}

/* The document with one member set (or removed: NULL) gives this error. */
static void refuses(const char *where, const char *key, const char *value, enum err_code code,
                    const char *message)
{
    struct err e = ERR_INIT;
    char line[2048];
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_PLAN struct plan *plan = NULL;
    json_t *d = base(), *place = at(d, where);
    if (json_is_array(place))
        json_array_set_new(place, (size_t)strtoul(key, NULL, 10), json(value));
    else if (value == NULL)
        json_object_del(place, key);
    else
        json_object_set_new(place, key, json(value));
    assert_int_equal(jcs_format(d, &bytes, &e), 0);
    int rc = plan_parse(bytes.data, bytes.len, "plan 'x'", &builder_steps, &plan, &e);
    if (rc != -(int)code || plan != NULL)
        fail_msg("%s.%s = %s: got %d: %s", where, key, value, rc, err_line(&e, line, sizeof(line)));
    if (strstr(err_line(&e, line, sizeof(line)), message) == NULL)
        fail_msg("%s.%s = %s: the message is: %s", where, key, value, line);
    json_decref(d);
}

static struct plan *parse(json_t *d)
{
    struct err e = ERR_INIT;
    char line[2048];
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    struct plan *plan = NULL;
    if (plan_format(d, &builder_steps, &bytes, &e) < 0 ||
        plan_parse(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    return plan;
}

static void test_good(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    json_t *d = base();
    AUTO_PLAN struct plan *plan = parse(d);
    assert_string_equal(plan->name, "hello");
    assert_string_equal(plan->arch, "riscv64");
    assert_int_equal(plan->input_count, 3);
    assert_int_equal(plan->inputs[0].size, 10);
    assert_int_equal(plan->step_count, 3);
    assert_string_equal(plan->steps[0].kind->name, "tree.layers");
    assert_int_equal(plan->steps[0].in_count, 2);
    assert_false(plan->steps[0].in[1].is_step);
    assert_int_equal(plan->steps[0].in[1].index, 1);
    assert_true(plan->steps[2].in[0].is_step);
    assert_int_equal(plan->steps[2].in[0].index, 0);
    assert_int_equal(plan->outputs[1].step, 2);
    assert_int_equal(plan_check_toolchain(plan, &e), 0);
    json_decref(d);
}

static void test_digest_is_of_the_bytes(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    json_t *d = base();
    AUTO_PLAN struct plan *plan = parse(d);
    struct digest want;
    assert_int_equal(plan_format(d, &builder_steps, &bytes, &e), 0);
    assert_int_equal(digest_bytes(DIGEST_SHA256, bytes.data, bytes.len, &want, &e), 0);
    assert_true(digest_equal(&plan->digest, &want));
    json_decref(d);
}

static void test_head(void **state)
{
    (void)state;
    refuses("", "type", "'" ASSAY_URI "plan/v2'", ERR_INPUT, "type");
    refuses("", "name", "'Hello'", ERR_INPUT, "'Hello' is not a name");
    refuses("", "name", "'a/b'", ERR_INPUT, "is not a name");
    refuses("", "name", "5", ERR_INPUT, "name");
    refuses("", "arch", "'mips'", ERR_INPUT, "arch");
    refuses("", "epoch", "-1", ERR_INPUT, "epoch");
    refuses("", "epoch", "253402300800", ERR_INPUT, "epoch");
    refuses("", "recipe", "[]", ERR_INPUT, "recipe");
    refuses("", "recipe", NULL, ERR_INPUT, "recipe");
    refuses("", "extra", "1", ERR_INPUT, "extra");
    refuses("", "outputs", NULL, ERR_INPUT, "outputs");
    refuses("", "steps", "[]", ERR_INPUT, "no steps");
    refuses("", "outputs", "[]", ERR_INPUT, "no outputs");
}

static void test_inputs(void **state)
{
    (void)state;
    refuses("inputs.0", "id", "'Files'", ERR_INPUT, "is not an id");
    refuses("inputs.0", "id", "'files'", ERR_INPUT, "'files' is used twice");
    refuses("inputs.2", "id", "'root'", ERR_INPUT, "'root' is used twice");
    refuses("inputs.0", "kind", "'tree'", ERR_INPUT, "kind");
    refuses("inputs.0", "digest", "'sha256:11'", ERR_INPUT, "digest");
    refuses("inputs.0", "size", "-1", ERR_INPUT, "size");
    refuses("inputs.0", "size", "9007199254740992", ERR_INPUT, "");
    refuses("inputs.0", "from", NULL, ERR_INPUT, "from");
    refuses("inputs.0", "from", "{}", ERR_INPUT, "exactly one");
    refuses("inputs.0", "from", "{'git':{}}", ERR_INPUT, "git");
    refuses("inputs.0.from", "file", "{'name':'x'}", ERR_INPUT, "exactly one");
    refuses("inputs.0.from.debian", "path", "'/etc/passwd'", ERR_INPUT, "path");
    refuses("inputs.0.from.debian", "path", "'../x'", ERR_INPUT, "path");
    refuses("inputs.0.from.debian", "mirror", "'x'", ERR_INPUT, "mirror");
    refuses("inputs.2.from.oci", "role", "'hat'", ERR_INPUT, "role");
}

static void test_steps(void **state)
{
    (void)state;
    refuses("steps.0", "kind", "'encode.zip'", ERR_INPUT, "no step kind 'encode.zip'");
    refuses("steps.0", "id", "'files'", ERR_INPUT, "'files' is used twice");
    refuses("steps.0", "in", "['busybox','image']", ERR_INPUT, "no input and no earlier step");
    refuses("steps.0", "in", "['busybox','root']", ERR_INPUT, "no input and no earlier step");
    refuses("steps.0", "in", "['busybox','tar']", ERR_INPUT, "no input and no earlier step");
    refuses("steps.0", "in", "[]", ERR_INPUT, "inputs");
    refuses("steps.0", "in", "['busybox']", ERR_INPUT, "");
    refuses("steps.1", "in", "['busybox']", ERR_INPUT, "'busybox' is a blob");
    refuses("steps.2", "in", "['tar']", ERR_INPUT, "'tar' is a blob");
    refuses("steps.1", "in", "['root','root']", ERR_INPUT, "takes 1 to 1 inputs, not 2");
    refuses("steps.1", "params", "{}", ERR_INPUT, "exclude");
    refuses("steps.1.params", "cwd", "'/tmp'", ERR_INPUT, "cwd");
    refuses("steps.2.params", "compressor", "'lzma'", ERR_INPUT, "compressor");
    refuses("steps.1", "when", "1", ERR_INPUT, "when");
}

static void test_outputs(void **state)
{
    (void)state;
    refuses("outputs.0", "name", "'a/b'", ERR_INPUT, "not a plain file name");
    refuses("outputs.0", "name", "'.hidden'", ERR_INPUT, "not a plain file name");
    refuses("outputs.0", "name", "''", ERR_INPUT, "not a plain file name");
    refuses("outputs.0", "name", "'..'", ERR_INPUT, "not a plain file name");
    refuses("outputs.0", "name", "'hello.squashfs'", ERR_INPUT, "used twice");
    refuses("outputs.0", "digests", "{}", ERR_INPUT, "no digests");
    refuses("outputs.0", "digests", "{'a':'nowhere'}", ERR_INPUT, "'nowhere' is no step");
    refuses("outputs.0", "digests", "{'a':'root'}", ERR_INPUT, "gives a tree");
    refuses("outputs.0", "digests", "{'a':'layer'}", ERR_INPUT, "no step");
    refuses("outputs.0", "digests", "{'sha256':'tar'}", ERR_INPUT, "no name of a digest");
    refuses("outputs.0", "digests", "{'':'tar'}", ERR_INPUT, "no name of a digest");
    refuses("outputs.0", "digests", "{'a-b':'tar'}", ERR_INPUT, "no name of a digest");
    refuses("outputs.0", "digests", "{'a':'tar','b':'tar','c':'tar','d':'tar','e':'tar'}",
            ERR_INPUT, "more than 4");
    refuses("outputs.0", "name", "'hello.provenance.json'", ERR_INPUT, "provenance");
    refuses("outputs.0", "from", "'busybox'", ERR_INPUT, "is no step");
    refuses("outputs.0", "from", "'nothing'", ERR_INPUT, "is no step");
    refuses("outputs.0", "from", "'root'", ERR_INPUT, "a tree");
    refuses("outputs.0", "mediaType", "'tar'", ERR_INPUT, "media type");
    refuses("outputs.0", "mediaType", "'a/b/c'", ERR_INPUT, "media type");
}

static void test_toolchain(void **state)
{
    (void)state;
    refuses("toolchain.libraries", "zstd", NULL, ERR_INPUT, "'zstd' is used by a step");
    refuses("toolchain.libraries", "libmagic", "'5'", ERR_INPUT, "no step uses");
    refuses("toolchain", "assay", "5", ERR_INPUT, "assay");
    refuses("toolchain", "compiler", "'gcc'", ERR_INPUT, "compiler");

    struct err e = ERR_INIT;
    char line[2048];
    json_t *d = base();
    json_object_set_new(at(d, "toolchain.libraries"), "zstd", json_string("1.0.0"));
    AUTO_PLAN struct plan *other = parse(d);
    assert_int_equal(plan_check_toolchain(other, &e), -ERR_UNDECIDED);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "zstd 1.0.0"));

    json_object_set_new(at(d, "toolchain"), "assay", json_string("9.9.9"));
    AUTO_PLAN struct plan *newer = parse(d);
    assert_int_equal(plan_check_toolchain(newer, &e), -ERR_UNDECIDED);
    assert_non_null(strstr(err_line(&e, line, sizeof(line)), "assay 9.9.9"));
    json_decref(d);
}

/* A plan of another version may have kinds that this one does not know: that is not its fault. */
static void test_newer_kind(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    struct plan *plan = NULL;
    json_t *d = base();
    json_object_set_new(at(d, "toolchain"), "assay", json_string("9.9.9"));
    json_object_set_new(at(d, "steps.1"), "kind", json_string("encode.cartesi"));
    assert_int_equal(jcs_format(d, &bytes, &e), 0);
    assert_int_equal(plan_parse(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e),
                     -ERR_UNDECIDED);
    json_decref(d);
}

/* It fails with this, and the outline is all but the steps of it. */
static void outlines(json_t *d, const char *message)
{
    struct err e = ERR_INIT;
    char line[2048];
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_PLAN struct plan *plan = NULL;
    assert_int_equal(jcs_format(d, &bytes, &e), 0);
    assert_int_equal(plan_parse(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e),
                     -ERR_UNDECIDED);
    if (strstr(err_line(&e, line, sizeof(line)), message) == NULL)
        fail_msg("the message is: %s", line);
    assert_int_equal(plan_parse_any(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e), 0);
    assert_null(plan->table);
    assert_int_equal(plan->step_count, 0);
    assert_int_equal(plan->input_count, 3);
    assert_int_equal(plan->output_count, 2);
    assert_string_equal(plan->outputs[1].name, "hello.squashfs");
    assert_int_equal(plan_check_toolchain(plan, &e), -ERR_UNDECIDED);
}

static void test_outline(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_PLAN struct plan *plan = NULL;
    AUTO_JSON json_t *d = base();
    json_object_set_new(at(d, "toolchain"), "assay", json_string("9.9.9"));
    json_object_set_new(at(d, "steps.1.params"), "later", json_true());
    outlines(d, "later");
    outlines(d, "get the assay-build of assay 9.9.9 and give it with --builder FILE");
    json_object_set_new(at(d, "steps.1"), "kind", json_string("encode.later"));
    outlines(d, "there is no step kind 'encode.later'");
    json_array_set_new(at(d, "steps"), 0, json_integer(1));
    outlines(d, "steps[0]");
    /* What is not of the steps is read as strictly as ever. */
    json_object_set_new(at(d, "outputs.0"), "name", json_string("../x"));
    assert_int_equal(jcs_format(d, &bytes, &e), 0);
    assert_int_equal(plan_parse_any(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e),
                     -ERR_INPUT);
}

/* What is wrong in the steps of our own version's plan is wrong. */
static void test_no_outline(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_PLAN struct plan *plan = NULL;
    AUTO_JSON json_t *d = base();
    json_object_set_new(at(d, "steps.1"), "kind", json_string("encode.later"));
    assert_int_equal(jcs_format(d, &bytes, &e), 0);
    assert_int_equal(plan_parse_any(bytes.data, bytes.len, "plan", &builder_steps, &plan, &e),
                     -ERR_INPUT);
}

static void refuses_bytes(const void *data, size_t len, const char *message)
{
    struct err e = ERR_INIT;
    char line[2048];
    struct plan *plan = NULL;
    assert_int_equal(plan_parse(data, len, "plan 'x'", &builder_steps, &plan, &e), -ERR_INPUT);
    if (strstr(err_line(&e, line, sizeof(line)), message) == NULL)
        fail_msg("the message is: %s", line);
}

static void test_canonical(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_BUF other = BUF_INIT(1 << 20);
    json_t *d = base();
    assert_int_equal(plan_format(d, &builder_steps, &bytes, &e), 0);
    assert_int_equal(buf_addf(&other, &e, "%s\n", buf_str(&bytes)), 0);
    refuses_bytes(other.data, other.len, "canonical");
    other.len = 0;
    assert_int_equal(buf_addf(&other, &e, "{ %s", buf_str(&bytes) + 1), 0);
    refuses_bytes(other.data, other.len, "canonical form (RFC 8785), first at byte 1");
    other.len = 0;
    assert_int_equal(buf_addf(&other, &e, "{\"arch\":\"riscv64\",%s", buf_str(&bytes) + 1), 0);
    refuses_bytes(other.data, other.len, "duplicate");
    for (size_t n = 0; n < bytes.len; n += 7)
        refuses_bytes(bytes.data, n, "");
    other.len = 0;
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_add_str(&other, "[", &e), 0);
    refuses_bytes(other.data, other.len, "deep");
    json_decref(d);
}

static void test_ids(void **state)
{
    (void)state;
    char long_id[PLAN_ID_MAX + 2];
    memset(long_id, 'a', sizeof(long_id) - 1);
    long_id[sizeof(long_id) - 1] = '\0';
    assert_false(plan_id_valid(long_id));
    long_id[PLAN_ID_MAX] = '\0';
    assert_true(plan_id_valid(long_id));
    assert_true(plan_id_valid("0.a_b-c"));
    assert_false(plan_id_valid(""));
    assert_false(plan_id_valid("-a"));
    assert_false(plan_id_valid("a b"));
    assert_false(plan_id_valid("a/b"));
}

static void test_show(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(1 << 20);
    AUTO_BUF dot = BUF_INIT(1 << 20);
    json_t *d = base();
    json_object_set_new(at(d, "inputs.1.from.file"), "name", json_string("a\"b\\"));
    AUTO_PLAN struct plan *plan = parse(d);
    assert_int_equal(plan_show(plan, &text, &e), 0);
    assert_non_null(strstr(buf_str(&text), "package busybox-static 1:1.37.0-6 (riscv64)"));
    assert_non_null(strstr(buf_str(&text), "hello.squashfs"));
    assert_int_equal(plan_dot(plan, &dot, &e), 0);
    assert_non_null(strstr(buf_str(&dot), "\"root\" -> \"image\";"));
    assert_non_null(strstr(buf_str(&dot), "file a\\\"b\\\\\""));
    json_decref(d);
}

/* One change gives one line, and the line says this. */
static void moves(const char *where, const char *key, const char *value, const char *message)
{
    struct err e = ERR_INIT;
    json_t *old = base(), *new = base(), *changes = NULL;
    if (value == NULL)
        json_array_remove(at(new, where), (size_t)strtoul(key, NULL, 10));
    else
        json_object_set_new(at(new, where), key, json(value));
    AUTO_PLAN struct plan *a = parse(old);
    AUTO_PLAN struct plan *b = parse(new);
    assert_int_equal(plan_diff(a, b, &changes, &e), 0);
    const char *text = json_string_value(json_object_get(json_array_get(changes, 0), "text"));
    if (json_array_size(changes) != 1 || strcmp(text, message) != 0)
        fail_msg("%zu changes; the first is: %s", json_array_size(changes), text);
    json_decref(changes);
    json_decref(old);
    json_decref(new);
}

static void test_diff(void **state)
{
    (void)state;
    moves("inputs.0.from.debian", "version", "'1:1.38.0-1'",
          "input 'busybox': package busybox-static goes from version 1:1.37.0-6 to 1:1.38.0-1");
    moves("steps.2.params", "level", "19", "step 'image': params.level: 15 -> 19");
    moves("steps.1.params", "exclude", "['x']", "step 'tar': params.exclude: [] -> [\"x\"]");
    moves("", "epoch", "5", "plan: epoch: 0 -> 5");
    moves("recipe", "a", "{'b':2}", "recipe: a: 1 -> {\"b\":2}");
    moves("outputs", "1", NULL, "output 'hello.squashfs' is gone");
    moves("inputs", "2", NULL, "input 'layer' is gone: layer of image sha256:111111111111");
}

static void test_diff_same_and_order(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    json_t *old = base(), *new = base(), *changes = NULL;
    AUTO_PLAN struct plan *a = parse(old);
    assert_int_equal(plan_diff(a, a, &changes, &e), 0);
    assert_int_equal(json_array_size(changes), 0);
    json_decref(changes);

    json_t *last = json_incref(at(new, "inputs.2"));
    json_array_remove(at(new, "inputs"), 2);
    json_array_insert_new(at(new, "inputs"), 0, last);
    AUTO_PLAN struct plan *b = parse(new);
    assert_int_equal(plan_diff(a, b, &changes, &e), 0);
    assert_int_equal(json_array_size(changes), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(changes, 0), "text")),
                        "the order of the inputs changed");
    json_decref(changes);
    json_decref(old);
    json_decref(new);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_digest_is_of_the_bytes),
        cmocka_unit_test(test_head),
        cmocka_unit_test(test_inputs),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_outputs),
        cmocka_unit_test(test_toolchain),
        cmocka_unit_test(test_newer_kind),
        cmocka_unit_test(test_outline),
        cmocka_unit_test(test_no_outline),
        cmocka_unit_test(test_canonical),
        cmocka_unit_test(test_ids),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_diff),
        cmocka_unit_test(test_diff_same_and_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
