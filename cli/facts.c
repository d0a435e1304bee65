#include "cli/facts.h"

#include "cli/progress.h"
#include "core/shortage.h"
#include "core/text.h"

#include <stdarg.h>
#include <stdlib.h>

enum { INDENT = 15 };

static void say(const struct screen *screen, const char *title, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void say(const struct screen *screen, const char *title, const char *format, ...) {
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    bool good = vasprintf(&text, format, arguments) >= 0;
    va_end(arguments);
    if (!good)
        shortage_note();
    printf("  %-*s ", INDENT - 3, title);
    screen_wrap_rest(screen, INDENT, good ? text : "");
    free(good ? text : NULL);
}

/* A text of the experiment's, if it has it. */
static void say_text(const struct screen *screen, const char *title, const cJSON *experiment,
                     const char *key) {
    const char *text = field_text(experiment, key, "");
    if (text[0] != '\0')
        say(screen, title, "%s", text);
}

static void say_time(const struct screen *screen, const char *title, const cJSON *experiment,
                     const char *key) {
    char text[FORMAT_SIZE];
    const cJSON *time = field_at(experiment, key);
    if (cJSON_IsNumber(time))
        say(screen, title, "%s", format_time(text, (int64_t)time->valuedouble));
}

/* When, and on which machine with what, as far as the submitting program has said. */
static void say_submission(const struct screen *screen, const cJSON *experiment) {
    const char *host = field_text(experiment, "submit_host", "");
    const char *version = field_text(experiment, "submit_version", "");
    char text[FORMAT_SIZE];
    if (cJSON_IsNumber(field_at(experiment, "submitted_ms")))
        say(screen, "submitted", "%s%s%s%s%s",
            format_time(text, (int64_t)field_number(experiment, "submitted_ms", 0)),
            host[0] != '\0' ? " on " : "", host, version[0] != '\0' ? " with assay " : "", version);
}

static void say_progress(const struct screen *screen, const cJSON *experiment) {
    char text[FORMAT_SIZE], of[FORMAT_SIZE] = "", step[PROGRESS_STEP_SIZE];
    const cJSON *progress = field_at(experiment, "progress");
    double now = progress_epoch_now(experiment), before = progress_epoch_before(experiment);
    if (progress == NULL)
        return;
    if (progress_of_files(experiment)) {
        say(screen, "progress", "epoch %.0f, %s", now, progress_step(step, experiment));
        return;
    }
    if (before > 0)
        snprintf(of, sizeof of, " of epoch %.0f", before);
    say(screen, "progress", "epoch %.0f, %s%s: step %.0f of %.0f, loss %s, %.1f images/s", now,
        field_text(progress, "phase", "?"), of, field_number(progress, "step", 0),
        field_number(progress, "steps", 0), field_ratio(text, progress, "loss"),
        field_number(progress, "images_per_second", 0));
}

static void say_from(const struct screen *screen, const cJSON *from) {
    if (from != NULL)
        say(screen, "from", "%.0f@%s: epoch %.0f, %s on %s", field_number(from, "experiment", 0),
            field_text(from, "checkpoint", "?"), field_number(from, "epoch", 0),
            field_text(from, "path", "?"), field_text(from, "host", "?"));
}

static void say_tags(const struct screen *screen, const cJSON *experiment) {
    char *tags = field_words(experiment, "tags");
    if (tags != NULL && tags[0] != '\0')
        say(screen, "tags", "%s", tags);
    free(tags);
}

static void say_standing(const struct screen *screen, const cJSON *experiment) {
    const char *state = field_text(experiment, "state", "?");
    enum style style = screen_state_style(state);
    char stopped[FIELD_STOPPED_SIZE], rest[2 * FORMAT_SIZE];
    printf("%.0f %s\n", field_number(experiment, "id", 0), field_text(experiment, "name", "?"));
    snprintf(rest, sizeof rest, ", %.0f of %.0f epochs, attempt %.0f",
             field_number(experiment, "epochs_done", 0), field_number(experiment, "epochs", 0),
             field_number(experiment, "attempt", 0));
    printf("  %-*s %s%s%s", INDENT - 3, "state", screen_on(screen, style), state,
           screen_off(screen, style));
    screen_wrap_rest(screen, INDENT + screen_columns(state), rest);
    say_text(screen, "waits for", experiment, "waits");
    if (field_stopped(stopped, experiment) != NULL)
        say(screen, "early stop", "%s", stopped);
    say_progress(screen, experiment);
    say_from(screen, field_at(experiment, "from"));
    say_text(screen, "error", experiment, "error");
    say_text(screen, "worker", experiment, "worker");
    say_text(screen, "submitted by", experiment, "person");
    say_tags(screen, experiment);
    say_submission(screen, experiment);
    say_time(screen, "started", experiment, "started_ms");
    say_time(screen, "finished", experiment, "finished_ms");
}

/* "/data/faces: fake=0 real=1, real x2" */
static void say_data(const struct screen *screen, const cJSON *config) {
    struct text text = {0};
    const cJSON *class, *upsample;
    text_format(&text, "%s:", field_text(config, "data.root", "?"));
    cJSON_ArrayForEach(class, field_at(config, "data.classes")) {
        text_format(&text, " %s=%.0f", field_text(class, "name", "?"),
                    field_number(class, "label", 0));
    }
    if (field_at(config, "data.files") != NULL)
        text_format(&text, " split by %s", field_text(config, "data.files.train", "?"));
    cJSON_ArrayForEach(upsample, field_at(config, "data.upsample")) {
        text_format(&text, ", %s x%.0f", upsample->string, upsample->valuedouble);
    }
    say(screen, "data", "%s", text_string(&text));
    text_free(&text);
}

/* "resize, random_crop, ..." */
static void say_ops(const struct screen *screen, const char *title, const cJSON *pipeline) {
    struct text text = {0};
    const cJSON *op;
    cJSON_ArrayForEach(op, pipeline) {
        text_format(&text, "%s%s", text.length > 0 ? ", " : "", field_text(op, "op", "?"));
    }
    say(screen, title, "%s", text_string(&text));
    text_free(&text);
}

static void say_config(const struct screen *screen, const cJSON *config) {
    const char *weights = field_text(config, "model.weights", NULL);
    say_data(screen, config);
    say_ops(screen, "training", field_at(config, "augmentations"));
    say_ops(screen, "evaluation", field_at(config, "evaluation"));
    say(screen, "model", "%s, head %s, %s%s", field_text(config, "model.arch", "?"),
        field_text(config, "model.head", "relu"), weights != NULL ? "from " : "from scratch",
        weights != NULL ? weights : "");
    say(screen, "train", "batch %.0f, seed %.0f, %s, %s %g",
        field_number(config, "train.batch_size", 0), field_number(config, "train.seed", 0),
        field_text(config, "train.precision", "?"), field_text(config, "train.optimizer.name", "?"),
        field_number(config, "train.optimizer.lr", 0));
}

void facts_print(const cJSON *experiment, const struct screen *screen) {
    say_standing(screen, experiment);
    say_config(screen, field_at(experiment, "config"));
}
