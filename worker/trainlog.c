#include "worker/trainlog.h"

#include "core/format.h"
#include "core/storage.h"
#include "core/text.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOLD_AT_ONCE = 64 << 10 };

struct trainlog {
    char *path;
    int descriptor;
    uint64_t bytes;
    const struct trainer_events *events;
    struct error failure; /* the first */
};

/* --- opening --- */

/* Tells the lines that are kept, whole lines at a time. */
static bool tell_again(struct trainlog *log, struct error *error) {
    bool ok = false;
    char *buffer = malloc(TOLD_AT_ONCE + 1);
    if (buffer == NULL) {
        error_memory(error);
        goto out;
    }
    for (uint64_t offset = 0; offset < log->bytes;) {
        uint64_t left = log->bytes - offset;
        size_t wanted = left < TOLD_AT_ONCE ? (size_t)left : TOLD_AT_ONCE;
        ssize_t length = pread(log->descriptor, buffer, wanted, (off_t)offset);
        if (length <= 0) {
            error_errno(error, ERROR_FAILED, "cannot read %s", log->path);
            goto out;
        }
        const char *last = memrchr(buffer, '\n', (size_t)length);
        size_t told = last != NULL ? (size_t)(last - buffer) + 1 : (size_t)length;
        buffer[told] = '\0';
        if (log->events->log != NULL)
            log->events->log(log->events->context, offset, buffer);
        offset += told;
    }
    ok = true;
out:
    free(buffer);
    return ok;
}

bool trainlog_open(const char *dir, uint64_t keep, const struct trainer_events *events,
                   struct trainlog **out, struct error *error) {
    *out = NULL;
    struct stat status;
    struct trainlog *log = calloc(1, sizeof *log);
    if (log == NULL)
        return error_memory(error);
    *log = (struct trainlog){.descriptor = -1, .events = events};
    if (asprintf(&log->path, "%s/train.log", dir) < 0) {
        log->path = NULL;
        error_memory(error);
        goto failed;
    }
    log->descriptor = open(log->path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->descriptor < 0 || fstat(log->descriptor, &status) != 0) {
        error_errno(error, ERROR_FAILED, "cannot open %s", log->path);
        goto failed;
    }
    log->bytes = (uint64_t)status.st_size < keep ? 0 : keep;
    if (ftruncate(log->descriptor, (off_t)log->bytes) != 0) {
        error_errno(error, ERROR_FAILED, "cannot cut %s back", log->path);
        goto failed;
    }
    if (!tell_again(log, error))
        goto failed;
    *out = log;
    return true;
failed:
    trainlog_close(log);
    return false;
}

void trainlog_close(struct trainlog *log) {
    if (log == NULL)
        return;
    if (log->descriptor >= 0)
        close(log->descriptor);
    free(log->path);
    free(log);
}

uint64_t trainlog_bytes(const struct trainlog *log) {
    return log->bytes;
}

/* --- lines --- */

static void append(struct trainlog *log, const char *text, size_t length) {
    uint64_t offset = log->bytes;
    if (!storage_write_all(log->descriptor, text, length)) {
        error_errno(&log->failure, ERROR_FAILED, "cannot write %s", log->path);
        return;
    }
    log->bytes += length;
    if (log->events->log != NULL)
        log->events->log(log->events->context, offset, text);
}

static void fail_for_memory(struct trainlog *log) {
    error_machine(&log->failure, "%s: out of memory", log->path);
}

/* The line, its newline and a NUL; NULL when memory is out. Folders and files have names that are
 * no UTF-8, or more than a line: a message would carry them as others, of another length. */
static char *line_make(const char *format, va_list arguments) {
    char *text = NULL, *line = NULL;
    if (vasprintf(&text, format, arguments) < 0)
        return NULL;
    text_one_line(text);
    if (asprintf(&line, "%s\n", text) < 0)
        line = NULL;
    free(text);
    return line;
}

void trainlog_line(struct trainlog *log, const char *format, ...) {
    if (log->failure.code != ERROR_NONE)
        return;
    va_list arguments;
    va_start(arguments, format);
    char *line = line_make(format, arguments);
    va_end(arguments);
    if (line == NULL)
        fail_for_memory(log);
    else
        append(log, line, strlen(line));
    free(line);
}

typedef bool ratio_function(const struct metrics *metrics, double *value);

static const char *ratio_text(char text[FORMAT_SIZE], const struct metrics *metrics,
                              ratio_function *ratio) {
    double value = 0;
    bool defined = ratio(metrics, &value);
    return format_ratio(text, defined, value);
}

void trainlog_epoch(struct trainlog *log, const struct epoch_report *report, uint32_t epochs) {
    char texts[5][FORMAT_SIZE];
    const struct metrics *valid = &report->valid;
    trainlog_line(log,
                  "epoch %" PRIu32 "/%" PRIu32 ": loss_train %s loss_valid %s accuracy_valid %s "
                  "precision_valid %s recall_valid %s lr %g",
                  report->epoch, epochs, ratio_text(texts[0], &report->train, metrics_loss),
                  ratio_text(texts[1], valid, metrics_loss),
                  ratio_text(texts[2], valid, metrics_accuracy),
                  ratio_text(texts[3], valid, metrics_precision),
                  ratio_text(texts[4], valid, metrics_recall), report->learning_rate);
}

static const char *measure_text(char text[FORMAT_SIZE], const struct measure *measure) {
    return format_ratio(text, measure->defined, measure->value);
}

static void log_measures(struct trainlog *log, const struct evaluation_report *report) {
    char texts[5][FORMAT_SIZE];
    trainlog_line(
        log,
        "%s (epoch %" PRIu32 ") on %s: roc_auc %s average_precision %s "
        "equal_error_rate %s threshold %s accuracy_at_threshold %s",
        report->checkpoint, report->epoch, report->split, measure_text(texts[0], &report->roc_auc),
        measure_text(texts[1], &report->average_precision),
        measure_text(texts[2], &report->equal_error_rate),
        measure_text(texts[3], &report->threshold),
        report->threshold.defined ? ratio_text(texts[4], &report->at_threshold, metrics_accuracy)
                                  : "n/a");
}

static void log_classes(struct trainlog *log, const struct evaluation_report *report) {
    struct text line = {0};
    for (size_t i = 0; i < report->class_count; i++)
        text_format(&line, "%s%s %" PRIu64 "/%" PRIu64, i > 0 ? ", " : "", report->classes[i].name,
                    report->by_class[i].correct, report->by_class[i].pictures);
    if (line.failed)
        fail_for_memory(log);
    trainlog_line(log, "%s (epoch %" PRIu32 ") on %s: right of %s", report->checkpoint,
                  report->epoch, report->split, text_string(&line));
    text_free(&line);
}

void trainlog_evaluation(struct trainlog *log, const struct evaluation_report *report) {
    char texts[4][FORMAT_SIZE];
    const struct metrics *metrics = &report->metrics;
    trainlog_line(log,
                  "%s (epoch %" PRIu32 ") on %s: TP %" PRIu64 " TN %" PRIu64 " FP %" PRIu64
                  " FN %" PRIu64 " accuracy %s recall %s precision %s loss %s",
                  report->checkpoint, report->epoch, report->split, metrics->true_positive,
                  metrics->true_negative, metrics->false_positive, metrics->false_negative,
                  ratio_text(texts[0], metrics, metrics_accuracy),
                  ratio_text(texts[1], metrics, metrics_recall),
                  ratio_text(texts[2], metrics, metrics_precision),
                  ratio_text(texts[3], metrics, metrics_loss));
    log_measures(log, report);
    log_classes(log, report);
}

bool trainlog_sync(struct trainlog *log, struct error *error) {
    if (log->failure.code == ERROR_NONE && fdatasync(log->descriptor) != 0)
        error_errno(&log->failure, ERROR_FAILED, "cannot sync %s", log->path);
    if (log->failure.code != ERROR_NONE && error != NULL)
        *error = log->failure;
    return log->failure.code == ERROR_NONE;
}
