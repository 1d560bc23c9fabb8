/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxKit in strict mode: what containers, volumes and merged files mean
 * (docs/formats/linuxkit-strict.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "builder/linuxkit/document.h"
#include "builder/linuxkit/merge.h"
#include "builder/linuxkit/oci_spec.h"
#include "builder/linuxkit/render.h"
#include "builder/steps/kinds.h"

#include <string.h>

static char *dir;
static struct cas *cas;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    return dir_make_temp("/tmp", "test-lkstrict-", &dir, &e) < 0 ||
           cas_open(dir, CAS_CREATE, &cas, &e) < 0;
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    cas_close(cas);
    (void)dir_remove(dir, &e);
    free(dir);
    return 0;
}

static void must(int rc, const struct err *e)
{
    char line[1024];
    if (rc < 0)
        fail_msg("%s", err_line(e, line, sizeof(line)));
}

/* ---- documents ------------------------------------------------------------------------- */

struct document {
    struct yaml_doc *doc;
    struct linuxkit *lk;
};

static void document_dispose(struct document *d)
{
    linuxkit_free(d->lk);
    yaml_doc_free(d->doc);
}
#define AUTO_DOCUMENT AUTO(document_dispose) struct document

static int read_document(const char *text, struct document *out, struct err *e)
{
    int rc = yaml_doc_parse(text, strlen(text), "t.yml", &out->doc, e);
    if (rc < 0)
        return rc;
    const struct ycur c = ycur_root(out->doc);
    return linuxkit_parse(&c, LINUXKIT_FILES, NULL, &out->lk, e);
}

static void test_document(void **state)
{
    (void)state;
    static const char text[] = "kernel: {image: k, tar: none, ucode: /intel.cpio}\n"
                               "onboot: [{name: one, image: a}, {name: one, image: b}]\n"
                               "onshutdown: [{name: x.y-z_0, image: a}]\n"
                               "services: [{name: one, image: c}, {name: two, image: b}]\n"
                               "volumes: [{name: v}, {name: w, image: c, readonly: true},\n"
                               "          {name: o, image: d, format: oci, platforms: "
                               "[linux/arm64]}, {name: p, format: oci}]\n"
                               "files: [{path: a, contents: x, uid: one, gid: x.y-z_0},\n"
                               "        {path: b, source: ./x//y}, {path: c, source: /etc/passwd}, "
                               "{path: d, source: ~/z}]\n";
    struct err e = ERR_INIT;
    AUTO_DOCUMENT d = {0};
    AUTO_FREE struct linuxkit_image *images = NULL;
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *service = NULL;
    size_t count = 0;
    must(read_document(text, &d, &e), &e);
    assert_string_equal(d.lk->ucode, "intel.cpio");
    assert_int_equal(d.lk->container_count, 5);
    must(linuxkit_container_path(&d.lk->containers[1], &path, &e), &e);
    assert_string_equal(path, "containers/onboot/001-one");
    must(linuxkit_container_path(&d.lk->containers[4], &service, &e), &e);
    assert_string_equal(service, "containers/services/two");
    /* 100, 101 onboot, 102 onshutdown, 103 the last that is called one. */
    assert_int_equal(d.lk->files[0].uid, 103);
    assert_int_equal(d.lk->files[0].gid, 102);
    assert_string_equal(d.lk->files[1].text, "x/y");
    assert_string_equal(d.lk->files[2].text, "/etc/passwd");
    assert_string_equal(d.lk->files[3].text, "~/z");
    assert_true(d.lk->volumes[1].readonly);
    assert_true(d.lk->volumes[2].oci);
    assert_int_equal(json_array_size(d.lk->volumes[2].platforms), 1);
    assert_false(d.lk->volumes[3].oci); /* without an image it is blank */
    must(linuxkit_images(d.lk, &images, &count, &e), &e);
    assert_int_equal(count, 4); /* k, c of the volume, a, b; d is a layout */
    assert_string_equal(images[1].name, "c");
    assert_string_equal(images[3].name, "b");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *line;
    } cases[] = {
        {"services: [{name: ../x, image: a}]", "t.yml:1:19: '../x' is no name of a container"},
        {"onboot: [{name: .x, image: a}]", "t.yml:1:17: '.x' is no name of a container"},
        {"onboot: [{name: '', image: a}]", "t.yml:1:17: an empty text"},
        {"services: [{name: a, image: b}, {name: a, image: c}]",
         "t.yml:1:40: a second service is called 'a'"},
        {"services: [{name: a, image: 'b c'}]", "t.yml:1:29: 'b c' is no name of an image"},
        {"services: [{name: a, image: b, net: mine}]",
         "t.yml:1:37: services 'a': 'mine' is not host, root, new, none or a path"},
        {"services: [{name: a, image: b, uid: 4294967295}]",
         "t.yml:1:32: services 'a': 4294967295 is not between 0 and 4294967294"},
        {"services: [{name: a, image: b, gid: '4294967296'}]",
         "t.yml:1:37: services 'a': 4294967296 is not between"},
        {"services: [{name: a, image: b, uid: -1}]", "t.yml:1:32: services 'a': -1 is not between"},
        {"services: [{name: a, image: b, additionalGids: [0, nobody]}]",
         "t.yml:1:52: services 'a': 'nobody' is no number and no name of a container"},
        {"services: [{name: a, image: b, capabilities: [CAP_X]}]",
         "t.yml:1:32: services 'a': unknown capability: CAP_X"},
        {"services: [{name: a, image: b, rlimits: ['nofile,1,2', 'x,1,2']}]",
         "t.yml:1:56: services 'a': unknown limit: 'x,1,2'"},
        {"services: [{name: a, image: b, tmpfs: ['/a:b:c']}]", "t.yml:1:40: services 'a': cannot"},
        {"services: [{name: a, image: b, mounts: [{destination: /x}]}]",
         "t.yml:1:41: services 'a': mount for destination /x is missing type"},
        {"volumes: [{name: v, readonly: true}]\nservices: [{name: a, image: b, binds: ['v:/x']}]",
         "t.yml:2:40: services 'a': volume 'v' is read-only"},
        {"services: [{name: a, image: b, devices: [{path: /dev/x, type: c, mode: '9'}]}]",
         "t.yml:1:42: services 'a': cannot parse device mode"},
        {"volumes: [{name: A}]", "t.yml:1:18: 'A' is no name of a volume"},
        {"volumes: [{image: a}]", "t.yml:1:11: the key 'name' is missing"},
        {"volumes: [{name: v, format: tar}]", "t.yml:1:29: 'tar' is not one of oci, filesystem"},
        {"files: [{path: a, source: x/../y}]", "t.yml:1:27: 'x/../y': '..' is not allowed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_DOCUMENT d = {0};
        char line[1024];
        if (read_document(cases[i].text, &d, &e) == 0)
            fail_msg("accepted: %s", cases[i].text);
        err_line(&e, line, sizeof(line));
        if (strncmp(line, cases[i].line, strlen(cases[i].line)) != 0)
            fail_msg("%s: %s", cases[i].text, line);
    }
}

static void test_warnings(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_DOCUMENT d = {0};
    must(read_document("kernel: {cmdline: x}\n"
                       "services:\n"
                       "  - name: a\n    image: b\n"
                       "    resources: {network: {classID: 5}}\n"
                       "    uidMappings: [{hostID: 1, containerID: 0, size: 1}]\n",
                       &d, &e),
         &e);
    static const char *const wanted[] = {
        "t.yml:1:1: the kernel has no image: there is no kernel",
        "t.yml:5:27: LinuxKit drops 'classID'; it is honoured here",
        "t.yml:6:47: LinuxKit drops 'containerID'; it is honoured here",
        "t.yml:6:31: LinuxKit drops 'hostID'; it is honoured here"};
    assert_int_equal(json_array_size(d.lk->warnings), 4);
    for (size_t i = 0; i < 4; i++) {
        const char *text = json_string_value(json_array_get(d.lk->warnings, i));
        const char *colon = strrchr(wanted[i], ':');
        if (strstr(text, colon) == NULL)
            fail_msg("%s, not %s", text, wanted[i]);
    }
    assert_null(d.lk->kernel.name);
}

/* ---- merged files ----------------------------------------------------------------------- */

static int merge_texts(const char *const *texts, size_t count, struct document *out, struct err *e)
{
    struct yaml_doc *parts[4] = {NULL};
    for (size_t i = 0; i < count; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "%zu.yml", i);
        must(yaml_doc_parse(texts[i], strlen(texts[i]), name, &parts[i], e), e);
    }
    int rc = linuxkit_merge_docs(parts, count, &out->doc, e);
    if (rc < 0)
        return rc;
    const struct ycur c = ycur_root(out->doc);
    return linuxkit_parse(&c, LINUXKIT_FILES, NULL, &out->lk, e);
}

static void test_merge(void **state)
{
    (void)state;
    static const char second[] = "kernel: {image: '', binary: vm}\ninit: [b]\n"
                                 "services: [{name: s, image: c, binds: ['v:/v']}]\n";
    static const char *const texts[] = {
        "kernel: {image: k1, cmdline: one, tar: t.tar}\ninit: [a]\nvolumes: [{name: v}]\n", second,
        "kernel: {cmdline: three, tar: none}\ninit: [c]\nfiles: [{path: f, source: s}]\n"};
    struct err e = ERR_INIT;
    AUTO_DOCUMENT d = {0};
    must(merge_texts(texts, 3, &d, &e), &e);
    assert_string_equal(d.lk->kernel.name, "k1");
    assert_string_equal(d.lk->kernel.at, "0.yml:1:17");
    assert_string_equal(d.lk->cmdline, "three");
    assert_string_equal(d.lk->kernel_binary, "vm");
    assert_null(d.lk->kernel_tar);
    assert_int_equal(d.lk->init_count, 3);
    assert_string_equal(d.lk->init[2].at, "2.yml:2:8");
    assert_string_equal(d.lk->files[0].at, "2.yml:3:27");
    assert_string_equal(d.lk->files[0].file, "2.yml");
}

static void test_merge_refused(void **state)
{
    (void)state;
    static const struct {
        const char *texts[2];
        const char *line;
    } cases[] = {
        {{"init: [a]", "inits: [b]"}, "1.yml:1:1: unknown key 'inits' (did you mean 'init'?)"},
        {{"volumes: [{name: v}]", "init: [a]\nvolumes: [{name: v}]"},
         "1.yml:2:18: a second volume is called 'v'"},
        {{"services: [{name: v, image: a}]", "services: [{name: v, image: a}]"},
         "1.yml:1:19: a second service is called 'v'"},
        {{"kernel: {image: k, binary: ../x}", "kernel: {cmdline: x}"},
         "0.yml:1:28: '../x' is no path inside an image"},
        {{"kernel: {image: k, binary: x}", "init: [a]\nkernel: {binary: ../y}"},
         "1.yml:2:18: '../y' is no path inside an image"},
        {{"services: [{name: a, image: b}]", "services: [{name: c, image: b, binds: [/x]}]"},
         "1.yml:1:40: services 'c': cannot parse bind"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_DOCUMENT d = {0};
        char line[1024];
        if (merge_texts(cases[i].texts, 2, &d, &e) == 0)
            fail_msg("accepted: %s", cases[i].texts[1]);
        err_line(&e, line, sizeof(line));
        if (strncmp(line, cases[i].line, strlen(cases[i].line)) != 0)
            fail_msg("%s, not %s", line, cases[i].line);
    }
}

/* What metadata says can be read again, and says the same. */
static void test_metadata(void **state)
{
    (void)state;
    static const char text[] =
        "init: [a]\n"
        "services: [{name: s, image: lk/c, resources: {memory: {kernelTCP: 5}},\n"
        "            mounts: [{type: tmpfs, destination: /t}]}]\n"
        "volumes: [{name: v, image: lk/x}]\n"
        "files: [{path: y, metadata: yaml}, {path: j, metadata: json}]\n";
    struct err e = ERR_INIT;
    AUTO_DOCUMENT d = {0};
    must(read_document(text, &d, &e), &e);
    const char *yaml = d.lk->files[0].text;
    assert_non_null(strstr(yaml, "image: docker.io/lk/x\n"));
    assert_non_null(strstr(yaml, "kernelTCP: 5\n"));
    AUTO_DOCUMENT again = {0};
    must(read_document(yaml, &again, &e), &e);
    assert_string_equal(again.lk->files[0].text, yaml);
    AUTO_DOCUMENT json = {0};
    must(read_document("files: [{path: j, metadata: json}]", &json, &e), &e);
    assert_string_equal(
        json.lk->files[0].text,
        "{\n    \"kernel\": {\n        \"image\": \"\"\n    },\n    \"init\": null,\n"
        "    \"onboot\": null,\n    \"onshutdown\": null,\n    \"services\": null,\n"
        "    \"files\": [\n        {\n            \"path\": \"j\",\n"
        "            \"directory\": false,\n            \"metadata\": \"json\",\n"
        "            \"optional\": false\n        }\n    ],\n"
        "    \"volumes\": null\n}");
}

/* ---- the step ---------------------------------------------------------------------------- */

static void add(struct tree *t, struct tree_packer *packer, const char *path, const char *text)
{
    struct err e = ERR_INIT;
    struct tree_inode *inode = NULL;
    struct tree_node *at = tree_root(t);
    char parent[256];
    bool link = text[0] == '>';
    (void)snprintf(parent, sizeof(parent), "%s", path);
    char *slash = strrchr(parent, '/');
    if (slash != NULL) {
        *slash = '\0';
        must(tree_make_dirs(t, parent, 0, &at, &e), &e);
    }
    must(tree_inode_new(t, link ? TREE_SYMLINK : TREE_FILE, &inode, &e), &e);
    inode->mode = 0644;
    if (link) {
        must(str_copy(&inode->target, text + 1, &e), &e);
    } else {
        must(tree_packer_begin(packer, &e), &e);
        must(tree_packer_write(packer, text, strlen(text), &e), &e);
        must(tree_packer_end(packer, inode, &e), &e);
    }
    must(tree_link(t, at, path_base(path), inode, NULL, &e), &e);
}

/* Paths and texts in turn; ">x" is a link. */
static struct tree *make_tree(const char *const *rows)
{
    struct err e = ERR_INIT;
    struct tree *t = NULL;
    struct tree_packer *packer = NULL;
    must(tree_new(&t, &e), &e);
    must(tree_packer_new(t, cas, &packer, &e), &e);
    for (; rows[0] != NULL; rows += 2)
        add(t, packer, rows[0], rows[1]);
    must(tree_packer_commit(packer, &e), &e);
    tree_packer_free(packer);
    return t;
}

static int run_step(const char *params, struct tree *const *trees, const char *const *blobs,
                    struct step_output *out, struct err *e)
{
    struct step_input inputs[8] = {0};
    size_t n = 0;
    AUTO_JSON json_t *document = NULL;
    const struct step_context context = {.cas = cas, .jobs = 1};
    must(json_parse(params, strlen(params), "params", NULL, &document, e), e);
    for (; *trees != NULL; trees++)
        inputs[n++] = (struct step_input){.id = "tree", .kind = VALUE_TREE, .tree = *trees};
    for (; *blobs != NULL; blobs++, n++) {
        inputs[n] = (struct step_input){.id = "blob", .kind = VALUE_BLOB, .size = strlen(*blobs)};
        must(cas_put(cas, *blobs, strlen(*blobs), &inputs[n].digest, e), e);
    }
    const struct jcur c = jcur_root(document, "params");
    return step_run(&builder_runners, &step_tree_linuxkit, &context, &c, inputs, n, out, e);
}

static void read_text(const struct tree *t, const char *path, char *text, size_t size)
{
    struct err e = ERR_INIT;
    struct tree_reader *reader = NULL;
    const struct tree_node *node = tree_find(t, path, false);
    if (node == NULL || node->inode->type != TREE_FILE)
        fail_msg("no file %s", path);
    size_t len = (size_t)node->inode->content.size;
    assert_true(len < size);
    must(tree_reader_new(t, cas, &reader, &e), &e);
    if (len > 0)
        must(tree_reader_read(reader, &node->inode->content, 0, text, len, &e), &e);
    text[len] = '\0';
    tree_reader_free(reader);
}

static json_t *read_json(const struct tree *t, const char *path)
{
    static char text[65536];
    struct err e = ERR_INIT;
    json_t *value = NULL;
    read_text(t, path, text, sizeof(text));
    must(json_parse(text, strlen(text), path, NULL, &value, &e), &e);
    return value;
}

static bool has(const struct tree *t, const char *path)
{
    return tree_find(t, path, false) != NULL;
}

static const char image_config[] =
    "{\"config\":{\"User\":\"app:staff\",\"Entrypoint\":[\"/"
    "run\"],\"Cmd\":[\"x\"],\"WorkingDir\":\"/w\","
    "\"Labels\":{\"org.mobyproject.config\":\"{\\\"capabilities\\\":[\\\"CAP_KILL\\\"]}\"}}}";

static void test_containers(void **state)
{
    (void)state;
    /* etc leads out of the image, and to its own private/etc all the same. */
    static const char *const files[] = {"private/etc/passwd",
                                        "root:x:0:0::/:\napp:x:7:8::/:\n",
                                        "private/etc/group",
                                        "staff:x:50:\nwheel:x:9:z,app\n",
                                        "etc",
                                        ">../../../private/etc",
                                        "run",
                                        "R",
                                        "dev/console",
                                        "gone",
                                        NULL};
    static const char params[] =
        "{\"document\":{\"onboot\":[{\"name\":\"a\",\"image\":\"i\",\"readonly\":true}],"
        "\"services\":[{\"name\":\"b\",\"image\":\"i\",\"capabilities.add\":[\"CAP_KILL\",\"CAP_"
        "CHOWN\"],"
        "\"mounts\":[{\"type\":\"bind\",\"source\":\"v\",\"destination\":\"/"
        "v\",\"options\":[\"ro\"]}]},"
        "{\"name\":\"c\",\"image\":\"i\",\"uid\":\"b\",\"ipc\":\"none\",\"resources\":{"
        "\"hugepageLimits\":"
        "[{\"pageSize\":2097152,\"limit\":3}],\"memory\":{\"kernelTCP\":4}}}],"
        "\"volumes\":[{\"name\":\"v\",\"image\":\"i\",\"readonly\":true},{\"name\":\"w\"}]},"
        "\"images\":[\"i\"],\"configs\":[0],\"layouts\":[],\"sources\":[],\"epoch\":9}";
    struct tree *trees[] = {make_tree(files), NULL};
    static const char *const blobs[] = {image_config, NULL};
    struct err e = ERR_INIT;
    struct step_output out = {0};
    char text[1024];
    must(run_step(params, trees, blobs, &out, &e), &e);
    const struct tree *t = out.tree;

    AUTO_JSON json_t *a = read_json(t, "containers/onboot/000-a/config.json");
    AUTO_JSON json_t *b = read_json(t, "containers/services/b/config.json");
    AUTO_JSON json_t *c = read_json(t, "containers/services/c/config.json");
    AUTO_JSON json_t *runtime = read_json(t, "containers/services/b/runtime.json");
    const json_t *user = json_object_get(json_object_get(a, "process"), "user");
    assert_int_equal(json_integer_value(json_object_get(user, "uid")), 7);
    assert_int_equal(json_integer_value(json_object_get(user, "gid")), 50);
    user = json_object_get(json_object_get(c, "process"), "user");
    assert_int_equal(json_integer_value(json_object_get(user, "uid")), 101);
    assert_int_equal(json_integer_value(json_object_get(user, "gid")), 0);
    const json_t *caps = json_object_get(json_object_get(b, "process"), "capabilities");
    assert_int_equal(json_array_size(json_object_get(caps, "effective")), 2);
    const json_t *mounts = json_object_get(b, "mounts");
    const json_t *volume = json_array_get(mounts, json_array_size(mounts) - 1);
    assert_string_equal(json_string_value(json_object_get(volume, "source")),
                        "/containers/volumes/v/merged");
    assert_int_equal(json_array_size(json_object_get(volume, "options")), 2); /* and rbind */
    const json_t *resources = json_object_get(json_object_get(c, "linux"), "resources");
    const json_t *page = json_array_get(json_object_get(resources, "hugepageLimits"), 0);
    assert_string_equal(json_string_value(json_object_get(page, "pageSize")), "2MB");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(resources, "memory"), "kernelTCP")), 4);

    /* The image is where the first container has it, read-only and therefore in rootfs. */
    const json_t *overlay = json_array_get(json_object_get(runtime, "mounts"), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(overlay, "options"), 0)),
                        "lowerdir=/containers/onboot/000-a/rootfs");
    assert_true(has(t, "containers/onboot/000-a/rootfs/run"));
    assert_false(has(t, "containers/onboot/000-a/tmp"));
    assert_false(has(t, "containers/services/b/lower"));
    assert_true(has(t, "containers/services/b/tmp"));
    assert_true(has(t, "containers/services/b/rootfs"));
    assert_false(has(t, "containers/onboot/000-a/rootfs/dev/console"));
    /* etc/hosts is in the image, wherever its etc leads. */
    read_text(t, "containers/onboot/000-a/rootfs/private/etc/hosts", text, sizeof(text));
    assert_int_equal(strlen(text), 160);
    assert_false(has(t, "private"));
    assert_false(has(t, "etc"));

    assert_false(has(t, "containers/volumes/v/tmp"));
    assert_true(has(t, "containers/volumes/v/merged"));
    assert_true(has(t, "containers/volumes/v/lower/run"));
    assert_true(has(t, "containers/volumes/w/tmp"));
    assert_int_equal(tree_find(t, "containers/volumes/w/lower", false)->inode->child_count, 0);
    step_output_dispose(&out);
    tree_free(trees[0]);
}

static void test_user(void **state)
{
    (void)state;
    static const char *const files[] = {
        "etc/passwd", "root:x:0:0::/:\napp:x:7:8::/:\nbad:x:-1:0::/:\n", "etc/group",
        "staff:x:50:\nwheel:x:9:z,app\nmore:x:12:app\n", NULL};
    static const struct {
        const char *user;
        const char *wanted; /* of process.user; or the end of the complaint */
    } cases[] = {
        {"", "{\"uid\":0,\"gid\":0}"},
        {"root", "{\"uid\":0,\"gid\":0}"},
        {"app", "{\"uid\":7,\"gid\":8,\"additionalGids\":[9,12]}"},
        {"7", "{\"uid\":7,\"gid\":8,\"additionalGids\":[9,12]}"},
        {"app:staff", "{\"uid\":7,\"gid\":50}"},
        {"app:5", "{\"uid\":7,\"gid\":5}"},
        {"1000", "{\"uid\":1000,\"gid\":0}"},
        {"1000:1001", "{\"uid\":1000,\"gid\":1001}"},
        {"s", "{\"uid\":100,\"gid\":100}"}, /* the container's own name */
        {"nobody", "the image has no user 'nobody' (USER)"},
        {"app:none", "the image has no group 'none' (USER)"},
        {"bad", "etc/passwd of the image has no ids for 'bad' (USER)"},
        {"4294967296", "the image has no user '4294967296' (USER)"},
    };
    static const char params[] =
        "{\"document\":{\"services\":[{\"name\":\"s\",\"image\":\"i\"}]},\"images\":[\"i\"],"
        "\"configs\":[0],\"layouts\":[],\"sources\":[],\"epoch\":0}";
    struct tree *trees[] = {make_tree(files), NULL};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        struct step_output out = {0};
        char config[256];
        char line[1024];
        (void)snprintf(config, sizeof(config), "{\"config\":{\"User\":\"%s\"}}", cases[i].user);
        const char *const blobs[] = {config, NULL};
        int rc = run_step(params, trees, blobs, &out, &e);
        if (cases[i].wanted[0] != '{') {
            assert_int_equal(rc, -ERR_INPUT);
            assert_non_null(strstr(err_line(&e, line, sizeof(line)), cases[i].wanted));
            continue;
        }
        must(rc, &e);
        AUTO_JSON json_t *value = read_json(out.tree, "containers/services/s/config.json");
        AUTO_FREE char *user =
            json_dumps(json_object_get(json_object_get(value, "process"), "user"), JSON_COMPACT);
        assert_string_equal(user, cases[i].wanted);
        step_output_dispose(&out);
    }
    tree_free(trees[0]);
}

static void test_hostile_configs(void **state)
{
    (void)state;
    static const char *const files[] = {"x", "y", NULL};
    static const struct {
        const char *config;
        const char *part;
    } cases[] = {
        {"[]", "configuration of i"},
        {"{\"config\":{\"Entrypoint\":[5]}}", "Entrypoint"},
        {"{\"config\":{\"Env\":\"x\"}}", "Env"},
        {"{\"config\":{\"User\":7}}", "User"},
        {"{\"config\":{\"Labels\":{\"org.mobyproject.config\":\"{nosuch: 1}\"}}}",
         "label of i:1:2: unknown key 'nosuch'"},
        {"{\"config\":{\"Labels\":{\"org.mobyproject.config\":\"capabilities: [x]\"}}}",
         "unknown capability: x"},
    };
    static const char params[] =
        "{\"document\":{\"services\":[{\"name\":\"s\",\"image\":\"i\"}]},\"images\":[\"i\"],"
        "\"configs\":[0],\"layouts\":[],\"sources\":[],\"epoch\":0}";
    struct tree *trees[] = {make_tree(files), NULL};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        struct step_output out = {0};
        char line[1024];
        const char *const blobs[] = {cases[i].config, NULL};
        if (run_step(params, trees, blobs, &out, &e) == 0)
            fail_msg("accepted: %s", cases[i].config);
        assert_int_equal(e.code, ERR_INPUT);
        if (strstr(err_line(&e, line, sizeof(line)), cases[i].part) == NULL)
            fail_msg("%s: %s", cases[i].config, line);
    }
    tree_free(trees[0]);
}

static void test_layout(void **state)
{
    (void)state;
    static const char params[] =
        "{\"document\":{\"volumes\":[{\"name\":\"v\",\"image\":\"lk/v\",\"format\":\"oci\"},"
        "{\"name\":\"w\",\"image\":\"lk/v\",\"format\":\"oci\"}]},\"images\":[],\"configs\":[],"
        "\"layouts\":[{\"volume\":0,\"mediaType\":\"m\",\"root\":0,\"blobs\":[1,2]},"
        "{\"volume\":1,\"mediaType\":\"m\",\"root\":0,\"blobs\":[2]}],\"sources\":[],\"epoch\":0}";
    struct tree *trees[] = {NULL};
    static const char *const blobs[] = {"ROOT", "ONE", "TWO", NULL};
    struct err e = ERR_INIT;
    struct step_output out = {0};
    must(run_step(params, trees, blobs, &out, &e), &e);
    static const char *const bases[] = {"v", "w"};
    for (size_t i = 0; i < 2; i++) {
        char path[256];
        (void)snprintf(path, sizeof(path), "containers/volumes/%s/lower/blobs/sha256", bases[i]);
        assert_int_equal(tree_find(out.tree, path, false)->inode->child_count, 3 - i);
        (void)snprintf(path, sizeof(path), "containers/volumes/%s/lower/index.json", bases[i]);
        AUTO_JSON json_t *index = read_json(out.tree, path);
        const json_t *item = json_array_get(json_object_get(index, "manifests"), 0);
        assert_int_equal(json_integer_value(json_object_get(item, "size")), 4);
        const json_t *notes = json_object_get(item, "annotations");
        assert_string_equal(
            json_string_value(json_object_get(notes, "org.opencontainers.image.ref.name")),
            "docker.io/lk/v");
    }
    step_output_dispose(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_warnings),        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_refused),   cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_containers),      cmocka_unit_test(test_user),
        cmocka_unit_test(test_hostile_configs), cmocka_unit_test(test_layout),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
