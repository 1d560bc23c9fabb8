/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes and verifier keys: any bytes parse or are refused; what verifies is the one note
 * that was signed. */
#include "store/log/note.h"

#include <stdlib.h>
#include <string.h>

#define VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define TEXT "This is an example message.\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A key that parses has one text form. */
static void try_key(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_BUF text = BUF_INIT(NOTE_VKEY_MAX);
    int rc = note_key_parse((const char *)data, size, &key, &e);
    if (rc != 0) {
        if (rc != -ERR_INPUT || key != NULL)
            abort();
        return;
    }
    if (note_key_format(key, &text, &e) != 0 || text.len != size ||
        memcmp(text.data, data, size) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct note_key *key;
    struct err e = ERR_INIT;
    AUTO_NOTE struct note *note = NULL;
    if (key == NULL && note_key_parse(VKEY, strlen(VKEY), &key, &e) != 0)
        abort();
    try_key(data, size);
    int rc = note_parse(data, size, &note, &e);
    if (rc != 0) {
        if (rc != -ERR_INPUT || note != NULL)
            abort();
        return 0;
    }
    if (note->text_len == 0 || note->text[note->text_len - 1] != '\n' ||
        note->signature_count == 0 || note->signature_count > NOTE_SIGNATURES_MAX)
        abort();
    const struct note_key *keys[] = {key};
    rc = note_verify(note, keys, 1, &e);
    if (rc != 0 && rc != -ERR_LOG)
        abort();
    if (rc == 0 && strcmp(note->text, TEXT) != 0)
        abort();
    return 0;
}
