/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys: made, kept, encrypted and used by OpenSSL. Its secure heap (locked, not dumped,
 * wiped when freed) holds the numbers; plain DER of a key exists only inside OpenSSL's own
 * decryption and encryption, which wipe it.
 */
#include "attest/key_internal.h"
#include "base/file.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

/* As strong as OWASP's N=2^17 p=1, within the 32 MiB that OpenSSL's reader allows scrypt. */
enum { SCRYPT_N = 16384, SCRYPT_R = 8, SCRYPT_P = 5, SALT_SIZE = 16, IV_SIZE = 16 };
/* A key file that asks for more work than this is refused: it would only hold us up. */
enum {
    SCRYPT_N_MAX = 32768,
    SCRYPT_R_MAX = 16,
    SCRYPT_P_MAX = 16,
    PBKDF2_MAX = 4000000,
    SALT_MAX = 256
};

struct signing_key {
    EVP_PKEY *evp;
    struct public_key *public_key;
};

static pthread_once_t secure_once = PTHREAD_ONCE_INIT;

static void secure_start(void)
{
    /* Where locking is refused (RLIMIT_MEMLOCK) OpenSSL's ordinary heap is used, wiped all the
     * same. */
    (void)CRYPTO_secure_malloc_init(65536, 32);
}

static int private_init(struct err *e)
{
    int rc = key_libraries_init(e);
    if (rc == 0)
        (void)pthread_once(&secure_once, secure_start);
    return rc;
}

static void scope_pkey(EVP_PKEY **k)
{
    EVP_PKEY_free(*k);
}
static void scope_p8inf(PKCS8_PRIV_KEY_INFO **p)
{
    PKCS8_PRIV_KEY_INFO_free(*p);
}
static void scope_sig(X509_SIG **p)
{
    X509_SIG_free(*p);
}
static void scope_openssl(uint8_t **p)
{
    OPENSSL_free(*p);
}

static int crypto_fail(struct err *e, const char *what)
{
    ERR_clear_error();
    return err_set(e, ERR_HOST, "cannot %s: the cryptographic library failed", what);
}

/* Takes the key on success. */
static int wrap_key(EVP_PKEY **evp, struct signing_key **out, struct err *e)
{
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO(scope_openssl) uint8_t *spki = NULL;
    if (EVP_PKEY_get_base_id(*evp) == EVP_PKEY_EC &&
        EVP_PKEY_set_utf8_string_param(*evp, OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT,
                                       OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED) != 1)
        return crypto_fail(e, "read the key");
    int len = i2d_PUBKEY(*evp, &spki);
    ERR_clear_error();
    if (len <= 0)
        return err_set(e, ERR_INPUT, "it has no public key");
    if ((key = array_new(1, sizeof(*key))) == NULL)
        return err_oom(e);
    int rc = public_key_from_spki(spki, (size_t)len, &key->public_key, e);
    if (rc < 0)
        return rc;
    key->evp = steal_ptr(evp);
    *out = steal_ptr(&key);
    return 0;
}

int signing_key_generate(enum key_type type, struct signing_key **out, struct err *e)
{
    AUTO(scope_pkey) EVP_PKEY *evp = NULL;
    int rc = private_init(e);
    if (rc < 0)
        return rc;
    evp = type == KEY_P256 ? EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256")
                           : EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    if (evp == NULL)
        return crypto_fail(e, "make a key");
    return wrap_key(&evp, out, e);
}

static int check_passphrase(const char *passphrase, struct err *e)
{
    if (passphrase == NULL || passphrase[0] == '\0')
        return err_set(e, ERR_USAGE, "the passphrase is empty");
    if (strlen(passphrase) > KEY_PASSPHRASE_MAX)
        return err_set(e, ERR_USAGE, "the passphrase is longer than %d bytes", KEY_PASSPHRASE_MAX);
    return 0;
}

static X509_SIG *encrypt_key(EVP_PKEY *evp, const char *passphrase)
{
    uint8_t salt[SALT_SIZE];
    uint8_t iv[IV_SIZE];
    AUTO(scope_p8inf) PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(evp);
    if (info == NULL || RAND_bytes(salt, sizeof(salt)) != 1 || RAND_bytes(iv, sizeof(iv)) != 1)
        return NULL;
    X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof(salt), iv, SCRYPT_N,
                                            SCRYPT_R, SCRYPT_P);
    if (pbe == NULL)
        return NULL;
    X509_SIG *sig = PKCS8_set0_pbe(passphrase, (int)strlen(passphrase), info, pbe);
    if (sig == NULL) /* else it owns pbe */
        X509_ALGOR_free(pbe);
    return sig;
}

int signing_key_format(const struct signing_key *key, const char *passphrase, struct buf *out,
                       struct err *e)
{
    AUTO(scope_openssl) uint8_t *der = NULL;
    int rc = check_passphrase(passphrase, e);
    if (rc < 0)
        return rc;
    AUTO(scope_sig) X509_SIG *sig = encrypt_key(key->evp, passphrase);
    int len = sig == NULL ? -1 : i2d_X509_SIG(sig, &der);
    if (len <= 0)
        return crypto_fail(e, "encrypt the key");
    return pem_encode(der, (size_t)len, "ENCRYPTED PRIVATE KEY", out, e);
}

/* A positive INTEGER of at most `max`. */
static bool integer_within(const ASN1_INTEGER *value, int64_t max)
{
    int64_t number;
    bool good = value != NULL && ASN1_INTEGER_get_int64(&number, value) == 1 && number >= 1 &&
                number <= max;
    ERR_clear_error();
    return good;
}

static bool pbkdf2_acceptable(const ASN1_TYPE *parameter)
{
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    if (p == NULL)
        return false;
    int prf = p->prf == NULL ? NID_hmacWithSHA1 : OBJ_obj2nid(p->prf->algorithm);
    bool good =
        integer_within(p->iter, PBKDF2_MAX) &&
        (prf == NID_hmacWithSHA256 || prf == NID_hmacWithSHA384 || prf == NID_hmacWithSHA512) &&
        p->salt->type == V_ASN1_OCTET_STRING &&
        ASN1_STRING_length(p->salt->value.octet_string) <= SALT_MAX &&
        (p->keylength == NULL || integer_within(p->keylength, 32));
    PBKDF2PARAM_free(p);
    return good;
}

static bool scrypt_acceptable(const ASN1_TYPE *parameter)
{
    SCRYPT_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    if (p == NULL)
        return false;
    bool good = integer_within(p->costParameter, SCRYPT_N_MAX) &&
                integer_within(p->blockSize, SCRYPT_R_MAX) &&
                integer_within(p->parallelizationParameter, SCRYPT_P_MAX) &&
                ASN1_STRING_length(p->salt) <= SALT_MAX &&
                (p->keyLength == NULL || integer_within(p->keyLength, 32));
    SCRYPT_PARAMS_free(p);
    return good;
}

/* PBES2 with a modern, affordable key derivation and AES: nothing of PKCS#12 or DES. */
static bool encryption_acceptable(const X509_SIG *sig)
{
    const X509_ALGOR *pbe = NULL;
    X509_SIG_get0(sig, &pbe, NULL);
    if (OBJ_obj2nid(pbe->algorithm) != NID_pbes2)
        return false;
    PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), pbe->parameter);
    if (p == NULL)
        return false;
    int cipher = OBJ_obj2nid(p->encryption->algorithm);
    int kdf = OBJ_obj2nid(p->keyfunc->algorithm);
    bool good = (cipher == NID_aes_256_cbc || cipher == NID_aes_128_cbc) &&
                ((kdf == NID_id_scrypt && scrypt_acceptable(p->keyfunc->parameter)) ||
                 (kdf == NID_id_pbkdf2 && pbkdf2_acceptable(p->keyfunc->parameter)));
    PBE2PARAM_free(p);
    return good;
}

/* P-256 by name or Ed25519, and a private half that belongs to the public one. */
static int check_pair(EVP_PKEY *evp, struct err *e)
{
    char group[64];
    int type = EVP_PKEY_get_base_id(evp);
    if (type == EVP_PKEY_ED25519)
        return 0; /* the public half was computed from the private one */
    bool p256 = type == EVP_PKEY_EC &&
                EVP_PKEY_get_utf8_string_param(evp, OSSL_PKEY_PARAM_GROUP_NAME, group,
                                               sizeof(group), NULL) == 1 &&
                strcmp(group, "prime256v1") == 0;
    if (!p256) {
        ERR_clear_error();
        return err_set(e, ERR_INPUT, "it is neither a P-256 nor an Ed25519 key");
    }
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(evp, NULL);
    bool good =
        ctx != NULL && EVP_PKEY_private_check(ctx) == 1 && EVP_PKEY_pairwise_check(ctx) == 1;
    EVP_PKEY_CTX_free(ctx);
    ERR_clear_error();
    return good ? 0 : err_set(e, ERR_INPUT, "its private and public halves do not belong together");
}

static int parse_encrypted(const void *pem, size_t len, X509_SIG **out, struct err *e)
{
    AUTO_BUF der = BUF_INIT(KEY_FILE_MAX);
    AUTO(scope_sig) X509_SIG *sig = NULL;
    if (pem_is(pem, len, "PUBLIC KEY"))
        return err_set(e, ERR_INPUT, "it is a public key, a private one is needed");
    if (pem_is(pem, len, "PRIVATE KEY") || pem_is(pem, len, "EC PRIVATE KEY"))
        return err_set(e, ERR_INPUT,
                       "it is not encrypted; encrypt it with "
                       "'openssl pkcs8 -topk8 -scrypt'");
    int rc = pem_decode(pem, len, "ENCRYPTED PRIVATE KEY", &der, e);
    if (rc < 0)
        return rc;
    const uint8_t *p = der.data;
    sig = d2i_X509_SIG(NULL, &p, (long)der.len);
    ERR_clear_error();
    if (sig == NULL || p != der.data + der.len)
        return err_set(e, ERR_INPUT, "its PKCS#8 structure is malformed");
    if (!encryption_acceptable(sig))
        return err_set(e, ERR_INPUT,
                       "its encryption is not one of scrypt or PBKDF2-HMAC-SHA2 "
                       "(within limits) with AES-CBC");
    *out = steal_ptr(&sig);
    return 0;
}

/* ---- weaknesses ---- */

static int64_t integer_of(const ASN1_INTEGER *value)
{
    int64_t number = 0;
    if (value != NULL && ASN1_INTEGER_get_int64(&number, value) != 1)
        number = 0;
    ERR_clear_error();
    return number;
}

static void scrypt_weakness(const ASN1_TYPE *parameter, struct key_weakness *out)
{
    SCRYPT_PARAMS *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
    if (p == NULL)
        return;
    int64_t n = integer_of(p->costParameter);
    int64_t r = integer_of(p->blockSize);
    int salt = ASN1_STRING_length(p->salt);
    if (n * r < KEY_SCRYPT_FLOOR)
        (void)text_print(out->derivation, sizeof(out->derivation),
                         "scrypt with N=%" PRId64 " and r=%" PRId64
                         ", where N times r should be %d at least",
                         n, r, KEY_SCRYPT_FLOOR);
    else if (salt < KEY_SALT_FLOOR)
        (void)text_print(out->derivation, sizeof(out->derivation), "a salt of %d bytes", salt);
    SCRYPT_PARAMS_free(p);
}

static void pbkdf2_weakness(const ASN1_TYPE *parameter, struct key_weakness *out)
{
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
    if (p == NULL)
        return;
    int64_t rounds = integer_of(p->iter);
    int salt = ASN1_STRING_length(p->salt->value.octet_string);
    if (rounds < KEY_PBKDF2_FLOOR)
        (void)text_print(out->derivation, sizeof(out->derivation),
                         "PBKDF2 with %" PRId64 " rounds, where there should be %d at least",
                         rounds, KEY_PBKDF2_FLOOR);
    else if (salt < KEY_SALT_FLOOR)
        (void)text_print(out->derivation, sizeof(out->derivation), "a salt of %d bytes", salt);
    PBKDF2PARAM_free(p);
}

/* Of an encryption that is acceptable. */
static void encryption_weakness(const X509_SIG *sig, struct key_weakness *out)
{
    const X509_ALGOR *pbe = NULL;
    X509_SIG_get0(sig, &pbe, NULL);
    PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), pbe->parameter);
    if (p == NULL)
        return;
    if (OBJ_obj2nid(p->keyfunc->algorithm) == NID_id_scrypt)
        scrypt_weakness(p->keyfunc->parameter, out);
    else
        pbkdf2_weakness(p->keyfunc->parameter, out);
    PBE2PARAM_free(p);
}

int key_file_weakness(const char *path, struct key_weakness *out, struct err *e)
{
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    AUTO(scope_sig) X509_SIG *sig = NULL;
    struct key_weakness w = {0};
    struct stat st;
    int rc;
    if ((rc = private_init(e)) < 0 || (rc = file_read(path, &pem, e)) < 0 ||
        (rc = parse_encrypted(pem.data, pem.len, &sig, e)) < 0)
        return rc;
    if (stat(path, &st) != 0)
        return err_os(e, errno, "cannot look at '%s'", path);
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        w.mode = st.st_mode & 07777;
    encryption_weakness(sig, &w);
    *out = w;
    return 0;
}

int signing_key_parse(const void *pem, size_t len, const char *passphrase, struct signing_key **out,
                      struct err *e)
{
    AUTO(scope_sig) X509_SIG *sig = NULL;
    AUTO(scope_p8inf) PKCS8_PRIV_KEY_INFO *info = NULL;
    AUTO(scope_pkey) EVP_PKEY *evp = NULL;
    int rc;
    if ((rc = private_init(e)) < 0 || (rc = check_passphrase(passphrase, e)) < 0 ||
        (rc = parse_encrypted(pem, len, &sig, e)) < 0)
        return rc;
    info = PKCS8_decrypt(sig, passphrase, (int)strlen(passphrase));
    ERR_clear_error();
    if (info == NULL)
        return err_set(e, ERR_USAGE, "the passphrase is wrong (or the file is damaged)");
    evp = EVP_PKCS82PKEY(info);
    ERR_clear_error();
    if (evp == NULL)
        return err_set(e, ERR_INPUT, "the key inside is malformed");
    if ((rc = check_pair(evp, e)) < 0)
        return rc;
    return wrap_key(&evp, out, e);
}

int signing_key_read(const char *path, const char *passphrase, struct signing_key **out,
                     struct err *e)
{
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    int rc = file_read(path, &pem, e);
    if (rc < 0)
        return rc;
    if (signing_key_parse(pem.data, pem.len, passphrase, out, e) < 0)
        return err_wrap(e, "cannot use private key '%s'", path);
    return 0;
}

void signing_key_free(struct signing_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->evp);
    public_key_free(key->public_key);
    free(key);
}

const struct public_key *signing_key_public(const struct signing_key *key)
{
    return key->public_key;
}

int signing_key_sign(const struct signing_key *key, const void *data, size_t len, struct buf *out,
                     struct err *e)
{
    static const uint8_t nothing[1];
    const uint8_t *bytes = data != NULL ? data : nothing;
    uint8_t sig[KEY_SIGNATURE_MAX];
    size_t sig_len = sizeof(sig);
    const EVP_MD *md = public_key_type(key->public_key) == KEY_P256 ? EVP_sha256() : NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, md, NULL, key->evp) == 1 &&
                EVP_DigestSign(ctx, sig, &sig_len, bytes, len) == 1;
    EVP_MD_CTX_free(ctx);
    if (!good)
        return crypto_fail(e, "sign");
    if (public_key_verify(key->public_key, bytes, len, sig, sig_len, e) < 0)
        return err_set(e, ERR_HOST, "cannot sign: the new signature does not verify");
    return buf_add(out, sig, sig_len, e);
}
