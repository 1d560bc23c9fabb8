/* SPDX-License-Identifier: Apache-2.0 */
/* assay cartesi inspect: what a stored machine is, in words. */
#include "base/json.h"
#include "builder/cartesi/commands.h"
#include "formats/machine/machine_dtb.h"
#include "formats/machine/machine_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 16 << 20 };

/* "0x80000000": JSON has no 64-bit numbers that all readers keep. */
static int put_hex(json_t *object, const char *key, uint64_t v, struct err *e)
{
    char text[32];
    snprintf(text, sizeof(text), "0x%" PRIx64, v);
    return json_put_string(object, key, text, e);
}

static int add_ranges(const struct snapshot *s, json_t *document, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *ranges = json_array();
    int rc = ranges == NULL ? err_oom(e) : buf_add_str(out, "ranges:\n", e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        const struct machine_range *range = &s->ranges[i];
        AUTO_JSON json_t *one = json_object();
        if (one == NULL)
            return err_oom(e);
        if ((rc = buf_sayf(out, e, "  0x%016" PRIx64 " 0x%-10" PRIx64 " %s%s%s\n", range->start,
                           range->length, range->name, range->read_only ? ", read-only" : "",
                           s->fds[i] < 0 ? ", no file" : "")) < 0 ||
            (rc = put_hex(one, "start", range->start, e)) < 0 ||
            (rc = put_hex(one, "length", range->length, e)) < 0 ||
            (rc = json_put_string(one, "name", range->name, e)) < 0 ||
            (rc = json_put(one, "readOnly", json_boolean(range->read_only), e)) < 0)
            return rc;
        rc = json_push(ranges, steal_ptr(&one), e);
    }
    return rc < 0 ? rc : json_put(document, "ranges", steal_ptr(&ranges), e);
}

/* Values as they are now; where the machine began with another one, that too. */
static int add_registers(const struct snapshot *s, json_t *document, struct buf *out, struct err *e)
{
    AUTO_FREE uint8_t *state = NULL;
    AUTO_JSON json_t *registers = json_object();
    int rc = registers == NULL ? err_oom(e) : snapshot_read(s, MACHINE_STATE, &state, e);
    if (rc == 0)
        rc = buf_add_str(out, "registers:\n", e);
    for (size_t i = 0; rc == 0 && i < s->config.version->register_count; i++) {
        const struct machine_register *g = &s->config.version->registers[i];
        uint64_t now = machine_word(state, i);
        char name[32];
        snprintf(name, sizeof(name), "%s%s%s", g->group != NULL ? g->group : "",
                 g->group != NULL ? "." : "", g->name);
        rc = buf_addf(out, e, "  %-16s 0x%016" PRIx64, name, now);
        if (rc == 0 && now != s->config.registers[i])
            rc = buf_addf(out, e, " (began with 0x%" PRIx64 ")", s->config.registers[i]);
        if (rc == 0)
            rc = buf_add(out, "\n", 1, e);
        if (rc == 0)
            rc = put_hex(registers, name, now, e);
    }
    return rc < 0 ? rc : json_put(document, "registers", steal_ptr(&registers), e);
}

/* As the machine's own page has them, named by what the config says lies there. */
static int add_pmas(const struct snapshot *s, json_t *document, struct buf *out, struct err *e)
{
    static const char letters[] = "MDRWX";
    AUTO_FREE uint8_t *page = NULL;
    AUTO_JSON json_t *pmas = json_array();
    struct machine_pma known[MACHINE_PMAS_MAX];
    size_t count = machine_pmas(&s->config, known);
    int rc = pmas == NULL ? err_oom(e) : snapshot_read(s, MACHINE_PMAS, &page, e);
    if (rc == 0)
        rc = buf_add_str(out, "pmas:\n", e);
    for (size_t i = 0; rc == 0 && i < MACHINE_PMAS_MAX; i++) {
        uint64_t istart = machine_word(page, 2 * i);
        uint64_t length = machine_word(page, 2 * i + 1);
        const char *name = i < count && known[i].istart == istart ? known[i].name : "unexpected";
        char flags[] = "-----";
        if (istart == 0 && length == 0)
            continue;
        for (size_t k = 0; k < 5; k++)
            if ((istart >> k & 1) != 0)
                flags[k] = letters[k];
        AUTO_JSON json_t *one = json_object();
        if (one == NULL)
            return err_oom(e);
        if ((rc = buf_addf(out, e, "  %2zu 0x%016" PRIx64 " 0x%-10" PRIx64 " %s driver %u %s\n", i,
                           istart & ~(uint64_t)0xfff, length, flags, (unsigned)(istart >> 7 & 31),
                           name)) < 0 ||
            (rc = put_hex(one, "istart", istart, e)) < 0 ||
            (rc = put_hex(one, "length", length, e)) < 0 ||
            (rc = json_put_string(one, "name", name, e)) < 0)
            return rc;
        rc = json_push(pmas, steal_ptr(&one), e);
    }
    return rc < 0 ? rc : json_put(document, "pmas", steal_ptr(&pmas), e);
}

/* Each line for itself: what a guest wrote into one cannot begin another. */
static int say_lines(const char *text, struct buf *out, struct err *e)
{
    int rc = 0;
    for (const char *end; rc == 0 && *text != 0; text = *end != 0 ? end + 1 : end) {
        end = strchrnul(text, '\n');
        rc = buf_sayf(out, e, "%.*s\n", (int)(end - text), text);
    }
    return rc;
}

static int add_dtb(const struct snapshot *s, json_t *document, struct buf *out, struct err *e)
{
    AUTO_FREE uint8_t *bytes = NULL;
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    struct err inner = ERR_INIT;
    int rc = snapshot_read(s, MACHINE_DTB, &bytes, e);
    if (rc < 0)
        return rc;
    /* A guest may have overwritten it, and a user may have given anything: that is no failure. */
    if (machine_dtb_text(bytes, MACHINE_DTB_SIZE, &text, &inner) < 0) {
        buf_dispose(&text);
        if ((rc = buf_addf(&text, e, "/* %s */\n", inner.frame[0])) < 0)
            return rc;
    }
    if ((rc = buf_add_str(out, "dtb:\n", e)) < 0 || (rc = say_lines(buf_str(&text), out, e)) < 0)
        return rc;
    /* Bytes of the machine's that are not UTF-8 cannot stand in JSON. */
    json_t *string = json_stringn(buf_str(&text), text.len);
    return json_put(document, "dtb", string != NULL ? string : json_null(), e);
}

static int add_head(const struct snapshot *s, json_t *document, struct buf *out, struct err *e)
{
    const struct machine_config *c = &s->config;
    int rc = buf_sayf(out, e, "emulator %s, %s\nbootargs: %s\n", c->version->name,
                      machine_hash_name(c->hash), c->bootargs);
    if (rc < 0 || (rc = json_put_string(document, "emulator", c->version->name, e)) < 0 ||
        (rc = json_put_string(document, "hashFunction", machine_hash_name(c->hash), e)) < 0 ||
        (rc = json_put_string(document, "init", c->init, e)) < 0 ||
        (rc = json_put_string(document, "entrypoint", c->entrypoint, e)) < 0)
        return rc;
    return json_put_string(document, "bootargs", c->bootargs, e);
}

int cartesi_run_inspect(struct cli *cli, struct err *e)
{
    AUTO_SNAPSHOT s = {.dirfd = -1};
    AUTO_JSON json_t *document = json_object();
    AUTO_BUF out = BUF_INIT(2 * (size_t)TEXT_MAX);
    if (document == NULL)
        return err_oom(e);
    int rc = cartesi_open(cli, 0, &s, e);
    if (rc < 0 || (rc = add_head(&s, document, &out, e)) < 0 ||
        (rc = add_ranges(&s, document, &out, e)) < 0 ||
        (rc = add_registers(&s, document, &out, e)) < 0 ||
        (rc = add_pmas(&s, document, &out, e)) < 0 || (rc = add_dtb(&s, document, &out, e)) < 0)
        return rc;
    if (!cli_json(cli))
        return cli_write(cli, out.data, out.len, e);
    cli_result(cli, steal_ptr(&document));
    return 0;
}
