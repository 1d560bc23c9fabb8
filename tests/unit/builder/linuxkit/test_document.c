/* SPDX-License-Identifier: Apache-2.0 */
/* LinuxKit documents, and the step that merges them (docs/formats/linuxkit-strict.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "builder/linuxkit/document.h"
#include "builder/steps/kinds.h"

#include <string.h>

static char *dir;
static struct cas *cas;

static int setup(void **state)
{
    struct err e = ERR_INIT;
    (void)state;
    return dir_make_temp("/tmp", "test-linuxkit-", &dir, &e) < 0 ||
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

/* ---- documents ---------------------------------------------------------------------- */

static int read_document(const char *text, struct yaml_doc **doc, struct linuxkit **lk,
                         struct err *e)
{
    int rc = yaml_doc_parse(text, strlen(text), "t.yml", doc, e);
    if (rc < 0)
        return rc;
    struct ycur c = ycur_root(*doc);
    return linuxkit_parse(&c, LINUXKIT_IN_RECIPE, NULL, lk, e);
}

static void test_document(void **state)
{
    (void)state;
    static const char text[] =
        "kernel: {image: k, tar: '', binary: /boot/vm}\n"
        "init: [a, b, a, k]\n"
        "onboot: []\nonshutdown: []\nservices: []\nvolumes: []\ntrust: {org: [x]}\n"
        "files:\n"
        "  - {path: /abs//double/./x/, contents: ''}\n"
        "  - {path: d, directory: true, mode: '711'}\n"
        "  - {path: l, symlink: ../x, uid: 5}\n"
        "  - {path: s, source: etc/s, optional: true, gid: '10', mode: '04755'}\n"
        "  - {path: r, contents: x, uid: root, gid: ''}\n";
    struct err e = ERR_INIT;
    AUTO_YAML struct yaml_doc *doc = NULL;
    AUTO_LINUXKIT struct linuxkit *lk = NULL;
    AUTO_FREE struct linuxkit_image *images = NULL;
    size_t count = 0;
    char line[1024];
    if (read_document(text, &doc, &lk, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    assert_null(lk->kernel_tar);
    assert_string_equal(lk->kernel_binary, "boot/vm");
    assert_string_equal(lk->cmdline, "");
    assert_int_equal(lk->file_count, 5);
    assert_string_equal(lk->files[0].path, "abs/double/x");
    assert_int_equal(lk->files[0].mode, 0600);
    assert_int_equal(lk->files[1].mode, 0711);
    assert_false(lk->files[0].has_owner);
    assert_int_equal(lk->files[2].uid, 5);
    assert_true(lk->files[3].optional);
    assert_int_equal(lk->files[3].gid, 10);
    assert_int_equal(lk->files[3].mode, 04755);
    assert_string_equal(lk->files[3].at, "t.yml:12:23");
    assert_int_equal(linuxkit_images(lk, &images, &count, &e), 0);
    assert_int_equal(count, 3);
    assert_string_equal(images[0].name, "k");
    assert_string_equal(images[1].name, "a");
    assert_string_equal(images[2].name, "b");
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *line;
        int code;
    } cases[] = {
        {"files: [{contents: a}]", "t.yml:1:9: the key 'path' is missing", 5},
        {"files: [{path: a}]",
         "t.yml:1:9: a file needs one of contents, source, metadata, directory, symlink", 5},
        {"files: [{path: a, contents: b, symlink: c}]",
         "t.yml:1:9: a file needs exactly one of contents, source, metadata, directory, symlink",
         5},
        {"files: [{path: a, directory: true, symlink: c}]",
         "t.yml:1:9: a file needs exactly one of contents, source, metadata, directory, symlink",
         5},
        {"files: [{path: a, directory: false}]",
         "t.yml:1:9: a file needs one of contents, source, metadata, directory, symlink", 5},
        {"files: [{path: ../a, contents: b}]", "t.yml:1:16: '../a': '..' is not allowed in a path",
         5},
        {"files: [{path: a/../b, contents: b}]",
         "t.yml:1:16: 'a/../b': '..' is not allowed in a path", 5},
        {"files: [{path: /, contents: a}]", "t.yml:1:16: '/' is no path of a file", 5},
        {"files: [{path: ., directory: true}]", "t.yml:1:16: '.' is no path of a file", 5},
        {"files: [{path: a, contents: b, mode: 0644}]",
         "t.yml:1:38: a mode is octal digits in quotes, like \"0755\"", 5},
        {"files: [{path: a, contents: b, mode: '0888'}]",
         "t.yml:1:38: a mode is octal digits up to 7777, not '0888'", 5},
        {"files: [{path: a, contents: b, mode: '17777'}]",
         "t.yml:1:38: a mode is octal digits up to 7777, not '17777'", 5},
        {"files: [{path: a, contents: b, uid: 4294967296}]",
         "t.yml:1:37: 4294967296 is not between 0 and 4294967294", 5},
        {"files: [{path: a, contents: b, uid: -1}]",
         "t.yml:1:37: -1 is not between 0 and 4294967294", 5},
        {"files: [{path: a, contents: b, uid: nobody}]",
         "t.yml:1:37: 'nobody' is no number and no name of a container", 5},
        {"files: [{path: a, contents: b, gid: 1.0}]",
         "t.yml:1:37: 'gid' must be a number, not a number with a fraction", 5},
        {"files: [{path: a, contents: 5}]", "t.yml:1:29: 'contents' must be a text, not a number",
         5},
        {"files: [{path: a, source: /etc/passwd}]",
         "t.yml:1:27: '/etc/passwd': a source is a path below the recipe's directory", 5},
        {"files: [{path: a, metadata: jsn}]", "t.yml:1:29: 'jsn' is not one of yaml, json", 5},
        {"kernel: {image: k, tar: none, binary: ../vm}",
         "t.yml:1:39: '../vm' is no path inside an image", 5},
        {"kernal: {}", "t.yml:1:1: unknown key 'kernal' (did you mean 'kernel'?)", 5},
        {"init: null", "t.yml:1:7: 'init' must be a list, not nothing", 5},
        {"{}", "t.yml:1:1: the system is empty: give kernel, init or files", 5},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        AUTO_YAML struct yaml_doc *doc = NULL;
        AUTO_LINUXKIT struct linuxkit *lk = NULL;
        char line[1024];
        int rc = read_document(cases[i].text, &doc, &lk, &e);
        if (rc == 0)
            fail_msg("accepted: %s", cases[i].text);
        assert_string_equal(err_line(&e, line, sizeof(line)), cases[i].line);
        assert_int_equal(rc, -cases[i].code);
    }
}

/* ---- trees by hand --------------------------------------------------------------------- */

/* One line of a tree: type (d, f, l, or h for a hard link to `text`), path, mode, text. */
struct entry {
    char type;
    const char *path;
    unsigned mode;
    const char *text;
};

static struct tree_inode *make_inode(struct tree *t, struct tree_packer *packer,
                                     const struct entry *row)
{
    struct err e = ERR_INIT;
    struct tree_inode *inode = NULL;
    enum tree_type type = row->type == 'd' ? TREE_DIR : row->type == 'l' ? TREE_SYMLINK : TREE_FILE;
    if (row->type == 'h')
        return tree_find(t, row->text, false)->inode;
    assert_int_equal(tree_inode_new(t, type, &inode, &e), 0);
    inode->mode = (uint16_t)row->mode;
    inode->mtime = 1000;
    if (type == TREE_SYMLINK)
        assert_int_equal(str_copy(&inode->target, row->text, &e), 0);
    if (type == TREE_FILE) {
        assert_int_equal(tree_packer_begin(packer, &e), 0);
        assert_int_equal(tree_packer_write(packer, row->text, strlen(row->text), &e), 0);
        assert_int_equal(tree_packer_end(packer, inode, &e), 0);
    }
    return inode;
}

static struct tree *make_tree(const struct entry *rows)
{
    struct err e = ERR_INIT;
    struct tree *t = NULL;
    struct tree_packer *packer = NULL;
    assert_int_equal(tree_new(&t, &e), 0);
    assert_int_equal(tree_packer_new(t, cas, &packer, &e), 0);
    for (; rows->path != NULL; rows++) {
        char parent[256];
        struct tree_node *at = tree_root(t);
        (void)snprintf(parent, sizeof(parent), "%s", rows->path);
        char *slash = strrchr(parent, '/');
        if (slash != NULL) {
            *slash = '\0';
            assert_int_equal(tree_make_dirs(t, parent, 1000, &at, &e), 0);
        }
        assert_int_equal(
            tree_link(t, at, path_base(rows->path), make_inode(t, packer, rows), NULL, &e), 0);
    }
    assert_int_equal(tree_packer_commit(packer, &e), 0);
    tree_packer_free(packer);
    return t;
}

/* "d 0755 0:0 5 path", "f … path=contents", "l … path->target", a line an entry. */
static int print_entry(void *context, const char *path, struct tree_node *node, struct err *e)
{
    const struct tree *t = ((void **)context)[0];
    struct buf *out = ((void **)context)[1];
    const struct tree_inode *i = node->inode;
    char type = i->type == TREE_DIR ? 'd' : i->type == TREE_SYMLINK ? 'l' : 'f';
    int rc = buf_addf(out, e, "%c %04o %u:%u %lld %s", type, (unsigned)i->mode, i->uid, i->gid,
                      (long long)i->mtime, path);
    if (rc == 0 && i->type == TREE_SYMLINK)
        rc = buf_addf(out, e, "->%s", i->target);
    if (rc == 0 && i->type == TREE_FILE) {
        char text[256] = "";
        struct tree_reader *reader = NULL;
        size_t len = i->content.size < 200 ? (size_t)i->content.size : 200;
        if ((rc = tree_reader_new(t, cas, &reader, e)) == 0)
            rc = tree_reader_read(reader, &i->content, 0, text, len, e);
        tree_reader_free(reader);
        if (rc == 0)
            rc = buf_addf(out, e, "=%s%s", text, i->links > 1 ? " (linked)" : "");
    }
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

static void print_tree(const struct tree *t, struct buf *out)
{
    struct err e = ERR_INIT;
    char line[1024];
    const void *context[] = {t, out};
    if (tree_walk(t, print_entry, (void *)(uintptr_t)context, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

/* Runs the step over trees (one per image, NULL-terminated) and blobs. */
static int merge(const char *params, struct tree *const *trees, const char *const *blobs,
                 struct step_output *out, struct err *e)
{
    struct step_input inputs[8] = {0};
    size_t n = 0;
    AUTO_JSON json_t *document = NULL;
    const struct step_context context = {.cas = cas, .jobs = 1};
    int rc = json_parse(params, strlen(params), "params", NULL, &document, e);
    if (rc < 0)
        return rc;
    for (; trees != NULL && *trees != NULL; trees++) {
        inputs[n].id = "tree";
        inputs[n].kind = VALUE_TREE;
        inputs[n++].tree = *trees;
    }
    for (; blobs != NULL && *blobs != NULL; blobs++) {
        inputs[n].id = "blob";
        inputs[n].kind = VALUE_BLOB;
        inputs[n].size = strlen(*blobs);
        assert_int_equal(cas_put(cas, *blobs, strlen(*blobs), &inputs[n++].digest, e), 0);
    }
    struct jcur c = jcur_root(document, "params");
    return step_run(&builder_runners, &step_tree_linuxkit, &context, &c, inputs, n, out, e);
}

static void test_merge(void **state)
{
    (void)state;
    static const struct entry kernel[] = {
        {'f', "boot/vmlinux", 0644, "KERNEL"}, {'l', "kernel", 0777, "boot/vmlinux"}, {0}};
    static const struct entry a[] = {
        {'f', "bin/busybox", 0755, "BB"}, {'h', "bin/sh", 0, "bin/busybox"},
        {'d', "etc", 0700, NULL},         {'f', "etc/hosts", 0600, "mine"},
        {'f', "etc/x", 0644, "old"},      {'f', "etc/hostname", 0644, "h"},
        {'f', "dev/shm/y", 0644, "z"},    {'f', "lib/apk/db/installed", 0644, "A"},
        {'d', "tmp", 0777, NULL},         {0}};
    static const struct entry b[] = {
        {'d', "tmp", 01777, NULL},       {'l', "etc/x", 0777, "y"},
        {'f', ".dockerenv", 0644, ""},   {'f', "lib/apk/db/installed", 0644, "B"},
        {'l', "etc/mtab", 0777, "mine"}, {0}};
    struct tree *trees[] = {make_tree(kernel), make_tree(a), make_tree(b), NULL};
    static const char params[] =
        "{\"document\":{\"kernel\":{\"image\":\"k\",\"tar\":\"none\",\"cmdline\":\"quiet\"},"
        "\"init\":[\"a\",\"b\"],\"files\":["
        "{\"path\":\"etc/new\",\"contents\":\"n\",\"mode\":\"0640\",\"uid\":3,\"gid\":4},"
        "{\"path\":\"etc\",\"directory\":true,\"uid\":1},"
        "{\"path\":\"opt/d\",\"directory\":true},"
        "{\"path\":\"etc/src\",\"source\":\"s\"},"
        "{\"path\":\"bin/sh\",\"symlink\":\"busybox\"}]},"
        "\"images\":[\"k\",\"a\",\"b\"],\"configs\":[],\"layouts\":[],\"sources\":[3],\"epoch\":"
        "500}";
    static const char *const blobs[] = {"SOURCE", NULL};
    struct err e = ERR_INIT;
    struct step_output out = {0};
    AUTO_BUF text = BUF_INIT(65536);
    char line[1024];
    if (merge(params, trees, blobs, &out, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
    print_tree(out.tree, &text);
    assert_string_equal(buf_str(&text),
                        "d 0755 0:0 0 \n"
                        "d 0755 0:0 500 bin\n"
                        "f 0755 0:0 500 bin/busybox=BB\n"
                        "l 0777 0:0 500 bin/sh->busybox\n"
                        "d 0755 0:0 500 boot\n"
                        "f 0644 0:0 500 boot/cmdline=quiet\n"
                        "f 0644 0:0 500 boot/kernel=KERNEL\n"
                        "d 0755 0:0 500 dev\n"
                        "d 0755 0:0 500 dev/pts\n"
                        "d 0755 0:0 500 dev/shm\n"
                        "d 0755 1:0 500 etc\n"
                        "f 0644 0:0 500 etc/hosts=127.0.0.1       localhost\n"
                        "::1     localhost ip6-localhost ip6-loopback\n"
                        "fe00::0 ip6-localnet\nff00::0 ip6-mcastprefix\n"
                        "ff02::1 ip6-allnodes\nff02::2 ip6-allrouters\n\n"
                        "l 0777 0:0 500 etc/mtab->mine\n"
                        "f 0640 3:4 500 etc/new=n\n"
                        "l 0777 0:0 500 etc/resolv.conf->/run/resolvconf/resolv.conf\n"
                        "f 0600 0:0 500 etc/src=SOURCE\n"
                        "l 0777 0:0 500 etc/x->y\n"
                        "d 0755 0:0 500 lib\n"
                        "d 0755 0:0 500 lib/apk\n"
                        "d 0755 0:0 500 lib/apk/db\n"
                        "f 0644 0:0 500 lib/apk/db/installed=A\n\nB\n\n\n"
                        "d 0755 0:0 500 opt\n"
                        "d 0700 0:0 500 opt/d\n"
                        "d 0755 0:0 500 proc\n"
                        "d 0755 0:0 500 sys\n"
                        "d 1777 0:0 500 tmp\n");
    /* The same again is the same tree, and it can be stored. */
    struct step_output again = {0};
    struct digest one;
    struct digest two;
    struct digest locations;
    assert_int_equal(merge(params, trees, blobs, &again, &e), 0);
    assert_int_equal(tree_store(out.tree, cas, &one, &locations, &e), 0);
    assert_int_equal(tree_digest(again.tree, &two, &e), 0);
    assert_true(digest_equal(&one, &two));
    step_output_dispose(&out);
    step_output_dispose(&again);
    for (size_t i = 0; trees[i] != NULL; i++)
        tree_free(trees[i]);
}

static void test_hard_links(void **state)
{
    (void)state;
    static const struct entry a[] = {
        {'f', "a/one", 0755, "X"}, {'h', "b/two", 0, "a/one"}, {'h', "c", 0, "a/one"}, {0}};
    struct tree *trees[] = {make_tree(a), NULL};
    struct err e = ERR_INIT;
    struct step_output out = {0};
    assert_int_equal(merge("{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[],"
                           "\"layouts\":[],\"sources\":[],"
                           "\"epoch\":0}",
                           trees, NULL, &out, &e),
                     0);
    const struct tree_node *one = tree_find(out.tree, "a/one", false);
    assert_ptr_equal(one->inode, tree_find(out.tree, "b/two", false)->inode);
    assert_ptr_equal(one->inode, tree_find(out.tree, "c", false)->inode);
    assert_int_equal(one->inode->links, 3);
    step_output_dispose(&out);
    tree_free(trees[0]);
}

static void test_merge_refused(void **state)
{
    (void)state;
    static const struct entry a[] = {
        {'d', "dir", 0755, NULL}, {'f', "file", 0644, "x"}, {'l', "up", 0777, "../../.."}, {0}};
    static const struct {
        const char *params;
        const char *part; /* of the line */
        int code;
    } cases[] = {
        {"{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"dir\",\"contents\":\"x\"}]},"
         "\"images\":[\"a\"],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "files[0]: 'dir' is a directory in an image", 5},
        {"{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"file\",\"directory\":true}]},"
         "\"images\":[\"a\"],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "files[0]: 'file' is there already, and no directory", 5},
        {"{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"file/x\",\"contents\":\"\"}]},"
         "\"images\":[\"a\"],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "files[0]: cannot make 'file'", 5},
        {"{\"document\":{\"kernel\":{\"image\":\"a\",\"tar\":\"none\"}},\"images\":[\"a\"],"
         "\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "the image 'a' has no file 'kernel' (kernel.binary)", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"b\"],\"configs\":[],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0}",
         "these are not the images that the document names", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\",\"a\"],\"configs\":[],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0}",
         "these are not the images that the document names", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[],\"layouts\":[],"
         "\"sources\":[0],\"epoch\":0}",
         "the next file with a source is another", 5},
        {"{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"x\",\"source\":\"y\"}]},"
         "\"images\":[\"a\"],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "files[0] has a source, but no blob", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[],\"layouts\":[],"
         "\"sources\":[],\"epoch\":-1}",
         "epoch", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0,\"x\":1}",
         "x", 5},
        {"{\"document\":{\"init\":[\"a\"],\"inot\":1},\"images\":[\"a\"],\"configs\":[],"
         "\"layouts\":[],\"sources\":[],\"epoch\":"
         "0}",
         "at $.inot: unknown key 'inot' (did you mean 'init'?)", 5},
        {"{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"../x\",\"contents\":\"\"}]},"
         "\"images\":[\"a\"],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "at $.files[0].path: '../x': '..' is not allowed", 5},
        {"{\"document\":{\"services\":[{\"name\":\"x\"}]},\"images\":[],\"configs\":[],\"layouts\":"
         "[],"
         "\"sources\":[],\"epoch\":0}",
         "at $.services[0]: the key 'image' is missing", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[1],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0}",
         "configs", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[0],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0}",
         "the parameters name 2 inputs, but there are 1", 5},
        {"{\"document\":{\"init\":[\"a\"]},\"images\":[\"a\"],\"configs\":[],\"layouts\":["
         "{\"volume\":0,\"mediaType\":\"x\",\"root\":0,\"blobs\":[]}],\"sources\":[],\"epoch\":0}",
         "the next volume of format oci is another", 5},
        {"{\"document\":{\"volumes\":[{\"name\":\"v\",\"image\":\"a\",\"format\":\"oci\"}]},"
         "\"images\":[],\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "the volume 'v' has no layout", 5},
        {"{\"document\":{\"files\":[{\"path\":\"x\",\"metadata\":\"yaml\"}]},\"images\":[],"
         "\"configs\":[],\"layouts\":[],\"sources\":[],\"epoch\":0}",
         "a plan has the text of metadata as 'contents'", 5},
        {"{\"document\":{\"init\":[\"@pkg:x\"]},\"images\":[],\"configs\":[],\"layouts\":[],"
         "\"sources\":[],\"epoch\":0}",
         "needs LinuxKit's package tree", 5},
    };
    struct tree *trees[] = {make_tree(a), NULL};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct err e = ERR_INIT;
        struct step_output out = {0};
        char line[2048];
        int rc = merge(cases[i].params, trees, NULL, &out, &e);
        if (rc == 0)
            fail_msg("accepted: %s", cases[i].params);
        if (strstr(err_line(&e, line, sizeof(line)), cases[i].part) == NULL)
            fail_msg("'%s' is not in '%s'", cases[i].part, line);
        assert_int_equal(rc, -cases[i].code);
        assert_null(out.tree);
    }
    tree_free(trees[0]);
}

/* A path through a link that points out of the root stays inside. */
static void test_links_stay_inside(void **state)
{
    (void)state;
    static const struct entry a[] = {{'l', "up", 0777, "../../.."},
                                     {'l', "bin", 0777, "usr/bin"},
                                     {'d', "usr/bin", 0755, NULL},
                                     {0}};
    struct tree *trees[] = {make_tree(a), NULL};
    struct err e = ERR_INIT;
    struct step_output out = {0};
    assert_int_equal(
        merge("{\"document\":{\"init\":[\"a\"],\"files\":[{\"path\":\"up/x\",\"contents\":\"1\"},"
              "{\"path\":\"bin/"
              "y\",\"contents\":\"2\"}]},\"images\":[\"a\"],\"configs\":[],\"layouts\":[],"
              "\"sources\":[],"
              "\"epoch\":0}",
              trees, NULL, &out, &e),
        0);
    assert_non_null(tree_find(out.tree, "x", false));
    assert_non_null(tree_find(out.tree, "usr/bin/y", false));
    assert_int_equal(tree_find(out.tree, "bin", false)->inode->type, TREE_SYMLINK);
    step_output_dispose(&out);
    tree_free(trees[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_merge),         cmocka_unit_test(test_hard_links),
        cmocka_unit_test(test_merge_refused), cmocka_unit_test(test_links_stay_inside),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
