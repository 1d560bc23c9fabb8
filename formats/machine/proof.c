/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/proof.h"

#include "base/encoding.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void to_hex(const uint8_t hash[MACHINE_HASH_SIZE], char *text)
{
    for (size_t i = 0; i < MACHINE_HASH_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", (unsigned)hash[i]);
}

char *machine_hash_text(enum machine_hash function, const uint8_t hash[MACHINE_HASH_SIZE],
                        char *text)
{
    int n = snprintf(text, 16, "%s:", machine_hash_name(function));
    to_hex(hash, text + n);
    return text;
}

bool machine_hash_text_parse(const char *text, enum machine_hash *function,
                             uint8_t hash[MACHINE_HASH_SIZE])
{
    for (int f = MACHINE_KECCAK256; f <= MACHINE_SHA256; f++) {
        const char *name = machine_hash_name((enum machine_hash)f);
        size_t n = strlen(name);
        if (strncmp(text, name, n) == 0 && text[n] == ':' &&
            hex_decode(text + n + 1, strlen(text + n + 1), hash, MACHINE_HASH_SIZE)) {
            *function = (enum machine_hash)f;
            return true;
        }
    }
    return false;
}

bool machine_address_parse(const char *text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";
    unsigned base = str_starts(text, "0x") ? 16 : 10;
    const char *p = base == 16 ? text + 2 : text;
    uint64_t v = 0;
    if (*p == 0 || (p[0] == '0' && p[1] != 0))
        return false;
    for (; *p != 0; p++) {
        const char *at = strchr(digits, *p);
        if (at == NULL || (unsigned)(at - digits) >= base ||
            __builtin_mul_overflow(v, (uint64_t)base, &v) ||
            __builtin_add_overflow(v, (uint64_t)(at - digits), &v))
            return false;
    }
    *out = v;
    return true;
}

static int put_hash(json_t *object, const char *key, const uint8_t *hash, struct err *e)
{
    char text[2 * MACHINE_HASH_SIZE + 1];
    to_hex(hash, text);
    return json_put_string(object, key, text, e);
}

int machine_proof_format(const struct machine_proof *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *siblings = json_array();
    char address[32];
    int rc;
    if (document == NULL || siblings == NULL)
        return err_oom(e);
    snprintf(address, sizeof(address), "0x%" PRIx64, p->address);
    for (size_t i = 0; i < p->count; i++) {
        char text[2 * MACHINE_HASH_SIZE + 1];
        to_hex(p->siblings[i], text);
        if ((rc = json_push(siblings, json_string(text), e)) < 0)
            return rc;
    }
    if ((rc = json_put_string(document, "address", address, e)) < 0 ||
        (rc = json_put_u64(document, "log2_size", p->log2, e)) < 0 ||
        (rc = json_put_string(document, "hash_function", machine_hash_name(p->function), e)) < 0 ||
        (rc = put_hash(document, "root_hash", p->root, e)) < 0 ||
        (rc = put_hash(document, "target_hash", p->target, e)) < 0 ||
        (rc = json_put(document, "sibling_hashes", steal_ptr(&siblings), e)) < 0)
        return rc;
    *out = steal_ptr(&document);
    return 0;
}

static int read_hash(const struct jcur *c, uint8_t *out, struct err *e)
{
    const char *text;
    int rc = jcur_string(c, (size_t)2 * MACHINE_HASH_SIZE, &text, e);
    if (rc == 0 && !hex_decode(text, strlen(text), out, MACHINE_HASH_SIZE))
        rc = jcur_fail(c, e, "not 64 digits of lower-case hex");
    return rc;
}

static int read_place(const struct jcur *root, struct machine_proof *out, struct err *e)
{
    static const char *const functions[] = {"keccak256", "sha256", NULL};
    struct jcur c;
    const char *address;
    size_t function;
    uint64_t log2;
    int rc = jcur_get(root, "address", &c, e);
    if (rc < 0 || (rc = jcur_string(&c, 32, &address, e)) < 0)
        return rc;
    if (!machine_address_parse(address, &out->address))
        return jcur_fail(&c, e, "'%s' is no address", address);
    if ((rc = jcur_get_u64(root, "log2_size", MACHINE_ROOT_LOG2, &log2, e)) < 0)
        return rc;
    if (log2 < MACHINE_LEAF_LOG2 ||
        (log2 == MACHINE_ROOT_LOG2 ? out->address != 0
                                   : (out->address & (((uint64_t)1 << log2) - 1)) != 0))
        return jcur_fail(&c, e, "no node of 2^%" PRIu64 " bytes is at %s", log2, address);
    out->log2 = (unsigned)log2;
    if ((rc = jcur_get(root, "hash_function", &c, e)) < 0 ||
        (rc = jcur_choice(&c, functions, &function, e)) < 0)
        return rc;
    out->function = (enum machine_hash)function;
    return 0;
}

int machine_proof_parse(const void *data, size_t len, const char *what, struct machine_proof *out,
                        struct err *e)
{
    static const char *const keys[] = {"address",        "hash_function", "log2_size", "root_hash",
                                       "sibling_hashes", "target_hash",   NULL};
    const struct json_limits limits = {.bytes = PROOF_BYTES_MAX, .depth = 4};
    AUTO_JSON json_t *document = NULL;
    struct machine_proof p = {.count = 0};
    struct jcur c;
    int rc = json_parse(data, len, what, &limits, &document, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(document, what);
    if ((rc = jcur_object(&root, keys, e)) < 0 || (rc = read_place(&root, &p, e)) < 0 ||
        (rc = jcur_get(&root, "root_hash", &c, e)) < 0 || (rc = read_hash(&c, p.root, e)) < 0 ||
        (rc = jcur_get(&root, "target_hash", &c, e)) < 0 || (rc = read_hash(&c, p.target, e)) < 0 ||
        (rc = jcur_get(&root, "sibling_hashes", &c, e)) < 0 ||
        (rc = jcur_array(&c, MACHINE_PROOF_MAX, &p.count, e)) < 0)
        return rc;
    if (p.count != MACHINE_ROOT_LOG2 - p.log2)
        return jcur_fail(&c, e, "%zu siblings, not %u", p.count, MACHINE_ROOT_LOG2 - p.log2);
    for (size_t i = 0; rc == 0 && i < p.count; i++) {
        struct jcur item = jcur_item(&c, i);
        rc = read_hash(&item, p.siblings[i], e);
    }
    if (rc == 0)
        *out = p;
    return rc;
}
