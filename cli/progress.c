#include "cli/progress.h"

#include "cli/screen.h"

#include <stdlib.h>
#include <string.h>

enum { WATCHED_ENOUGH_MS = 5000, BAR_COLUMNS = 8 };
static const double training_share = 0.9; /* of an epoch's time; the rest is validation */

double progress_epochs_done(const cJSON *experiment) {
    return field_number(experiment, "progress.epochs_done",
                        field_number(experiment, "epochs_done", 0));
}

double progress_fraction(const cJSON *experiment) {
    double epochs = field_number(experiment, "epochs", 0);
    double done = progress_epochs_done(experiment);
    if (epochs <= 0)
        return 0;
    double steps = field_number(experiment, "progress.steps", 0), within = 0;
    if (steps > 0 && field_number(experiment, "progress.epoch", 0) > done) {
        double part = field_number(experiment, "progress.step", 0) / steps;
        bool training = strcmp(field_text(experiment, "progress.phase", ""), "train") == 0;
        within = training ? training_share * part : training_share + (1 - training_share) * part;
    }
    double fraction = (done + within) / epochs;
    return fraction < 1 ? fraction : 1;
}

double progress_epoch_now(const cJSON *experiment) {
    double done = progress_epochs_done(experiment);
    double told = field_number(experiment, "progress.epoch", 0);
    return told > done ? told : done;
}

double progress_epoch_before(const cJSON *experiment) {
    double told = field_number(experiment, "progress.epoch", 0); /* 0: its files travel */
    return told < progress_epoch_now(experiment) ? told : 0;
}

bool progress_of_files(const cJSON *experiment) {
    const char *phase = field_text(experiment, "progress.phase", "");
    return strcmp(phase, "fetch") == 0 || strcmp(phase, "send") == 0;
}

const char *progress_step(char text[PROGRESS_STEP_SIZE], const cJSON *experiment) {
    const cJSON *progress = field_at(experiment, "progress");
    double before = progress_epoch_before(experiment);
    char of[FORMAT_SIZE] = "";
    if (progress_of_files(experiment))
        snprintf(of, sizeof of, " MiB");
    else if (before > 0)
        snprintf(of, sizeof of, " (epoch %.0f)", before);
    snprintf(text, PROGRESS_STEP_SIZE, "%s %.0f/%.0f%s", field_text(progress, "phase", ""),
             field_number(progress, "step", 0), field_number(progress, "steps", 0), of);
    return text;
}

double eta_seconds(struct eta *eta, const cJSON *experiment, double now_ms) {
    double fraction = progress_fraction(experiment);
    double attempt = field_number(experiment, "attempt", 0);
    if (!eta->begun || attempt > eta->attempt || fraction < eta->start_fraction)
        *eta = (struct eta){true, attempt, now_ms, fraction};
    if (fraction >= 1)
        return -1;
    double watched_ms = now_ms - eta->start_ms, made = fraction - eta->start_fraction;
    if (watched_ms >= WATCHED_ENOUGH_MS && made > 0)
        return watched_ms / 1000 * (1 - fraction) / made;
    double epoch_seconds = field_number(experiment, "latest.seconds", -1);
    if (epoch_seconds < 0)
        return -1;
    return epoch_seconds / training_share * (1 - fraction) * field_number(experiment, "epochs", 0);
}

static void print_label(FILE *stream, const struct label *label) {
    fprintf(stream, "%3.0f ", label->id);
    char *name = screen_squeeze(label->name, label->width);
    size_t used = screen_print(stream, name != NULL ? name : label->name, label->width);
    free(name);
    if (used < label->width)
        fprintf(stream, "%*s", (int)(label->width - used), "");
}

/* "  4/12", as wide for every epoch. */
static void print_epoch_number(FILE *stream, double epoch, double epochs) {
    char total[FORMAT_SIZE];
    int digits = snprintf(total, sizeof total, "%.0f", epochs);
    fprintf(stream, "  %*.0f/%s", digits, epoch, total);
}

void progress_line(FILE *stream, const struct label *label, const cJSON *experiment,
                   double left_seconds) {
    char text[FORMAT_SIZE], step[PROGRESS_STEP_SIZE];
    const cJSON *progress = field_at(experiment, "progress");
    print_label(stream, label);
    print_epoch_number(stream, progress_epoch_now(experiment),
                       field_number(experiment, "epochs", 0));
    fprintf(stream, " %s", format_bar(text, progress_fraction(experiment), BAR_COLUMNS));
    if (progress == NULL) {
        fputs(" starting", stream);
        return;
    }
    fprintf(stream, " %s", progress_step(step, experiment));
    if (progress_of_files(experiment))
        return;
    fprintf(stream, " %s", field_ratio(text, progress, "loss"));
    fprintf(stream, " %.1f images/s", field_number(progress, "images_per_second", 0));
    if (left_seconds >= 0)
        fprintf(stream, " ETA %s", format_duration(text, left_seconds));
}

void progress_epoch(FILE *stream, const struct label *label, const cJSON *epoch, double epochs) {
    char text[FORMAT_SIZE];
    print_label(stream, label);
    print_epoch_number(stream, field_number(epoch, "epoch", 0), epochs);
    fprintf(stream, " train %s", field_ratio(text, epoch, "train.loss"));
    fprintf(stream, " valid %s", field_ratio(text, epoch, "valid.loss"));
    fprintf(stream, " accuracy %s", field_ratio(text, epoch, "valid.accuracy"));
    fprintf(stream, " %s", format_duration(text, field_number(epoch, "seconds", 0)));
    if (cJSON_IsTrue(field_at(epoch, "best")))
        fputs(" best", stream);
    putc('\n', stream);
}

static void print_done(FILE *stream, const cJSON *experiment) {
    char text[FORMAT_SIZE], stopped[FIELD_STOPPED_SIZE];
    double started = field_number(experiment, "started_ms", 0);
    double seconds = (field_number(experiment, "finished_ms", started) - started) / 1000;
    fprintf(stream, "done in %s", format_duration(text, seconds));
    if (field_stopped(stopped, experiment) != NULL)
        fprintf(stream, ", %s", stopped);
    if (field_at(experiment, "best") == NULL)
        return;
    fprintf(stream, "%s best epoch %.0f:", field_at(experiment, "stopped") != NULL ? ";" : ",",
            field_number(experiment, "best.epoch", 0));
    fprintf(stream, " accuracy %s,", field_ratio(text, experiment, "best.valid.accuracy"));
    fprintf(stream, " loss %s", field_ratio(text, experiment, "best.valid.loss"));
}

void progress_state(FILE *stream, const struct label *label, const cJSON *experiment) {
    const char *state = field_text(experiment, "state", "?");
    double attempt = field_number(experiment, "attempt", 0);
    print_label(stream, label);
    fputs("  ", stream);
    if (strcmp(state, "done") == 0)
        print_done(stream, experiment);
    else if (strcmp(state, "failed") == 0)
        fprintf(stream, "failed: %s", field_text(experiment, "error", "no reason given"));
    else if (strcmp(state, "running") == 0 && attempt > 1)
        fprintf(stream, "running again (attempt %.0f) on %s", attempt,
                field_text(experiment, "worker", "?"));
    else if (strcmp(state, "running") == 0)
        fprintf(stream, "running on %s", field_text(experiment, "worker", "?"));
    else if (strcmp(state, "queued") == 0 && attempt > 0)
        fputs("queued again", stream);
    else
        fputs(state, stream);
    double done = progress_epochs_done(experiment);
    if (done > 0 && !field_finished(experiment))
        fprintf(stream, ", %.0f of %.0f epochs done", done, field_number(experiment, "epochs", 0));
    putc('\n', stream);
}
