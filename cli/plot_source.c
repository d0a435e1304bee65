/* plot_source: which evaluations a plot of them shows, and whether there may be more. */
#include "cli/field.h"
#include "cli/frame.h"
#include "cli/plots.h"

int plot_source_checkpoint(const struct plot_source *source, const struct contender *contender) {
    int checkpoint = source->checkpoint < 0 ? contender->keep : source->checkpoint;
    return checkpoint >= 0 && contender->evaluations[checkpoint][source->split] != NULL ? checkpoint
                                                                                        : -1;
}

bool plot_source_check(const struct plot_source *source, const cJSON *experiments,
                       const struct contender *contenders, size_t count, struct error *error) {
    size_t drawn = 0;
    for (size_t i = 0; i < count; i++)
        drawn += plot_source_checkpoint(source, &contenders[i]) >= 0;
    return frame_check(experiments, drawn, error);
}

bool plot_goes_on(const cJSON *experiments) {
    const cJSON *experiment;
    cJSON_ArrayForEach(experiment, experiments) {
        if (!field_finished(experiment))
            return true;
    }
    return false;
}
