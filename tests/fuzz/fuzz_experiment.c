/* Experiment files: every fault can be printed; a file without faults has members, and each of
 * their configurations passes again. */
#include "core/experiment.h"
#include "core/members.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct fuzz_file file = {.descriptor = -1};
    struct members members;
    struct faults faults = {0};
    struct error error = {0};
    char *text = NULL;
    if (members_read(fuzz_file(&file, data, size), &members, &text, &faults, &error)) {
        FUZZ_HOLDS(members.count > 0);
        for (size_t i = 0; i < members.count && i < 4; i++) {
            struct experiment experiment;
            FUZZ_HOLDS(experiment_from_json(members.items[i].config, &experiment, &faults));
            experiment_free(&experiment);
        }
        members_free(&members);
    } else {
        FUZZ_HOLDS(faults.count > 0 || error.code != ERROR_NONE);
    }
    for (size_t i = 0; i < faults.count && i < 20; i++)
        free(fault_text(&faults.items[i], "f.json", text));
    faults_free(&faults);
    free(text);
    return 0;
}
