/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of parameters: what a row takes, what it fills, what it says of anything else, and in what
 * order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "builder/plan/step_params.h"

#include <string.h>

struct item {
    const char *name;
    size_t input;
};

struct fields {
    bool flag;
    uint32_t small;
    uint64_t big;
    uint64_t limit;
    int64_t seconds;
    const char *word;
    size_t choice;
    struct digest digest;
    struct param_compression compression;
    struct glob_list *globs;
    json_t *object;
    size_t input;
    struct item *items;
    size_t item_count;
    uint64_t *numbers;
    size_t number_count;
    char *own; /* on the heap */
};

static bool is_even(uint64_t n)
{
    return n % 2 == 0;
}

static bool is_short(const char *text)
{
    return strlen(text) < 4;
}

static int count_inputs(const struct param_reading *r, const struct jcur *object,
                        const void *fields, struct err *e)
{
    const struct fields *f = fields;
    if (r->input_count > 3)
        return jcur_fail(object, e, "too many inputs for '%s'", f->word);
    return 0;
}

static int read_own(const struct param_reading *r, const struct jcur *c, void *field, struct err *e)
{
    const char *text = NULL;
    assert_non_null(((const struct fields *)r->params)->word);
    int rc = jcur_string(c, 16, &text, e);
    return rc < 0 ? rc : str_copy(field, text, e);
}

static void dispose(void *fields)
{
    free(((struct fields *)fields)->own);
}

static int rises(const struct param_list *list, const struct jcur *item, const void *items,
                 size_t index, struct err *e)
{
    const uint64_t *n = items;
    assert_int_equal(list->item_size, sizeof(*n));
    return index > 0 && n[index] <= n[index - 1] ? jcur_fail(item, e, "does not rise") : 0;
}

static const char *const names[] = {"one", "two", NULL};
static const struct compressor pack = {.name = "pack", .level_min = 1, .level_max = 3};
static const struct compressor *const compressors[] = {&pack, &compressor_none, NULL};
static const struct param_text word_text = {.max = 8, .valid = is_short, .is = "no short word"};
static const struct param_text name_text = {
    .max = 8, .valid = is_short, .complaint = "a name is short"};
static const struct param item_rows[] = {
    {PARAM_TEXT("name", struct item, name, &name_text)},
    {PARAM_INPUT("input", struct item, input), .once = true},
};
static const struct step_params item_takes = {STEP_PARAMS(item_rows, struct item)};
static const struct param_list item_list = {PARAM_ITEMS(struct item, &item_takes), .max = 2};
static const struct param number = {.type = PARAM_TYPE_U64, .max = 100};
static const struct param_list number_list = {PARAM_VALUES(uint64_t, &number), .max = 4,
                                              .per_input = "numbers", .after = rises};

static const struct param rows[] = {
    {PARAM_BOOL("flag", struct fields, flag)},
    {PARAM_U32("small", struct fields, small), .min = 2, .max = 50, .fits = is_even,
     .complaint = "small is even and at least 2"},
    {PARAM_U64("big", struct fields, big), .max = 4096, .multiple = 512, .complaint = "big"},
    {PARAM_U64("limit", struct fields, limit), .max = 9, .optional = true, .absent = UINT64_MAX},
    {PARAM_I64("seconds", struct fields, seconds), .min = -5, .max = 5},
    {PARAM_TEXT("word", struct fields, word, &word_text)},
    {PARAM_RULE(count_inputs)},
    {PARAM_CHOICE("choice", struct fields, choice, names)},
    {PARAM_DIGEST("digest", struct fields, digest), .optional = true},
    {PARAM_COMPRESSOR(struct fields, compression, compressors)},
    {PARAM_GLOBS("globs", struct fields, globs)},
    {PARAM_OBJECT("object", struct fields, object, NULL)},
    {PARAM_INPUT("input", struct fields, input), .optional = true, .once = true},
    {PARAM_LIST("items", struct item, struct fields, items, item_count, &item_list)},
    {PARAM_LIST("numbers", uint64_t, struct fields, numbers, number_count, &number_list)},
    {PARAM_OTHER("own", char *, struct fields, own, read_own)},
};
static const struct step_params takes = {STEP_PARAMS(rows, struct fields), .dispose = dispose};

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define GOOD                                                                                       \
    "{'flag':true,'small':4,'big':1024,'limit':3,'seconds':-2,'word':'abc','choice':'two',"        \
    "'digest':'" DIGEST "','compressor':'pack','level':2,'globs':['a/*'],'object':{'x':1},"        \
    "'input':2,'items':[{'name':'n','input':0},{'name':'m','input':1}],'numbers':[1,2,3],"         \
    "'own':'mine'}"

/* With ' for ". */
static json_t *document(const char *text)
{
    AUTO_FREE char *copy = strdup(text);
    assert_non_null(copy);
    for (char *p = copy; *p != '\0'; p++)
        *p = *p == '\'' ? '"' : *p;
    json_t *value = json_loads(copy, 0, NULL);
    if (value == NULL)
        fail_msg("not JSON: %s", copy);
    return value;
}

static void test_fills(void **state)
{
    struct err e = ERR_INIT;
    struct fields f;
    AUTO_JSON json_t *all = document(GOOD);
    struct jcur c = jcur_root(all, "params");
    (void)state;
    assert_int_equal(step_params_read(&takes, &c, 3, &f, &e), 0);
    assert_true(f.flag);
    assert_int_equal(f.small, 4);
    assert_int_equal(f.big, 1024);
    assert_int_equal(f.limit, 3);
    assert_int_equal(f.seconds, -2);
    assert_string_equal(f.word, "abc");
    assert_int_equal(f.choice, 1);
    assert_int_equal(f.digest.bytes[0], 0x01);
    assert_int_equal(f.compression.index, 0);
    assert_int_equal(f.compression.level, 2);
    assert_true(glob_list_covers(f.globs, "a/b"));
    assert_int_equal(json_integer_value(json_object_get(f.object, "x")), 1);
    assert_int_equal(f.input, 2);
    assert_int_equal(f.item_count, 2);
    assert_string_equal(f.items[1].name, "m");
    assert_int_equal(f.items[1].input, 1);
    assert_int_equal(f.number_count, 3);
    assert_int_equal(f.numbers[2], 3);
    assert_string_equal(f.own, "mine");
    step_params_dispose(&takes, &f);
    assert_null(f.globs);
    assert_null(f.items);
    assert_int_equal(f.number_count, 0);
}

static void test_leaves_out(void **state)
{
    struct err e = ERR_INIT;
    struct fields f;
    AUTO_JSON json_t *all = document(GOOD);
    struct jcur c = jcur_root(all, "params");
    (void)state;
    assert_int_equal(json_object_del(all, "limit"), 0);
    assert_int_equal(json_object_del(all, "digest"), 0);
    assert_int_equal(json_object_del(all, "input"), 0);
    assert_int_equal(step_params_read(&takes, &c, 3, &f, &e), 0);
    assert_true(f.limit == UINT64_MAX);
    assert_int_equal(f.digest.alg, 0);
    assert_true(f.input == PARAM_NO_INPUT);
    step_params_dispose(&takes, &f);
}

/* The good document with one part replaced; what is said of it, with `inputs` inputs. */
static void assert_says(const char *from, const char *to, size_t inputs, const char *what)
{
    struct err e = ERR_INIT;
    AUTO_FREE char *text = NULL;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    const char *at = strstr(GOOD, from);
    assert_non_null(at);
    assert_int_equal(
        str_format(&text, &e, "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from)), 0);
    AUTO_JSON json_t *value = document(text);
    struct jcur c = jcur_root(value, "params");
    if (step_params_check(&takes, &c, inputs, &e) != -ERR_INPUT)
        fail_msg("taken: %s", text);
    (void)err_line(&e, line, sizeof(line));
    if (strstr(line, what) == NULL)
        fail_msg("'%s' does not say '%s'", line, what);
}

static void test_refuses(void **state)
{
    (void)state;
    assert_says("'flag':true,", "", 3, "at $: missing key 'flag'");
    assert_says("'flag':true", "'flag':1", 3, "at $.flag: expected true or false, not an integer");
    assert_says("'flag'", "'more':1,'flag'", 3, "at $: unknown key 'more'");
    assert_says("'small':4", "'small':51", 3, "at $.small: 51 is not between 0 and 50");
    assert_says("'small':4", "'small':0", 3, "at $.small: small is even and at least 2");
    assert_says("'small':4", "'small':5", 3, "at $.small: small is even and at least 2");
    assert_says("1024", "1025", 3, "at $.big: big is a multiple of 512");
    assert_says("-2", "-6", 3, "at $.seconds: -6 is not between -5 and 5");
    assert_says("'limit':3", "'limit':null", 3, "at $.limit: expected an integer, not null");
    assert_says("abc", "abcd", 3, "at $.word: 'abcd' is no short word");
    assert_says("abc", "abcdefghi", 3, "at $.word: a string of 9 bytes, at most 8 are allowed");
    assert_says("'two'", "'three'", 3, "at $.choice: 'three' is not one of one, two");
    assert_says("sha256", "md5", 3, "at $.digest: ");
    assert_says("'pack'", "'zip'", 3,
                "at $.compressor: no compressor of that kind of step is called 'zip'");
    assert_says("'level':2", "'level':4", 3, "at $.level: 'pack' has levels 1 to 3, not 4");
    assert_says(",'level':2", "", 3, "at $: missing key 'level'");
    assert_says("'a/*'", "1", 3, "at $.globs[0]: expected a string, not an integer");
    assert_says("{'x':1}", "[]", 3, "at $.object: expected an object, not an array");
    assert_says("'input':2", "'input':3", 3, "at $.input: there is no such input");
    assert_says("'m','input':1", "'m','input':2", 3,
                "at $.items[1].input: the input is used twice");
    assert_says("'m'", "'mmmm'", 3, "at $.items[1].name: a name is short");
    assert_says("'name':'n',", "", 3, "at $.items[0]: missing key 'name'");
    assert_says("[1,2,3]", "[1,2]", 3, "at $.numbers: 2 numbers for 3 inputs");
    assert_says("[1,2,3]", "[1,101,3]", 3, "at $.numbers[1]: 101 is not between 0 and 100");
    assert_says("[1,2,3]", "[2,2,true]", 3, "at $.numbers[1]: does not rise");
    assert_says("'mine'", "7", 3, "at $.own: expected a string, not an integer");
}

/* Rows are looked at in their order, and rules are rows. */
static void test_order(void **state)
{
    (void)state;
    assert_says("'choice':'two'", "'choice':3", 4, "at $: too many inputs for 'abc'");
    assert_says("'word':'abc','choice':'two'", "'word':1", 4, "at $.word: expected a string");
    assert_says("'small':4,'big':1024", "'big':1,'small':1", 3, "at $.small: ");
    assert_says("'flag':true", "'flag':1,'more':2", 3, "unknown key 'more'");
}

/* What has no parameters. */
static void test_none(void **state)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *nothing = document("{}");
    AUTO_JSON json_t *something = document("{'a':1}");
    AUTO_JSON json_t *list = document("[]");
    struct jcur c = jcur_root(nothing, "params");
    (void)state;
    assert_int_equal(step_params_check(&step_params_none, &c, 1, &e), 0);
    c = jcur_root(something, "params");
    assert_int_equal(step_params_check(&step_params_none, &c, 1, &e), -ERR_INPUT);
    c = jcur_root(list, "params");
    assert_int_equal(step_params_check(&step_params_none, &c, 1, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fills),   cmocka_unit_test(test_leaves_out),
        cmocka_unit_test(test_refuses), cmocka_unit_test(test_order),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
