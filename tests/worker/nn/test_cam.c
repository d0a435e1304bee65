/* Grad-CAM against PyTorch's autograd (tests/make_cam_data.py). Compiled for each backend: TESTED
 * names it. */
#include "tests/worker/nn/tested.h"

#include "worker/nn/cam.h"

enum { PICTURES = 2 };

struct fixture {
    struct network network;
    struct model *model;
    int height, width;
    struct shape shape; /* of the maps */
    float *maps, logits[PICTURES * NETWORK_CLASSES];
};

/* The pictures of tests/make_cam_data.py, through the network as far as the maps. */
static void look(struct fixture *f) {
    const int32_t labels[PICTURES] = {0, 1};
    const uint64_t samples[PICTURES] = {0};
    float losses[PICTURES];
    size_t floats = PICTURES * 3 * (size_t)(f->height * f->width);
    float *images = zeroed(floats * sizeof(float));
    struct error error = {0};
    drawn("images", floats, images);
    const struct batch batch = {.count = PICTURES,
                                .height = f->height,
                                .width = f->width,
                                .images = images,
                                .labels = labels,
                                .samples = samples};
    if (!TESTED.evaluate_maps(f->model, &batch, losses, f->logits, f->maps, &error))
        fail_msg("%s", error.message);
    free(images);
}

static struct fixture *fixture_new(const char *arch, enum head head, int height, int width) {
    struct fixture *f = zeroed(sizeof *f);
    struct shape shapes[512];
    struct error error = {0};
    const struct model_options options = {.deterministic = true};
    f->height = height;
    f->width = width;
    if (!network_build(arch, head, 0.5, &f->network, &error) ||
        !network_shapes(&f->network, height, width, shapes, &error) ||
        !TESTED.model_new(&f->network, &options, &f->model, &error))
        fail_msg("%s", error.message);
    f->shape = shapes[network_pooled(&f->network)];
    f->maps = zeroed(PICTURES * sizeof(float) * (size_t)f->shape.channels *
                     (size_t)(f->shape.height * f->shape.width));
    tested_fill(&f->network, f->model, 0);
    return f;
}

static void fixture_free(struct fixture *f) {
    TESTED.model_free(f->model);
    network_free(&f->network);
    free(f->maps);
    free(f);
}

static struct cam *cam_of(const struct fixture *f) {
    struct cam *cam;
    struct error error = {0};
    if (!cam_new(&f->network, &TESTED, f->model, &cam, &error))
        fail_msg("%s", error.message);
    return cam;
}

/* To 1e-4 of the map's largest value. */
static void assert_map(const char *name, const float *got, const float *expected, size_t count) {
    double largest = largest_of(expected, count);
    assert_true(largest > 0);
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)got[i] - (double)expected[i]) <= 1e-4 * largest))
            fail_msg("%s[%zu] is %.9g and should be %.9g of at most %.9g", name, i, (double)got[i],
                     (double)expected[i], largest);
}

static void check(const char *arch, enum head head, int height, int width) {
    struct safetensors *data = data_open("cam.safetensors");
    struct fixture *f = fixture_new(arch, head, height, width);
    struct cam *cam = cam_of(f);
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%dx%d", arch, head == HEAD_RELU ? "relu" : "dropout", height,
             width);
    size_t stored, pixels = (size_t)(f->shape.height * f->shape.width);
    float *expected = data_floats(data, name, "maps", &stored), *got = zeroed(pixels * sizeof *got);
    assert_int_equal(stored, PICTURES * NETWORK_CLASSES * pixels);
    look(f);
    for (size_t picture = 0; picture < PICTURES; picture++)
        for (int class = 0; class < NETWORK_CLASSES; class ++) {
            cam_make(cam, &f->shape, f->maps + picture * (size_t)f->shape.channels * pixels, class,
                     got);
            assert_map(name, got, expected + (picture * NETWORK_CLASSES + (size_t) class) * pixels,
                       pixels);
        }
    free(expected);
    free(got);
    cam_free(cam);
    fixture_free(f);
    safetensors_close(data);
}

static void maps_of_resnet18_are_pytorchs(void **state) {
    (void)state;
    check("resnet18", HEAD_RELU, 96, 64);
    check("resnet18", HEAD_RELU, 128, 160);
    check("resnet18", HEAD_DROPOUT, 96, 64);
    check("resnet18", HEAD_DROPOUT, 128, 160);
}

static void maps_of_resnet50_are_pytorchs(void **state) {
    (void)state;
    check("resnet50", HEAD_RELU, 96, 64);
    check("resnet50", HEAD_RELU, 128, 160);
    check("resnet50", HEAD_DROPOUT, 96, 64);
    check("resnet50", HEAD_DROPOUT, 128, 160);
}

static void a_map_grows_as_pytorch_interpolates(void **state) {
    (void)state;
    static const char *const names[] = {"resnet18.relu.96x64", "resnet50.relu.96x64"};
    struct safetensors *data = data_open("cam.safetensors");
    float *got = zeroed((size_t)96 * 64 * sizeof *got);
    for (size_t i = 0; i < 2; i++) {
        float *maps = data_floats(data, names[i], "maps", NULL);
        float *expected = data_floats(data, names[i], "enlarged", NULL);
        cam_enlarge(maps, 3, 2, got, 96, 64);
        assert_map(names[i], got, expected, (size_t)96 * 64);
        free(maps);
        free(expected);
    }
    free(got);
    safetensors_close(data);
}

static void a_map_of_one_value_grows_flat(void **state) {
    (void)state;
    const float from = 0.25F;
    float to[6];
    cam_enlarge(&from, 1, 1, to, 2, 3);
    for (size_t i = 0; i < 6; i++)
        assert_true(to[i] == from);
}

/* Asking for maps is an evaluation like any other. */
static void logits_come_with_the_maps(void **state) {
    (void)state;
    struct fixture *f = fixture_new("resnet18", HEAD_RELU, 64, 64);
    const int32_t labels[1] = {0};
    const uint64_t samples[1] = {0};
    float losses[1], logits[NETWORK_CLASSES];
    struct error error = {0};
    look(f);
    float *images = zeroed((size_t)3 * 64 * 64 * sizeof(float));
    drawn("images", (size_t)3 * 64 * 64, images);
    const struct batch first = {.count = 1,
                                .height = 64,
                                .width = 64,
                                .images = images,
                                .labels = labels,
                                .samples = samples};
    if (!TESTED.evaluate(f->model, &first, losses, logits, &error))
        fail_msg("%s", error.message);
    assert_close("logits", f->logits, logits, NETWORK_CLASSES, 1e-5);
    free(images);
    fixture_free(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_of_resnet18_are_pytorchs),
        cmocka_unit_test(maps_of_resnet50_are_pytorchs),
        cmocka_unit_test(a_map_grows_as_pytorch_interpolates),
        cmocka_unit_test(a_map_of_one_value_grows_flat),
        cmocka_unit_test(logits_come_with_the_maps),
    };
    return TESTED_RUN(tests);
}
