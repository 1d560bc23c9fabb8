/* SPDX-License-Identifier: Apache-2.0 */
/* What carries a plan: told by its content, and the plan is the one that is named. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "builder/plan/plan_file.h"
#include "builder/steps/step.h"

#include <string.h>

#define D1 "sha256:1111111111111111111111111111111111111111111111111111111111111111"

static const char plan_text[] =
    "{'type':'" PLAN_TYPE "','name':'hello','arch':'riscv64','epoch':0,'recipe':{},"
    "'toolchain':{'assay':'" ASSAY_VERSION "','libraries':{}},"
    "'inputs':[{'id':'files','kind':'blob','digest':'" D1
    "','size':20,'from':{'file':{'name':'init'}}}],"
    "'steps':[{'id':'root','kind':'tree.layers','in':['files'],'params':{'layers':["
    "{'form':'tar','compression':'none'}],'include':[],'exclude':[],'place':[],"
    "'usrMerged':true,'clamp':0}},"
    "{'id':'tar','kind':'encode.tar','in':['root'],'params':{'exclude':[]}}],"
    "'outputs':[{'name':'hello.tar','from':'tar','mediaType':'application/x-tar'}]}";

/* JSON with ' for ". New reference. */
static json_t *json(const char *text)
{
    char *copy = strdup(text);
    assert_non_null(copy);
    for (char *p = copy; *p != '\0'; p++)
        if (*p == '\'')
            *p = '"';
    json_t *value = json_loads(copy, JSON_DECODE_ANY, NULL);
    free(copy);
    assert_non_null(value);
    return value;
}

static void canonical(const json_t *value, struct buf *out)
{
    struct err e = ERR_INIT;
    assert_int_equal(jcs_format(value, out, &e), 0);
}

/* The provenance of the plan, with the digest that it has. New reference. */
static json_t *provenance(void)
{
    struct err e = ERR_INIT;
    struct digest digest;
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    json_t *plan = json(plan_text);
    json_t *statement =
        json("{'_type':'https://in-toto.io/Statement/v1','subject':[{'name':'hello.tar','digest':"
             "{'sha256':'1111111111111111111111111111111111111111111111111111111111111111'}}],"
             "'predicateType':'https://slsa.dev/provenance/v1','predicate':{'buildDefinition':{"
             "'buildType':'" PLAN_BUILD_TYPE "','internalParameters':{}},'runDetails':{'builder':{"
             "'id':'x:y','builderDependencies':[{'name':'assay-build','digest':{'sha256':"
             "'2222222222222222222222222222222222222222222222222222222222222222'}}]}}}}");
    canonical(plan, &bytes);
    assert_int_equal(digest_bytes(DIGEST_SHA256, bytes.data, bytes.len, &digest, &e), 0);
    json_t *internal =
        json_object_get(json_object_get(json_object_get(statement, "predicate"), "buildDefinition"),
                        "internalParameters");
    assert_int_equal(json_put(internal, "plan", plan, &e), 0);
    assert_int_equal(json_put_digest(internal, "planDigest", &digest, &e), 0);
    return statement;
}

/* The same in an envelope, which somebody signed with anything. New reference. */
static json_t *envelope(const json_t *statement)
{
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    AUTO_BUF text = BUF_INIT(1 << 20);
    struct err e = ERR_INIT;
    json_t *o =
        json("{'payloadType':'application/vnd.in-toto+json','signatures':[{'sig':'AAAA'}]}");
    canonical(statement, &bytes);
    assert_int_equal(base64_encode(bytes.data, bytes.len, &text, &e), 0);
    assert_int_equal(json_put_string(o, "payload", buf_str(&text), &e), 0);
    return o;
}

/* New reference. */
static json_t *bundle(const json_t *statement)
{
    struct err e = ERR_INIT;
    json_t *o = json("{'mediaType':'application/vnd.dev.sigstore.bundle.v0.3+json',"
                     "'verificationMaterial':{'publicKey':{'hint':'x'}}}");
    assert_int_equal(json_put(o, "dsseEnvelope", envelope(statement), &e), 0);
    return o;
}

/* Takes the reference. */
static int read_as(json_t *document, struct plan_file *out, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(1 << 20);
    canonical(document, &bytes);
    json_decref(document);
    return plan_file_parse(bytes.data, bytes.len, "it", &builder_steps, out, e);
}

static void test_carriers(void **state)
{
    (void)state;
    static const char *const names[] = {"plan", "statement", "envelope", "bundle"};
    AUTO_JSON json_t *statement = provenance();
    AUTO_BUF wanted = BUF_INIT(1 << 20);
    AUTO_JSON json_t *plan = json(plan_text);
    canonical(plan, &wanted);
    for (size_t i = 0; i < 4; i++) {
        struct err e = ERR_INIT;
        AUTO_PLAN_FILE struct plan_file file = {0};
        AUTO_BUF bytes = BUF_INIT(1 << 20);
        json_t *document = i == 0   ? json_incref(plan)
                           : i == 1 ? json_incref(statement)
                           : i == 2 ? envelope(statement)
                                    : bundle(statement);
        assert_int_equal(read_as(document, &file, &e), 0);
        assert_string_equal(plan_file_carrier(&file), names[i]);
        assert_int_equal(plan_file_caveat(&file) != NULL, i > 0);
        assert_int_equal(file.has_builder, i > 0);
        assert_int_equal(plan_file_bytes(&file, &bytes, &e), 0);
        assert_string_equal(buf_str(&bytes), buf_str(&wanted));
        if (i > 0)
            assert_int_equal(file.builder.bytes[0], 0x22);
    }
}

/* What is wrong with the statement is said, in each of its wrappings. */
static void refuses(const json_t *statement, const char *message)
{
    for (size_t i = 0; i < 3; i++) {
        struct err e = ERR_INIT;
        char line[ERR_FRAMES * ERR_FRAME_MAX];
        AUTO_PLAN_FILE struct plan_file file = {0};
        json_t *document = i == 0   ? json_deep_copy(statement)
                           : i == 1 ? envelope(statement)
                                    : bundle(statement);
        assert_int_equal(read_as(document, &file, &e), -ERR_INPUT);
        assert_null(file.plan);
        if (strstr(err_line(&e, line, sizeof(line)), message) == NULL)
            fail_msg("the message is: %s", line);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *s = provenance();
    json_t *definition = json_object_get(json_object_get(s, "predicate"), "buildDefinition");
    json_t *internal = json_object_get(definition, "internalParameters");
    json_t *plan = json_object_get(internal, "plan");
    AUTO_JSON json_t *digest = json_incref(json_object_get(internal, "planDigest"));

    assert_int_equal(json_put_u64(plan, "epoch", 1, &e), 0);
    refuses(s, "its plan does not have the digest that it names");
    assert_int_equal(json_put_u64(plan, "epoch", 0, &e), 0);
    assert_int_equal(json_put_string(internal, "planDigest", D1, &e), 0);
    refuses(s, "its plan does not have the digest that it names");
    json_object_del(internal, "planDigest");
    refuses(s, "missing key 'planDigest'");
    json_object_set(internal, "planDigest", digest);
    assert_int_equal(json_put_string(definition, "buildType", "other:type", &e), 0);
    refuses(s, "of a build of type 'other:type', which has no plan");
    assert_int_equal(json_put_string(definition, "buildType", PLAN_BUILD_TYPE, &e), 0);
    assert_int_equal(json_put_string(s, "predicateType", "other:type", &e), 0);
    refuses(s, "a statement of type 'other:type', which carries no plan");
}

/* A builder that is named in another way than Assay's is not known, and no reason to refuse. */
static void test_builder(void **state)
{
    (void)state;
    static const char *const texts[] = {"1",
                                        "[]",
                                        "[1]",
                                        "[{}]",
                                        "[{'digest':{'sha256':'22'}}]",
                                        "[{'digest':{'sha256':1}}]",
                                        "[{'digest':{'sha1':'22'}}]"};
    AUTO_JSON json_t *s = provenance();
    json_t *builder =
        json_object_get(json_object_get(json_object_get(s, "predicate"), "runDetails"), "builder");
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_PLAN_FILE struct plan_file file = {0};
        assert_int_equal(json_put(builder, "builderDependencies", json(texts[i]), &e), 0);
        assert_int_equal(read_as(json_deep_copy(s), &file, &e), 0);
        assert_false(file.has_builder);
    }
}

static void test_payload_type(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *s = provenance();
    AUTO_PLAN_FILE struct plan_file file = {0};
    json_t *o = envelope(s);
    assert_int_equal(json_put_string(o, "payloadType", "application/json", &e), 0);
    assert_int_equal(read_as(o, &file, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carriers),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_builder),
        cmocka_unit_test(test_payload_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
