/* Batches of pictures with recipes, for backends that do the augmentations themselves. */
#include "tests/worker/faces.h"
#include "worker/batch_feed.h"

/* What a backend would make of a picture and its recipe. */
static void by_recipe(const struct picture *picture, const struct pipeline *pipeline, float *out) {
    const struct image borrowed = {(uint8_t *)picture->pixels, picture->recipe.width,
                                   picture->recipe.height};
    struct image image;
    assert_true(image_copy(&borrowed, &image, NULL));
    assert_true(recipe_apply(&picture->recipe, &image, NULL));
    pipeline_normalize(pipeline, &image, out);
    image_free(&image);
}

static void pictures_come_with_the_recipes_that_make_the_same_floats(void **state) {
    const struct faces *faces = *state;
    static const struct pipeline *const pipelines[] = {&training, &evaluation};
    const size_t caches[] = {1 << 24, 20000, 1}; /* for all pictures, for some, for none */
    float expected[FLOATS], made[FLOATS];
    for (size_t i = 0; i < 6; i++) {
        const struct loader_options options = {
            .root = faces->folder, .threads = 3, .cache_bytes = caches[i / 2], .pictures = true};
        struct loader *loader;
        const struct loader_pass pass = make_pass(faces, pipelines[i % 2]);
        const struct batch *batch;
        size_t seen = 0, lasting = 0;
        uint64_t number = 0;
        assert_true(loader_new(&options, &loader, NULL));
        for (int round = 0; round < 2; round++) {
            assert_true(loader_begin(loader, &pass, NULL));
            while (loader_next(loader, &batch, NULL) && batch != NULL) {
                assert_null(batch->images);
                assert_true(batch->number > number);
                number = batch->number;
                for (size_t j = 0; j < batch->count; j++) {
                    by_hand(faces, &pass, (size_t)batch->samples[j], expected);
                    by_recipe(&batch->pictures[j], pass.pipeline, made);
                    assert_memory_equal(made, expected, sizeof made);
                    lasting += batch->pictures[j].lasting;
                    seen++;
                }
            }
        }
        assert_int_equal(seen, 2 * PICTURES);
        assert_true(i / 2 == 0   ? lasting == seen
                    : i / 2 == 1 ? lasting > 0 && lasting < seen
                                 : lasting == 0);
        loader_free(loader);
    }
}

static void what_no_recipe_can_say_comes_as_floats(void **state) {
    const struct faces *faces = *state;
    struct transform ops[] = {training_ops[1], training_ops[0], training_ops[1], training_ops[4]};
    ops[0].height = ops[0].width = 28; /* a resize after a draw */
    const struct pipeline pipeline = {ops, 4};
    const struct loader_options options = {.root = faces->folder, .threads = 2, .pictures = true};
    struct loader *loader;
    const struct loader_pass passes[] = {make_pass(faces, &evaluation), make_pass(faces, &pipeline),
                                         make_pass(faces, &evaluation)};
    const struct batch *batch;
    assert_true(loader_new(&options, &loader, NULL));
    for (size_t i = 0; i < 3; i++) {
        assert_true(loader_begin(loader, &passes[i], NULL));
        for (size_t k = 0; loader_next(loader, &batch, NULL) && batch != NULL; k++)
            assert_true((i == 1) == (batch->images != NULL) &&
                        (i == 1) == (batch->pictures == NULL));
    }
    loader_free(loader);
}

static void a_broken_picture_fails_its_batch_here_too(void **state) {
    const struct faces *faces = *state;
    const struct loader_options options = {.root = faces->folder, .threads = 2, .pictures = true};
    const struct loader_pass pass = make_pass(faces, &training);
    struct loader *loader;
    const struct batch *batch;
    struct error error = {0};
    spoil(faces, 7);
    assert_true(loader_new(&options, &loader, NULL));
    assert_true(loader_begin(loader, &pass, NULL));
    assert_true(loader_next(loader, &batch, &error));
    assert_false(loader_next(loader, &batch, &error));
    assert_null(batch);
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "/07.png: not a PNG, JPEG or WebP file; "));
    loader_free(loader);
}

/* ---- batches sent ahead ---- */

static const struct batch *ahead; /* what was sent last */
static size_t sent;
static bool away; /* the device */

static bool prefetch(struct model *model, const struct batch *next, struct error *error) {
    (void)model;
    ahead = next;
    sent++;
    return !away || error_set(error, ERROR_FAILED, "it is away");
}

/* All batches of the pass, each but the first sent while the one before it was worked on, if any
 * are. Returns how many batches. */
static size_t feed_pass(struct batch_feed *feed, const struct loader_pass *pass, bool sends) {
    const struct batch *batch;
    size_t batches = 0, pictures = 0;
    ahead = NULL;
    sent = 0;
    assert_true(batch_feed_begin(feed, pass, NULL));
    for (const struct batch *expected = NULL;; expected = ahead) {
        assert_true(batch_feed_next(feed, &batch, NULL));
        if (batch == NULL)
            break;
        if (sends && batches > 0)
            assert_ptr_equal(batch, expected);
        pictures += batch->count;
        batches++;
    }
    assert_int_equal(pictures, PICTURES);
    assert_int_equal(sent, sends ? batches - 1 : 0);
    return batches;
}

static void batches_of_pictures_are_sent_while_the_ones_before_are_worked_on(void **state) {
    const struct faces *faces = *state;
    struct transform ops[] = {training_ops[1], training_ops[0], training_ops[1], training_ops[4]};
    ops[0].height = ops[0].width = 28; /* a resize after a draw: floats, which are not sent */
    const struct pipeline floats = {ops, 4};
    const struct loader_options options = {.root = faces->folder, .threads = 2, .pictures = true};
    const struct backend plain = {0}, sending = {.prefetch = prefetch};
    const struct loader_pass pass = make_pass(faces, &training), other = make_pass(faces, &floats);
    struct error error = {0};
    struct batch_feed feed = {0};
    const struct batch *batch;
    assert_true(loader_new(&options, &feed.loader, NULL));
    feed.backend = &plain;
    const size_t batches = feed_pass(&feed, &pass, false);
    assert_true(batches > 2);
    feed.backend = &sending;
    assert_int_equal(feed_pass(&feed, &pass, true), batches);
    assert_int_equal(feed_pass(&feed, &other, false), batches);
    away = true;
    assert_true(batch_feed_begin(&feed, &pass, &error));
    assert_false(batch_feed_next(&feed, &batch, &error));
    away = false;
    assert_string_equal(error.message, "it is away");
    loader_free(feed.loader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FACES(pictures_come_with_the_recipes_that_make_the_same_floats),
        WITH_FACES(a_broken_picture_fails_its_batch_here_too),
        WITH_FACES(what_no_recipe_can_say_comes_as_floats),
        WITH_FACES(batches_of_pictures_are_sent_while_the_ones_before_are_worked_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
