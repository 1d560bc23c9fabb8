/* SPDX-License-Identifier: Apache-2.0 */
#include "runner/qmp.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* {"event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-reset"}, …} */
static void read_line(struct qmp *q)
{
    AUTO_JSON json_t *doc = NULL;
    struct err ignored = ERR_INIT;
    if (json_parse(q->line, q->len, "event", NULL, &doc, &ignored) < 0)
        return;
    const char *event = text_of(doc, "event");
    if (strcmp(event, "RESUME") == 0)
        q->started = true;
    else if (strcmp(event, "GUEST_PANICKED") == 0)
        q->panicked = true;
    else if (strcmp(event, "SHUTDOWN") == 0)
        (void)snprintf(q->reason, sizeof(q->reason), "%s",
                       text_of(json_object_get(doc, "data"), "reason"));
}

bool qmp_feed(void *qmp, const uint8_t *data, size_t len)
{
    struct qmp *q = qmp;
    for (size_t i = 0; i < len; i++) {
        if (data[i] != '\n' && q->len < sizeof(q->line)) {
            q->line[q->len++] = (char)data[i];
        } else if (data[i] != '\n') {
            q->too_long = true;
        } else {
            if (!q->too_long)
                read_line(q);
            q->len = 0;
            q->too_long = false;
        }
    }
    return true;
}
