/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates of authorities, as update-ca-certificates puts them where programs look. */
#include "base/file.h"
#include "builder/debian/finishing.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

enum {
    CERTIFICATE_MAX = 1 << 20,
    CERTIFICATES_MAX = 4096,
    BUNDLE_MAX = 64 << 20,
    CONF_MAX = 4 << 20,
    FINGERPRINT_SIZE = 32,
};

static const char own_dir[] = "etc/ssl/certs";
/* In this order; what is an administrator's is in no list. */
static const struct {
    const char *dir;
    bool listed;
} sources[] = {
    {"usr/share/ca-certificates", true},
    {"usr/local/share/ca-certificates", false},
};

struct certificate {
    char *path; /* below its source */
    char *link; /* NAME.pem */
    bool single;
    uint32_t hash; /* of its subject, as OpenSSL looks for it */
    uint8_t fingerprint[FINGERPRINT_SIZE];
};

struct certificates {
    struct rootfs_writer *w;
    struct certificate *items;
    size_t count;
    size_t cap;
    struct buf bundle;
    struct buf conf;
};

static void certificates_dispose(struct certificates *c)
{
    for (size_t i = 0; i < c->count; i++) {
        free(c->items[i].path);
        free(c->items[i].link);
    }
    free(c->items);
    buf_dispose(&c->bundle);
    buf_dispose(&c->conf);
}

static void scope_bio(BIO **b)
{
    BIO_free(*b);
}

static void scope_x509(X509 **x)
{
    X509_free(*x);
}

/* A file that is not one certificate is in the bundle all the same, but has no hash. */
static int read_subject(struct certificate *c, const struct buf *text, struct err *e)
{
    AUTO(scope_bio) BIO *bio = BIO_new_mem_buf(text->data, (int)text->len);
    if (bio == NULL)
        return err_oom(e);
    AUTO(scope_x509) X509 *first = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    AUTO(scope_x509) X509 *second = first != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    unsigned size = 0;
    ERR_clear_error();
    if (first == NULL || second != NULL)
        return 0;
    c->single =
        X509_digest(first, EVP_sha256(), c->fingerprint, &size) == 1 && size == FINGERPRINT_SIZE;
    c->hash = (uint32_t)X509_NAME_hash_ex(X509_get_subject_name(first), NULL, NULL, NULL);
    return 0;
}

/* "a b,(c).crt" is "a_b_=c=.pem". */
static int name_link(struct certificate *c, struct err *e)
{
    static const char ending[] = ".crt";
    const char *base = path_base(c->path);
    int rc = str_format(&c->link, e, "%.*s.pem", (int)(strlen(base) - (sizeof(ending) - 1)), base);
    for (char *p = c->link; rc == 0 && *p != 0; p++) {
        if (*p == ' ' || *p == ',')
            *p = '_';
        if (*p == '(' || *p == ')')
            *p = '=';
    }
    return rc;
}

static int compare_paths(const void *a, const void *b)
{
    const struct certificate *x = a;
    const struct certificate *y = b;
    return strcmp(x->path, y->path);
}

/* Files that end in .crt, in the order of their paths' bytes; links to files are files. */
static int collect(struct certificates *c, const char *root, const char *below, unsigned depth,
                   struct err *e)
{
    AUTO_FREE char *dir_path = NULL;
    int rc = below[0] == 0 ? str_copy(&dir_path, root, e)
                           : str_format(&dir_path, e, "%s/%s", root, below);
    if (rc < 0)
        return rc;
    const struct tree_node *dir = tree_find(c->w->tree, dir_path, true);
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    if (depth > TREE_LINKS_FOLLOWED_MAX)
        return err_set(e, ERR_INPUT, "'%.200s' is too deep", dir_path);
    for (size_t i = 0; rc == 0 && i < dir->inode->child_count; i++) {
        AUTO_FREE char *path = NULL;
        AUTO_FREE char *whole = NULL;
        const char *name = dir->inode->children[i]->name;
        rc = str_format(&path, e, "%s%s%s", below, below[0] != 0 ? "/" : "", name);
        if (rc < 0 || (rc = str_format(&whole, e, "%s/%s", root, path)) < 0)
            return rc;
        const struct tree_node *node = tree_find(c->w->tree, whole, true);
        if (node != NULL && node->inode->type == TREE_DIR)
            rc = collect(c, root, path, depth + 1, e);
        if (rc < 0 || node == NULL || node->inode->type != TREE_FILE || !str_ends(name, ".crt"))
            continue;
        if (c->count == CERTIFICATES_MAX)
            return err_set(e, ERR_INPUT, "more than %d certificates", (int)CERTIFICATES_MAX);
        rc = array_grow(&c->items, &c->cap, c->count + 1, sizeof(*c->items), e);
        if (rc == 0)
            c->items[c->count++] = (struct certificate){.path = steal_ptr(&path)};
    }
    return rc;
}

static int take(struct certificates *c, struct certificate *cert, const char *root, bool listed,
                struct err *e)
{
    AUTO_BUF text = BUF_INIT(CERTIFICATE_MAX);
    AUTO_FREE char *target = NULL;
    AUTO_FREE char *link = NULL;
    bool found = false;
    int rc = str_format(&target, e, "/%s/%s", root, cert->path);
    if (rc == 0)
        rc = rootfs_get(c->w, target, &text, &found, e);
    if (rc == 0)
        rc = read_subject(cert, &text, e);
    if (rc == 0)
        rc = name_link(cert, e);
    if (rc == 0)
        rc = str_format(&link, e, "%s/%s", own_dir, cert->link);
    if (rc == 0 && tree_find(c->w->tree, link, false) == NULL)
        rc = rootfs_put_link(c->w, link, target, e);
    if (rc == 0)
        rc = buf_add(&c->bundle, text.data, text.len, e);
    if (rc == 0 && text.len > 0 && text.data[text.len - 1] != '\n')
        rc = buf_add(&c->bundle, "\n", 1, e);
    return rc == 0 && listed ? buf_addf(&c->conf, e, "%s\n", cert->path) : rc;
}

static int compare_links(const void *a, const void *b)
{
    const struct certificate *x = a;
    const struct certificate *y = b;
    int order = strcmp(x->link, y->link);
    return order != 0 ? order : strcmp(x->path, y->path);
}

/* HASH.0 -> NAME.pem, as `openssl rehash` numbers them; of equal certificates the first. */
static int put_hashes(struct certificates *c, struct err *e)
{
    int rc = 0;
    if (c->count > 1)
        qsort(c->items, c->count, sizeof(*c->items), compare_links);
    for (size_t i = 0; rc == 0 && i < c->count; i++) {
        const struct certificate *cert = &c->items[i];
        AUTO_FREE char *path = NULL;
        unsigned number = 0;
        bool known = !cert->single;
        for (size_t k = 0; !known && k < i; k++) {
            const struct certificate *older = &c->items[k];
            known = older->single &&
                    memcmp(older->fingerprint, cert->fingerprint, FINGERPRINT_SIZE) == 0;
        }
        if (known)
            continue;
        do {
            free(steal_ptr(&path));
            rc = str_format(&path, e, "%s/%08x.%u", own_dir, cert->hash, number++);
        } while (rc == 0 && tree_find(c->w->tree, path, false) != NULL);
        if (rc == 0)
            rc = rootfs_put_link(c->w, path, cert->link, e);
    }
    return rc;
}

int finish_certificates(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    static const char bundle[] = "etc/ssl/certs/ca-certificates.crt";
    static const char conf[] = "etc/ca-certificates.conf";
    AUTO(certificates_dispose)
    struct certificates c = {.w = w, .bundle = BUF_INIT(BUNDLE_MAX), .conf = BUF_INIT(CONF_MAX)};
    int rc = 0;
    (void)o;
    if (tree_find(w->tree, bundle, false) != NULL)
        return 0;
    for (size_t s = 0; rc == 0 && s < sizeof(sources) / sizeof(sources[0]); s++) {
        size_t first = c.count;
        rc = collect(&c, sources[s].dir, "", 0, e);
        if (c.count - first > 1)
            qsort(c.items + first, c.count - first, sizeof(*c.items), compare_paths);
        for (size_t i = first; rc == 0 && i < c.count; i++)
            rc = take(&c, &c.items[i], sources[s].dir, sources[s].listed, e);
    }
    if (rc < 0 || c.count == 0)
        return rc;
    rc = put_hashes(&c, e);
    if (rc == 0 && tree_find(w->tree, conf, false) == NULL)
        rc = rootfs_put(w, conf, 0644, 0, c.conf.data, c.conf.len, e);
    return rc < 0 ? rc : rootfs_put(w, bundle, 0644, 0, c.bundle.data, c.bundle.len, e);
}
