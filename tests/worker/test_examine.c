/* Checkpoints evaluated: those of a run at its end, and again later. */
#include "core/content_sum.h"
#include "tests/worker/small_run.h"
#include "worker/examine.h"

#include <math.h>

/* As by who cleans up a disk, when all is trained. */
static void lose_the_best(void *context, const struct checkpoint_report *report) {
    const struct listener *listener = context;
    hear_checkpoint(context, report);
    if (report->epoch == 3 && strcmp(report->kind, "last") == 0)
        delete_file(listener->dir, "checkpoint_best_loss.safetensors");
}

/* A fault of the input would be final. */
static void a_run_whose_best_checkpoint_is_gone_fails_and_may_be_tried_again(void **state) {
    const struct bench *bench = *state;
    char *dir = folder(bench, "lost");
    struct listener listener = {.dir = dir};
    struct error error = {0};
    struct trainer_events events = listener_events(&listener);
    const struct trainer_options options = {.dir = dir, .backend = "cpu", .threads = 1};
    events.checkpoint = lose_the_best;
    assert_int_equal(trainer_run(&bench->small.experiment, &options, &events, &error),
                     TRAINER_FAILED);
    assert_non_null(strstr(error.message, "checkpoint_best_loss.safetensors"));
    assert_int_equal(error.code, ERROR_FAILED);
    run_to_the_end(&bench->small, dir, NULL, 1, &listener);
    expect_same_lines(bench, &listener, "evaluation ");
    listener_free(&listener);
    folder_end(dir);
}

/* Of a run whose best checkpoint is not its last. */
static void a_checkpoint_evaluated_again_gives_the_runs_own_numbers(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {"checkpoint_best_loss.safetensors",
                                        "checkpoint_last.safetensors"},
                             *const splits[] = {"valid", "test"};
    const struct trainer_options options = {.backend = "auto"};
    const struct trainer_events events = {0};
    struct listener run = {0}, listener = {0};
    struct small small = bench->small;
    struct evaluation_report report;
    char *dir = folder(bench, "apart");
    run_with_best(&small, dir, "100", &run);
    for (size_t i = 0; i < 4; i++) {
        char *path = in(dir, names[i / 2]);
        struct error error = {0};
        if (!examine_checkpoint(&small.experiment, &options, path, splits[i % 2], &events, &report,
                                &error))
            fail_msg("%s", error.message);
        assert_int_equal(report.epoch, i < 2 ? 1 : 3);
        hear_evaluation(&listener, &report);
        evaluation_free(&report);
        free(path);
    }
    char *lines = lines_of(run.lines.data, "evaluation ");
    assert_string_equal(lines, listener.lines.data);
    free(lines);
    listener_free(&listener);
    listener_free(&run);
    folder_end(dir);
}

static void what_a_gpu_trained_in_bf16_is_evaluated_on_any_machine(void **state) {
    struct bench *bench = *state;
    static char *const backends[][2] = {{"cuda", "cpu"}, {"cuda", "auto"}, {"cpu", "auto"}};
    char *path = in(bench->whole_dir, "checkpoint_last.safetensors");
    const struct trainer_events events = {0};
    struct small small = bench->small;
    small.experiment.train.precision = PRECISION_BF16;
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        small.experiment.resources.backend = backends[i][0];
        const struct trainer_options options = {.backend = backends[i][1]};
        struct evaluation_report report;
        struct error error = {0};
        if (!examine_checkpoint(&small.experiment, &options, path, "valid", &events, &report,
                                &error))
            fail_msg("%s", error.message);
        assert_int_equal(metrics_count(&report.metrics), 4);
        evaluation_free(&report);
    }
    free(path);
}

/* The notebook evaluates picture by picture, assay in batches. */
static void evaluation_in_batches_gives_the_sums_of_one_picture_at_a_time(void **state) {
    struct bench *bench = *state;
    static const uint32_t sizes[] = {1, 3, 4, 32};
    char *path = in(bench->whole_dir, "checkpoint_last.safetensors");
    const struct trainer_options options = {.backend = "cpu"};
    const struct trainer_events events = {0};
    struct evaluation_report one = {0}, report;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct small small = bench->small;
        struct error error = {0};
        small.experiment.train.batch_size = sizes[i];
        if (!examine_checkpoint(&small.experiment, &options, path, "valid", &events, &report,
                                &error))
            fail_msg("%s", error.message);
        if (i == 0) {
            one = report;
            assert_int_equal(metrics_count(&one.metrics), 4);
            continue;
        }
        assert_int_equal(report.metrics.true_positive, one.metrics.true_positive);
        assert_int_equal(report.metrics.true_negative, one.metrics.true_negative);
        assert_int_equal(report.metrics.false_positive, one.metrics.false_positive);
        assert_int_equal(report.metrics.false_negative, one.metrics.false_negative);
        /* oneDNN may add in another order for another number of pictures */
        assert_true(fabs(report.metrics.loss_sum - one.metrics.loss_sum) <
                    1e-5 * one.metrics.loss_sum);
        for (size_t j = 0; j < 4; j++)
            assert_true(fabs(report.scores[j].probability - one.scores[j].probability) < 1e-5);
        evaluation_free(&report);
    }
    evaluation_free(&one);
    free(path);
}

/* Counts what the scores file of an evaluation calls right; the evaluation's line has the counts.
 */
static void each_pictures_score_is_kept_and_gives_the_counts(void **state) {
    struct bench *bench = *state;
    static const char *const names[] = {"best valid", "best test", "last valid", "last test"};
    for (size_t i = 0; i < 4; i++) {
        char file[64], start[64], *lines, *rest;
        unsigned counts[2][2] = {{0}};
        snprintf(start, sizeof start, "evaluation %s ", names[i]);
        snprintf(file, sizeof file, "scores_%.4s_%s.csv", names[i], names[i] + 5);
        char *text = read_text(bench->whole_dir, file);
        for (char *line = strtok_r(text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            int label;
            double probability;
            if (sscanf(line, "%*[^,],%*[^,],%d,%lf", &label, &probability) == 2)
                counts[label][probability > 0.5]++;
        }
        snprintf(file, sizeof file, " %u/%u/%u/%u ", counts[1][1], counts[0][0], counts[0][1],
                 counts[1][0]);
        lines = lines_of(bench->whole.lines.data, start);
        if (strstr(lines, file) == NULL)
            fail_msg("%s has not the counts%sof its scores", lines, file);
        assert_int_equal(counts[0][0] + counts[0][1] + counts[1][0] + counts[1][1], 4);
        free(lines);
        free(text);
    }
}

/* The run's last checkpoint with a head of zeros, whose logits are all 0. */
static char *undecided_checkpoint(const struct bench *bench) {
    enum { MOST = 512 };
    struct safetensors *file = open_in(bench->whole_dir, "checkpoint_last.safetensors");
    struct tensor tensors[MOST];
    struct metadata metadata[MOST];
    size_t count = safetensors_size(file), metadata_count = 0;
    assert_true(count <= MOST && safetensors_metadata_size(file) <= MOST);
    const struct tensor *weight = safetensors_find(file, "head.weight");
    float *zeros = calloc(1, weight->bytes);
    for (size_t i = 0; i < count; i++) {
        tensors[i] = *safetensors_at(file, i);
        if (strncmp(tensors[i].name, "head.", strlen("head.")) == 0)
            tensors[i].data = zeros;
    }
    for (size_t i = 0; i < safetensors_metadata_size(file); i++)
        if (strcmp(safetensors_metadata_at(file, i)->key, CONTENT_SUM_KEY) != 0)
            metadata[metadata_count++] = *safetensors_metadata_at(file, i);
    char *path = in(bench->whole_dir, "undecided.safetensors");
    struct error error = {0};
    if (!safetensors_write(path, tensors, count, metadata, metadata_count, &error))
        fail_msg("%s", error.message);
    free(zeros);
    safetensors_close(file);
    return path;
}

static void a_picture_of_which_neither_class_is_likelier_is_called_negative(void **state) {
    struct bench *bench = *state;
    const struct trainer_options options = {.backend = "cpu"};
    const struct trainer_events events = {0};
    struct evaluation_report report;
    struct error error = {0};
    char *path = undecided_checkpoint(bench);
    if (!examine_checkpoint(&bench->small.experiment, &options, path, "valid", &events, &report,
                            &error))
        fail_msg("%s", error.message);
    assert_true(report.scores[0].probability == 0.5);
    assert_int_equal(report.metrics.true_positive + report.metrics.false_positive, 0);
    assert_int_equal(metrics_count(&report.metrics), 4);
    evaluation_free(&report);
    free(path);
}

static void what_is_no_checkpoint_is_not_evaluated(void **state) {
    struct bench *bench = *state;
    const struct trainer_options options = {.backend = "cpu"};
    const struct trainer_events events = {0};
    struct evaluation_report report;
    struct error error = {0};
    assert_false(examine_checkpoint(&bench->small.experiment, &options,
                                    TEST_DATA "/safetensors/small.safetensors", "test", &events,
                                    &report, &error));
    assert_non_null(strstr(error.message, "is no checkpoint of assay"));
    assert_false(examine_checkpoint(&bench->small.experiment, &options, "x", "train", &events,
                                    &report, &error));
    assert_non_null(strstr(error.message, "split is valid or test"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_whose_best_checkpoint_is_gone_fails_and_may_be_tried_again),
        cmocka_unit_test(a_checkpoint_evaluated_again_gives_the_runs_own_numbers),
        cmocka_unit_test(what_a_gpu_trained_in_bf16_is_evaluated_on_any_machine),
        cmocka_unit_test(evaluation_in_batches_gives_the_sums_of_one_picture_at_a_time),
        cmocka_unit_test(each_pictures_score_is_kept_and_gives_the_counts),
        cmocka_unit_test(a_picture_of_which_neither_class_is_likelier_is_called_negative),
        cmocka_unit_test(what_is_no_checkpoint_is_not_evaluated),
    };
    return cmocka_run_group_tests(tests, bench_make_with_setback, bench_free);
}
