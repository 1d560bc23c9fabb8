/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_dump STORE FORM:FILE…: flattens archives (form: tar, gzip, zstd, xz or
 * deb; bottom first) and prints the canonical serialisation of the tree.
 * -i, -x GLOB: include, exclude; -c TIME: clamp; -j N; -u: merged /usr;
 * -C: the file contents, one after another in walk order, instead; -D ARCH: packages as
 * a root file system of that architecture.
 */
#include "builder/debian/rootfs.h"
#include "formats/tree/tree_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err e;

static int fail(void)
{
    char line[1024];
    (void)fprintf(stderr, "tree_dump: %s\n", err_line(&e, line, sizeof(line)));
    return (int)e.code;
}

static int put(void *context, const void *data, size_t len, struct err *err)
{
    (void)context;
    return fwrite(data, 1, len, stdout) == len ? 0 : err_set(err, ERR_HOST, "cannot write");
}

static int dump_content(void *context, const char *path, struct tree_node *node, struct err *err)
{
    static uint8_t piece[65536];
    (void)path;
    if (node->inode->type != TREE_FILE)
        return 0;
    const struct tree_content *c = &node->inode->content;
    for (uint64_t at = 0; at < c->size;) {
        size_t len = c->size - at < sizeof(piece) ? (size_t)(c->size - at) : sizeof(piece);
        int rc = tree_reader_read(context, c, at, piece, len, err);
        if (rc == 0)
            rc = put(NULL, piece, len, err);
        if (rc < 0)
            return rc;
        at += len;
    }
    return 0;
}

static int read_layer(struct cas *cas, char *arg, struct layer_input *out)
{
    static const char *const forms[] = {"tar", "gzip", "zstd", "xz", "deb"};
    char *colon = strchr(arg, ':');
    if (colon == NULL)
        return err_set(&e, ERR_USAGE, "'%s' is not FORM:FILE", arg);
    *colon = 0;
    size_t form = 0;
    while (form < 5 && strcmp(forms[form], arg) != 0)
        form++;
    if (form == 5)
        return err_set(&e, ERR_USAGE, "unknown form '%s'", arg);
    out->name = colon + 1;
    out->form = form == 4 ? LAYER_DEB : LAYER_TAR;
    out->compression = form == 4 ? COMPRESSION_NONE : (enum compression)form;
    uint64_t size;
    return cas_import_file(cas, colon + 1, NULL, &out->blob, &size, &e);
}

static int dump(struct cas *cas, const struct tree *t, bool contents)
{
    struct tree_sink sink = {.put = put};
    if (!contents)
        return tree_format(t, &sink, &e);
    struct tree_reader *reader = NULL;
    int rc = tree_reader_new(t, cas, &reader, &e);
    if (rc == 0)
        rc = tree_walk(t, dump_content, reader, &e);
    tree_reader_free(reader);
    return rc;
}

int main(int argc, char **argv)
{
    struct layers_options o = {.clamp = INT64_MAX, .jobs = 1};
    AUTO_CAS struct cas *cas = NULL;
    AUTO_TREE struct tree *t = NULL;
    AUTO_GLOB_LIST struct glob_list *include = NULL;
    AUTO_GLOB_LIST struct glob_list *exclude = NULL;
    bool contents = false;
    struct rootfs_options rootfs = {0};
    if (glob_list_new(&include, &e) < 0 || glob_list_new(&exclude, &e) < 0)
        return fail();
    for (int c = getopt(argc, argv, "+i:x:c:j:uCD:"); c != -1;
         c = getopt(argc, argv, "+i:x:c:j:uCD:")) {
        if ((c == 'i' && glob_list_add(include, optarg, &e) < 0) ||
            (c == 'x' && glob_list_add(exclude, optarg, &e) < 0))
            return fail();
        if (c == 'c')
            o.clamp = strtoll(optarg, NULL, 10);
        else if (c == 'j')
            o.jobs = (unsigned)strtoul(optarg, NULL, 10);
        else if (c == 'u')
            o.usr_merged = true;
        else if (c == 'C')
            contents = true;
        else if (c == 'D')
            rootfs.arch = optarg;
        else if (c == '?')
            return ERR_USAGE;
    }
    if (argc - optind < 2)
        return ERR_USAGE;
    o.include = include;
    o.exclude = exclude;
    size_t count = (size_t)(argc - optind - 1);
    AUTO_FREE struct layer_input *layers = array_new(count, sizeof(*layers));
    int rc = layers == NULL ? err_oom(&e) : cas_open(argv[optind], CAS_CREATE, &cas, &e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = read_layer(cas, argv[(size_t)optind + 1 + i], &layers[i]);
    rootfs.layers = o;
    if (rc == 0)
        rc = rootfs.arch != NULL ? rootfs_make(cas, layers, count, &rootfs, &t, &e)
                                 : layers_flatten(cas, layers, count, &o, &t, &e);
    if (rc == 0)
        rc = dump(cas, t, contents);
    if (rc == 0 && fflush(stdout) != 0)
        rc = err_set(&e, ERR_HOST, "cannot write");
    return rc < 0 ? fail() : 0;
}
