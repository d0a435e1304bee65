/* Batches made of pictures and recipes by the engine hold the very floats that the CPU makes, and
 * the pictures travel as rarely as they can. The host stands in for a GPU. */
#include "tests/sample_picture.h"
#include "tests/worker/nn/cuda/host_device.h"
#include "tests/worker/nn/cuda/small_model.h"

#include "worker/nn/cuda/gpu_pictures.h"

static struct transform ops[] = {
    {.kind = TRANSFORM_RANDOM_CROP, .height = SMALL_SIDE, .width = SMALL_SIDE},
    {.kind = TRANSFORM_RANDOM_HORIZONTAL_FLIP, .probability = 0.5},
    {.kind = TRANSFORM_COLOR_JITTER,
     .brightness = {0.8, 1.2},
     .contrast = {0.5, 1.5},
     .saturation = {0.5, 1.5},
     .hue = {-0.1, 0.1}},
    {.kind = TRANSFORM_RANDOM_AFFINE, .degrees = {-10, 10}, .scale = {1, 2}, .shear_x = {-15, 15}},
    {.kind = TRANSFORM_COLOR_JITTER,
     .brightness = {1, 1},
     .contrast = {0.5, 1.5},
     .saturation = {1, 1}},
    {.kind = TRANSFORM_NORMALIZE,
     .mean = {0.485F, 0.456F, 0.406F},
     .std = {0.229F, 0.224F, 0.225F}},
};
static const struct pipeline pipeline = {ops, sizeof ops / sizeof ops[0]};

/* A batch of pictures with their recipes, and the floats that they make on the CPU. */
struct pictured {
    struct image sources[SMALL_COUNT];
    struct picture pictures[SMALL_COUNT];
    float *floats;
    struct batch batch;
};

static struct pictured *pictured_new(uint64_t number, bool lasting) {
    struct pictured *p = zeroed(sizeof *p);
    size_t floats = (size_t)3 * SMALL_SIDE * SMALL_SIDE;
    p->floats = zeroed(SMALL_COUNT * floats * sizeof(float));
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        struct random_stream stream;
        struct image image;
        p->sources[i] = sample_picture(47 + (int)i, 51);
        p->pictures[i].pixels = p->sources[i].pixels;
        p->pictures[i].lasting = lasting;
        recipe_begin(&p->pictures[i].recipe, p->sources[i].width, p->sources[i].height);
        random_open(&stream, 1, RANDOM_AUGMENT, (uint32_t)number, i);
        assert_true(pipeline_draw(&pipeline, 0, &stream, &p->pictures[i].recipe, NULL));
        assert_true(image_copy(&p->sources[i], &image, NULL));
        assert_true(recipe_apply(&p->pictures[i].recipe, &image, NULL));
        pipeline_normalize(&pipeline, &image, p->floats + i * floats);
        image_free(&image);
    }
    p->batch = (struct batch){.count = SMALL_COUNT,
                              .height = SMALL_SIDE,
                              .width = SMALL_SIDE,
                              .labels = small_labels,
                              .samples = small_samples,
                              .pictures = p->pictures,
                              .normalize = &ops[pipeline.count - 1],
                              .number = number};
    return p;
}

static void pictured_free(struct pictured *p) {
    for (size_t i = 0; i < SMALL_COUNT; i++)
        image_free(&p->sources[i]);
    free(p->floats);
    free(p);
}

/* The batch as the engine makes it, NHWC, beside the CPU's planes. */
static void assert_made(struct gpu_pictures *pictures, const struct pictured *p) {
    struct error error = {0};
    size_t pixels = (size_t)SMALL_SIDE * SMALL_SIDE;
    float *made = zeroed(SMALL_COUNT * pixels * 3 * sizeof(float));
    if (!gpu_pictures_make(pictures, &p->batch, ELEMENT_F32, made, &error) ||
        !pictures->device->finish(pictures->device, &error))
        fail_msg("%s", error.message);
    for (size_t i = 0; i < SMALL_COUNT; i++)
        for (size_t pixel = 0; pixel < pixels; pixel++)
            for (size_t channel = 0; channel < 3; channel++)
                if (made[(i * pixels + pixel) * 3 + channel] !=
                    p->floats[(3 * i + channel) * pixels + pixel])
                    fail_msg("picture %zu, pixel %zu, channel %zu", i, pixel, channel);
    free(made);
}

static void pictures_become_the_floats_that_the_cpu_makes(void **state) {
    (void)state;
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    gpu_pictures_init(device, &pictures);
    for (uint64_t number = 1; number <= 6; number++) {
        struct pictured *p = pictured_new(number, false);
        assert_made(&pictures, p);
        pictured_free(p);
    }
    gpu_pictures_free(&pictures);
    assert_int_equal(host_device_counts.bytes, 0);
    device->free(device);
}

static void a_picture_with_nothing_to_be_done_is_normalised(void **state) {
    (void)state;
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    gpu_pictures_init(device, &pictures);
    struct pictured *p = pictured_new(1, true);
    for (size_t i = 0; i < SMALL_COUNT; i++) {
        image_free(&p->sources[i]);
        p->sources[i] = sample_picture(SMALL_SIDE, SMALL_SIDE);
        p->pictures[i].pixels = p->sources[i].pixels;
        recipe_begin(&p->pictures[i].recipe, SMALL_SIDE, SMALL_SIDE);
        pipeline_normalize(&pipeline, &p->sources[i],
                           p->floats + i * 3 * (size_t)SMALL_SIDE * SMALL_SIDE);
    }
    assert_made(&pictures, p);
    gpu_pictures_free(&pictures);
    pictured_free(p);
    device->free(device);
}

static void a_picture_that_lasts_is_sent_once(void **state) {
    (void)state;
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    gpu_pictures_init(device, &pictures);
    struct pictured *p = pictured_new(1, true);
    assert_made(&pictures, p);
    size_t first = host_device_counts.uploaded_bytes,
           tasks = SMALL_COUNT * sizeof(struct picture_task);
    assert_true(first > tasks + SMALL_COUNT * 3 * 47 * 51);
    p->batch.number = 2;
    assert_made(&pictures, p);
    assert_int_equal(host_device_counts.uploaded_bytes, first + tasks);
    gpu_pictures_free(&pictures);
    pictured_free(p);
    device->free(device);
}

static void check_no_room(size_t room) {
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    host_device_room = room;
    gpu_pictures_init(device, &pictures);
    struct pictured *p = pictured_new(1, true);
    assert_made(&pictures, p);
    size_t first = host_device_counts.uploaded_bytes;
    p->batch.number = 2;
    assert_made(&pictures, p);
    assert_int_equal(host_device_counts.uploaded_bytes, 2 * first);
    host_device_room = SIZE_MAX;
    gpu_pictures_free(&pictures);
    pictured_free(p);
    device->free(device);
}

static void pictures_for_which_there_is_no_room_come_each_time(void **state) {
    (void)state;
    check_no_room((size_t)1 << 30);                /* below what is left to others */
    check_no_room(((size_t)2 << 30) + (32 << 20)); /* they would take of that */
}

/* Two do not fit into what is taken of the device's memory at a time. */
static void large_pictures_are_kept_apart(void **state) {
    (void)state;
    enum { LARGE = 3, SIDE = 3500 };
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    uint8_t *pixels[LARGE];
    struct picture large[LARGE] = {0};
    const struct batch batch = {.count = LARGE, .pictures = large, .number = 1};
    size_t bytes = (size_t)3 * SIDE * SIDE;
    gpu_pictures_init(device, &pictures);
    for (int i = 0; i < LARGE; i++) {
        pixels[i] = zeroed(bytes);
        pixels[i][0] = pixels[i][bytes - 1] = (uint8_t)(i + 1);
        large[i].pixels = pixels[i];
        large[i].lasting = true;
        recipe_begin(&large[i].recipe, SIDE, SIDE);
    }
    assert_true(gpu_pictures_send(&pictures, &batch, NULL) && device->finish(device, NULL));
    assert_int_equal(pictures.slab_count, LARGE);
    for (int i = 0; i < LARGE; i++) {
        const uint8_t *there = pictures.slabs[i];
        assert_int_equal(there[0], i + 1);
        assert_int_equal(there[bytes - 1], i + 1);
        free(pixels[i]);
    }
    gpu_pictures_free(&pictures);
    device->free(device);
}

/* Hundreds of pictures: the table grows, and all are found again. */
static void many_pictures_are_kept_apart(void **state) {
    (void)state;
    enum { MANY = 300 };
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    struct pictured *all[MANY];
    gpu_pictures_init(device, &pictures);
    for (size_t i = 0; i < MANY; i++) {
        all[i] = pictured_new(i + 1, true);
        for (size_t j = 0; j < SMALL_COUNT; j++) /* no two are alike */
            all[i]->sources[j].pixels[0] = (uint8_t)(i * 7 + j);
    }
    for (size_t i = 0; i < MANY; i++)
        assert_true(gpu_pictures_send(&pictures, &all[i]->batch, NULL) &&
                    device->finish(device, NULL));
    size_t sent = host_device_counts.uploaded_bytes;
    for (size_t i = 0; i < MANY; i++)
        assert_true(gpu_pictures_send(&pictures, &all[i]->batch, NULL) &&
                    device->finish(device, NULL));
    assert_int_equal(host_device_counts.uploaded_bytes,
                     sent + MANY * SMALL_COUNT * sizeof(struct picture_task));
    assert_true(device->join(device, NULL));
    for (size_t i = 0; i < pictures.kept_places; i++)
        if (pictures.kept[i].pixels != NULL)
            assert_memory_equal(pictures.kept[i].device_pixels, pictures.kept[i].pixels,
                                3 * 47 * 51);
    assert_int_equal(pictures.kept_count, MANY * SMALL_COUNT);
    gpu_pictures_free(&pictures);
    for (size_t i = 0; i < MANY; i++)
        pictured_free(all[i]);
    device->free(device);
}

/* A pass as the session makes it: each batch is sent while the one before is at work. */
static void batches_sent_ahead_train_like_floats(void **state) {
    (void)state;
    const struct optimizer sgd = {.name = OPTIMIZER_SGD, .lr = 1e-2};
    const struct model_options options = {.deterministic = true, .seed = 3};
    for (int lasting = 0; lasting < 2; lasting++) {
        struct small_model *one = small_new(&backend_host, &options, HEAD_RELU, NULL);
        struct small_model *two = small_new(&backend_host, &options, HEAD_RELU, NULL);
        struct pictured *p[5];
        for (uint64_t i = 0; i < 5; i++)
            p[i] = pictured_new(i + 1, lasting == 1);
        for (uint64_t i = 0; i < 5; i++) {
            if (i + 1 < 5)
                assert_true(backend_host.prefetch(one->model, &p[i + 1]->batch, NULL));
            one->batch = p[i]->batch;
            small_train(one, &sgd, i + 1);
            two->batch.images = p[i]->floats;
            two->batch.epoch = 0;
            small_train(two, &sgd, i + 1);
            assert_memory_equal(one->logits, two->logits, sizeof one->logits);
        }
        assert_true(small_distance(one, two, MODEL_VALUE) == 0);
        small_free(one);
        small_free(two);
        for (int i = 0; i < 5; i++)
            pictured_free(p[i]);
    }
}

/* The same with as many batches queued as may be, where nothing that is under way is overwritten.
 */
static void batches_queued_ahead_train_like_floats(void **state) {
    (void)state;
    enum { BATCHES = 7 };
    const struct optimizer sgd = {.name = OPTIMIZER_SGD, .lr = 1e-2};
    const struct model_options options = {.deterministic = true, .seed = 3};
    struct small_model *two = small_new(&backend_host, &options, HEAD_RELU, NULL);
    struct pictured *p[BATCHES];
    float logits[BATCHES][2 * SMALL_COUNT];
    for (uint64_t i = 0; i < BATCHES; i++) {
        p[i] = pictured_new(i + 1, i % 2 == 1);
        two->batch.images = p[i]->floats;
        two->batch.epoch = 0;
        small_train(two, &sgd, i + 1);
        memcpy(logits[i], two->logits, sizeof logits[i]);
    }
    struct small_model *one = small_new(&backend_host, &options, HEAD_RELU, NULL);
    for (size_t i = 0, taken = 0; taken < BATCHES; taken++) {
        for (; i < BATCHES && i - taken < BACKEND_AHEAD; i++) {
            const struct update update = {sgd, i + 1};
            if (i + 1 < BATCHES)
                assert_true(backend_host.prefetch(one->model, &p[i + 1]->batch, NULL));
            assert_true(backend_host.queue(one->model, &p[i]->batch, &update, NULL));
        }
        assert_true(backend_host.take(one->model, one->losses, one->logits, NULL));
        assert_memory_equal(one->logits, logits[taken], sizeof logits[taken]);
    }
    assert_true(small_distance(one, two, MODEL_VALUE) == 0);
    small_free(one);
    small_free(two);
    for (int i = 0; i < BATCHES; i++)
        pictured_free(p[i]);
}

/* As many as may be are queued, the first of them alone is known to be over, and the next but one
 * is brought: as in a pass, each before the one ahead of it is made, but for the first. */
static void a_batch_that_may_be_at_work_keeps_its_recipes(void **state) {
    (void)state;
    struct error error = {0};
    struct device *device = host_device_new();
    struct gpu_pictures pictures;
    struct pictured *p = pictured_new(1, true);
    float *made = zeroed((size_t)SMALL_COUNT * 3 * SMALL_SIDE * SMALL_SIDE * sizeof(float));
    gpu_pictures_init(device, &pictures);
    for (uint64_t i = 0; i <= BACKEND_AHEAD; i++) {
        struct batch next = p->batch, batch = p->batch;
        next.number = i + 2;
        batch.number = i + 1;
        if (i == BACKEND_AHEAD)
            assert_true(device->wait(device, MARK_RESULTS, &error));
        assert_true(gpu_pictures_send(&pictures, &next, &error) &&
                    gpu_pictures_make(&pictures, &batch, ELEMENT_F32, made, &error));
        if (i == 0)
            assert_true(device->mark(device, MARK_RESULTS, &error));
    }
    gpu_pictures_free(&pictures);
    pictured_free(p);
    free(made);
    device->free(device);
}

/* A larger batch needs the memory that pictures took, even its own that are on their way. */
static void pictures_make_way_for_a_batch(void **state) {
    (void)state;
    const struct model_options options = {.deterministic = true};
    struct small_model *small = small_new(&backend_host, &options, HEAD_RELU, NULL);
    struct pictured *p = pictured_new(1, true);
    float logits[2 * SMALL_COUNT];
    p->batch.count = 2;
    small->batch = p->batch;
    small_evaluate(small);
    size_t held = host_device_counts.bytes;
    p->batch.count = SMALL_COUNT;
    p->batch.number = 2;
    small->batch = p->batch;
    assert_true(backend_host.prefetch(small->model, &small->batch, NULL));
    host_device_room = held + (256 << 10);
    small_evaluate(small);
    assert_true(host_device_counts.bytes < held);
    host_device_room = SIZE_MAX;
    memcpy(logits, small->logits, sizeof logits);
    small->batch.number = 3;
    small_evaluate(small);
    assert_memory_equal(small->logits, logits, sizeof logits);
    small_free(small);
    pictured_free(p);
}

/* More than are kept, while none of their batches is known to be over. */
static void a_plan_that_is_at_work_is_waited_for_before_it_makes_room(void **state) {
    (void)state;
    struct error error = {0};
    const struct update update = {{.name = OPTIMIZER_SGD, .lr = 1e-2}, 1};
    const struct model_options options = {.deterministic = true};
    struct small_model *small = small_new(&backend_host, &options, HEAD_RELU, NULL);
    struct pictured *p = pictured_new(1, true);
    for (size_t count = SMALL_COUNT; count > 0; count--) {
        p->batch.count = count;
        p->batch.number = 10 - count;
        assert_true(backend_host.queue(small->model, &p->batch, NULL, &error));
    }
    p->batch.count = SMALL_COUNT;
    p->batch.number = 10;
    assert_true(backend_host.queue(small->model, &p->batch, &update, &error));
    small_free(small);
    pictured_free(p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_become_the_floats_that_the_cpu_makes),
        cmocka_unit_test(a_picture_with_nothing_to_be_done_is_normalised),
        cmocka_unit_test(a_picture_that_lasts_is_sent_once),
        cmocka_unit_test(pictures_for_which_there_is_no_room_come_each_time),
        cmocka_unit_test(many_pictures_are_kept_apart),
        cmocka_unit_test(large_pictures_are_kept_apart),
        cmocka_unit_test(batches_sent_ahead_train_like_floats),
        cmocka_unit_test(batches_queued_ahead_train_like_floats),
        cmocka_unit_test(a_batch_that_may_be_at_work_keeps_its_recipes),
        cmocka_unit_test(pictures_make_way_for_a_batch),
        cmocka_unit_test(a_plan_that_is_at_work_is_waited_for_before_it_makes_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
