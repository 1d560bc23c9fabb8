/* SPDX-License-Identifier: Apache-2.0 */
/* Recipes: what is read, and the exact line and code for what is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/json.h"
#include "builder/plan/plan.h"
#include "builder/recipe/compile.h"
#include "builder/steps/step.h"

#include <string.h>

static const char good_recipe[] =
    "name: hello\n"
    "arch: riscv64\n"
    "epoch: 7\n"
    "images:\n"
    "  kernel:\n"
    "    debian: {suite: trixie, packages: [bb, linux-image-riscv64, a+]}\n"
    "    place: {'boot/vmlinux-*': kernel, a: b}\n"
    "  base:\n"
    "    oci:\n"
    "      layout: ../layout\n"
    "      manifest: sha256:"
    "0000000000000000000000000000000000000000000000000000000000000000\n"
    "    include: [usr/**]\n"
    "    exclude: ['**/doc']\n"
    "system:\n"
    "  kernel: {image: kernel, tar: none, cmdline: quiet}\n"
    "  init: [base]\n"
    "artifacts: [tar, {squashfs: {compressor: gzip, level: 1}}]\n";

static int parse_as(const char *text, const char *path, const struct recipe_settings *settings,
                    struct recipe **out, struct err *e)
{
    return recipe_parse(text, strlen(text), path, settings, out, e);
}

static int parse(const char *text, struct recipe **out, struct err *e)
{
    const struct recipe_settings none = {0};
    return parse_as(text, "dir/x.yml", &none, out, e);
}

static void test_good(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_RECIPE struct recipe *r = NULL;
    char line[1024];
    if (parse(good_recipe, &r, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_string_equal(r->name, "hello");
    assert_string_equal(r->arch, "riscv64");
    assert_string_equal(r->directory, "dir");
    assert_int_equal(r->epoch, 7);
    assert_int_equal(r->image_count, 2);
    assert_string_equal(r->images[0].name, "base"); /* by name, not as written */
    assert_int_equal(r->images[0].kind, RECIPE_IMAGE_OCI);
    assert_string_equal(r->images[0].include.items[0], "usr/**");
    const struct recipe_image *kernel = recipe_image_find(r, "kernel");
    assert_non_null(kernel);
    assert_null(recipe_image_find(r, "nope"));
    assert_string_equal(kernel->debian.components.items[0], "main");
    assert_string_equal(kernel->debian.packages.items[0], "a+");
    assert_string_equal(kernel->debian.packages.items[2], "linux-image-riscv64");
    assert_int_equal(kernel->debian.dependencies, RECIPE_DEPENDENCIES_NONE);
    assert_string_equal(kernel->places[0].match, "a");
    assert_string_equal(kernel->places[1].path, "kernel");
    assert_int_equal(r->artifact_count, 2);
    assert_string_equal(r->artifacts[1].kind->name, "squashfs");
    assert_int_equal(json_integer_value(json_object_get(r->artifacts[1].options, "blockSize")),
                     131072);
    assert_string_equal(json_string_value(json_object_get(r->document, "name")), "hello");
}

/* --format: other artifacts; the recipe's options stay with those that it has. */
static void test_formats(void **state)
{
    (void)state;
    static const char *const chosen[] = {"squashfs,iso-efi", "kernel+erofs"};
    static const struct {
        const char *list;
        const char *line;
    } bad[] = {
        {"tar,,oci", "--format: ',oci' is no list of formats"},
        {"", "--format: '' is no list of formats"},
        {"tar,tar", "--format: 'tar' is asked for twice"},
        {"floppy", "there is no artifact 'floppy'"},
    };
    struct recipe_settings settings = {.formats = chosen, .format_count = 2};
    struct err e = ERR_INIT;
    char line[1024];
    AUTO_RECIPE struct recipe *r = NULL;
    if (parse_as(good_recipe, "x.yml", &settings, &r, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_int_equal(r->artifact_count, 3);
    assert_string_equal(r->artifacts[0].kind->name, "squashfs");
    assert_int_equal(json_integer_value(json_object_get(r->artifacts[0].options, "level")), 1);
    assert_string_equal(r->artifacts[1].kind->name, "iso-efi");
    assert_string_equal(r->artifacts[2].kind->name, "kernel+erofs");
    assert_non_null(recipe_image_find(r, "systemd-boot"));
    const json_t *written = json_object_get(r->document, "artifacts");
    assert_int_equal(json_array_size(written), 3);
    assert_true(json_is_object(json_array_get(written, 0)));
    assert_string_equal(json_string_value(json_array_get(written, 1)), "iso-efi");
    settings.format_count = 1;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        AUTO_RECIPE struct recipe *none = NULL;
        settings.formats = &bad[i].list;
        assert_int_equal(parse_as(good_recipe, "x.yml", &settings, &none, &e), -ERR_USAGE);
        assert_string_equal(err_line(&e, line, sizeof(line)), bad[i].line);
    }
}

static void test_names(void **state)
{
    (void)state;
    static const char text[] = "arch: amd64\nimages: {a: {debian: {suite: s, packages: [aa]}}}\n";
    static const char *const cases[][2] = {{"x/hello-1.yml", "hello-1"},
                                           {"x/world/assay.yml", "world"},
                                           {"/a/b.c/assay.yaml", "b.c"},
                                           {"x/MySystem.yml", "mysystem"},
                                           {"My/assay.yml", "my"}};
    const struct recipe_settings none = {0};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        assert_int_equal(parse_as(text, cases[i][0], &none, &r, &e), 0);
        assert_string_equal(r->name, cases[i][1]);
        assert_string_equal(r->artifacts[0].kind->name, "tar"); /* no kernel */
        assert_null(r->system);
    }
    struct err e = ERR_INIT;
    AUTO_RECIPE struct recipe *r = NULL;
    char line[1024];
    assert_int_equal(parse_as(text, "assay.yml", &none, &r, &e), -ERR_INPUT);
    assert_string_equal(err_line(&e, line, sizeof(line)),
                        "assay.yml:1:1: the recipe has no name: add 'name: …'");
}

/* How many times layers may expand: what is no more than usual stands nowhere. */
static void test_limits(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t option;
        int rc;
        uint32_t expansion;
    } cases[] = {
        {"", 0, 0, 0},
        {"limits: {}\n", 0, 0, 0},
        {"limits: {expansion: 200}\n", 0, 0, 0},
        {"limits: {expansion: 201}\n", 0, 0, 201},
        {"limits: {expansion: 1000000}\n", 0, 0, 1000000},
        {"limits: {expansion: 300}\n", 400, 0, 400},
        {"limits: {expansion: 199}\n", 0, -ERR_INPUT, 0},
        {"limits: {expansion: 1000001}\n", 0, -ERR_INPUT, 0},
        {"limits: {expansion: a}\n", 0, -ERR_INPUT, 0},
        {"limits: {expand: 300}\n", 0, -ERR_INPUT, 0},
        {"limits: [300]\n", 0, -ERR_INPUT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct recipe_settings settings = {.expansion = cases[i].option};
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        char text[256];
        (void)snprintf(text, sizeof(text), "arch: amd64\nimages: {a: {directory: {path: d}}}\n%s",
                       cases[i].text);
        int rc = parse_as(text, "x.yml", &settings, &r, &e);
        if (rc != cases[i].rc)
            fail_msg("%s: %d", cases[i].text, rc);
        if (rc < 0)
            continue;
        assert_int_equal(r->expansion, cases[i].expansion);
        const json_t *limits = json_object_get(r->document, "limits");
        assert_int_equal(json_integer_value(json_object_get(limits, "expansion")),
                         cases[i].expansion);
        assert_true((limits == NULL) == (cases[i].expansion == 0));
    }
}

/* Globs that no path can match leave nothing out: they are refused where they stand. */
static void test_globs(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "a/b", "**/.x", "a/..b", ".../c", "*"};
    static const char *const bad[] = {"./a", "a//b", "a/./b", "a/../b", "a/", "..", ".", "/a"};
    static const char *const keys[] = {"include", "exclude"};
    const struct recipe_settings none = {0};
    for (size_t i = 0; i < 2 * (sizeof(good) + sizeof(bad)) / sizeof(good[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        char text[256];
        char line[1024];
        size_t at = i / 2;
        bool fine = at < sizeof(good) / sizeof(good[0]);
        const char *glob = fine ? good[at] : bad[at - sizeof(good) / sizeof(good[0])];
        (void)snprintf(text, sizeof(text),
                       "arch: amd64\nimages: {a: {directory: {path: d}, %s: ['%s']}}\n",
                       keys[i % 2], glob);
        if (parse_as(text, "x.yml", &none, &r, &e) != (fine ? 0 : -ERR_INPUT))
            fail_msg("%s: '%s'", keys[i % 2], glob);
        if (!fine)
            assert_non_null(strstr(err_line(&e, line, sizeof(line)), "is no glob of paths"));
    }
}

static void test_epoch(void **state)
{
    (void)state;
    static const char text[] = "arch: amd64\nimages: {a: {debian: {suite: s, packages: [aa]}}}\n";
    static const char own[] =
        "arch: amd64\nepoch: 5\nimages: {a: {debian: {suite: s, packages: [aa]}}}\n";
    const struct {
        const char *text;
        struct recipe_settings settings;
        int64_t epoch;
        int code;
    } cases[] = {
        {text, {0}, 0, 0},
        {text, {.source_date_epoch = "1700000000"}, 1700000000, 0},
        {own, {.source_date_epoch = "1700000000"}, 5, 0},
        {own, {.has_epoch = true, .epoch = 9}, 9, 0},
        {text, {.source_date_epoch = "1.5"}, 0, -ERR_USAGE},
        {text, {.source_date_epoch = "-1"}, 0, -ERR_USAGE},
        {text, {.source_date_epoch = "4294967296"}, 0, -ERR_USAGE},
        {text, {.source_date_epoch = ""}, 0, -ERR_USAGE},
        {text, {.has_epoch = true, .epoch = UINT64_C(1) << 33}, 0, -ERR_USAGE},
        {text, {.arch = "riscv64"}, 0, -ERR_INPUT},
        {text, {.arch = "x86"}, 0, -ERR_USAGE},
        {text, {.arch = "amd64"}, 0, 0},
        {text, {.name = "ok-1.x"}, 0, 0},
        {text, {.name = "Not ok"}, 0, -ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        assert_int_equal(parse_as(cases[i].text, "x.yml", &cases[i].settings, &r, &e),
                         cases[i].code);
        if (cases[i].code == 0) {
            assert_int_equal(r->epoch, cases[i].epoch);
            assert_int_equal(json_integer_value(json_object_get(r->document, "epoch")),
                             cases[i].epoch);
        }
    }
}

static void test_linuxkit_file(void **state)
{
    (void)state;
    static const char text[] = "kernel: {image: lk/kernel:v1, tar: none}\ninit: [lk/init:v1]\n";
    struct err e = ERR_INIT;
    AUTO_RECIPE struct recipe *r = NULL;
    AUTO_BUF out = BUF_INIT(65536);
    const struct recipe_settings settings = {.arch = "arm64", .source_date_epoch = "3"};
    const struct recipe_settings none = {0};
    assert_int_equal(parse_as(text, "sys.yml", &settings, &r, &e), 0);
    assert_string_equal(r->name, "sys");
    assert_string_equal(r->artifacts[0].kind->name, "kernel+initrd");
    assert_int_equal(jcs_format(r->document, &out, &e), 0);
    assert_string_equal(
        buf_str(&out),
        "{\"arch\":\"arm64\",\"epoch\":3,\"name\":\"sys\",\"system\":{\"init\":[\"lk/"
        "init:v1\"],\"kernel\":{\"image\":\"lk/kernel:v1\",\"tar\":\"none\"}}}");
    AUTO_RECIPE struct recipe *refused = NULL;
    assert_int_equal(parse_as(text, "sys.yml", &none, &refused, &e), -ERR_USAGE);
}

/* `rootfs:` becomes parameters with all defaults filled in, in order. */
static void test_rootfs(void **state)
{
    (void)state;
    static const char head[] = "arch: amd64\nname: a\nimages: {r: {debian: {suite: s, packages: "
                               "[aa], rootfs: ";
    static const struct {
        const char *rootfs;
        const char *wanted; /* the parameters, or what the complaint ends in */
        bool good;
    } cases[] = {
        {"true", "{\"alternatives\":[],\"divert\":[],\"groups\":[],\"users\":[]}", true},
        {"{users: {b: {uid: 2, groups: [y, x]}, a: {uid: 1, gid: 0, home: /h}}}",
         "{\"alternatives\":[],\"divert\":[],\"groups\":[],\"users\":[{\"comment\":\"\",\"gid\":0,"
         "\"groups\":[],\"home\":\"/h\",\"name\":\"a\",\"shell\":\"/usr/sbin/nologin\",\"uid\":1},{"
         "\"comment\":\"\",\"gid\":2,\"groups\":[\"x\",\"y\"],\"home\":\"/nonexistent\",\"name\":"
         "\"b\",\"shell\":\"/usr/sbin/nologin\",\"uid\":2}]}",
         true},
        {"{divert: {/a: {to: /b, by: cc}}, groups: {g: {gid: 7}}, alternatives: {e: {link: /l, "
         "path: "
         "/p, priority: -1, slaves: {f: {link: /m, path: /q}}}}}",
         "{\"alternatives\":[{\"link\":\"/l\",\"name\":\"e\",\"path\":\"/"
         "p\",\"priority\":-1,\"slaves\":"
         "[{\"link\":\"/m\",\"name\":\"f\",\"path\":\"/"
         "q\"}]}],\"divert\":[{\"by\":\"cc\",\"path\":\"/a\","
         "\"to\":\"/b\"}],\"groups\":[{\"gid\":7,\"name\":\"g\"}],\"users\":[]}",
         true},
        {"{user: {}}", "unknown key 'user' (did you mean 'users'?)", false},
        {"1", "'rootfs' must be a map, not a number", false},
        {"{users: {a: {}}}", "the key 'uid' is missing", false},
        {"{users: {A: {uid: 1}}}", "'A' is no name of a user", false},
        {"{users: {a: {uid: -1}}}", "-1 is not between 0 and 2147483647", false},
        {"{users: {a: {uid: 1, home: h}}}", "'h' is no absolute path", false},
        {"{users: {a: {uid: 1, home: /h/../i}}}", "'/h/../i' is no absolute path", false},
        {"{users: {a: {uid: 1, shell: '/a:b'}}}", "'/a:b' is no absolute path", false},
        {"{users: {a: {uid: 1, comment: 'x:y'}}}", "'x:y' is no comment of a user", false},
        {"{users: {a: {uid: 1, groups: [x, x]}}}", "'x' is listed twice", false},
        {"{groups: {g: {gid: 2147483648}}}", "2147483648 is not between 0 and 2147483647", false},
        {"{divert: {a: {to: /b}}}", "'a' is no absolute path", false},
        {"{divert: {/a: {}}}", "the key 'to' is missing", false},
        {"{alternatives: {../e: {link: /l, path: /p}}}", "'../e' is no name of an alternative",
         false},
        {"{alternatives: {e: {link: /l, paht: /p}}}", "unknown key 'paht' (did you mean 'path'?)",
         false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        AUTO_BUF out = BUF_INIT(65536);
        AUTO_FREE char *text = NULL;
        char line[1024];
        assert_int_equal(str_format(&text, &e, "%s%s}}}\n", head, cases[i].rootfs), 0);
        int rc = parse(text, &r, &e);
        if ((rc == 0) != cases[i].good)
            fail_msg("%s: %s", cases[i].rootfs, err_line(&e, line, sizeof(line)));
        if (!cases[i].good) {
            if (!str_ends(err_line(&e, line, sizeof(line)), cases[i].wanted))
                fail_msg("%s: %s", cases[i].rootfs, line);
            continue;
        }
        assert_int_equal(jcs_format(r->images[0].debian.rootfs, &out, &e), 0);
        assert_string_equal(buf_str(&out), cases[i].wanted);
    }
}

/* A change of good_recipe: the first `from` becomes `to`; the line and the code that must come. */
struct bad {
    const char *from;
    const char *to;
    const char *line;
    int code;
};

static const struct bad bad_changes[] = {
    {"arch: riscv64", "arch: mips", "x.yml:2:7: 'mips' is not one of riscv64, amd64, arm64", 5},
    {"arch: riscv64", "arhc: riscv64", "x.yml:2:1: unknown key 'arhc' (did you mean 'arch'?)", 5},
    {"arch: riscv64", "zzzzzzzzzzzz: 1", "x.yml:2:1: unknown key 'zzzzzzzzzzzz'", 5},
    {"arch: riscv64\n", "",
     "x.yml:1:1: no architecture: add 'arch: riscv64' (or amd64, arm64), or give --arch", 5},
    {"arch: riscv64", "arch: [riscv64]", "x.yml:2:7: 'arch' must be a text, not a list", 5},
    {"name: hello", "name: Hello",
     "x.yml:1:7: 'Hello' is no name: lower-case letters, digits, '.', '_', '-'", 5},
    {"name: hello", "name: ../x",
     "x.yml:1:7: '../x' is no name: lower-case letters, digits, '.', '_', '-'", 5},
    {"name: hello", "name: 5", "x.yml:1:7: 'name' must be a text, not a number", 5},
    {"epoch: 7", "epoch: -1", "x.yml:3:8: -1 is not between 0 and 4294967295", 5},
    {"epoch: 7", "epoch: '7'", "x.yml:3:8: 'epoch' must be a number, not a text", 5},
    {"epoch: 7", "epoch: 1.5", "x.yml:3:8: 'epoch' must be a number, not a number with a fraction",
     5},
    {"suite: trixie", "suite: 'a b'", "x.yml:6:21: 'a b' is no name of a suite", 5},
    {"suite: trixie", "siute: trixie", "x.yml:6:14: unknown key 'siute' (did you mean 'suite'?)",
     5},
    {"suite: trixie, ", "", "x.yml:6:13: the key 'suite' is missing", 5},
    {"[bb, ", "[B, ", "x.yml:6:40: 'B' is no name of a Debian package", 5},
    {"[bb, ", "[bb, bb, ", "x.yml:6:44: 'bb' is listed twice", 5},
    {"[bb, linux-image-riscv64, a+]", "[]", "x.yml:6:39: the list of packages is empty", 5},
    {"a+]", "a+], dependencies: some", "x.yml:6:84: 'some' is not one of none, same-source, all",
     5},
    {"a+]", "a+], components: [main, 'x y']",
     "x.yml:6:89: 'x y' is no component of a Debian archive", 5},
    {"kernel, a: b}", "/kernel, a: b}", "x.yml:7:31: '/kernel' is no path inside an image", 5},
    {"kernel, a: b}", "a/../b}", "x.yml:7:31: 'a/../b' is no path inside an image", 5},
    {"    oci:\n", "    debian: {suite: s, packages: [aa]}\n    oci:\n",
     "x.yml:9:5: the image 'base' needs only one of debian, oci, registry, docker-archive, "
     "git, directory, url",
     5},
    {"sha256:00", "sha256:zz",
     "x.yml:11:17: 'sha256:zz00000000000000000000000000000000000000000000000000000000000000' is no "
     "sha256 digest",
     5},
    {"sha256:00", "sha512:00",
     "x.yml:11:17: 'sha512:0000000000000000000000000000000000000000000000000000000000000000' is no "
     "sha256 digest",
     5},
    {"image: kernel,", "image: other,",
     "x.yml:5:3: the image 'kernel' is not used by the system nor by an artifact", 5},
    {"init: [base]", "init: base", "x.yml:16:9: 'init' must be a list, not a text", 5},
    {"init: [base]", "inits: [base]", "x.yml:16:3: unknown key 'inits' (did you mean 'init'?)", 5},
    {"init: [base]", "init: [base]\n  services: [{name: a/b, image: base}]",
     "x.yml:17:21: 'a/b' is no name of a container: letters, digits, '_', '.', '-'", 5},
    {"init: [base]", "init: [base]\n  onboot: [1]", "x.yml:17:12: this must be a map, not a number",
     5},
    {"cmdline: quiet", "ucode: ../u.cpio", "x.yml:15:45: '../u.cpio' is no path inside an image",
     5},
    {"artifacts: [tar", "artifacts: [tar, tar", "x.yml:17:18: 'tar' is asked for twice", 5},
    {"artifacts: [tar", "artifacts: [iso", "x.yml:17:13: 'iso' is not one of ...", 5},
    {"compressor: gzip", "compressor: lzma",
     "x.yml:17:42: 'lzma' is not one of gzip, zstd, xz, lz4, none", 5},
    {"level: 1", "level: 10", "x.yml:17:55: 10 is not between 1 and 9", 5},
    {"level: 1", "blockSize: 5000", "x.yml:17:59: a block size is a power of two, not 5000", 5},
    {"level: 1", "fragments: yes", "x.yml:17:59: 'fragments' must be true or false, not a text", 5},
    {"artifacts: [tar, {squashfs: {compressor: gzip, level: 1}}]", "artifacts: []",
     "x.yml:17:12: the list of artifacts is empty", 5},
    {"{squashfs: {compressor: gzip, level: 1}}", "{squashfs: {}, oci: {}}",
     "x.yml:17:18: an artifact is a name, or a map with one name", 5},
    {"{squashfs: {compressor: gzip, level: 1}}", "{oci: {config: {Entripoint: []}}}",
     "x.yml:17:34: unknown key 'Entripoint' (did you mean 'Entrypoint'?)", 5},
};

static void replace(const char *from, const char *to, char *out, size_t size)
{
    const char *at = strstr(good_recipe, from);
    if (at == NULL)
        fail_msg("'%s' is not in the recipe", from);
    (void)snprintf(out, size, "%.*s%s%s", (int)(at - good_recipe), good_recipe, to,
                   at + strlen(from));
}

static void test_bad(void **state)
{
    (void)state;
    const struct recipe_settings none = {0};
    for (size_t i = 0; i < sizeof(bad_changes) / sizeof(bad_changes[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        char text[4096];
        char line[1024];
        replace(bad_changes[i].from, bad_changes[i].to, text, sizeof(text));
        int rc = parse_as(text, "x.yml", &none, &r, &e);
        if (rc == 0)
            fail_msg("accepted: '%s' for '%s'", bad_changes[i].to, bad_changes[i].from);
        (void)err_line(&e, line, sizeof(line));
        /* "...": the list of artifacts grows. */
        const char *dots = strstr(bad_changes[i].line, "...");
        size_t start = dots == NULL ? 0 : (size_t)(dots - bad_changes[i].line);
        if (dots != NULL && strlen(line) > start)
            (void)snprintf(line + start, sizeof(line) - start, "...");
        assert_string_equal(line, bad_changes[i].line);
        assert_int_equal(rc, -bad_changes[i].code);
        assert_null(r);
    }
}

static void test_shapes(void **state)
{
    (void)state;
    static const char *const texts[][2] = {
        {"[]", "x.yml:1:1: this must be a map, not a list"},
        {"hello", "x.yml:1:1: this must be a map, not a text"},
        {"arch: amd64\nname: a\n",
         "x.yml:1:1: no 'system': without one, 'images' must have exactly one image"},
        {"arch: amd64\nname: a\nimages: {}\nsystem: {}\n",
         "x.yml:4:9: the system is empty: give kernel, init or files"},
        {"arch: amd64\nname: a\nsystem: {files: [{path: a, contents: b}]}\n"
         "artifacts: [kernel+initrd]\n",
         "x.yml:4:13: 'kernel+initrd' needs a system with a kernel"},
        {"arch: amd64\nname: a\nsystem: {file: ../x}\n",
         "x.yml:3:16: '../x': a path below the recipe's directory"},
        {"arch: amd64\nname: a\nsystem: {kernel: {image: '@pkg:./x', tar: none}}\n",
         "x.yml:3:26: '@pkg:' needs LinuxKit's package tree: write the image's name"},
    };
    const struct recipe_settings none = {0};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_RECIPE struct recipe *r = NULL;
        char line[1024];
        assert_true(parse_as(texts[i][0], "x.yml", &none, &r, &e) < 0);
        assert_string_equal(err_line(&e, line, sizeof(line)), texts[i][1]);
    }
}

/* ---- compiling ------------------------------------------------------------------------ */

/* What locking would have found for good_recipe. */
static int lock_by_hand(struct locked *l, struct err *e)
{
    static const char *const names[] = {"base", "kernel"};
    for (size_t i = 0; i < 2; i++) {
        struct locked_layer layer = {.form = i == 0 ? "tar" : "deb",
                                     .compression = i == 0 ? "gzip" : NULL,
                                     .has_diff_id = i == 0};
        struct locked_image *image = NULL;
        struct digest digest;
        int rc = digest_bytes(DIGEST_SHA256, names[i], 4, &digest, e);
        layer.diff_id = digest;
        if (rc < 0 || (rc = locked_add_image(l, names[i], &image, e)) < 0 ||
            (rc = locked_add_blob(l, i == 0 ? "oci." : "deb.", names[i], &digest, 4,
                                  json_pack("{s:{s:s}}", "file", "name", names[i]), &layer.blob,
                                  e)) < 0 ||
            (rc = locked_add_layer(image, &layer, e)) < 0)
            return rc;
    }
    return 0;
}

/* Every JSON allocation fails once: an error each time, never a crash, a leak or a plan that lacks
 * something. */
static size_t countdown = SIZE_MAX;
static bool all_there; /* the last compilation got all it asked for */

static void *failing_malloc(size_t size)
{
    if (countdown == 0)
        return NULL;
    countdown--;
    return malloc(size);
}

static int compile(struct buf *out, struct err *e)
{
    AUTO_RECIPE struct recipe *r = NULL;
    AUTO_LOCKED l = {0};
    AUTO_JSON json_t *plan = NULL;
    int rc = parse(good_recipe, &r, e);
    if (rc == 0 && (rc = lock_by_hand(&l, e)) == 0)
        rc = recipe_compile(r, &l, &builder_steps, &plan, e);
    all_there = countdown > 0;
    countdown = SIZE_MAX; /* formatting is another module's */
    return rc < 0 ? rc : plan_format(plan, &builder_steps, out, e);
}

static void test_compile(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF one = BUF_INIT(1 << 20);
    AUTO_BUF two = BUF_INIT(1 << 20);
    AUTO_JSON json_t *plan = NULL;
    char line[1024];
    if (compile(&one, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_int_equal(compile(&two, &e), 0);
    assert_string_equal(buf_str(&one), buf_str(&two));
    assert_int_equal(json_parse(one.data, one.len, "plan", NULL, &plan, &e), 0);
    const json_t *steps = json_object_get(plan, "steps");
    static const char *const ids[] = {"image.kernel", "image.base", "system", "tar", "squashfs"};
    assert_int_equal(json_array_size(steps), 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(json_string_value(json_object_get(json_array_get(steps, i), "id")),
                            ids[i]);
    /* boot/ stays out of the squashfs, not out of the tar. */
    const json_t *tar = json_object_get(json_array_get(steps, 3), "params");
    const json_t *squashfs = json_object_get(json_array_get(steps, 4), "params");
    assert_int_equal(json_array_size(json_object_get(tar, "exclude")), 0);
    assert_string_equal(json_string_value(json_array_get(json_object_get(squashfs, "exclude"), 0)),
                        "boot/**");
    assert_int_equal(json_integer_value(json_object_get(squashfs, "time")), 7);
}

/* A lock that lacks an image is told, not compiled around. */
static void test_compile_unlocked(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_RECIPE struct recipe *r = NULL;
    AUTO_LOCKED l = {0};
    json_t *plan = NULL;
    assert_int_equal(parse(good_recipe, &r, &e), 0);
    assert_int_equal(recipe_compile(r, &l, &builder_steps, &plan, &e), -ERR_INPUT);
    assert_null(plan);
}

static void test_no_memory(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF whole = BUF_INIT(1 << 20);
    size_t failures = 0;
    assert_int_equal(compile(&whole, &e), 0);
    json_set_alloc_funcs(failing_malloc, free);
    for (;; failures++) {
        AUTO_BUF out = BUF_INIT(1 << 20);
        countdown = failures;
        int rc = compile(&out, &e);
        if (rc == 0 && out.len > 0)
            assert_string_equal(buf_str(&out), buf_str(&whole));
        if (rc == 0 && all_there)
            break;
        if (rc != 0 && rc != -ERR_HOST) {
            char line[1024];
            fail_msg("allocation %zu: code %d, %s", failures, rc, err_line(&e, line, sizeof(line)));
        }
    }
    json_set_alloc_funcs(malloc, free);
    assert_true(failures > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_globs),         cmocka_unit_test(test_epoch),
        cmocka_unit_test(test_linuxkit_file), cmocka_unit_test(test_rootfs),
        cmocka_unit_test(test_bad),           cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_compile),       cmocka_unit_test(test_compile_unlocked),
        cmocka_unit_test(test_limits),        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
