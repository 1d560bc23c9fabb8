/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stacks of layers, as decoded: any entries that a tar reader lets through are applied or refused
 * with ERR_INPUT, as layers of an image or as packages. The tree is then sound: its serialisation
 * can be read back, no whiteout is in it, and no entry has a name that leads out of its directory.
 */
#include "formats/layers/layer.h"
#include "formats/tree/tree_format.h"
#include "formats/tree/tree_internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct err e;

enum { LAYERS = 3 };

/* Few names, so that entries meet; some of a merged /usr. */
static const char *const words[] = {"a", "b", "c", "lib", "usr", "bin", ".wh", "d e"};

struct input {
    const uint8_t *p;
    size_t left;
};

static uint8_t take(struct input *in)
{
    if (in->left == 0)
        return 0;
    in->left--;
    return *in->p++;
}

/* A path that tar_path_clean would leave as it is; "" is the root. */
static size_t add_path(struct layer *l, struct input *in, const char *prefix)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "%s", prefix);
    uint8_t shape = take(in);
    for (int i = 0; i < (shape & 3); i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%s",
                      n > 0 && text[n - 1] != '/' ? "/" : "", words[take(in) % 8]);
    size_t len = (size_t)n + 1;
    if (array_grow(&l->text, &l->text_cap, l->text_len + len, 1, &e) < 0)
        abort();
    memcpy(l->text + l->text_len, text, len);
    l->text_len += len;
    return l->text_len - len;
}

/* What a link may say, which is anything. */
static size_t add_target(struct layer *l, struct input *in)
{
    static const char *const starts[] = {"", "../", "/", "../../", "./", "/usr/", "a/../", "usr/"};
    size_t at = add_path(l, in, starts[take(in) % 8]);
    if (l->text[at] != 0)
        return at;
    at = l->text_len;
    if (array_grow(&l->text, &l->text_cap, l->text_len + 2, 1, &e) < 0)
        abort();
    memcpy(l->text + at, ".", 2);
    l->text_len += 2;
    return at;
}

static void add_entry(struct layer *l, struct input *in, bool debian)
{
    static const enum tree_type types[] = {TREE_DIR, TREE_FILE, TREE_SYMLINK, TREE_FIFO,
                                           TREE_DIR, TREE_FILE, TREE_FILE,    TREE_CHAR};
    uint8_t kind = take(in);
    if (array_grow(&l->entries, &l->cap, l->count + 1, sizeof(*l->entries), &e) < 0)
        abort();
    struct layer_entry n = {.type = types[kind & 7], .mode = 0644, .uid = kind, .link = SIZE_MAX};
    n.path = add_path(l, in, "");
    if (l->text[n.path] == 0)
        n.type = TREE_DIR;
    if (!debian && (kind & 0x18) == 0x18 && l->text[n.path] != 0) {
        n.role = (kind & 0x20) != 0 ? ROLE_OPAQUE : ROLE_WHITEOUT;
        n.type = TREE_FILE;
    } else if (n.type == TREE_SYMLINK) {
        n.link = add_target(l, in);
    } else if (n.type == TREE_FILE && (kind & 0x40) != 0) {
        n.link = add_path(l, in, "");
        n.hard_link = l->text[n.link] != 0;
    }
    if (n.type == TREE_FILE && !n.hard_link) {
        n.content.size = 1;
        n.content.sha256[0] = take(in) & 1;
    }
    l->entries[l->count++] = n;
}

/* ---- packages: who replaces whom is a matter of their numbers ---- */

static int begin(void *context, const struct deb_control *const *controls, size_t count,
                 size_t *order, struct err *err)
{
    (void)context, (void)controls, (void)count, (void)order, (void)err;
    return 0;
}

static const char *divert(void *context, size_t layer, const char *path)
{
    (void)context;
    return layer == 1 && strcmp(path, "a/b") == 0 ? "usr/c" : NULL;
}

static enum layers_meeting meet(void *context, size_t older, size_t newer)
{
    uint8_t how = *(const uint8_t *)context;
    return (enum layers_meeting)((how >> (older + newer)) % 3);
}

static int lost(void *context, size_t older, const char *path, struct err *err)
{
    (void)context, (void)err;
    if (older >= LAYERS || path[0] == 0)
        abort();
    return 0;
}

static int placed(void *context, size_t layer, const char *shipped, struct err *err)
{
    (void)context, (void)err;
    if (layer >= LAYERS || shipped[0] == '/')
        abort();
    return 0;
}

static int check(void *context, const char *path, struct tree_node *node, struct err *err)
{
    (void)context, (void)err;
    if (path[0] != 0 && !tree_name_valid(node->name))
        abort();
    if (node->inode->type == TREE_DIR ? node->inode->links != 1 : node->inode->links == 0)
        abort();
    return 0;
}

static int put(void *context, const void *data, size_t len, struct err *err)
{
    return buf_add(context, data, len, err);
}

static void look(struct tree *t)
{
    AUTO_BUF text = BUF_INIT(1 << 22);
    AUTO_BUF again = BUF_INIT(1 << 22);
    AUTO_TREE struct tree *back = NULL;
    struct tree_sink sink = {.put = put, .context = &text};
    struct tree_sink second = {.put = put, .context = &again};
    if (tree_walk(t, check, NULL, &e) < 0 || tree_format(t, &sink, &e) < 0 ||
        tree_parse(text.data, text.len, &back, &e) < 0 || tree_format(back, &second, &e) < 0 ||
        text.len != again.len || memcmp(text.data, again.data, text.len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    uint8_t how = take(&in);
    uint8_t meetings = take(&in);
    bool debian = (how & 1) != 0;
    AUTO_TREE struct tree *t = NULL;
    AUTO_GLOB_LIST struct glob_list *none = NULL;
    const struct layers_packages packages = {.context = &meetings,
                                             .begin = begin,
                                             .divert = divert,
                                             .meet = meet,
                                             .lost = lost,
                                             .placed = placed};
    struct layer_input inputs[LAYERS] = {{.name = "0"}, {.name = "1"}, {.name = "2"}};
    struct layer_needs needs = {0};
    if (size > 4096 || tree_new(&t, &e) < 0 || glob_list_new(&none, &e) < 0)
        return 0;
    struct layers_options o = {.clamp = 5, .jobs = 1, .exclude = none, .usr_merged = debian};
    if (debian && (how & 2) != 0)
        o.packages = &packages;
    struct layer_stack s = {.tree = t, .options = &o, .needs = &needs, .inputs = inputs};
    int rc = tree_attic_new(t, &s.attic, &e);
    tree_bulk_begin(t);
    for (size_t i = 0; rc == 0 && i < LAYERS; i++) {
        struct layer *l = calloc(1, sizeof(*l));
        if (l == NULL)
            abort();
        inputs[i].form = debian ? LAYER_DEB : LAYER_TAR;
        for (int k = take(&in) % 12; k >= 0 && in.left > 0; k--)
            add_entry(l, &in, debian);
        rc = layer_apply(&s, l, i, &e);
        layer_free(l);
    }
    tree_free_detached(t, s.attic);
    tree_bulk_end(t);
    if (rc == 0)
        rc = layers_make_merged_links(&s, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc == 0)
        look(t);
    return 0;
}
