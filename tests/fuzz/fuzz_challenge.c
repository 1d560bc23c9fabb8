/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate, and the URL that is made of it; the token server's answer; config.json. */
#include "base/buf.h"
#include "net/registry/credentials.h"
#include "net/registry/token.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_challenge(const char *text)
{
    struct err e = ERR_INIT;
    struct challenge c;
    struct reference r = {.host = "docker.io", .path = "library/a"};
    AUTO_FREE char *url = NULL;
    if (challenge_parse(text, &c, &e) != 0) {
        if (e.code != ERR_INPUT)
            abort();
        return;
    }
    if (c.scheme == CHALLENGE_BEARER && c.realm[0] == '\0')
        abort();
    for (const char *p = c.realm; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20)
            abort();
    if (token_url(&c, &r, false, &url, &e) == 0 && strlen(url) > HTTP_URL_MAX)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_CREDENTIALS credentials = {0};
    AUTO_FREE char *helper = NULL;
    AUTO_FREE char *token = NULL;
    AUTO_FREE char *text = malloc(size + 1);
    if (text == NULL)
        return 0;
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    try_challenge(text);
    if (token_parse(text, size, &token, &e) == 0 && strpbrk(token + 7, " \r\n\t") != NULL)
        abort();
    (void)credentials_parse(text, size, "docker.io", &credentials, &helper, &e);
    if ((credentials.user == NULL) != (credentials.secret == NULL || credentials.identity))
        abort();
    return 0;
}
