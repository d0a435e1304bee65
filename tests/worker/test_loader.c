/* Batches of floats: in order, and of the same bits whatever the threads and the cache. */
#include "tests/worker/faces.h"

#include <unistd.h>

static struct loader *make_loader(const struct faces *faces, int threads) {
    struct loader *loader = NULL;
    const struct loader_options options = {
        .root = faces->folder, .threads = threads, .cache_bytes = 1 << 24};
    assert_true(loader_new(&options, &loader, NULL));
    return loader;
}

/* Reads the pass to its end and hashes everything that came. */
static uint64_t hash_pass(struct loader *loader, const struct loader_pass *pass) {
    struct error error;
    const struct batch *batch;
    uint64_t hash = 0;
    size_t count = 0;
    assert_true(loader_begin(loader, pass, &error));
    for (;;) {
        if (!loader_next(loader, &batch, &error))
            fail_msg("%s", error.message);
        if (batch == NULL)
            break;
        count += batch->count;
        hash = hash * 31 + bytes_hash(batch->images, batch->count * FLOATS * sizeof(float));
        hash = hash * 31 + bytes_hash(batch->labels, batch->count * sizeof(int32_t));
        hash = hash * 31 + bytes_hash(batch->samples, batch->count * sizeof(uint64_t));
    }
    assert_int_equal(count, pass->list->count);
    return hash;
}

static void batches_come_in_order_and_hold_what_the_pipeline_makes(void **state) {
    const struct faces *faces = *state;
    static const struct pipeline *const pipelines[] = {&training, &evaluation};
    struct loader *loader = make_loader(faces, 3);
    size_t order[PICTURES];
    float expected[FLOATS];
    for (size_t i = 0; i < PICTURES; i++)
        order[i] = i * 7 % PICTURES;
    for (int round = 0; round < 4; round++) { /* the later rounds come from the cache */
        struct loader_pass pass = make_pass(faces, pipelines[round % 2]);
        const struct batch *batch;
        pass.order = order;
        assert_true(loader_begin(loader, &pass, NULL));
        for (size_t place = 0; place < PICTURES;) {
            assert_true(loader_next(loader, &batch, NULL));
            assert_non_null(batch);
            assert_int_equal(batch->count, PICTURES - place < 5 ? PICTURES - place : 5);
            assert_int_equal(batch->height, SIDE);
            assert_int_equal(batch->width, SIDE);
            assert_int_equal(batch->epoch, 2);
            for (size_t i = 0; i < batch->count; i++, place++) {
                by_hand(faces, &pass, order[place], expected);
                assert_int_equal(batch->samples[i], order[place]);
                assert_int_equal(batch->labels[i], faces->items[order[place]].label);
                assert_memory_equal(batch->images + i * FLOATS, expected, sizeof expected);
            }
        }
        for (int i = 0; i < 3; i++) {
            assert_true(loader_next(loader, &batch, NULL));
            assert_null(batch);
        }
    }
    loader_free(loader);
}

static void batches_do_not_depend_on_the_number_of_threads(void **state) {
    const struct faces *faces = *state;
    struct loader_pass pass = make_pass(faces, &training);
    uint64_t expected = 0;
    for (int threads = 1; threads <= 8; threads++) {
        struct loader *loader = make_loader(faces, threads);
        uint64_t cold = hash_pass(loader, &pass), warm = hash_pass(loader, &pass);
        if (threads == 1)
            expected = cold;
        assert_true(cold == expected);
        assert_true(warm == expected);
        loader_free(loader);
    }
}

static void seed_and_epoch_change_what_is_drawn(void **state) {
    const struct faces *faces = *state;
    struct loader *loader = make_loader(faces, 2);
    struct loader_pass pass = make_pass(faces, &training);
    uint64_t first = hash_pass(loader, &pass);
    pass.epoch = 3;
    uint64_t second = hash_pass(loader, &pass);
    pass.seed = 12;
    assert_true(first != second);
    assert_true(hash_pass(loader, &pass) != second);
    loader_free(loader);
}

/* Their first ops differ and the second is the same. */
static void pipelines_that_share_a_cache_get_each_its_own_pictures(void **state) {
    const struct faces *faces = *state;
    struct transform ops[] = {evaluation_ops[0], evaluation_ops[1], evaluation_ops[2]};
    ops[0].height = 40;
    const struct pipeline larger = {ops, 3};
    const struct loader_pass pass = make_pass(faces, &evaluation),
                             other = make_pass(faces, &larger);
    struct loader *loader = make_loader(faces, 2), *alone = make_loader(faces, 2);
    uint64_t hash = hash_pass(loader, &pass), others = hash_pass(loader, &other);
    assert_true(others != hash);
    assert_true(others == hash_pass(alone, &other));
    assert_true(hash == hash_pass(loader, &pass));
    loader_free(alone);
    loader_free(loader);
}

static void the_second_epoch_reads_no_file(void **state) {
    const struct faces *faces = *state;
    struct loader *loader = make_loader(faces, 2);
    struct loader_pass pass = make_pass(faces, &training);
    struct loader_statistics statistics;
    uint64_t first = hash_pass(loader, &pass);
    for (int i = 0; i < PICTURES; i++)
        spoil(faces, i);
    assert_true(hash_pass(loader, &pass) == first);
    loader_statistics(loader, &statistics);
    assert_int_equal(statistics.decoded, PICTURES);
    assert_int_equal(statistics.from_cache, PICTURES);
    assert_in_range(statistics.cache_bytes, PICTURES * 3 * 30 * 30, 1 << 24);
    loader_free(loader);
}

static void a_full_cache_changes_speed_alone(void **state) {
    const struct faces *faces = *state;
    const struct loader_options options = {.root = faces->folder, .cache_bytes = 10000};
    struct loader *loader, *large = make_loader(faces, 2);
    struct loader_pass pass = make_pass(faces, &training);
    struct loader_statistics statistics;
    assert_true(loader_new(&options, &loader, NULL));
    uint64_t expected = hash_pass(large, &pass);
    for (int round = 0; round < 3; round++)
        assert_true(hash_pass(loader, &pass) == expected);
    loader_statistics(loader, &statistics);
    assert_in_range(statistics.cache_bytes, 2700, 10000);
    assert_in_range(statistics.from_cache, 2, 2 * PICTURES - 2);
    assert_int_equal(statistics.decoded + statistics.from_cache, 3 * PICTURES);
    loader_free(loader);
    loader_free(large);
}

static void a_broken_picture_fails_its_batch_with_its_name(void **state) {
    const struct faces *faces = *state;
    spoil(faces, 12);
    spoil(faces, 14);
    for (int threads = 1; threads <= 4; threads++) {
        struct loader *loader = make_loader(faces, threads);
        struct loader_pass pass = make_pass(faces, &training);
        struct error error = {0};
        const struct batch *batch;
        assert_true(loader_begin(loader, &pass, NULL));
        for (int i = 0; i < 2; i++) {
            assert_true(loader_next(loader, &batch, &error));
            assert_int_equal(batch->samples[0], 5 * i);
        }
        for (int again = 0; again < 2; again++) {
            assert_false(loader_next(loader, &batch, &error));
            assert_null(batch);
            assert_int_equal(error.code, ERROR_INPUT);
            assert_non_null(strstr(error.message, "/12.png: not a PNG, JPEG or WebP file; "));
        }
        struct split_list beginning = {.items = faces->list.items, .count = 12};
        pass.list = &beginning;
        hash_pass(loader, &pass); /* the loader itself is whole */
        loader_free(loader);
    }
}

static void a_picture_too_small_for_its_crop_is_named(void **state) {
    const struct faces *faces = *state;
    struct loader *loader = make_loader(faces, 2);
    struct transform ops[] = {{.kind = TRANSFORM_RANDOM_CROP, .height = 36, .width = 31},
                              {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline large = {ops, 2};
    struct loader_pass pass = make_pass(faces, &large);
    const struct batch *batch;
    struct error error = {0};
    assert_true(loader_begin(loader, &pass, NULL));
    assert_false(loader_next(loader, &batch, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_non_null(strstr(error.message, "/00.png: random_crop of 31 x 36 is larger"));
    loader_free(loader);
}

static void the_threads_run_only_so_far_ahead(void **state) {
    const struct faces *faces = *state;
    const struct loader_options options = {.root = faces->folder, .threads = 2, .batches_ahead = 2};
    struct loader *loader;
    struct loader_pass pass = make_pass(faces, &training);
    struct loader_statistics statistics;
    const struct batch *batch;
    pass.batch_size = 2;
    assert_true(loader_new(&options, &loader, NULL));
    assert_true(loader_begin(loader, &pass, NULL));
    assert_true(loader_next(loader, &batch, NULL));
    uint64_t held = bytes_hash(batch->images, batch->count * FLOATS * sizeof(float));
    do {
        usleep(1000);
        loader_statistics(loader, &statistics);
    } while (statistics.decoded < 8);
    usleep(50000);
    loader_statistics(loader, &statistics);
    assert_int_equal(statistics.decoded, 8); /* two that may be held and two ahead */
    const struct batch *second;
    assert_true(loader_next(loader, &second, NULL)); /* takes the place of none yet */
    usleep(50000);
    assert_true(bytes_hash(batch->images, batch->count * FLOATS * sizeof(float)) == held);
    loader_free(loader);
}

static void a_pass_can_be_left_at_any_point(void **state) {
    const struct faces *faces = *state;
    struct loader_pass train = make_pass(faces, &training), valid = make_pass(faces, &evaluation);
    struct loader *fresh = make_loader(faces, 1);
    uint64_t expected = hash_pass(fresh, &valid);
    loader_free(fresh);
    for (int taken = 0; taken < 6; taken++) {
        struct loader *loader = make_loader(faces, 3);
        const struct batch *batch;
        for (int i = 0; i < 3; i++) {
            assert_true(loader_begin(loader, &train, NULL));
            for (int k = 0; k < taken; k++)
                assert_true(loader_next(loader, &batch, NULL));
        }
        assert_true(hash_pass(loader, &valid) == expected);
        assert_true(loader_begin(loader, &train, NULL));
        loader_free(loader); /* in the middle of it */
    }
}

static void a_pass_without_pictures_or_without_a_size_is_refused(void **state) {
    const struct faces *faces = *state;
    struct loader *loader = make_loader(faces, 1);
    struct loader_pass pass = make_pass(faces, &training);
    const struct split_list none = {0};
    struct error error;
    const struct batch *batch;
    assert_true(loader_next(loader, &batch, NULL)); /* before the first pass */
    assert_null(batch);
    pass.list = &none;
    assert_false(loader_begin(loader, &pass, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    struct transform ops[] = {{.kind = TRANSFORM_RESIZE, .height = 30},
                              {.kind = TRANSFORM_NORMALIZE, .std = {1, 1, 1}}};
    const struct pipeline loose = {ops, 2};
    pass = make_pass(faces, &loose);
    assert_false(loader_begin(loader, &pass, &error));
    assert_int_equal(error.code, ERROR_INPUT);
    assert_true(loader_next(loader, &batch, NULL));
    assert_null(batch);
    loader_free(loader);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_FACES(batches_come_in_order_and_hold_what_the_pipeline_makes),
        WITH_FACES(batches_do_not_depend_on_the_number_of_threads),
        WITH_FACES(seed_and_epoch_change_what_is_drawn),
        WITH_FACES(pipelines_that_share_a_cache_get_each_its_own_pictures),
        WITH_FACES(the_second_epoch_reads_no_file),
        WITH_FACES(a_full_cache_changes_speed_alone),
        WITH_FACES(a_broken_picture_fails_its_batch_with_its_name),
        WITH_FACES(a_picture_too_small_for_its_crop_is_named),
        WITH_FACES(the_threads_run_only_so_far_ahead),
        WITH_FACES(a_pass_can_be_left_at_any_point),
        WITH_FACES(a_pass_without_pictures_or_without_a_size_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
