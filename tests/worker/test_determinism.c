/* An experiment gives the same bits again: crop, jitter, affine, flip and a dropout head, all of
 * which draw, whatever the number of loader threads and wherever it was stopped. */
#include "tests/worker/small_run.h"

/* The bench's experiment with every op that draws; it never runs under the bench's own config. */
static void everything_that_draws(const struct bench *bench, struct small *small) {
    static struct transform ops[] = {
        {.kind = TRANSFORM_RESIZE, .height = 40, .width = 40},
        {.kind = TRANSFORM_RANDOM_CROP, .height = SMALL_SIDE, .width = SMALL_SIDE},
        {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
        {.kind = TRANSFORM_COLOR_JITTER,
         .brightness = {0.8, 1.2},
         .contrast = {0.8, 1.2},
         .saturation = {0.9, 1.1},
         .hue = {-0.1, 0.1}},
        {.kind = TRANSFORM_RANDOM_AFFINE,
         .degrees = {-10, 10},
         .scale = {1, 2},
         .shear_x = {-15, 15}},
        {.kind = TRANSFORM_NORMALIZE, .mean = {0.5f, 0.5f, 0.5f}, .std = {0.2f, 0.2f, 0.2f}},
    };
    *small = bench->small;
    small->experiment.augmentations = (struct pipeline){ops, sizeof ops / sizeof ops[0]};
    small->experiment.config = cJSON_Parse("{\"name\":\"draws\"}");
}

static void expect_same_files(const char *dir, const char *other) {
    expect_same_checkpoint(dir, other, "checkpoint_last.safetensors");
    expect_same_checkpoint(dir, other, "checkpoint_best_loss.safetensors");
    expect_same_checkpoint(dir, other, "checkpoint_epoch_002.safetensors");
    expect_same_board(dir, other);
    char *log = read_text(dir, "train.log"), *expected = read_text(other, "train.log");
    assert_string_equal(log, expected);
    free(log);
    free(expected);
}

/* Runs until a fresh start would be in the next epoch, again and again. */
static void run_epoch_by_epoch(const struct small *small, int an_epoch, const char *dir) {
    struct listener listener = {.stop_after = an_epoch};
    struct error error = {0};
    enum trainer_outcome outcome = TRAINER_STOPPED;
    for (uint32_t epoch = 1; epoch <= small->experiment.train.epochs; epoch++) {
        outcome = small_run(small, dir, NULL, 2, &listener, &error);
        struct safetensors *last = open_in(dir, "checkpoint_last.safetensors");
        char number[16];
        snprintf(number, sizeof number, "%" PRIu32, epoch);
        assert_string_equal(safetensors_metadata(last, "epoch"), number);
        safetensors_close(last);
        assert_int_equal(outcome, TRAINER_STOPPED);
    }
    listener.stop_after = 0; /* what is left are the evaluations */
    run_to_the_end(small, dir, NULL, 2, &listener);
    listener_free(&listener);
}

static void the_same_experiment_gives_the_same_bits_again(void **state) {
    struct bench *bench = *state;
    struct small small;
    struct listener first = {0}, second = {0};
    char *one = folder(bench, "one"), *four = folder(bench, "four"), *cut = folder(bench, "cut");
    everything_that_draws(bench, &small);
    run_to_the_end(&small, one, NULL, 1, &first);
    run_to_the_end(&small, four, NULL, 4, &second);
    assert_string_equal(first.lines.data, second.lines.data);
    expect_same_files(four, one);
    run_epoch_by_epoch(&small, first.asked_first, cut);
    expect_same_files(cut, one);
    small_free(&small);
    listener_free(&first);
    listener_free(&second);
    folder_end(one);
    folder_end(four);
    folder_end(cut);
}

/* That the test above can fail: the draws are part of the bits. */
static void another_seed_gives_other_bits(void **state) {
    struct bench *bench = *state;
    struct small small;
    struct listener one = {0}, other = {0};
    char *dir = folder(bench, "seed"), *again = folder(bench, "other seed");
    everything_that_draws(bench, &small);
    run_to_the_end(&small, dir, NULL, 1, &one);
    small.experiment.train.seed++;
    run_to_the_end(&small, again, NULL, 1, &other);
    assert_string_not_equal(one.lines.data, other.lines.data);
    small_free(&small);
    listener_free(&one);
    listener_free(&other);
    folder_end(dir);
    folder_end(again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_experiment_gives_the_same_bits_again),
        cmocka_unit_test(another_seed_gives_other_bits),
    };
    return cmocka_run_group_tests(tests, bench_make, bench_free);
}
