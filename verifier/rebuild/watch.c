/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rebuild/watch.h"

#include "base/capture.h"
#include "base/progress.h"
#include "base/text.h"
#include "base/version.h"

#include <stdlib.h>
#include <string.h>

void watch_start(struct watch *w, bool allowed, const json_t *plan)
{
    *w = (struct watch){.progress = progress_start(allowed),
                        .steps = json_object_get(plan, "steps"),
                        .start = monotonic_ms()};
}

static const char *member(const json_t *step, const char *key)
{
    const char *text = json_string_value(json_object_get(step, key));
    return text != NULL ? text : "";
}

static void show(const struct watch *w)
{
    char text[192];
    const json_t *step = json_array_get(w->steps, w->step);
    long long seconds = (monotonic_ms() - w->start) / 1000;
    if (w->of == 0)
        (void)text_print(text, sizeof(text), "rebuilding, %lld s", seconds);
    else
        (void)text_print(text, sizeof(text), "rebuilding: step %zu of %zu, %.40s (%.60s), %lld s",
                         w->nth, w->of, member(step, "kind"), member(step, "id"), seconds);
    progress_say(w->progress, text);
}

/* Numbers alone are taken from the builder; what they stand for is the plan's. */
static void read_line(struct watch *w)
{
    char *end = w->line + strlen(BUILD_ANNOUNCES);
    w->line[w->len] = 0;
    if (strncmp(w->line, BUILD_ANNOUNCES, strlen(BUILD_ANNOUNCES)) != 0)
        return;
    unsigned long step = strtoul(end, &end, 10);
    unsigned long nth = strtoul(end, &end, 10);
    unsigned long of = strtoul(end, &end, 10);
    size_t count = json_array_size(w->steps);
    if (*end != 0 || step >= count || nth == 0 || nth > of || of > count)
        return;
    w->step = step;
    w->nth = nth;
    w->of = of;
}

void watch_see(void *context, const uint8_t *data, size_t len)
{
    struct watch *w = context;
    for (size_t i = 0; i < len; i++) {
        if (data[i] == '\n') {
            read_line(w);
            w->len = 0;
        } else if (w->len < sizeof(w->line) - 1) {
            w->line[w->len++] = (char)data[i];
        }
    }
    show(w);
}

void watch_end(struct watch *w)
{
    progress_end(w->progress);
    w->progress = NULL;
}
