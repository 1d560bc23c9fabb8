/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_object.h"

#include "base/buf.h"
#include "base/encoding.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

enum { SHA1_SIZE = 20, SHA256_SIZE = 32 };

/* ---- ids --------------------------------------------------------------------------------- */

bool git_id_parse(const char *text, struct git_id *out)
{
    size_t len = strlen(text);
    if (len != 2 * SHA1_SIZE && len != 2 * SHA256_SIZE)
        return false;
    *out = (struct git_id){.len = len / 2};
    return hex_decode(text, len, out->bytes, out->len);
}

char *git_id_format(const struct git_id *id, char *text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < id->len; i++) {
        text[2 * i] = digits[id->bytes[i] >> 4];
        text[2 * i + 1] = digits[id->bytes[i] & 15];
    }
    text[2 * id->len] = '\0';
    return text;
}

int git_id_compare(const struct git_id *a, const struct git_id *b)
{
    if (a->len != b->len)
        return a->len < b->len ? -1 : 1;
    return memcmp(a->bytes, b->bytes, a->len);
}

struct git_hasher {
    EVP_MD_CTX *md;
    size_t len;
};

static int hash_failed(struct err *e)
{
    return err_set(e, ERR_HOST, "cannot compute the id of a git object");
}

int git_hasher_new(const char *type, uint64_t size, size_t id_len, struct git_hasher **out,
                   struct err *e)
{
    char header[48];
    int n = snprintf(header, sizeof(header), "%s %llu", type, (unsigned long long)size);
    struct git_hasher *h = calloc(1, sizeof(*h));
    if (h == NULL)
        return err_oom(e);
    h->md = EVP_MD_CTX_new();
    h->len = id_len;
    /* SHA-1 names git's objects; what is built hangs on SHA-256 digests, not on it. */
    const EVP_MD *md = id_len == SHA1_SIZE ? EVP_sha1() : EVP_sha256();
    if (h->md == NULL || EVP_DigestInit_ex(h->md, md, NULL) != 1 ||
        EVP_DigestUpdate(h->md, header, (size_t)n + 1) != 1) {
        git_hasher_free(h);
        return hash_failed(e);
    }
    *out = h;
    return 0;
}

int git_hasher_update(struct git_hasher *h, const void *data, size_t len, struct err *e)
{
    return EVP_DigestUpdate(h->md, data, len) == 1 ? 0 : hash_failed(e);
}

int git_hasher_final(struct git_hasher *h, struct git_id *out, struct err *e)
{
    *out = (struct git_id){.len = h->len};
    return EVP_DigestFinal_ex(h->md, out->bytes, NULL) == 1 ? 0 : hash_failed(e);
}

void git_hasher_free(struct git_hasher *h)
{
    if (h == NULL)
        return;
    EVP_MD_CTX_free(h->md);
    free(h);
}

/* ---- commits ------------------------------------------------------------------------------ */

int git_commit_tree(const void *data, size_t len, size_t id_len, struct git_id *out, struct err *e)
{
    static const char head[] = "tree ";
    const char *text = data;
    const size_t start = sizeof(head) - 1;
    char hex[GIT_HEX_MAX + 1] = "";
    if (len <= start + 2 * id_len || memcmp(text, head, start) != 0 ||
        text[start + 2 * id_len] != '\n')
        return err_set(e, ERR_INPUT, "the commit is not well formed");
    memcpy(hex, text + start, 2 * id_len);
    if (!git_id_parse(hex, out))
        return err_set(e, ERR_INPUT, "the commit is not well formed");
    return 0;
}

/* ---- trees -------------------------------------------------------------------------------- */

static int bad_tree(struct err *e)
{
    return err_set(e, ERR_INPUT, "a tree object is not well formed");
}

/*
 * Old writers of trees filled modes up with zeros and kept more permissions than git has: what git
 * makes of a mode is its type and whether the owner may run it.
 */
static bool type_of_mode(unsigned mode, enum git_type *out)
{
    static const struct {
        unsigned format;
        enum git_type type;
    } formats[] = {
        {0040000, GIT_TREE}, {0100000, GIT_FILE}, {0120000, GIT_LINK}, {0160000, GIT_SUBMODULE}};
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].format != (mode & 0170000))
            continue;
        bool executable = formats[i].type == GIT_FILE && (mode & 0100) != 0;
        *out = executable ? GIT_EXECUTABLE : formats[i].type;
        return true;
    }
    return false;
}

static bool read_mode(struct reader *r, enum git_type *out)
{
    const uint8_t *space = memchr(r->p, ' ', reader_left(r));
    unsigned mode = 0;
    if (space == NULL || space == r->p)
        return false;
    for (; r->p < space; r->p++) {
        if (*r->p < '0' || *r->p > '7' || mode > 0177777 / 8)
            return false;
        mode = mode * 8 + (unsigned)(*r->p - '0');
    }
    r->p++;
    return type_of_mode(mode, out);
}

static bool read_name(struct reader *r, char *out)
{
    const uint8_t *end = memchr(r->p, 0, reader_left(r));
    size_t len = end == NULL ? 0 : (size_t)(end - r->p);
    if (len == 0 || len > GIT_NAME_MAX || memchr(r->p, '/', len) != NULL)
        return false;
    memcpy(out, r->p, len);
    out[len] = '\0';
    r->p = end + 1;
    return strcmp(out, ".") != 0 && strcmp(out, "..") != 0 && strcasecmp(out, ".git") != 0;
}

/* Git sorts as if the names of trees ended in '/'. */
static bool ascends(const struct git_entry *a, const struct git_entry *b)
{
    char x[GIT_NAME_MAX + 2];
    char y[GIT_NAME_MAX + 2];
    (void)snprintf(x, sizeof(x), "%s%s", a->name, a->type == GIT_TREE ? "/" : "");
    (void)snprintf(y, sizeof(y), "%s%s", b->name, b->type == GIT_TREE ? "/" : "");
    return strcmp(x, y) < 0;
}

int git_tree_walk(const void *data, size_t len, size_t id_len, git_visit *visit, void *context,
                  struct err *e)
{
    struct reader r = {data, (const uint8_t *)data + len};
    struct git_entry last = {.name = ""};
    while (reader_left(&r) > 0) {
        struct git_entry n = {.id = {.len = id_len}};
        const uint8_t *id = NULL;
        if (!read_mode(&r, &n.type) || !read_name(&r, n.name) || !reader_take(&r, id_len, &id))
            return bad_tree(e);
        memcpy(n.id.bytes, id, id_len);
        if (last.name[0] != '\0' && !ascends(&last, &n))
            return bad_tree(e);
        int rc = visit(context, &n, e);
        if (rc != 0)
            return rc;
        last = n;
    }
    return 0;
}
