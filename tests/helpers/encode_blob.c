/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one step that takes blobs, for the tests that compare its output with what other programs
 * make or read.
 *
 *   encode_blob STORE KIND PARAMS JOBS OUT INPUT...
 *
 * Inputs are files; the output goes to the file OUT. Prints its digest.
 */
#include "builder/steps/step.h"

#include <string.h>

enum { INPUTS_MAX = 16 };

static int import(struct cas *cas, char **paths, size_t count, struct step_input *inputs,
                  struct err *e)
{
    for (size_t i = 0; i < count; i++) {
        inputs[i] = (struct step_input){.id = paths[i], .kind = VALUE_BLOB};
        int rc = cas_import_file(cas, paths[i], NULL, &inputs[i].digest, &inputs[i].size, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int run(char **argv, size_t count, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_JSON json_t *params = NULL;
    struct step_input inputs[INPUTS_MAX] = {0};
    struct step_output out = {0};
    const struct step_kind *kind = step_kind_find(&builder_steps, argv[2]);
    char text[DIGEST_TEXT_MAX];
    int rc;

    if (kind == NULL || count < kind->min_inputs || count > kind->max_inputs || count > INPUTS_MAX)
        return err_set(e, ERR_USAGE, "there is no kind '%s' of so many inputs", argv[2]);
    if ((rc = cas_open(argv[1], CAS_CREATE, &cas, e)) < 0 ||
        (rc = json_parse(argv[3], strlen(argv[3]), "params", NULL, &params, e)) < 0 ||
        (rc = import(cas, argv + 6, count, inputs, e)) < 0)
        return rc;
    struct jcur root = jcur_root(params, "params");
    struct step_context context = {.cas = cas, .jobs = (unsigned)strtoul(argv[4], NULL, 10)};
    if ((rc = step_run(&builder_runners, kind, &context, &root, inputs, count, &out, e)) < 0)
        return rc;
    (void)printf("%s\n", digest_format(&out.digest, text));
    rc = cas_export_file(cas, &out.digest, argv[5], e);
    step_output_dispose(&out);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];

    if (argc < 7) {
        (void)fprintf(stderr, "usage: encode_blob STORE KIND PARAMS JOBS OUT INPUT...\n");
        return ERR_USAGE;
    }
    if (run(argv, (size_t)argc - 6, &e) < 0) {
        (void)fprintf(stderr, "encode_blob: %s\n", err_line(&e, line, sizeof(line)));
        return (int)e.code;
    }
    return 0;
}
