/* SPDX-License-Identifier: Apache-2.0 */
/* Every allocation that JSON makes is failed once, wherever it happens: an error each time, never a
 * crash, never half a result (and under the address sanitizer never a leak). */
#include "attest/dsse.h"
#include "attest/statement.h"
#include "attest/summary.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_ALLOCATIONS = 100000 };

static size_t until_failure; /* allocations that still succeed; SIZE_MAX = all */

static void *failing_malloc(size_t size)
{
    if (until_failure == 0)
        return NULL;
    if (until_failure != SIZE_MAX)
        until_failure--;
    return malloc(size);
}

static struct buf envelope_text = BUF_INIT(65536);
static struct signing_key *key;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    until_failure = SIZE_MAX;
    json_set_alloc_funcs(failing_malloc, free);
    if (signing_key_generate(KEY_ED25519, &key, &e) != 0)
        return -1;
    return file_read("tests/data/attest/gke-gce-pre.bcid-vsa.jsonl", &envelope_text, &e);
}

static int teardown(void **state)
{
    (void)state;
    buf_dispose(&envelope_text);
    signing_key_free(key);
    return 0;
}

/* Runs `work` with the n-th allocation failing, for each n until it succeeds. */
static void fail_each(int (*work)(struct err *e))
{
    size_t n = 0;
    int rc;
    do {
        struct err e = ERR_INIT;
        until_failure = n++;
        rc = work(&e);
        until_failure = SIZE_MAX;
        assert_true(rc <= 0);
        /* The parser reports some of its own failed allocations as malformed input. */
        assert_true(rc == 0 || (int)e.code == -rc);
    } while (rc != 0 && n < MOST_ALLOCATIONS);
    assert_int_equal(rc, 0);
    assert_true(n > 3); /* it does allocate */
}

static int read_and_explain(struct err *e)
{
    AUTO_JSON json_t *summary = NULL;
    AUTO_BUF words = BUF_INIT(65536);
    int rc = summary_make(envelope_text.data, envelope_text.len, "test", &summary, e);
    if (rc != 0) {
        assert_null(summary);
        return rc;
    }
    return summary_explain(summary, &words, e);
}

static int read_and_write(struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_BUF text = BUF_INIT(65536);
    int rc = dsse_parse(envelope_text.data, envelope_text.len, "test", &envelope, e);
    if (rc != 0) {
        assert_null(envelope);
        return rc;
    }
    if ((rc = dsse_format(envelope, &text, e)) != 0)
        return rc;
    return bundle_format(envelope, &text, e);
}

static int make_statement(struct err *e)
{
    AUTO_JSON json_t *parameters = json_object();
    AUTO_JSON json_t *levels = json_array();
    AUTO_JSON json_t *extensions = json_object();
    AUTO_JSON json_t *statement = NULL;
    json_t *subjects = json_array();
    json_t *subject = NULL;
    json_t *predicate = NULL;
    struct digest digest = {.alg = DIGEST_SHA256};
    int rc = resource_descriptor("n", "pkg:x", &digest, "a/b", &subject, e);
    if (rc == 0)
        rc = json_push(subjects, subject, e);
    if (rc == 0)
        rc = json_put_string(extensions, "assay_verdict", "reproduced", e);
    const struct provenance p = {
        .build_type = "b",
        .external_parameters = parameters,
        .resolved_dependencies = levels,
        .builder_id = "id",
    };
    const struct vsa v = {
        .verifier_id = "v",
        .time_verified = "2026-11-22T00:00:00Z",
        .resource_uri = "r",
        .policy_uri = "p",
        .policy_digest = digest,
        .verified_levels = levels,
        .extensions = extensions,
    };
    if (rc == 0)
        rc = provenance_predicate(&p, &predicate, e);
    json_decref(predicate);
    predicate = NULL;
    if (rc == 0)
        rc = vsa_predicate(&v, &predicate, e);
    int made = statement_new(subjects, VSA_TYPE, predicate, &statement, e);
    return rc != 0 ? rc : made;
}

static void test_reading(void **state)
{
    (void)state;
    fail_each(read_and_explain);
}

static void test_writing(void **state)
{
    (void)state;
    fail_each(read_and_write);
}

static void test_making(void **state)
{
    (void)state;
    fail_each(make_statement);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_making),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
