/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text from outside: cut between characters, made harmless for a terminal, and the one formatter
 * under every message, buffer and line of output, which does both.
 */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of the UTF-8 character at `p`, of which there are `len`; 0 when they begin none (malformed,
 * or cut short). *code is its code point.
 */
size_t text_char(const char *p, size_t len, uint32_t *code);
/*
 * The longest head of at most `most` bytes that splits no character. `text` ends at a NUL or after
 * `most` bytes: what follows is not looked at.
 */
size_t text_head(const char *text, size_t most);
/* In place: bytes that are no UTF-8 become '?', so that JSON can carry the text. */
void text_repair(char *text);
/*
 * In place: each byte that is no UTF-8, control character (C0, DEL, C1), line separator, mark that
 * changes the direction of writing and invisible tag becomes a '?'. One harmless line.
 */
void text_clean(char *text);
/* Whether text_clean would leave it as it is. */
bool text_is_harmless(const char *text);
/*
 * The next piece of `text` in a spelling that tells everything apart, into `out` (terminated): what
 * is harmless as it is, a backslash as \\, all else as \n, \t, \u202e or \xff. Returns the bytes of
 * `text` that it stands for; 0 at the end.
 */
enum { TEXT_ESCAPE_MAX = 12 };
size_t text_escape(const char *text, char out[TEXT_ESCAPE_MAX]);

enum text_how {
    TEXT_AS_IT_IS, /* for documents: nothing is changed */
    TEXT_CLEANED,  /* for terminals: what %s and %c bring in is cleaned; the format's own newlines
                      stay */
};

/*
 * As vsnprintf, with two differences: a precision ("%.80s", "%.*s") cuts between characters, and
 * what is foreign may be cleaned. Knows d i u o x X c s f e g and %%, flags, width (in bytes),
 * precision and the lengths hh h l ll z j t; anything else is a programming error (abort). Hands
 * the text out in pieces, none of which splits a character of its argument.
 */
void text_vformat(void (*put)(void *context, const char *data, size_t len), void *context,
                  enum text_how how, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
/*
 * Into an array, always terminated; what does not fit is cut between characters. Returns the
 * length that is there.
 */
size_t text_vprint(char *out, size_t size, enum text_how how, const char *fmt, va_list args)
    __attribute__((format(printf, 4, 0)));
size_t text_print(char *out, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * A number and the word for what it counts, in words: "1 finding", "3 findings", "0 entries". The
 * word's last part is made plural by the common rules ("copy", "copies"; "match", "matches").
 */
enum { TEXT_COUNT_MAX = 96 };
const char *text_count(char out[TEXT_COUNT_MAX], uint64_t count, const char *word);
/* The same where a text is printed; it lives as long as the block around it. */
#define COUNTED(count, word) text_count((char[TEXT_COUNT_MAX]){0}, (count), (word))

#endif
